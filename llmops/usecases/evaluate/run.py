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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops.documents import bars, canonical, rendering
from llmops.documents.chat import ChatRequest
from llmops.documents.evalsets import Case
from llmops.documents.scanning import fitting
from llmops.documents.spending import Ledger
from llmops.documents.targets import Answered, Question
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation import pooling, summary
from llmops.evaluation.evidence import EvidenceRow, Score, Tokens, measured, missing
from llmops.evaluation.metrics import EMBEDDED, Catalogue, MetricInfo, Need, fits_labels, labels_of
from llmops.evaluation.scoring import cases as scoring
from llmops.evaluation.scoring import lexical
from llmops.evaluation.scoring.cases import Observation
from llmops.retrieval import metrics as retrieval_metrics
from llmops.retrieval.passages import Passage
from llmops.usecases.evaluate import unfinished
from llmops.usecases.evaluate.answering import GivenAnswers
from llmops.usecases.evaluate.rows import Gathered, OpenSpool
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor, Progress, Retriever, SchemaChecker, Target
from llmops.usecases.results import Evaluated

OPEN_A_REQUEST = 4  # cases open for each request that may be in flight
FEWEST_OPEN, MOST_OPEN = 16, 256
WARMED = 256
BuildRetriever = Callable[[Mapping[str, Any], Sequence[Passage], ModelDoor], Retriever]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything one run works with. `asked` are metrics wanted beside those that the bars name; `metrics`, where they
    are given, are exactly those that are measured. `open_spool` is where many rows are kept beside memory."""

    subject: Subject
    door: ModelDoor
    target: Target
    scorers: Scorers
    build_retriever: BuildRetriever
    progress: Progress
    asked: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    open_spool: OpenSpool | None = None
    target_name: str = bars.PROMPT

    @property
    def infos(self) -> tuple[MetricInfo, ...]:
        """What is measured."""
        catalogue = self.scorers.panel.catalogue
        names = self.metrics or metric_names(self.subject, catalogue, self.asked, costly=self.scorers.costly)
        return tuple(catalogue.metric(name) for name in names)

    @property
    def is_given(self) -> bool:
        """True where the evalset brings the answers."""
        return isinstance(self.target, GivenAnswers)


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
        scorers={info.name: panel.versions[info.name] for info in infos},
        generator=_generator(bench),
        ledger=found.ledger,
        min_coverage=asked.min_coverage,
        barred=tuple(info.name for info in infos if info.name in named and not info.is_operational),
    )


def _generator(bench: Bench) -> Mapping[str, Any]:
    """What names who answered; a target other than the prompt's own model by its name as well."""
    name, identity = bench.target_name, bench.target.identity
    return identity if name == bars.PROMPT else {"target": name, **identity}


def metric_names(
    subject: Subject,
    catalogue: Catalogue = EMBEDDED,
    asked: Sequence[str] = (),
    *,
    costly: frozenset[Need] = frozenset(),
) -> tuple[str, ...]:
    """What is measured: all that has a meaning for this behaviour's shape and these labels, and what the bars name.

    So a bar added later on a figure that was always measured needs no new evaluation. Metrics that need what is
    `costly` are measured where a bar or `asked` names them.
    """
    named = {threshold.metric for threshold in bars.parse(subject.release.bars).thresholds} | set(asked)
    free = [info for info in catalogue.infos.values() if not costly & info.needs]
    labels = {labels_of(case) for case in subject.evalset.cases}
    has_contexts = any(case.contexts for case in subject.evalset.cases)
    fitting = {info.name for info in free if _fits(info, subject, labels, has_contexts=has_contexts)}
    return catalogue.wanted(sorted(named | fitting), subject.evalset)


