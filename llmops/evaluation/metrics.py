"""The metrics that can be measured: what each means, needs, and which way is better.

Rules, in order:

1. What is not in a catalogue is not offered. A metric without a way to measure it would be a promise. A catalogue is
   what rules measure, what the judge at hand scores (its description replaces the common one of that name), and
   metrics of the repository's own.
2. A metric has a version; it is raised when its values may move. Names and versions make the scorers' digest, and
   evidence of another scorers' digest is never pooled or paired.
3. Whether a metric has a meaning for a case is read from the case's labels (`applies`), before anything runs: a
   candidate cannot choose which cases count.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from llmops.documents import canonical
from llmops.documents.evalsets import Case, Evalset
from llmops.errors import CannotAsk


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"


class Kind(StrEnum):
    """How a score is spread: pass or fail, a few steps, or any number. Chooses the interval."""

    BINARY = "binary"
    STEPS = "steps"
    CONTINUOUS = "continuous"


class Need(StrEnum):
    """What has to be there before a metric can be measured."""

    CONTEXTS = "contexts"
    GROUND_TRUTH = "ground_truth"
    RELEVANT = "relevant"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    OUTPUT_SCHEMA = "output_schema"
    TOOL_CALLS = "expected_tool_calls"
    EMBEDDINGS = "embeddings"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricInfo:
    """One metric.

    `is_case_rule`: pass or fail by the case's own expectation, so it decides `must_pass`. `is_operational`: spend or
    speed, read from the row's fields. `percentile`: the figure is this percentile over cases, not their mean. `spend`:
    the figure is all of this metric over all points of the quality that a bar names.
    Scores of metrics that are not operational lie from 0 to 1.
    """

    name: str
    method: str
    version: int = 1
    direction: Direction = Direction.HIGHER
    kind: Kind = Kind.CONTINUOUS
    needs: frozenset[Need] = field(default_factory=frozenset)
    is_case_rule: bool = False
    is_operational: bool = False
    percentile: float | None = None
    spend: str = ""

    @property
    def worst(self) -> float | None:
        """The worst value a score can take, or None where there is no bound."""
        if self.is_operational:
            return None
        return 1.0 if self.direction is Direction.LOWER else 0.0


def _needs(*names: Need) -> frozenset[Need]:
    return frozenset(names)


def _operational(name: str, method: str, **more: Any) -> MetricInfo:
    return MetricInfo(name=name, method=method, direction=Direction.LOWER, is_operational=True, **more)


def _labelled(name: str, method: str) -> MetricInfo:
    return MetricInfo(name=name, method=method, kind=Kind.STEPS, needs=_needs(Need.RELEVANT))


LEXICAL: tuple[MetricInfo, ...] = (
    MetricInfo(
        name="groundedness",
        method="the least supported sentence of the answer, against the retrieved contexts",
        needs=_needs(Need.CONTEXTS, Need.JUDGE),
    ),
    MetricInfo(
        name="faithfulness",
        method="share of the answer's sentences that the retrieved contexts support",
        kind=Kind.STEPS,
        needs=_needs(Need.CONTEXTS, Need.JUDGE),
    ),
)
"""What the embedded judge scores."""

RULES: tuple[MetricInfo, ...] = (
    MetricInfo(
        name="answer_relevancy",
        method="cosine of the answer's and the question's embedding",
        needs=_needs(Need.EMBEDDINGS),
    ),
    MetricInfo(
        name="answer_similarity",
        method="cosine of the answer's and the ground truth's embedding",
        needs=_needs(Need.EMBEDDINGS, Need.GROUND_TRUTH),
    ),
    _labelled("context_precision", "average precision of the retrieved passages by their labels"),
    _labelled("context_recall", "share of the labelled passages among the retrieved ones"),
    _labelled("recall_at_k", "share of the labelled passages among the first k"),
    _labelled("precision_at_k", "share of labelled passages among the first k"),
    _labelled("mrr", "reciprocal rank of the first labelled passage"),
    _labelled("ndcg", "normalised discounted cumulative gain of the retrieved passages"),
    MetricInfo(
        name="exact_match",
        method="the answer equals the ground truth, after normalisation (as JSON where there is an output schema)",
        kind=Kind.BINARY,
        needs=_needs(Need.GROUND_TRUTH),
    ),
    MetricInfo(
        name="contains",
        method="the answer holds every string that the case asks for",
        kind=Kind.BINARY,
        needs=_needs(Need.CONTAINS),
        is_case_rule=True,
    ),
    MetricInfo(
        name="excludes",
        method="the answer holds none of the strings that the case forbids",
        kind=Kind.BINARY,
        needs=_needs(Need.NOT_CONTAINS),
        is_case_rule=True,
    ),
    MetricInfo(
        name="json_valid",
        version=2,
        method="the answer is one JSON value that fits the prompt's output schema",
        kind=Kind.BINARY,
        needs=_needs(Need.OUTPUT_SCHEMA),
    ),
    MetricInfo(
        name="safety",
        version=2,
        method="no rule on personal data, secrets, leaked instructions, jailbreak artefacts or forbidden strings hit",
        kind=Kind.BINARY,
        is_case_rule=True,
    ),
    MetricInfo(
        name="citation_coverage",
        method="share of the answer's claims that carry a citation",
        kind=Kind.STEPS,
        needs=_needs(Need.CONTEXTS),
    ),
    MetricInfo(
        name="citation_validity",
        method="share of the cited numbers that name a retrieved context",
        kind=Kind.STEPS,
        needs=_needs(Need.CONTEXTS),
    ),
    MetricInfo(
        name="tool_call_accuracy",
        method="the expected tool calls in their order, times the share of their arguments that are right",
        needs=_needs(Need.TOOL_CALLS),
    ),
    _operational("latency_ms", "time of the generator's reply, mean over cases"),
    _operational("latency_p50_ms", "time of the generator's reply, median over cases", percentile=0.50),
    _operational("latency_p95_ms", "time of the generator's reply, 95th percentile over cases", percentile=0.95),
    _operational("ttft_ms", "time to the first token of a streamed reply, mean over cases"),
    _operational("tokens", "tokens of request and reply, mean over cases"),
    _operational("cost_usd", "price of request and reply, mean over cases"),
    _operational("cost_efficiency", "tokens for a point of the quality that the bar names", spend="tokens"),
    _operational("cost_per_point", "price of a point of the quality that the bar names", spend="cost_usd"),
)

BY_MODEL: tuple[str, ...] = (
    "faithfulness",
    "groundedness",
    "answer_relevancy",
    "context_precision",
    "context_recall",
    "coherence",
    "factual_correctness",
    "noise_sensitivity",
)
"""What every judge that asks a model scores. Names alone: documents are checked without importing a judge."""

LOWER_BY_MODEL: tuple[str, ...] = ("noise_sensitivity",)
"""Those of them of which less is better."""

OPERATIONAL: tuple[str, ...] = tuple(info.name for info in RULES if info.is_operational)
CASE_RULES: tuple[str, ...] = tuple(info.name for info in RULES if info.is_case_rule)

_LABELS: Mapping[Need, Callable[[Case], bool]] = MappingProxyType(
    {
        Need.GROUND_TRUTH: lambda case: bool(case.ground_truth),
        Need.RELEVANT: lambda case: bool(case.relevant),
        Need.CONTAINS: lambda case: bool(case.contains),
        Need.NOT_CONTAINS: lambda case: bool(case.not_contains),
        Need.TOOL_CALLS: lambda case: bool(case.expected_tool_calls),
    }
)


def rule(name: str) -> MetricInfo:
    """The metric of this name that rules measure. Raises: KeyError."""
    return next(info for info in RULES if info.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every metric that one evaluation can measure, by name."""

    infos: Mapping[str, MetricInfo]

    @classmethod
    def of(cls, judged: Iterable[MetricInfo], own: Iterable[MetricInfo] = ()) -> Catalogue:
        """What rules measure, what a judge scores (in place of the common metric of a name), and metrics of one's own,
        which stand before spend and speed."""
        infos = {info.name: info for info in judged}
        infos.update({info.name: info for info in RULES if info.name not in infos and not info.is_operational})
        infos.update({info.name: info for info in own})
        infos.update({info.name: info for info in RULES if info.is_operational})
        return cls(infos=MappingProxyType(infos))

    def metric(self, name: str, where: str = "") -> MetricInfo:
        """The metric of this name. Raises: CannotAsk METRIC_UNKNOWN."""
        if name in self.infos:
            return self.infos[name]
        near = difflib.get_close_matches(name, self.infos, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"write one of: {', '.join(self.infos)}"
        raise CannotAsk("METRIC_UNKNOWN", f"nothing here measures `{name}`", where=where, hint=hint)

    def wanted(self, names: Iterable[str], evalset: Evalset) -> tuple[str, ...]:
        """What an evaluation measures: metrics asked for, and the case rules that its `must_pass` cases need."""
        blocking = {labels_of(case) for case in evalset.cases if case.must_pass}
        asked = {self.metric(name).name for name in names}
        rules = [self.infos[name] for name in CASE_RULES]
        needed = {info.name for info in rules if any(fits_labels(info, labels) for labels in blocking)}
        return tuple(name for name in self.infos if name in asked | needed)

    @property
    def versions(self) -> dict[str, str]:
        """Metric to the version of its scorer."""
        return {name: str(info.version) for name, info in self.infos.items()}


EMBEDDED = Catalogue.of(LEXICAL)
"""What a fresh machine can measure: without an endpoint, by rules and by words."""


def applies(info: MetricInfo, case: Case) -> bool:
    """True where the case carries the labels that the metric needs. Decided by the evalset, never by a run."""
    return all(_LABELS[need](case) for need in info.needs if need in _LABELS)


def labels_of(case: Case) -> frozenset[Need]:
    """The labels that the case carries."""
    return frozenset(need for need, has in _LABELS.items() if has(case))


def fits_labels(info: MetricInfo, labels: frozenset[Need]) -> bool:
    """`applies` to a case that carries these labels."""
    return all(need in labels for need in info.needs if need in _LABELS)


def scorers_digest(versions: Mapping[str, str]) -> str:
    """Names the methods behind metric → scorer version. Spend and speed are measured, not scored: left out."""
    return canonical.digest({name: version for name, version in versions.items() if name not in OPERATIONAL})
