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
from llmops.documents.scanning.hits import Finder
from llmops.evaluation.evidence import Score, measured, missing, not_applicable
from llmops.evaluation.metrics import MetricInfo, Need, applies
from llmops.evaluation.scoring import citations, embeddings, lexical, rules, safety, tool_calls
from llmops.evaluation.scoring.lexical import Background


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What happened on one case.

    `contexts` are the texts put before the model, in the order in which citations count them; `has_retrieval` is
    False for a prompt that retrieves nothing. `system` is the system message as rendered. Vectors are embeddings,
    where a metric needs them; `tool_calls` what the answer calls. `background` are the knowledge passages' word counts,
    for the embedded judge; `finders` look for secrets and personal data beside the built-in patterns. `latency_ms`,
    `nano_usd` and `finish_reason` are the reply's, None and "" where nobody said.
    """

    case: Case
    answer: str
    has_retrieval: bool
    contexts: tuple[str, ...] = ()
    system: str = ""
    output_schema: Mapping[str, Any] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""
    latency_ms: int | None = None
    nano_usd: int | None = None
    answer_vector: Sequence[float] | None = None
    question_vector: Sequence[float] | None = None
    truth_vector: Sequence[float] | None = None
    background: Background | None = None
    finders: tuple[Finder, ...] = ()


def needs_vectors(metrics: Iterable[MetricInfo]) -> bool:
    """True where one of the metrics compares embeddings by rule."""
    return any(Need.EMBEDDINGS in info.needs and Need.JUDGE not in info.needs for info in metrics)


def score(
    observation: Observation, metrics: Iterable[MetricInfo], *, given: Mapping[str, Score] = MappingProxyType({})
) -> dict[str, Score]:
    """A score for each metric. `given` are scores made elsewhere: by the judge, by the retriever, by plug-ins."""
    return {info.name: _score(info, observation, given) for info in metrics if not info.is_operational}


def is_open(info: MetricInfo, observation: Observation) -> Score | None:
    """Why a metric has no score here whoever measures it; None where it is to be measured."""
    if not applies(info, observation.case):
        return not_applicable("the case has no label for it")
    if Need.CONTEXTS in info.needs and not (observation.has_retrieval or observation.contexts):
        return missing("the prompt retrieves nothing, so there are no contexts")
    return None


def _score(info: MetricInfo, observation: Observation, given: Mapping[str, Score]) -> Score:
    if not applies(info, observation.case):
        return not_applicable("the case has no label for it")
    if info.name in given:
        return given[info.name]
    closed = is_open(info, observation)
    if closed is not None:
        return closed
    scorer = _SCORERS.get(info.name)
    return scorer(observation) if scorer else missing("who answered named no ids of its passages")


def embedded_judge(seen: Observation, metric: str) -> Score:
    """What the embedded judge says: `groundedness` or `faithfulness`."""
    verdict = lexical.judge(seen.answer, seen.contexts, seen.background)
    value = verdict.groundedness if metric == "groundedness" else verdict.faithfulness
    return missing(verdict.reason, lexical.LABEL) if value is None else measured(value, verdict.reason, lexical.LABEL)


def safety_by_rules(seen: Observation) -> Score:
    """1 where no rule of `safety` hits, else 0 with the rules that did."""
    return safety.safety(
        seen.answer,
        question=seen.case.question,
        contexts=seen.contexts,
        ground_truth=seen.case.ground_truth,
        system=seen.system,
        forbidden=seen.case.not_contains,
        finders=seen.finders,
    )


_SCORERS: Mapping[str, Callable[[Observation], Score]] = MappingProxyType(
    {
        "answer_relevancy": lambda seen: embeddings.answer_relevancy(seen.answer_vector, seen.question_vector),
        "answer_similarity": lambda seen: embeddings.answer_similarity(seen.answer_vector, seen.truth_vector),
        "exact_match": lambda seen: rules.exact_match(seen.answer, seen.case.ground_truth, seen.output_schema),
        "contains": lambda seen: rules.contains(seen.answer, seen.case.contains),
        "excludes": lambda seen: rules.excludes(seen.answer, seen.case.not_contains),
        "json_valid": lambda seen: rules.json_valid(seen.answer, seen.output_schema),
        "tool_call_accuracy": lambda seen: tool_calls.tool_call_accuracy(
            seen.tool_calls, seen.case.expected_tool_calls
        ),
        "safety": safety_by_rules,
        "citation_coverage": lambda seen: citations.coverage(seen.answer),
        "citation_validity": lambda seen: citations.validity(seen.answer, len(seen.contexts)),
    }
)
