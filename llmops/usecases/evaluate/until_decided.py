"""eval --until-decided: measure case after case in the drawn order, and stop once the gate is certain.

Rules, in order:

1. The order and the bounds make stopping safe (`planning.order`, `gating.early.sequential`): the gate is asked after
   every batch, and may be asked as often as one likes. How large batches are has no part in that.
2. What is asked is the gate's own question, on what would be recorded beside what is: `llmops gate` says the same of
   the record.
3. It ends with a verdict, or where further cases would not help: nobody may decide by this judge, say, or what serves
   was not measured.
4. An infrastructure fault ends the run as ever; the same command continues from what is kept.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmops.documents import canonical
from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk
from llmops.evaluation import metrics, pooling
from llmops.evaluation.evidence import COST, EvidenceKey, EvidenceRow
from llmops.evaluation.gating import gate as deciding
from llmops.evaluation.gating.decisions import GateDecision, GateQuestion, Verdict
from llmops.evaluation.gating.early.sequential import NEEDS_ALL
from llmops.evaluation.planning import order as orders
from llmops.evaluation.planning.order import Order
from llmops.retrieval.passages import Passage
from llmops.usecases.evaluate import estimating, evaluating, gate, recording, run
from llmops.usecases.evaluate.bench import Bench, BuildRetriever, named_by
from llmops.usecases.evaluate.evaluating import Tools
from llmops.usecases.evaluate.gate import Place
from llmops.usecases.evaluate.recording import Found
from llmops.usecases.evaluate.run import Part
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor, Progress, Retriever
from llmops.usecases.records.ledgers import Desk
from llmops.usecases.results.evaluating import UntilDecided

FIRST, GROWTH = 16, 1.3
MORE_HELP = evaluating.CANDIDATE_LACKS | {"TOO_FEW_CASES"}


def evaluate(tools: Tools, subject: Subject, place: Place, desk: Desk | None = None) -> UntilDecided:
    """Score `subject` until the gate at `place` is certain; with a desk, record what was measured. Raises: CannotAsk,
    Refusal UNKNOWN_KEY."""
    _require_own_yardstick(tools, subject)
    if desk:
        desk.read().person(desk.signing)
    found = asyncio.run(_decided(tools, subject, place))
    if desk is None or found.evaluated is None:
        return found
    return replace(found, evaluated=recording.record(desk, subject, found.evaluated))


def _require_own_yardstick(tools: Tools, subject: Subject) -> None:
    judge = gate.judge_of(subject.release)
    if tools.judge not in ("", judge):
        what = f"--until-decided asks the gate, which decides by the judge of the bars, {judge}"
        raise CannotAsk("USAGE", what, hint="leave --judge out, or --until-decided")
    if tools.target not in ("", evaluating.target_name(replace(tools, target=""), subject)):
        what = "--until-decided asks the gate, which decides on answers of the target that the bars name"
        raise CannotAsk("USAGE", what, hint="leave --target out, or --until-decided")
    if tools.open_runner is not None:
        what = "--until-decided looks at the cases one batch after the other, --runner ray shares all of them out"
        raise CannotAsk("USAGE", what, hint="leave --runner out, or --until-decided")


async def _decided(tools: Tools, subject: Subject, place: Place) -> UntilDecided:
    asked = gate.question_on(place, subject.release, subject.evalset, None)
    if not asked.allows_early_pass:
        tools.say(f"{place.environment} takes no early yes: this stops early for a no only (docs/until-decided.md)")
    named = sorted(named_by(deciding.decide(asked).effective.thresholds))
    async with evaluating.opened(replace(tools, asked=(*tools.asked, *named)), subject) as bench:
        if tools.max_nano_usd is not None:
            found = await estimating.estimate(bench)
            tools.say(f"{found.sentence} for all cases; at most ${tools.max_nano_usd / 1e9:.4f}")
        known = tuple(info.name for info in bench.infos)
        fixed = replace(bench, metrics=known, build_retriever=_built_once(bench.build_retriever))
        return await _Run(tools, fixed, place).go()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Onward:
    """Progress of a batch as that of all cases."""

    progress: Progress
    before: int
    whole: int
    spent: int

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:  # noqa: ARG002 - all of them count
        """`done` of the batch's answers."""
        self.progress.step(self.before + done, self.whole, spent_nano_usd=self.spent + spent_nano_usd)


