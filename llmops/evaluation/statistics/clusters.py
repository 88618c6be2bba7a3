"""Cases that share a source count together: values by cluster, and what they amount to."""

from __future__ import annotations

import math
from collections.abc import Sequence

Clusters = Sequence[Sequence[float]]


def mean(clusters: Clusters) -> float:
    """The mean over all values. Raises: ValueError where there is none."""
    values = [value for cluster in clusters for value in cluster]
    if not values:
        raise ValueError("no values, no mean")
    return math.fsum(values) / len(values)


def pseudo_values(clusters: Clusters) -> list[float]:
    """One value a cluster, with the mean of all values as their mean (Cochran, section 6.3)."""
    if all(len(cluster) == 1 for cluster in clusters):
        return [cluster[0] for cluster in clusters]
    overall = mean(clusters)
    size = math.fsum(len(cluster) for cluster in clusters) / len(clusters)
    return [overall + math.fsum(value - overall for value in cluster) / size for cluster in clusters]


def effective_count(clusters: Clusters) -> float:
    """How many independent pass-or-fail cases would tell as much about the mean as these clusters do."""
    values = pseudo_values(clusters)
    share = min(max(mean(clusters), 0.0), 1.0)
    spread = variance(values) / len(values)
    # Without any spread seen, scores from 0 to 1 vary at most as much as pass and fail do.
    return share * (1 - share) / spread if spread > 1e-15 and 0 < share < 1 else float(len(values))


def variance(values: Sequence[float]) -> float:
    """The unbiased variance of at least two values."""
    middle = math.fsum(values) / len(values)
    return math.fsum([(value - middle) ** 2 for value in values]) / (len(values) - 1)
