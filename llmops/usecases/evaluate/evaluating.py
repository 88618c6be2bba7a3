"""The order of events around evaluations: `eval`, `gate --eval`, `gate --preview`.

A key that may not record is found out before the work, not after it. `gate --eval` measures what the decision lacks,
on both sides: the candidate, and what serves there, on the candidate's yardstick. Where the candidate brings another
evalset than what serves was locked with, both are measured on that one too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

from llmops.documents import bars
from llmops.documents.evalsets import Evalset
from llmops.documents.releases import Release
from llmops.errors import CannotAsk
from llmops.usecases.evaluate import estimating, gate, old_yardstick, recording, run, scorers, sharding, subjects
from llmops.usecases.evaluate.answering import ANSWERS, GivenAnswers, PromptTarget
from llmops.usecases.evaluate.bench import Bench, BuildRetriever, named_by
from llmops.usecases.evaluate.gate import Place
from llmops.usecases.evaluate.rows import OpenSpool
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.sharding import Done, OpenRunner
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor, Progress, Target
from llmops.usecases.records.ledgers import Desk
from llmops.usecases.results.evaluating import Estimate, Evaluated, Gated

CANDIDATE_LACKS = frozenset(
    {"NO_EVIDENCE", "NOT_MEASURED", "COVERAGE_TOO_LOW", "MUST_PASS_UNMEASURED"}
    | {"OPEN_SO_FAR", "NEEDS_ALL_CASES", "EARLY_PASS_DENIED"}  # a part was run
)
BASELINE_LACKS = frozenset({"BASELINE_MISSING"})
YARDSTICK_LACKS = frozenset({"YARDSTICK_UNMEASURED"})


@asynccontextmanager
async def own_model(door: ModelDoor, subject: Subject) -> AsyncIterator[Target]:
    """The target where nobody names another: the behaviour's own model."""
    yield PromptTarget(door, subject.release.model)


@asynccontextmanager
async def given_answers(_door: ModelDoor, subject: Subject) -> AsyncIterator[Target]:
    """The answers that the evalset brings. Raises: CannotAsk NO_ANSWERS."""
    yield GivenAnswers(subject.evalset)


def _silence(line: str) -> None:
    """Nobody listens."""


OpenTarget = Callable[[ModelDoor, Subject], AbstractAsyncContextManager[Target]]


