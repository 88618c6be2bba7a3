"""compare: every arm of an experiment through one door, then one table.

Rules, in order:

1. Arms run one after the other, in the order of the file; within an arm as much is asked at once as the door lets. One
   door for all: a request that two arms make alike is asked once, and an index is built once a retrieval.
2. An arm that cannot be assembled or asked is named with its reason, and the others go on. Where no arm is left there
   is nothing to show: that is an error.
3. Money is compared only where the price is known: a model without one has no cost, not the cost 0.
4. Recorded is a whole experiment or none, and nothing of working files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from llmops.documents.experiments import WORKING
from llmops.errors import CannotAsk
from llmops.evaluation import comparison, pooling
from llmops.evaluation.comparison import Comparison
from llmops.evaluation.metrics import Catalogue
from llmops.usecases.evaluate import run
from llmops.usecases.evaluate.answering import PromptTarget
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.evaluate.evaluating import Tools
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.experiments import planning, recording
from llmops.usecases.experiments.arms import Arm, Assembled, failure
from llmops.usecases.experiments.recording import Ran
from llmops.usecases.ports import ModelDoor, Progress
from llmops.usecases.records.ledgers import Desk
from llmops.usecases.results.experiments import Compared, ComparedArm, Failure, Planned


def compare(tools: Tools, assembled: Assembled, desk: Desk | None = None) -> Compared:
    """Run the experiment; with a desk, record it.

    Raises: CannotAsk NO_ARM where none could be measured, METRIC_UNKNOWN, MAX_COST; USAGE where working files would be
    recorded; Refusal UNKNOWN_KEY.
    """
    if desk:
        if WORKING in assembled.experiment.versions:
            hint = "`llmops lock` them and name the version, or leave --record out"
            what = "working files are never evidence"
            raise CannotAsk("USAGE", what, where=assembled.experiment.path, hint=hint)
        desk.read().person(desk.signing)
    ran, compared = asyncio.run(_compare(tools, assembled))
    return recording.record(desk, assembled, ran, compared) if desk and not compared.failed else compared


def plan(tools: Tools, assembled: Assembled) -> Planned:
    """What the experiment would ask and cost; asks nothing."""
    return asyncio.run(_plan(tools, assembled))


async def _plan(tools: Tools, assembled: Assembled) -> Planned:
    async with tools.open_door(tools.max_nano_usd) as door:
        scorers = tools.scorers_for(door, assembled.judge)
        try:
            return await _planned(tools, assembled, door, scorers)
        finally:
            await scorers.close()


async def _planned(tools: Tools, assembled: Assembled, door: ModelDoor, scorers: Scorers) -> Planned:
    shared = planning.SharedDoor(door)
    benches = {
        arm.spec.label: _bench(tools, assembled, arm.subject, shared, scorers) for arm in assembled.arms if arm.subject
    }
    return await planning.plan(assembled, benches)


async def _compare(tools: Tools, assembled: Assembled) -> tuple[tuple[Ran, ...], Compared]:
    async with tools.open_door(tools.max_nano_usd) as door:
        scorers = tools.scorers_for(door, assembled.judge)
        try:
            catalogue = scorers.panel.catalogue
            for name in (*assembled.show, *assembled.objectives):
                catalogue.metric(name, where=assembled.experiment.path)
            if tools.max_nano_usd is not None:
                _require_enough(await _planned(tools, assembled, door, scorers), tools)
            ran = await _run_all(tools, assembled, door, scorers)
        finally:
            await scorers.close()
        return ran, _compared(assembled, ran, door, scorers)


def _require_enough(found: Planned, tools: Tools) -> None:
    """Say the estimate; refuse before anything is asked where even the least costs more than may be spent."""
    cap = tools.max_nano_usd or 0
    low, high = found.nano_usd.low / 1e9, found.nano_usd.high / 1e9
    tools.say(
        f"{found.experiment}: {found.requests.low} to {found.requests.high} requests, ${low:.4f} to ${high:.4f} "
        f"expected; at most ${cap / 1e9:.4f}"
    )
    if found.nano_usd.low > cap:
        what = f"the least that this can cost is ${low:.4f}, --max-cost is ${cap / 1e9:.4f}"
        raise CannotAsk("MAX_COST", what, hint="raise --max-cost, or take fewer arms or repeats; nothing was asked")


async def _run_all(tools: Tools, assembled: Assembled, door: ModelDoor, scorers: Scorers) -> tuple[Ran, ...]:
    steps = len(assembled.evalset.cases) * assembled.repeats
    found = []
    for at, arm in enumerate(assembled.arms):
        progress = _Part(tools.progress, before=at * steps, total=len(assembled.arms) * steps, door=door)
        found.append(
            await _run(arm, _bench(tools, assembled, arm.subject, door, scorers, progress) if arm.subject else None)
        )
    return tuple(found)


async def _run(arm: Arm, bench: Bench | None) -> Ran:
    if bench is None:
        return Ran(arm=arm, failure=arm.failure)
    before = bench.door.calls
    try:
        evaluated = await run.run(bench)
    except CannotAsk as error:
        return Ran(arm=arm, failure=failure(error), calls=bench.door.calls - before)
    return Ran(arm=arm, evaluated=evaluated, calls=bench.door.calls - before)


@dataclass(slots=True)
class _Part:
    """The progress of one arm as a part of the whole."""

    whole: Progress
    before: int
    total: int
    door: ModelDoor

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:  # noqa: ARG002 - the port's names
        self.whole.step(self.before + done, self.total, spent_nano_usd=self.door.ledger.nano_usd)


def _bench(
    tools: Tools,
    assembled: Assembled,
    subject: Subject,
    door: ModelDoor,
    scorers: Scorers,
    progress: Progress | None = None,
) -> Bench:
    infos = scorers.panel.catalogue.infos
    wanted = dict.fromkeys((*assembled.show, *assembled.objectives))
    return Bench(
        subject=subject,
        door=door,
        target=PromptTarget(door, subject.release.model),
        scorers=scorers,
        build_retriever=tools.build_retriever,
        progress=progress or tools.progress,
        asked=tuple(name for name in wanted if name in infos and not infos[name].is_operational),
    )


def _compared(assembled: Assembled, ran: Sequence[Ran], door: ModelDoor, scorers: Scorers) -> Compared:
    if not any(each.evaluated for each in ran):
        raise CannotAsk(
            "NO_ARM",
            f"none of the {len(ran)} arms could be measured",
            where=assembled.experiment.path,
            hint="mend what is listed, then run the same command: answers that were given are kept",
            details=tuple(_line(each.arm.spec.label, each.failure) for each in ran if each.failure),
        )
    return Compared(
        experiment=assembled.experiment.name,
        prompt=assembled.experiment.prompt,
        evalset=assembled.evalset.name,
        cases=len(assembled.evalset.cases),
        repeats=assembled.repeats,
        judge=scorers.panel.judge.label,
        arms=tuple(_shown(each) for each in ran),
        comparison=_table(assembled, ran, door, scorers.panel.catalogue),
        ledger=door.ledger,
    )


def _line(label: str, found: Failure) -> str:
    where = f" ({found.where})" if found.where else ""
    more = f"; {'; '.join(found.details)}" if found.details else ""
    return f"{label}: {found.what}{where}  [{found.code}]{more}"


def _shown(ran: Ran) -> ComparedArm:
    spec, subject, evaluated = ran.arm.spec, ran.arm.subject, ran.evaluated
    return ComparedArm(
        label=spec.label,
        version=spec.version,
        model=subject.release.model if subject else spec.model,
        rag=spec.rag,
        behaviour=subject.release.behaviour_digest if subject else "",
        index=subject.index if subject else "",
        is_release=ran.arm.is_release,
        model_calls=ran.calls,
        is_measured=bool(evaluated and evaluated.is_measured),
        failure=ran.failure,
    )


def _table(assembled: Assembled, ran: Sequence[Ran], door: ModelDoor, catalogue: Catalogue) -> Comparison:
    question = comparison.Question(
        evalset=assembled.evalset,
        catalogue=catalogue,
        metrics=assembled.show,
        objectives=assembled.objectives,
        baseline=assembled.baseline,
        repeats=assembled.repeats,
    )
    arms = [
        comparison.Arm(
            label=each.arm.spec.label,
            pool=pooling.pool([each.evaluated.rows]),
            unknown=_unknown(door, each.arm.subject.release.model),
        )
        for each in ran
        if each.evaluated and each.arm.subject
    ]
    return comparison.compare(arms, question)


def _unknown(door: ModelDoor, model: str) -> dict[str, str]:
    if door.price(model, input_tokens=1, output_tokens=1) is not None:
        return {}
    return {"cost_usd": f"nobody knows the price of {model}: `prices` or `priced_as` in llmops.yaml says it"}
