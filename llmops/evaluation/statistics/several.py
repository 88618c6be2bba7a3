"""Several hypotheses at once: how likely each figure is by chance, and which of them fall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from llmops.evaluation.statistics.clusters import Clusters, effective_count, mean, pseudo_values, variance


def chance_of(clusters: Clusters, bar: float, *, wants_higher: bool, bounded: bool = True) -> float:
    """How likely a mean this bad or worse is if the true one stands at `bar` (one-sided). 1.0 for one cluster."""
    found = [cluster for cluster in clusters if cluster]
    if len(found) < 2:
        return 1.0
    spread = variance(pseudo_values(found)) / len(found)
    if bounded and 0 < bar < 1:
        spread = bar * (1 - bar) / effective_count(found)
    gap = (mean(found) - bar) * (1 if wants_higher else -1)
    if spread <= 0:
        return 1.0 if gap >= 0 else 0.0
    return NormalDist().cdf(gap / math.sqrt(spread))


def holm(chances: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Which of several hypotheses fall, so that the chance of even one false fall stays at `alpha` (Holm, 1979)."""
    rejected = [False] * len(chances)
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    for step, place in enumerate(order):
        if chances[place] > alpha / (len(chances) - step):
            break
        rejected[place] = True
    return tuple(rejected)
