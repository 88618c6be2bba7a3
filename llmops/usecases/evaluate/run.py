"""eval: retrieve → render → generate → score → evidence.

Every message is rendered before the first one is sent, so that a variable nobody set costs nothing. All requests are
started at once: how many are in flight is the model door's business. An endpoint that fails ends the run; the door
keeps what was answered, and the same command continues there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops.documents import bars, canonical, rendering
from llmops.documents.chat import ChatReply, ChatRequest
from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk
from llmops.evaluation import metrics, pooling, summary
from llmops.evaluation.evidence import EvidenceRow, Score, Tokens, measured, missing
from llmops.evaluation.scoring import cases as scoring
from llmops.evaluation.scoring import lexical
from llmops.retrieval import metrics as retrieval_metrics
from llmops.retrieval.passages import Passage
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import ModelDoor, Progress, Retriever
from llmops.usecases.results import Evaluated

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING_NAMED = 8
BuildRetriever = Callable[[Mapping[str, Any], Sequence[Passage], ModelDoor], Retriever]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request of one case: what is asked, with which passages, as which messages."""

    case: Case
    repeat: int
    passages: tuple[Passage, ...]
    request: ChatRequest


async def run(subject: Subject, door: ModelDoor, build_retriever: BuildRetriever, progress: Progress) -> Evaluated:
    """Score one behaviour on its evalset. Raises: CannotAsk where a model, a template or a variable fails."""
    jobs = await _jobs(subject, door, build_retriever)
    await _warm(subject, jobs, door)
    replies = await _replies(jobs, door, progress)
    rows = await _score(subject, jobs, replies, door)
    pool = pooling.pool([rows])
    asked = bars.parse(subject.release.bars)
    named = {threshold.metric for threshold in asked.thresholds}
    return Evaluated(
        prompt=subject.release.name,
        version=subject.release.version,
        behaviour=subject.release.behaviour_digest,
        evalset=subject.evalset.name,
        judge=lexical.LABEL,
        index=subject.index,
        is_frozen=subject.is_frozen,
        model_calls=door.calls,
        summary=summary.summarise(pool, subject.evalset),
        rows=rows,
        min_coverage=asked.min_coverage,
        barred=tuple(name for name, info in metrics.METRICS.items() if name in named and not info.is_operational),
    )


def metric_names(subject: Subject) -> tuple[str, ...]:
    """What is measured: all that has a meaning for this behaviour's shape and these labels, and what the bars name.

    So a bar added later on a figure that was always measured needs no new evaluation.
    """
    named = {threshold.metric for threshold in bars.parse(subject.release.bars).thresholds}
    fitting = {name for name, info in metrics.METRICS.items() if _fits(info, subject)}
    return metrics.wanted(sorted(named | fitting), subject.evalset)


def _fits(info: metrics.MetricInfo, subject: Subject) -> bool:
    behaviour, cases = subject.release.behaviour, subject.evalset.cases
    if metrics.Need.CONTEXTS in info.needs and not (behaviour.get("retrieval") or any(case.contexts for case in cases)):
        return False
    if metrics.Need.OUTPUT_SCHEMA in info.needs and not behaviour.get("output_schema"):
        return False
    # Word for word against a ground truth says something about structured output only.
    if info.name == "exact_match" and not behaviour.get("output_schema"):
        return False
    return any(metrics.applies(info, case) for case in cases)


async def _jobs(subject: Subject, door: ModelDoor, build_retriever: BuildRetriever) -> tuple[Job, ...]:
    behaviour = subject.release.behaviour
    retrieval = behaviour.get("retrieval")
    retriever = build_retriever(retrieval, subject.passages, door) if retrieval else None
    repeats = bars.parse(subject.release.bars).repeats
    jobs = []
    for case in subject.evalset.cases:
        passages = await retriever.retrieve(case.question) if retriever else _given(case)
        messages = _messages(behaviour, case, passages)
        jobs += [
            Job(case=case, repeat=repeat, passages=passages, request=_request(behaviour, messages, repeat))
            for repeat in range(repeats)
        ]
    return tuple(jobs)


def _given(case: Case) -> tuple[Passage, ...]:
    return tuple(Passage(id=f"{case.id}#{at}", text=text) for at, text in enumerate(case.contexts, 1))


def _messages(behaviour: Mapping[str, Any], case: Case, passages: tuple[Passage, ...]) -> tuple[Mapping[str, str], ...]:
    try:
        return rendering.render_messages(behaviour, case.question, passages, case.variables)
    except CannotAsk as error:
        raise CannotAsk(
            error.code,
            error.what,
            where=f"case {case.id}" + (f": {error.where}" if error.where else ""),
            hint=error.hint,
        ) from error


def _request(behaviour: Mapping[str, Any], messages: tuple[Mapping[str, str], ...], repeat: int) -> ChatRequest:
    return ChatRequest(
        model=behaviour["model"],
        messages=messages,
        parameters=behaviour["parameters"],
        response_schema=behaviour.get("output_schema"),
        tools=tuple(behaviour.get("tools") or ()),
        repeat=repeat,
    )