class _Run:
    """One run on its bench, batch after batch."""

    def __init__(self, tools: Tools, bench: Bench, place: Place) -> None:
        self._tools, self._bench, self._place = tools, bench, place
        self._subject = bench.subject
        self._cases = {case.id: case for case in self._subject.evalset.cases}
        self._order = orders.of(self._subject.evalset, self._subject.release.behaviour_digest)
        self._earlier = gate.evidence_of(place, self._subject.release) if self._subject.is_frozen else None
        self._question: GateQuestion | None = None
        self._forced: list[str] = []
        self._known = self._recorded()

    async def go(self) -> UntilDecided:
        """Measure until it is decided, or until every case was run. Raises: CannotAsk where a model cannot be asked."""
        before = self._before()
        if before is not None:
            return before
        cases: tuple[Case, ...] = ()
        part: Part | None = None
        for batch in batches(self._order):
            new = [self._cases[case] for case in batch if case not in self._known]
            if not new:
                continue
            cases = (*cases, *new)
            part = _joined(part, await self._measured(new, part))
            if part.stopped is not None or part.failed:
                break
            decision = self._decision(part.rows)
            is_last = len(cases) + len(self._known) >= len(self._cases)
            if is_last or _is_final(decision):
                return self._result(cases, part, decision)
        if part is not None:
            run.conclude(self._on(cases), part)  # says what could not be measured
        raise CannotAsk("NO_CASES", f"{self._subject.evalset.name} has no case", hint="add labelled cases")

    def _recorded(self) -> frozenset[str]:
        """The cases that running again would add nothing about: recorded by what is at hand, as often as is asked."""
        earlier, versions = self._earlier, self._bench.versions
        if earlier is None or replace(earlier.key, scorers="") != replace(self._key(), scorers=""):
            return frozenset()
        if any(earlier.scorers.get(name) != version for name, version in versions.items()):
            return frozenset()
        asked = {info.name for info in self._bench.infos if not info.is_operational}
        return frozenset(
            case
            for case, rows in earlier.pool.by_case().items()
            if case in self._cases and len(rows) >= self._repeats and all(asked <= row.scores.keys() for row in rows)
        )

    def _before(self) -> UntilDecided | None:
        """What recorded evidence decides already, or leaves open whatever is run; None where there is something to
        run."""
        if not self._known:
            return None
        decision = self._decision(())
        if len(self._known) < len(self._cases) and not _is_final(decision):
            return None
        return UntilDecided(
            evaluated=None,
            environment=self._place.environment,
            decision=decision,
            cases=0,
            of=len(self._cases),
            recorded=len(self._known),
            saved_requests=0,
            saved_nano_usd=0,
        )

    @property
    def _repeats(self) -> int:
        return 1 if self._bench.is_given else int(self._subject.release.bars["repeats"])

    def _result(self, cases: Sequence[Case], part: Part, decision: GateDecision) -> UntilDecided:
        # A bar is taken away once all that it counts is done.
        self._bench.progress.step(len(part.rows), len(part.rows), spent_nano_usd=part.ledger.nano_usd)
        requests, nano_usd = _taken(part.rows, asks=not self._bench.is_given)
        share = (len(self._cases) - len(self._known.union(case.id for case in cases))) / len(cases)
        return UntilDecided(
            evaluated=run.conclude(self._on(cases), part),
            environment=self._place.environment,
            decision=decision,
            cases=len(cases),
            of=len(self._cases),
            recorded=len(self._known),
            saved_requests=round(requests * share),
            saved_nano_usd=None if nano_usd is None else round(nano_usd * share),
            forced_by=tuple(self._forced),
        )

    async def _measured(self, cases: Sequence[Case], before: Part | None) -> Part:
        rows = len(before.rows) if before else 0
        progress = _Onward(
            progress=self._bench.progress,
            before=rows,
            whole=(len(self._cases) - len(self._known)) * self._repeats,
            spent=before.ledger.nano_usd if before else 0,
        )
        return await run.measure(replace(self._on(cases), progress=progress))

    def _on(self, cases: Sequence[Case]) -> Bench:
        """The bench with some of the cases."""
        evalset = replace(self._subject.evalset, cases=tuple(cases))
        return replace(self._bench, subject=replace(self._subject, evalset=evalset))

    def _decision(self, rows: Sequence[EvidenceRow]) -> GateDecision:
        """What the gate would say were `rows` recorded."""
        found = _beside(self._earlier, self._key(), self._bench.versions, rows)
        if self._question is None:
            self._question = gate.question_on(self._place, self._subject.release, self._subject.evalset, found)
        decision = deciding.decide(replace(self._question, candidate=found.pool))
        self._note(decision)
        return decision

    def _note(self, decision: GateDecision) -> None:
        """Say once which bars no part of the evalset can pass."""
        for reason in decision.reasons:
            name = f"{reason.metric}.{reason.rule}" + (f" in slice {reason.slice}" if reason.slice else "")
            if reason.code == NEEDS_ALL and name not in self._forced:
                self._forced.append(name)
                self._tools.say(f"{name} passes on all {len(self._cases)} cases only: {reason.message}")

    def _key(self) -> EvidenceKey:
        generator = {name: str(value) for name, value in run.generator_of(self._bench).items()}
        return EvidenceKey(
            behaviour=self._subject.release.behaviour_digest,
            evalset=self._subject.evalset.digest,
            judge=self._bench.scorers.panel.judge.digest,
            scorers=metrics.scorers_digest(self._bench.versions),
            generator=canonical.digest(generator),
            index=self._subject.index,
        )


