"""One observed answer, scored by every metric that was asked for.

Rules, in order:

1. Every metric asked for gets a score: a value, or missing with the reason. Nothing raises because of content.
2. Spend and speed are fields of the evidence row, so they are skipped here.
3. What the case's labels rule out is `not_applicable`; what should have been there and is not (contexts, vectors, a
   schema, a figure from the retriever) is `missing`, and counts against coverage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from llmops.documents.chat import ToolCall
from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import Score, measured, missing, not_applicable
from llmops.evaluation.metrics import MetricInfo, Need, applies, metric
from llmops.evaluation.scoring import citations, embeddings, lexical, rules, safety
from llmops.evaluation.scoring.lexical import Background


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What happened on one case.

    `contexts` are the texts put before the model, in the order in which citations count them; `has_retrieval` is
    False for a prompt that retrieves nothing. `system` is the system message as rendered. Vectors are embeddings,
    where a metric needs them; `tool_calls` what the answer calls. `background` are the knowledge passages' word counts,
    for the embedded judge. `latency_ms`, `nano_usd` and `finish_reason` are the reply's, None and "" where nobody said.
    """

    case: Case
    answer: str
    has_retrieval: bool
    contexts: tuple[str, ...] = ()
    system: str = ""
    output_schema: Mapping[str, Any] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    answer_vector: Sequence[float] | None = None
    question_vector: Sequence[float] | None = None
    truth_vector: Sequence[float] | None = None
    background: Background | None = None
    latency_ms: int | None = None
    nano_usd: int | None = None
    finish_reason: str = ""


def needs_vectors(metrics: Iterable[str]) -> bool:
    """True where one of the metrics compares embeddings."""
    return any(Need.EMBEDDINGS in metric(name).needs for name in metrics)


def score(
    observation: Observation, metrics: Iterable[str], *, given: Mapping[str, Score] = MappingProxyType({})
) -> dict[str, Score]:
    """A score for each metric. `given` are scores made elsewhere, as those of the retriever.

    Raises: CannotAsk METRIC_UNKNOWN.
    """
    infos = [info for info in map(metric, metrics) if not info.is_operational]
    return {info.name: _score(info, observation, given) for info in infos}


def _score(info: MetricInfo, observation: Observation, given: Mapping[str, Score]) -> Score:
    if not applies(info, observation.case):
        return not_applicable("the case has no label for it")
    if info.name in given:
        return given[info.name]
    if Need.CONTEXTS in info.needs and not (observation.has_retrieval or observation.contexts):
        return missing("the prompt retrieves nothing, so there are no contexts")
    scorer = _SCORERS.get(info.name)
    return scorer(observation) if scorer else missing("no ranking of passages was handed in to score")


def _groundedness(seen: Observation) -> Score:
    verdict = lexical.judge(seen.answer, seen.contexts, seen.background)
    return _judged(verdict.groundedness, verdict.reason)


def _faithfulness(seen: Observation) -> Score:
    verdict = lexical.judge(seen.answer, seen.contexts, seen.background)
    return _judged(verdict.faithfulness, verdict.reason)


def _judged(value: float | None, reason: str) -> Score:
    return missing(reason, lexical.LABEL) if value is None else measured(value, reason, lexical.LABEL)


def _safety(seen: Observation) -> Score:
    return safety.safety(
        seen.answer,
        question=seen.case.question,
        contexts=seen.contexts,
        ground_truth=seen.case.ground_truth,
        system=seen.system,
        forbidden=seen.case.not_contains,
    )


_SCORERS: Mapping[str, Callable[[Observation], Score]] = MappingProxyType(
    {
        "groundedness": _groundedness,
        "faithfulness": _faithfulness,
        "answer_relevancy": lambda seen: embeddings.answer_relevancy(seen.answer_vector, seen.question_vector),
        "answer_similarity": lambda seen: embeddings.answer_similarity(seen.answer_vector, seen.truth_vector),
        "exact_match": lambda seen: rules.exact_match(seen.answer, seen.case.ground_truth, seen.output_schema),
        "contains": lambda seen: rules.contains(seen.answer, seen.case.contains),
        "excludes": lambda seen: rules.excludes(seen.answer, seen.case.not_contains),
        "json_valid": lambda seen: rules.json_valid(seen.answer, seen.output_schema),
        "safety": _safety,
        "citation_coverage": lambda seen: citations.coverage(seen.answer),
        "citation_validity": lambda seen: citations.validity(seen.answer, len(seen.contexts)),
    }
)
