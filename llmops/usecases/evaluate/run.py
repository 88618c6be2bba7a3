"""eval: retrieve → render → answer → score → evidence.

Rules, in order:

1. A case goes through all its steps by itself: while one is judged, another is still being answered. How many requests
   are in flight is the model door's business. Here a few cases are open for each request that may be in flight: enough
   to keep the door busy, few enough that cases finish one after the other and memory does not grow with the evalset.
2. A case that cannot be rendered, or that its model refuses, is named in the end; the others go on, and what they cost
   is kept. A model that cannot be asked at all ends the run at once. In both cases the same command continues where
   this one stopped: an infrastructure fault is never a score.
3. A judge whose reply cannot be used leaves that score missing, with the reason.
4. Neither cases nor rows are held where there are many: cases are met in order, rows go where `rows` puts them.
5. A run may be split: `measure` does the work on some of the cases, `conclude` says what all of it means. Which
   metrics are measured is decided on all cases, before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops.documents import bars, rendering
from llmops.documents.evalsets import Case
from llmops.documents.spending import Ledger
from llmops.documents.targets import Question
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation import pooling, summary
from llmops.evaluation.evidence import EvidenceRow
from llmops.retrieval.passages import Passage
from llmops.usecases.evaluate import unfinished
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.evaluate.measuring import Asked, Measuring, given_passages, request_of
from llmops.usecases.evaluate.rows import Gathered
from llmops.usecases.results.evaluating import Evaluated

OPEN_A_REQUEST = 4  # cases open for each request that may be in flight
FEWEST_OPEN, MOST_OPEN = 16, 256
WARMED = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What came of some cases: `rows` in order, `failed` cases with why, which were `answered` (a flag a case, in their
    order), what `stopped` the work, what it took."""

    rows: Sequence[EvidenceRow]
    failed: Mapping[str, InputRefused | CannotAsk]
    answered: bytes
    stopped: CannotAsk | None
    calls: int
    ledger: Ledger


async def run(bench: Bench) -> Evaluated:
    """Score one behaviour on its evalset. Raises: CannotAsk where a model cannot be asked, or where cases are left over
    (INCOMPLETE, naming each)."""
    return conclude(bench, await measure(bench))


async def measure(bench: Bench) -> Part:
    """Answer and score every case."""
    working = _Run(bench)
    await working.warm()
    await working.go()
    return working.part()


def conclude(bench: Bench, found: Part) -> Evaluated:
    """What was measured. Raises: CannotAsk where it is not all."""
    subject, panel = bench.subject, bench.scorers.panel
    if found.stopped is not None:
        ids = [case.id for case in subject.evalset.cases]
        answered = {case for case, is_answered in zip(ids, found.answered, strict=True) if is_answered}
        raise unfinished.stopped(found.stopped, ids, answered) from found.stopped
    if found.failed:
        raise unfinished.incomplete(found.failed, len(subject.evalset.cases))
    asked, infos = bars.parse(subject.release.bars), bench.infos
    named = {threshold.metric for threshold in asked.thresholds}
    return Evaluated(
        prompt=subject.release.name,
        version=subject.release.version,
        behaviour=subject.release.behaviour_digest,
        evalset=subject.evalset.name,
        judge=panel.judge.label,
        index="" if bench.is_given else subject.index,
        is_frozen=subject.is_frozen,
        model_calls=found.calls,
        summary=summary.summarise(pooling.pool([found.rows]), subject.evalset, panel.catalogue),
        rows=found.rows,
        judge_identity=panel.judge,
        scorers=bench.versions,
        generator=generator_of(bench),
        ledger=found.ledger,
        min_coverage=asked.min_coverage,
        barred=tuple(info.name for info in infos if info.name in named and not info.is_operational),
    )


def generator_of(bench: Bench) -> Mapping[str, Any]:
    """What names who answered; a target other than the prompt's own model by its name as well."""
    name, identity = bench.target_name, bench.target.identity
    return identity if name == bars.PROMPT else {"target": name, **identity}


@dataclass(slots=True)
class _Tally:
    """How far the run is."""

    rows: Gathered
    answered: bytearray
    failed: dict[str, InputRefused | CannotAsk] = field(default_factory=dict)
    stopped: CannotAsk | None = None
    done: int = 0


