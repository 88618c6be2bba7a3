"""Several hypotheses at once: how likely each figure is by chance, and which of them fall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from llmops.evaluation.statistics.bounded import chance_above
from llmops.evaluation.statistics.clusters import mean, pseudo_values, variance
from llmops.evaluation.statistics.means import ALIKE_MEAN, SCORES
from llmops.evaluation.statistics.samples import Data, count_of, found_in
from llmops.evaluation.statistics.spreads import spread_of


def chance_of(data: Data, bar: float, *, wants_higher: bool, bounded: bool = True) -> float:
    """How likely a mean this bad or worse is if the true one stands at `bar` (one-sided). 1.0 for one cluster.

    Bounded scores: the tail at which the limit of their interval is the bar; others: the normal approximation.
    Raises: ValueError naming a value that is no number or outside its range."""
    found = found_in(data, SCORES) if bounded else found_in(data)
    if count_of(found) < 2:
        return 1.0
    if bounded:
        spread = spread_of(found)
        seen, limit, end = (spread, bar, SCORES[1]) if wants_higher else (spread.mirrored(), -bar, SCORES[0])
        return chance_above(seen, limit, end, alike=ALIKE_MEAN)
    values = pseudo_values(found)
    error = math.sqrt(variance(values) / len(values))
    gap = (mean(found) - bar) * (1 if wants_higher else -1)
    if error <= 0:
        return 1.0 if gap >= 0 else 0.0
    return NormalDist().cdf(gap / error)


def holm(chances: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Which of several hypotheses fall, so that the chance of even one false fall stays at `alpha` (Holm, 1979)."""
    rejected = [False] * len(chances)
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    for step, place in enumerate(order):
        if chances[place] > alpha / (len(chances) - step):
            break
        rejected[place] = True
    return tuple(rejected)