def _is_final(decision: GateDecision) -> bool:
    """Whether no further case would change it."""
    return decision.verdict in (Verdict.PASS, Verdict.FAIL) or not MORE_HELP & set(decision.codes)


def batches(order: Order) -> Iterator[tuple[str, ...]]:
    """The ids of the cases to run next, whole units; the first batch holds all units that must pass."""
    ends, done = order.ends, 0
    wanted = max(FIRST, order.lead)
    while done < len(ends):
        upto = min(bisect_left(ends, wanted) + 1, len(ends))
        yield tuple(case for unit in order.units[done:upto] for case in unit)
        done, wanted = upto, max(math.ceil(ends[upto - 1] * GROWTH), ends[upto - 1] + 1)


def _joined(before: Part | None, now: Part) -> Part:
    """Both as one; what a door counts, it counts from its opening."""
    if before is None:
        return now
    rows = tuple(sorted((*before.rows, *now.rows), key=lambda row: row.identity))
    return replace(now, rows=rows, failed={**before.failed, **now.failed}, answered=before.answered + now.answered)


def _beside(earlier: Found | None, key: EvidenceKey, scorers: Mapping[str, str], rows: Sequence[EvidenceRow]) -> Found:
    """The evidence as it would be found were `rows` recorded now (rules of `recording`)."""
    if earlier is None:
        return Found(key=key, scorers=scorers, pool=pooling.pool([rows]), records=(), pooled=())
    known = earlier.pool
    if replace(earlier.key, scorers="") != replace(key, scorers=""):
        found = pooling.pool([rows], aside=(*known.repeated, *known.rows))
        return Found(key=key, scorers=scorers, pool=found, records=earlier.records, pooled=())
    newest = {**earlier.scorers, **scorers}
    old = {name for name, version in earlier.scorers.items() if newest[name] != version}
    pool = pooling.pool([_completed(known.rows, rows, old), rows], aside=known.repeated)
    return replace(earlier, key=key, scorers=newest, pool=pool)


def _completed(known: Sequence[EvidenceRow], rows: Sequence[EvidenceRow], old: set[str]) -> tuple[EvidenceRow, ...]:
    """Known rows without scores of older scorers, with those that only the new rows of the same measurement have."""
    new = {row.identity: row.scores for row in rows}
    return tuple(
        replace(row, scores={**new.get(row.identity, {}), **{k: v for k, v in row.scores.items() if k not in old}})
        for row in known
    )


def _taken(rows: Sequence[EvidenceRow], *, asks: bool) -> tuple[int, int | None]:
    """Requests and money that these rows took when they were paid for."""
    spent = [score.spent for row in rows for score in row.scores.values() if score.spent]
    requests = (len(rows) if asks else 0) + sum(item.calls for item in spent)
    if asks and any(COST in row.unknown for row in rows):
        return requests, None
    return requests, sum(row.nano_usd for row in rows) + sum(item.nano_usd for item in spent)


def _built_once(build: BuildRetriever) -> BuildRetriever:
    """The retriever of the first batch for all."""
    made: list[Retriever] = []

    def built(retrieval: Mapping[str, Any], passages: Sequence[Passage], door: ModelDoor) -> Retriever:
        if not made:
            made.append(build(retrieval, passages, door))
        return made[0]

    return built
