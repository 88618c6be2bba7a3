"""The interval of a mean, and of the mean difference between two behaviours on the same cases."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics.bootstrap import bootstrap_t
from llmops.evaluation.statistics.clusters import Clusters, effective_count, mean, pseudo_values, variance
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.proportions import wilson, wilson_at
from llmops.evaluation.statistics.quantiles import student


def mean_interval(clusters: Clusters, kind: Kind, level: float, *, seed: str, bounded: bool = True) -> Interval | None:
    """The interval of the mean over `clusters`; `bounded`: the values lie from 0 to 1."""
    found = [cluster for cluster in clusters if cluster]
    if len(found) < 2:
        return None
    if kind is Kind.BINARY and all(len(cluster) == 1 and cluster[0] in (0, 1) for cluster in found):
        return wilson(sum(cluster[0] for cluster in found), len(found), level)
    if not bounded:
        return bootstrap_t(pseudo_values(found), level, seed)
    share = min(max(mean(found), 0.0), 1.0)
    return wilson_at(share, effective_count(found), student(0.5 + level / 2, len(found) - 1), level)


def paired_interval(
    differences: Clusters, kind: Kind, level: float, *, seed: str, bounded: bool = True
) -> Interval | None:
    """The interval of the mean difference between two behaviours on the same cases; `bounded`: from -1 to 1."""
    found = [cluster for cluster in differences if cluster]
    if len(found) < 2:
        return None
    values = pseudo_values(found)
    if not bounded:
        return bootstrap_t(values, level, seed)
    if kind is Kind.BINARY:
        return _clipped(_student_interval([*values, 0.0, 1.0, -1.0], [*[1.0] * len(values), 1.0, 0.5, 0.5], level))
    if variance(values) <= 1e-15:
        centre = values[0]
        unseen = wilson(0, len(values), level).high
        return _clipped(Interval(low=centre - unseen, high=centre + unseen, level=level))
    return _clipped(bootstrap_t(values, level, seed))


def _clipped(interval: Interval) -> Interval:
    return Interval(low=max(interval.low, -1.0), high=min(interval.high, 1.0), level=interval.level)


def _student_interval(values: Sequence[float], weights: Sequence[float], level: float) -> Interval:
    total = math.fsum(weights)
    centre = math.fsum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    squares = math.fsum(weight * (value - centre) ** 2 for weight, value in zip(weights, values, strict=True))
    half = student(0.5 + level / 2, max(1, round(total) - 1)) * math.sqrt(squares / (total - 1) / total)
    return Interval(low=centre - half, high=centre + half, level=level)
