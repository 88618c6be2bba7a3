"""Cases that share a source count together: values by cluster, and what they amount to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops.evaluation.statistics.samples import Clusters, Data, Sample

__all__ = ["Clusters", "effective_count", "mean", "pseudo_values", "variance"]


def mean(data: Data) -> float:
    """The mean over all values. Raises: ValueError where there is none."""
    values = data.values.tolist() if isinstance(data, Sample) else [value for cluster in data for value in cluster]
    if not values:
        raise ValueError("no values, no mean")
    return math.fsum(values) / len(values)


def pseudo_values(data: Data) -> list[float]:
    """One value a cluster, with the mean of all values as their mean (Cochran, section 6.3)."""
    if isinstance(data, Sample):
        overall, (sums, sizes) = mean(data), data.totals()
        found: list[float] = (overall + (sums - sizes * overall) / sizes.mean()).tolist()
        return found
    if all(len(cluster) == 1 for cluster in data):
        return [cluster[0] for cluster in data]
    overall = mean(data)
    size = math.fsum(len(cluster) for cluster in data) / len(data)
    return [overall + math.fsum(value - overall for value in cluster) / size for cluster in data]


def effective_count(data: Data) -> float:
    """How many independent pass-or-fail cases would tell as much about the mean as these clusters do."""
    values = pseudo_values(data)
    share = min(max(mean(data), 0.0), 1.0)
    spread = variance(values) / len(values)
    # Without any spread seen, scores from 0 to 1 vary at most as much as pass and fail do.
    return share * (1 - share) / spread if spread > 1e-15 and 0 < share < 1 else float(len(values))


def variance(values: Sequence[float]) -> float:
    """The unbiased variance of at least two values."""
    middle = math.fsum(values) / len(values)
    return math.fsum([(value - middle) ** 2 for value in values]) / (len(values) - 1)
