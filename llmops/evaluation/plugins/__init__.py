"""Metrics of one's own: the names that an author of a metric imports, and what a run asks of any such metric.

    from llmops.evaluation.plugins import Kind, MetricInfo, Seen

Importing this costs nothing but the standard library and the domain's own types. An author need not import it at all:
`authoring` says which plain objects will do.
"""

from __future__ import annotations

from typing import Protocol

from llmops.evaluation.evidence import Score, measured, missing, not_applicable
from llmops.evaluation.metrics import Direction, Kind, MetricInfo, Need
from llmops.evaluation.plugins.authoring import Ask, Metric, Seen
from llmops.evaluation.scoring.cases import Observation

__all__ = [
    "Ask",
    "Direction",
    "Kind",
    "Metric",
    "MetricInfo",
    "Need",
    "RunMetric",
    "Score",
    "Seen",
    "measured",
    "missing",
    "not_applicable",
]


class RunMetric(Protocol):
    """A metric of one's own, as a run sees it: from an entry point, an assertion file or DeepEval."""

    @property
    def info(self) -> MetricInfo:
        """What it measures, under the name that llmops.yaml gives it."""
        ...

    @property
    def identity(self) -> str:
        """The digest of everything that could move its scores: code, version, options, files, model."""
        ...

    async def score(self, seen: Observation) -> Score:
        """Its score, missing with a reason where it could not be measured.
        Raises: CannotAsk where its model cannot be asked."""
        ...

    async def close(self) -> None:
        """Ends what it started."""
        ...