class _Run:
    """One run on its bench."""

    def __init__(self, bench: Bench) -> None:
        subject = bench.subject
        self._bench = bench
        self._measuring = Measuring(bench)
        self._is_given = bench.is_given
        self._repeats = 1 if self._is_given else bars.parse(subject.release.bars).repeats
        retrieval = None if self._is_given else subject.release.behaviour.get("retrieval")
        self._retriever = bench.build_retriever(retrieval, subject.passages, bench.door) if retrieval else None
        self._tally = _Tally(rows=Gathered(bench.open_spool), answered=bytearray(len(subject.evalset.cases)))
        self._spent_before = bench.door.ledger.nano_usd

    async def warm(self) -> None:
        """Load what is slow to load. The encoder by what is known beforehand: loaded before the generator, it leaves a
        peak about 100 MB lower."""
        if self._measuring.asks_the_judge:
            self._bench.scorers.prepare()
        if not self._measuring.needs_vectors:
            return
        cases = self._bench.subject.evalset.cases[:WARMED]
        texts = dict.fromkeys(text for case in cases for text in (case.question, case.ground_truth))
        await self._bench.door.embed([text for text in texts if text.strip()])

    async def go(self) -> None:
        """Answer and score every case, until a model cannot be asked."""
        room = asyncio.Semaphore(self._open_at_once())
        try:
            async with asyncio.TaskGroup() as group:
                for at, case in enumerate(self._bench.subject.evalset.cases):
                    await room.acquire()
                    group.create_task(self._case(at, case)).add_done_callback(lambda _: room.release())
        except* CannotAsk as errors:
            self._tally.stopped = _first(errors)

    def _open_at_once(self) -> int:
        models = {self._bench.subject.release.model, self._bench.scorers.model} - {""}
        widest = max((self._bench.door.at_once(model) for model in models), default=MOST_OPEN)
        return max(FEWEST_OPEN, min(MOST_OPEN, OPEN_A_REQUEST * widest))

    def part(self) -> Part:
        """What came of it."""
        tally, door = self._tally, self._bench.door
        return Part(
            rows=tally.rows.in_order(self._bench.subject.evalset.order),
            failed=tally.failed,
            answered=bytes(tally.answered),
            stopped=tally.stopped,
            calls=door.calls,
            ledger=door.ledger,
        )

    async def _case(self, at: int, case: Case) -> None:
        passages = await self._passages(case)
        if self._repeats == 1:
            await self._repeat(at, case, 0, passages)
            return
        async with asyncio.TaskGroup() as group:
            for repeat in range(self._repeats):
                group.create_task(self._repeat(at, case, repeat, passages))

    async def _passages(self, case: Case) -> tuple[Passage, ...]:
        if self._retriever is not None:
            return await self._retriever.retrieve(case.question)
        return given_passages(case)

    async def _repeat(self, at: int, case: Case, repeat: int, passages: tuple[Passage, ...]) -> None:
        bench, tally = self._bench, self._tally
        question = self._question(case, repeat, passages)
        if question is None:
            return
        asked = Asked(case=case, question=question, passages=passages)
        try:
            answered = await bench.target.answer(question)
        except InputRefused as error:
            tally.failed.setdefault(case.id, error)
            return
        tally.answered[at] = 1
        tally.rows.add(at, await self._measuring.row(asked, answered))
        tally.done += 1
        total = len(bench.subject.evalset.cases) * self._repeats
        bench.progress.step(tally.done, total, spent_nano_usd=bench.door.ledger.nano_usd - self._spent_before)

    def _question(self, case: Case, repeat: int, passages: tuple[Passage, ...]) -> Question | None:
        """The question, None (and noted) where the behaviour's templates or variables do not allow it."""
        release = self._bench.subject.release
        messages: tuple[Mapping[str, Any], ...] = ()
        if not self._is_given:
            try:
                messages = rendering.render_messages(
                    release.behaviour, case.question, passages, case.variables, turns=case.messages
                )
            except CannotAsk as error:
                self._tally.failed.setdefault(case.id, error)
                return None
        return Question(
            case=case.id,
            repeat=repeat,
            text=case.question,
            prompt=release.name,
            version=release.version,
            behaviour=release.behaviour_digest,
            request=request_of(release.behaviour, messages, repeat),
            turns=case.messages,
            variables=case.variables,
            contexts=tuple(passage.text for passage in passages),
        )


def _first(errors: BaseExceptionGroup[CannotAsk]) -> CannotAsk:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if not isinstance(found, CannotAsk):
        raise found
    return found