async def _warm(subject: Subject, jobs: tuple[Job, ...], door: ModelDoor) -> None:
    """Embed what is known beforehand: loaded before the generator, the encoder leaves a peak about 100 MB lower."""
    if scoring.needs_vectors(metric_names(subject)):
        texts = dict.fromkeys(text for job in jobs for text in (job.case.question, job.case.ground_truth))
        await door.embed([text for text in texts if text.strip()])


async def _replies(jobs: tuple[Job, ...], door: ModelDoor, progress: Progress) -> tuple[ChatReply, ...]:
    answered: set[str] = set()
    done, spent = 0, 0

    async def ask(job: Job) -> ChatReply:
        nonlocal done, spent
        reply = await door.chat(job.request)
        answered.add(job.case.id)
        done, spent = done + 1, spent + (0 if reply.is_cached else reply.nano_usd)
        progress.step(done, len(jobs), spent_nano_usd=spent)
        return reply

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(job)) for job in jobs]
    except* CannotAsk as errors:
        first = _first(errors)
        raise _unfinished(first, jobs, answered) from first
    return tuple(task.result() for task in tasks)


def _first(errors: BaseExceptionGroup[CannotAsk]) -> CannotAsk:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    if not isinstance(found, CannotAsk):
        raise found
    return found


def _unfinished(error: CannotAsk, jobs: tuple[Job, ...], answered: set[str]) -> CannotAsk:
    """The failure with what is kept and which cases are missing: an infrastructure fault is never a score."""
    if not answered:
        return error
    cases = tuple(dict.fromkeys(job.case.id for job in jobs))
    missing = [case for case in cases if case not in answered]
    more = f" and {len(missing) - MISSING_NAMED} more" if missing[MISSING_NAMED:] else ""
    named = ", ".join(missing[:MISSING_NAMED]) + more
    kept = f"{len(cases) - len(missing)} of {len(cases)} answers are kept, the same command continues; missing: {named}"
    hint = f"{error.hint}; {kept}" if error.hint else kept
    return CannotAsk(error.code, error.what, where=error.where, hint=hint)


async def _score(
    subject: Subject, jobs: tuple[Job, ...], replies: tuple[ChatReply, ...], door: ModelDoor
) -> tuple[EvidenceRow, ...]:
    names = metric_names(subject)
    background = lexical.Background.of(passage.text for passage in subject.passages)
    vectors = await _vectors(jobs, replies, door) if scoring.needs_vectors(names) else {}
    return tuple(
        _row(subject, job, reply, names, background, vectors) for job, reply in zip(jobs, replies, strict=True)
    )


async def _vectors(
    jobs: tuple[Job, ...], replies: tuple[ChatReply, ...], door: ModelDoor
) -> Mapping[str, NDArray[Any]]:
    texts = [reply.text for reply in replies] + [
        text for job in jobs for text in (job.case.question, job.case.ground_truth)
    ]
    unique = [text for text in dict.fromkeys(texts) if text.strip()]
    embedded = await door.embed(unique) if unique else ()
    return dict(zip(unique, embedded, strict=True))


def _row(
    subject: Subject,
    job: Job,
    reply: ChatReply,
    names: tuple[str, ...],
    background: lexical.Background,
    vectors: Mapping[str, Any],
) -> EvidenceRow:
    case, behaviour = job.case, subject.release.behaviour
    observation = scoring.Observation(
        case=case,
        answer=reply.text,
        contexts=tuple(passage.text for passage in job.passages),
        has_retrieval=bool(behaviour.get("retrieval") or case.contexts),
        system=instructions(behaviour, case),
        output_schema=behaviour.get("output_schema"),
        answer_vector=vectors.get(reply.text),
        question_vector=vectors.get(case.question),
        truth_vector=vectors.get(case.ground_truth),
        background=background,
    )
    return EvidenceRow(
        case=case.id,
        group=case.group,
        slices=subject.evalset.slices_of(case),
        must_pass=case.must_pass,
        repeat=job.repeat,
        input_digest=canonical.digest([dict(message) for message in job.request.messages]),
        request_digest=reply.request_digest,
        answer=reply.text,
        retrieved=tuple(passage.id for passage in job.passages),
        scores=scoring.score(observation, names, given=_retrieval_scores(subject, job)),
        tokens=Tokens(input=reply.input_tokens, output=reply.output_tokens),
        nano_usd=reply.nano_usd,
        latency_ms=reply.latency_ms,
    )


def instructions(behaviour: Mapping[str, Any], case: Case) -> str:
    """The prompt's own words, without question and passages: what an answer must not give away."""
    messages = rendering.render_messages({**behaviour, "few_shots": []}, "", (), case.variables)
    return "\n".join(message["content"] for message in messages).strip()


def _retrieval_scores(subject: Subject, job: Job) -> dict[str, Score]:
    retrieval = subject.release.behaviour.get("retrieval")
    if not retrieval or not job.case.relevant:
        return {}
    k = retrieval["retrieval"]["top_k"]
    retrieved = [passage.id for passage in job.passages]
    return {
        score.metric: measured(score.value, score.reason) if score.value is not None else missing(score.reason)
        for score in retrieval_metrics.score(retrieved, job.case.relevant, k=k)
    }
