"""One answered case as a row of evidence: what was observed, scored by rules, the judge and one's own metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents import canonical, rendering
from llmops.documents.chat import ChatRequest
from llmops.documents.evalsets import Case
from llmops.documents.scanning import fitting
from llmops.documents.targets import Answered, Question
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import EvidenceRow, Score, Tokens, measured, missing
from llmops.evaluation.scoring import cases as scoring
from llmops.evaluation.scoring import lexical
from llmops.evaluation.scoring.cases import Observation
from llmops.retrieval import metrics as retrieval_metrics
from llmops.retrieval.passages import Passage
from llmops.usecases.evaluate.bench import Bench
from llmops.usecases.evaluate.judging import judge_answer
from llmops.usecases.ports import SchemaChecker


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question of one case, with what was put before it."""

    case: Case
    question: Question
    passages: tuple[Passage, ...]


class Measuring:
    """Scores the answers of one run. `needs_vectors` says whether rules compare embeddings."""

    def __init__(self, bench: Bench) -> None:
        own = {info.name for info in bench.scorers.judge.metrics}
        self._bench = bench
        self._infos = bench.infos
        self._judged = tuple(info for info in self._infos if info.name in own)
        self._is_given = bench.is_given
        self._judgements = bench.judge_repeats
        self._has_retriever = not bench.is_given and bool(bench.subject.release.behaviour.get("retrieval"))
        self._checker = self._slow_schema_checker()
        self._background = lexical.Background.of(passage.text for passage in bench.subject.passages)
        self.needs_vectors = scoring.needs_vectors(self._infos)

    @property
    def asks_the_judge(self) -> bool:
        """True where a judged metric is measured."""
        return bool(self._judged)

    async def row(self, asked: Asked, answered: Answered) -> EvidenceRow:
        case, subject = asked.case, self._bench.subject
        retrieved = _retrieved(asked, answered)
        seen = await self._observation(asked, answered)
        scores = scoring.score(seen, self._infos, given=await self._given(seen, _ranking(asked, answered)))
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

    async def _observation(self, asked: Asked, answered: Answered) -> Observation:
        case, behaviour = asked.case, self._bench.subject.release.behaviour
        contexts = asked.question.contexts if answered.contexts is None else answered.contexts
        vectors = await self._vectors(case, answered.text) if self.needs_vectors else {}
        return Observation(
            case=case,
            answer=answered.text,
            contexts=contexts,
            has_retrieval=bool(self._has_retriever or contexts or case.contexts),
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

    async def _given(self, seen: Observation, ranking: tuple[str, ...] | None) -> dict[str, Score]:
        """The scores that no rule gives: by labels of passages, by the judge, by metrics of one's own."""
        judged = [info.name for info in self._judged if scoring.is_open(info, seen) is None]
        bench = self._bench
        scores = self._retrieval_scores(seen.case, ranking)
        scores.update(await judge_answer(bench.scorers.judge, seen, judged, self._judgements) if judged else {})
        if self._checker is not None and seen.output_schema:
            scores["json_valid"] = await self._checker.json_valid(seen.answer, seen.output_schema)
        own = [metric for metric in bench.scorers.own if scoring.is_open(metric.info, seen) is None]
        found = await asyncio.gather(*(metric.score(seen) for metric in own))
        scores.update({metric.info.name: score for metric, score in zip(own, found, strict=True)})
        return scores

    def _retrieval_scores(self, case: Case, ranking: tuple[str, ...] | None) -> dict[str, Score]:
        retrieval = self._bench.subject.release.behaviour.get("retrieval")
        if self._is_given or ranking is None or not retrieval or not case.relevant:
            return {}
        k = retrieval["retrieval"]["top_k"]
        return {
            score.metric: measured(score.value, score.reason) if score.value is not None else missing(score.reason)
            for score in retrieval_metrics.score(ranking, case.relevant, k=k)
        }

    def _slow_schema_checker(self) -> SchemaChecker | None:
        """Who checks answers against the output schema, where that may take long; None: a rule, as it comes."""
        schema = self._bench.subject.release.behaviour.get("output_schema")
        is_measured = any(info.name == "json_valid" for info in self._infos)
        return self._bench.scorers.checker if is_measured and schema and fitting.needs_deadline(schema) else None


def _retrieved(asked: Asked, answered: Answered) -> tuple[str, ...]:
    """Ids of what was put before the model; an application that retrieves by itself names its own."""
    if answered.contexts is None:
        return tuple(passage.id for passage in asked.passages)
    given = answered.context_ids or tuple(f"{asked.case.id}#{at}" for at in range(1, len(answered.contexts) + 1))
    return given[: len(answered.contexts)]


def _ranking(asked: Asked, answered: Answered) -> tuple[str, ...] | None:
    """The ids that labels are compared with; None where an application names none: a place is no id."""
    has_ids = answered.contexts is None or answered.context_ids or not answered.contexts
    return _retrieved(asked, answered) if has_ids else None


def _input_digest(asked: Asked, answered: Answered) -> str:
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


def instructions(behaviour: Mapping[str, Any], case: Case) -> str:
    """The prompt's own words, without question and passages: what an answer must not give away. As they are written,
    where they cannot be rendered without (`{{ contexts[0].text }}`)."""
    try:
        messages = rendering.render_messages({**behaviour, "few_shots": []}, "", (), case.variables)
    except CannotAsk:
        messages = behaviour["messages"]
    return "\n".join(message["content"] for message in messages).strip()
