"""The metrics that the judge asks ragas for: what each means and needs, and what can be set. Imports no ragas.

Rules, in order:

1. Names are those of llmops; which of ragas' metrics stands behind each is said in `method`, with its version.
2. A metric has a version of ours, raised when we change how ragas' figure becomes a score.
3. What may be set is listed. An option that is not listed is refused, because ragas would take it and do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from llmops.documents.config import JudgeConfig
from llmops.errors import CannotAsk
from llmops.evaluation.metrics import Direction, Kind, MetricInfo, Need

# The model's arguments where llmops.yaml says nothing: a judge runs at temperature 0, and a reply that cannot be read
# is asked for once more, with the error. What is not named here (top_p, max_tokens) is ragas' own default.
ARGUMENTS: Mapping[str, Any] = MappingProxyType({"temperature": 0.0, "max_retries": 1})

OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "answer_relevancy": frozenset({"strictness"}),
        "factual_correctness": frozenset({"mode", "beta", "atomicity", "coverage"}),
        "noise_sensitivity": frozenset({"mode"}),
        "coherence": frozenset({"rubrics"}),
    }
)

# These are how the request is made, or are read by instructor and never sent: set, they would break it or do nothing.
_OURS = frozenset(
    (
        *("model", "messages", "response_model", "response_format", "client", "provider", "tools", "functions", "n"),
        *("cache", "cache_namespace", "cache_ttl", "stream", "stream_options", "context", "strict", "hooks"),
        *("token_budget", "autodetect_images", "timeout", "extra_body", "extra_headers", "extra_query"),
    )
)

COHERENCE_RUBRICS: Mapping[str, str] = MappingProxyType(
    {
        "score1_description": "The sentences of the response do not belong together, or contradict each other; "
        "a reader cannot tell what it says.",
        "score2_description": "Parts of the response can be followed, but it jumps between points, repeats itself or "
        "leaves references unresolved so often that its line is lost.",
        "score3_description": "The line of the response can be followed with some effort: the order is awkward, links "
        "between sentences are missing, or some passages do not belong.",
        "score4_description": "The response is well ordered and easy to follow, with a slip or two that cost the "
        "reader nothing.",
        "score5_description": "Every sentence follows from what stands before it, the order serves the question, and "
        "nothing is repeated or out of place. Only structure and readability count, not whether it is true.",
    }
)

_SOURCES: tuple[tuple[str, str, str, Direction, Kind, frozenset[Need]], ...] = (
    (
        "faithfulness",
        "Faithfulness",
        "share of the answer's statements that the contexts support",
        Direction.HIGHER,
        Kind.STEPS,
        frozenset({Need.CONTEXTS}),
    ),
    (
        "answer_relevancy",
        "AnswerRelevancy",
        "mean cosine of the question and the questions that the answer would fit; 0 where it is noncommittal",
        Direction.HIGHER,
        Kind.CONTINUOUS,
        frozenset({Need.EMBEDDINGS}),
    ),
    (
        "context_precision",
        "ContextPrecisionWithReference",
        "average precision of the contexts that were useful for the ground truth",
        Direction.HIGHER,
        Kind.STEPS,
        frozenset({Need.CONTEXTS, Need.GROUND_TRUTH}),
    ),
    (
        "context_recall",
        "ContextRecall",
        "share of the ground truth's statements that the contexts hold",
        Direction.HIGHER,
        Kind.STEPS,
        frozenset({Need.CONTEXTS, Need.GROUND_TRUTH}),
    ),
    (
        "groundedness",
        "ResponseGroundedness",
        "mean of two ratings (0, 1, 2; halved) of how far the contexts support the answer",
        Direction.HIGHER,
        Kind.STEPS,
        frozenset({Need.CONTEXTS}),
    ),
    (
        "coherence",
        "DomainSpecificRubrics",
        "structure and readability by a rubric of 1 to 5, as (score - 1) / 4",
        Direction.HIGHER,
        Kind.STEPS,
        frozenset(),
    ),
    (
        "factual_correctness",
        "FactualCorrectness",
        "F1 of the claims of answer and ground truth, each checked against the other",
        Direction.HIGHER,
        Kind.CONTINUOUS,
        frozenset({Need.GROUND_TRUTH}),
    ),
    (
        "noise_sensitivity",
        "NoiseSensitivity",
        "share of the answer's statements that are wrong and come from the contexts",
        Direction.LOWER,
        Kind.STEPS,
        frozenset({Need.CONTEXTS, Need.GROUND_TRUTH}),
    ),
)


def metrics(version: str) -> tuple[MetricInfo, ...]:
    """What ragas of this version is asked for."""
    return tuple(
        MetricInfo(
            name=name,
            method=f"ragas {version} {source}: {meaning}",
            direction=direction,
            kind=kind,
            needs=needs | {Need.JUDGE},
        )
        for name, source, meaning, direction, kind, needs in _SOURCES
    )


def arguments(config: JudgeConfig) -> dict[str, Any]:
    """What the model is asked with. Raises: CannotAsk JUDGE_PARAMETERS."""
    names = {name for name, *_ in _SOURCES}
    given = {name: value for name, value in config.parameters.items() if name not in names}
    wrong = sorted(_OURS & given.keys())
    if wrong:
        raise _refused(config, f"`{wrong[0]}` is not for the judge to set", "leave it out")
    retries = given.get("max_retries", 0)
    if type(retries) is not int or not 0 <= retries <= 5:
        raise _refused(config, f"`max_retries` is {retries!r}, expected a whole number from 0 to 5", "1 is usual")
    return {**ARGUMENTS, **given}


def options(config: JudgeConfig) -> dict[str, dict[str, Any]]:
    """What is set for single metrics. Raises: CannotAsk JUDGE_PARAMETERS."""
    found: dict[str, dict[str, Any]] = {"coherence": {"rubrics": dict(COHERENCE_RUBRICS)}}
    for name, *_ in _SOURCES:
        given = config.parameters.get(name, {})
        allowed = OPTIONS.get(name, frozenset())
        if not isinstance(given, Mapping) or not given.keys() <= allowed:
            known = ", ".join(sorted(allowed)) or "nothing"
            raise _refused(config, f"`{name}` is {given!r}", f"{name} takes {known}, as a mapping")
        found[name] = {**found.get(name, {}), **given}
    return found


def _refused(config: JudgeConfig, what: str, hint: str) -> CannotAsk:
    return CannotAsk("JUDGE_PARAMETERS", what, where=f"llmops.yaml: judges.{config.name}.parameters", hint=hint)