def known_target(name: str) -> OpenTarget:
    """A target that needs no application. Raises: CannotAsk TARGET_UNKNOWN."""
    known = {bars.PROMPT: own_model, ANSWERS: given_answers}
    if name not in known:
        hint = "add it to `targets` of llmops.yaml"
        raise CannotAsk("TARGET_UNKNOWN", f"there is no target {name}; known: {', '.join(known)}", hint=hint)
    return known[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """How a run reaches models, indexes, judges and applications, and where it says how far it is.

    `open_door` takes the most that new answers may cost. `scorers_for` makes the scorers of a judge's name, `targets`
    opens a target of a name; `open_runner`, where it is given, processes that work on shards; `open_spool` a place for
    many rows beside memory. `asked` are metrics wanted beside those of the bars; `judge` and `target` stand in place
    of theirs. With a cap on money, an estimate is said before anything is asked; the door keeps the cap.
    """

    open_door: Callable[[int | None], AbstractAsyncContextManager[ModelDoor]]
    build_retriever: BuildRetriever
    progress: Progress
    scorers_for: Callable[[ModelDoor, str], Scorers] = scorers.embedded
    targets: Callable[[str], OpenTarget] = known_target
    target: str = ""
    asked: tuple[str, ...] = ()
    judge: str = ""
    max_nano_usd: int | None = None
    say: Callable[[str], None] = _silence
    open_spool: OpenSpool | None = None
    open_runner: OpenRunner | None = None


def evaluate(tools: Tools, subject: Subject, desk: Desk | None = None) -> Evaluated:
    """Score `subject`; with a desk, record it. Raises: CannotAsk, Refusal UNKNOWN_KEY."""
    if desk:
        desk.read().person(desk.signing)
    evaluated = asyncio.run(_score(tools, subject))
    return recording.record(desk, subject, evaluated) if desk else evaluated


async def _score(tools: Tools, subject: Subject) -> Evaluated:
    async with opened(tools, subject) as bench:
        if tools.max_nano_usd is not None:
            _require_enough(await estimating.estimate(bench), tools.max_nano_usd, tools.say)
        if tools.open_runner is None:
            return await run.run(bench)
        with tools.open_runner(bench) as runner:
            part = sharding.measure(bench, runner, tools.max_nano_usd)
        return run.conclude(bench, part)


async def work(tools: Tools, subject: Subject, metrics: tuple[str, ...]) -> Done:
    """A worker's part of an evaluation: `subject` has the cases of one shard, `metrics` were decided on all of them."""
    async with opened(tools, subject) as bench:
        return await sharding.work(replace(bench, metrics=metrics))


@asynccontextmanager
async def opened(tools: Tools, subject: Subject) -> AsyncIterator[Bench]:
    """What one run works with, closed behind it."""
    async with tools.open_door(tools.max_nano_usd) as door:
        found = tools.scorers_for(door, tools.judge or gate.judge_of(subject.release))
        try:
            async with tools.targets(target_name(tools, subject))(door, subject) as target:
                yield _bench(tools, subject, door, target, found)
        finally:
            await found.close()


def estimate(tools: Tools, subject: Subject) -> Estimate:
    """What an evaluation would ask and cost; asks nothing."""
    return asyncio.run(_estimate(tools, subject))


async def _estimate(tools: Tools, subject: Subject) -> Estimate:
    async with tools.open_door(tools.max_nano_usd) as door:
        found = tools.scorers_for(door, tools.judge or gate.judge_of(subject.release))
        async with tools.targets(target_name(tools, subject))(door, subject) as target:
            return await estimating.estimate(_bench(tools, subject, door, target, found))


def _require_enough(found: Estimate, cap: int, say: Callable[[str], None]) -> None:
    say(f"{found.sentence}; at most ${cap / 1e9:.4f}")
    if found.least > cap:
        raise CannotAsk(
            "MAX_COST",
            f"the least that this can cost is ${found.least / 1e9:.4f}, --max-cost is ${cap / 1e9:.4f}",
            hint="raise --max-cost, or take fewer cases, repeats or judged metrics; nothing was asked",
        )


def _bench(tools: Tools, subject: Subject, door: ModelDoor, target: Target, found: Scorers) -> Bench:
    return Bench(
        subject=subject,
        door=door,
        target=target,
        scorers=found,
        build_retriever=tools.build_retriever,
        progress=tools.progress,
        asked=tools.asked,
        open_spool=tools.open_spool,
        target_name=target_name(tools, subject),
    )


def _measuring_all(tools: Tools, gated: Gated) -> Tools:
    """The same tools, measuring what the effective bars name: those of the policy and of what serves count as well."""
    named = sorted(named_by(gated.decision.effective.thresholds))
    return replace(tools, asked=tuple(dict.fromkeys((*tools.asked, *named))))


def _less(tools: Tools, evaluated: Evaluated) -> Tools:
    """The same tools with what is left of the cap."""
    if tools.max_nano_usd is None:
        return tools
    return replace(tools, max_nano_usd=max(0, tools.max_nano_usd - evaluated.ledger.nano_usd))


def _by_yardstick_of(tools: Tools, subject: Subject) -> Tools:
    """The same tools, asking the candidate's judge and target whatever else is scored."""
    return replace(tools, judge=tools.judge or gate.judge_of(subject.release), target=target_name(tools, subject))


def target_name(tools: Tools, subject: Subject) -> str:
    """The target that the user names, else that of the bars: a name, never an address. A release file is data, and an
    address in it would choose which code runs here. Raises: CannotAsk TARGET_UNKNOWN."""
    named = bars.parse(subject.release.bars).target
    if not tools.target and ":" in named:
        what = f"the bars of {subject.release.name} {subject.release.version} name {named!r}, which is no target's name"
        raise CannotAsk("TARGET_UNKNOWN", what, hint="name one of `targets` of llmops.yaml, or give --target")
    return tools.target or named


def decide(desk: Desk, subject: Subject, environment: str, tools: Tools | None = None) -> Gated:
    """The gate's decision from recorded evidence; with `tools`, what it lacks is evaluated and recorded first."""
    gated = gate.decide(_place(desk, environment), subject.release, subject.evalset)
    if tools is None or not set(gated.decision.codes) & (CANDIDATE_LACKS | BASELINE_LACKS | YARDSTICK_LACKS):
        return gated
    tools = _by_yardstick_of(_measuring_all(tools, gated), subject)
    for codes, lacking in _lacking(desk, subject, environment):
        if codes & set(gated.decision.codes):
            tools = _less(tools, evaluate(tools, lacking, desk))
            gated = gate.decide(_place(desk, environment), subject.release, subject.evalset)
    return gated


def _lacking(desk: Desk, subject: Subject, environment: str) -> Iterator[tuple[frozenset[str], Subject]]:
    """What may have to be measured, each with the codes that say so: the candidate, and what serves on its cases; where
    what serves was locked with other cases, both on these too."""
    yield CANDIDATE_LACKS, subject
    serving = gate.serving_release(_place(desk, environment), subject.release.name)
    if serving is None:
        return
    yield BASELINE_LACKS, _paired(desk, serving, subject.evalset)
    old = old_yardstick.cases_for(desk.repository, desk.read(), subject.release, serving)
    if old is not None:
        yield CANDIDATE_LACKS | YARDSTICK_LACKS, _paired(desk, subject.release, old)
        yield BASELINE_LACKS, _paired(desk, serving, old)


def _paired(desk: Desk, release: Release, evalset: Evalset) -> Subject:
    return subjects.paired(desk.repository, desk.read().tree, release, evalset)


def _place(desk: Desk, environment: str) -> Place:
    return gate.place_of(desk, desk.read(), environment)


def preview(tools: Tools, subject: Subject, place: Place) -> Gated:
    """What the gate would say to working files, evaluated now; marked as no evidence."""
    return gate.preview(place, subject, evaluate(tools, subject))