def _fits(info: MetricInfo, subject: Subject, labels: Iterable[frozenset[Need]], *, has_contexts: bool) -> bool:
    behaviour = subject.release.behaviour
    if Need.CONTEXTS in info.needs and not (behaviour.get("retrieval") or has_contexts):
        return False
    if Need.OUTPUT_SCHEMA in info.needs and not behaviour.get("output_schema"):
        return False
    # Word for word against a ground truth says something about structured output only.
    if info.name == "exact_match" and not behaviour.get("output_schema"):
        return False
    return any(fits_labels(info, one) for one in labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One question of one case, with what was put before it."""

    case: Case
    question: Question
    passages: tuple[Passage, ...]


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
        self._infos = bench.infos
        own = {info.name for info in bench.scorers.judge.metrics}
        self._judged = tuple(info for info in self._infos if info.name in own)
        self._needs_vectors = scoring.needs_vectors(self._infos)
        self._is_given = bench.is_given
        self._repeats = 1 if self._is_given else bars.parse(subject.release.bars).repeats
        retrieval = None if self._is_given else subject.release.behaviour.get("retrieval")
        self._retriever = bench.build_retriever(retrieval, subject.passages, bench.door) if retrieval else None
        self._checker = self._slow_schema_checker()
        self._background = lexical.Background.of(passage.text for passage in subject.passages)
        self._tally = _Tally(rows=Gathered(bench.open_spool), answered=bytearray(len(subject.evalset.cases)))
        self._spent_before = bench.door.ledger.nano_usd

    def _slow_schema_checker(self) -> SchemaChecker | None:
        """Who checks answers against the output schema, where that may take long; None: a rule, as it comes."""
        schema = self._bench.subject.release.behaviour.get("output_schema")
        is_measured = any(info.name == "json_valid" for info in self._infos)
        return self._bench.scorers.checker if is_measured and schema and fitting.needs_deadline(schema) else None

    async def warm(self) -> None:
        """Load what is slow to load. The encoder by what is known beforehand: loaded before the generator, it leaves a
        peak about 100 MB lower."""
        if self._judged:
            self._bench.scorers.prepare()
        if not self._needs_vectors:
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
        asked = _Asked(case=case, question=question, passages=passages)
        try:
            answered = await bench.target.answer(question)
        except InputRefused as error:
            tally.failed.setdefault(case.id, error)
            return
        tally.answered[at] = 1
        tally.rows.add(at, await self._row(asked, answered))
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

    async def _row(self, asked: _Asked, answered: Answered) -> EvidenceRow:
        case, subject = asked.case, self._bench.subject
        retrieved = _retrieved(asked, answered)
        seen = await self._observation(asked, answered)
        scores = scoring.score(seen, self._infos, given=await self._given(seen, retrieved))
        return EvidenceRow(
            case=case.id,
            group=case.group,
            slices=subject.evalset.slices_of(case),
            must_pass=case.must_pass,
            repeat=asked.question.repeat,
            input_digest=_input_digest(asked, answered),
            request_digest=answered.request_digest,
            answer=answered.text,
            retrieved=retrieved,
            scores=scores,
            tokens=Tokens(input=answered.input_tokens, output=answered.output_tokens),
            nano_usd=answered.nano_usd,
            latency_ms=answered.latency_ms,
            tool_calls=answered.tool_calls,
            ttft_ms=answered.ttft_ms,
            finish_reason="" if answered.finish_reason == "stop" else answered.finish_reason,
            unknown=answered.unknown,
        )

    async def _observation(self, asked: _Asked, answered: Answered) -> Observation:
        case, behaviour = asked.case, self._bench.subject.release.behaviour
        contexts = asked.question.contexts if answered.contexts is None else answered.contexts
        vectors = await self._vectors(case, answered.text) if self._needs_vectors else {}
        return Observation(
            case=case,
            answer=answered.text,
            contexts=contexts,
            has_retrieval=bool(self._retriever or contexts or case.contexts),
            system="" if self._is_given else instructions(behaviour, case),
            output_schema=behaviour.get("output_schema"),
            tool_calls=answered.tool_calls,
            finish_reason=answered.finish_reason,
            latency_ms=answered.latency_ms if answered.is_timed else None,
            nano_usd=answered.nano_usd if answered.is_priced else None,
            answer_vector=vectors.get(answered.text),
            question_vector=vectors.get(case.question),
            truth_vector=vectors.get(case.ground_truth),
            background=self._background,
            finders=self._bench.scorers.finders,
        )

    async def _vectors(self, case: Case, answer: str) -> Mapping[str, Any]:
        unique = [text for text in dict.fromkeys((answer, case.question, case.ground_truth)) if text.strip()]
        embedded = await self._bench.door.embed(unique) if unique else ()
        return dict(zip(unique, embedded, strict=True))

    async def _given(self, seen: Observation, retrieved: tuple[str, ...]) -> dict[str, Score]:
        """The scores that no rule gives: by labels of passages, by the judge, by metrics of one's own."""
        judged = [info.name for info in self._judged if scoring.is_open(info, seen) is None]
        bench = self._bench
        scores = self._retrieval_scores(seen.case, retrieved)
        scores.update(await bench.scorers.judge.score(seen, judged) if judged else {})
        if self._checker is not None and seen.output_schema:
            scores["json_valid"] = await self._checker.json_valid(seen.answer, seen.output_schema)
        own = [metric for metric in bench.scorers.own if scoring.is_open(metric.info, seen) is None]
        found = await asyncio.gather(*(metric.score(seen) for metric in own))
        scores.update({metric.info.name: score for metric, score in zip(own, found, strict=True)})
        return scores

    def _retrieval_scores(self, case: Case, retrieved: tuple[str, ...]) -> dict[str, Score]:
        retrieval = self._bench.subject.release.behaviour.get("retrieval")
        if self._is_given or not retrieval or not case.relevant:
            return {}
        k = retrieval["retrieval"]["top_k"]
        return {
            score.metric: measured(score.value, score.reason) if score.value is not None else missing(score.reason)
            for score in retrieval_metrics.score(retrieved, case.relevant, k=k)
        }


def _retrieved(asked: _Asked, answered: Answered) -> tuple[str, ...]:
    """Ids of what was put before the model; an application that retrieves by itself names its own."""
    if answered.contexts is None:
        return tuple(passage.id for passage in asked.passages)
    given = answered.context_ids or tuple(f"{asked.case.id}#{at}" for at in range(1, len(answered.contexts) + 1))
    return given[: len(answered.contexts)]


def _input_digest(asked: _Asked, answered: Answered) -> str:
    messages = [dict(message) for message in asked.question.request.messages]
    return canonical.digest(messages) if messages else answered.request_digest


def given_passages(case: Case) -> tuple[Passage, ...]:
    """The contexts that a case brings, as passages."""
    return tuple(Passage(id=f"{case.id}#{at}", text=text) for at, text in enumerate(case.contexts, 1))


def request_of(behaviour: Mapping[str, Any], messages: tuple[Mapping[str, Any], ...], repeat: int) -> ChatRequest:
    """What the behaviour's own model is sent."""
    return ChatRequest(
        model=behaviour["model"],
        messages=messages,
        parameters=behaviour["parameters"],
        response_schema=behaviour.get("output_schema"),
        tools=tuple(behaviour.get("tools") or ()),
        repeat=repeat,
    )


def _first(errors: BaseExceptionGroup[CannotAsk]) -> CannotAsk:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if not isinstance(found, CannotAsk):
        raise found
    return found


def instructions(behaviour: Mapping[str, Any], case: Case) -> str:
    """The prompt's own words, without question and passages: what an answer must not give away. As they are written,
    where they cannot be rendered without (`{{ contexts[0].text }}`)."""
    try:
        messages = rendering.render_messages({**behaviour, "few_shots": []}, "", (), case.variables)
    except CannotAsk:
        messages = behaviour["messages"]
    return "\n".join(message["content"] for message in messages).strip()
