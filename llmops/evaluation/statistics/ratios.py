"""Ratios of two sums over the same cases, such as tokens or money for each point of quality.

Rules, in order:

1. The ratio is of the sums, Σ spend / Σ quality, not the mean of ratios: a case of no quality has a price too.
2. The unit is the cluster. E. C. Fieller, "Some problems in interval estimation", JRSS B 16 (1954), p. 175, with
   Student's quantile, on the totals of clusters; and the interval of the linearised ratio, (spend - ratio * quality) /
   mean quality (W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), section 6.4), which follows skewed spends. The
   wider limit of both counts on each side.
3. Where quality cannot be told from zero the ratio has no upper bound, and so no interval (None).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops.evaluation.statistics.clusters import variance
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.quantiles import student
from llmops.evaluation.statistics.unbounded import difference_interval

Pair = tuple[float, float]
Pairs = Sequence[Sequence[Pair]]


def ratio(pairs: Pairs) -> float:
    """Σ spend / Σ quality over clusters of (spend, quality). Raises: ValueError where quality sums to zero, or one
    of the numbers is negative or none."""
    spends, qualities = _totals(pairs)
    if math.fsum(qualities) <= 0:
        raise ValueError("quality sums to 0, no spend for each point of it")
    return math.fsum(spends) / math.fsum(qualities)


def ratio_interval(pairs: Pairs, level: float, *, seed: str) -> Interval | None:
    """The interval of `ratio`. None: fewer than two clusters, quality that cannot be told from zero, or spend in
    proportion to quality everywhere. Raises: ValueError as `ratio`, apart from quality of zero."""
    spends, qualities = _totals(pairs)
    if len(spends) < 2 or not _is_above_zero(qualities, level):
        return None
    centre = math.fsum(spends) / math.fsum(qualities)
    parts = _linearised(spends, qualities)
    if _are_proportional(parts, spends):
        return None
    around = difference_interval(parts, level, seed)
    exact = _fieller(spends, qualities, level)
    return Interval(
        low=max(0.0, min(exact.low, centre + around.low)), high=max(exact.high, centre + around.high), level=level
    )


def ratio_difference_interval(before: Pairs, after: Pairs, level: float, *, seed: str) -> Interval | None:
    """The interval of ratio(after) - ratio(before) on the same cases in the same order. None as `ratio_interval`.

    Raises: ValueError where the cases are not the same in number, cluster by cluster."""
    if [len(cluster) for cluster in before] != [len(cluster) for cluster in after]:
        raise ValueError(f"{_shape(before)} before, {_shape(after)} after: not the same cases")
    first, second = _totals(before), _totals(after)
    if len(first[0]) < 2 or not all(_is_above_zero(qualities, level) for _, qualities in (first, second)):
        return None
    changes = [new - old for new, old in zip(_linearised(*second), _linearised(*first), strict=True)]
    if _are_proportional(changes, [*first[0], *second[0]]):
        return None
    around = difference_interval(changes, level, seed)
    centre = ratio(after) - ratio(before)
    return Interval(low=centre + around.low, high=centre + around.high, level=level)


def _totals(pairs: Pairs) -> tuple[list[float], list[float]]:
    found = [cluster for cluster in pairs if cluster]
    for number in (number for cluster in found for pair in cluster for number in pair):
        if not (math.isfinite(number) and number >= 0):
            raise ValueError(f"value {number!r}, expected a finite number from 0 on")
    return (
        [math.fsum(spend for spend, _ in cluster) for cluster in found],
        [math.fsum(quality for _, quality in cluster) for cluster in found],
    )


def _linearised(spends: Sequence[float], qualities: Sequence[float]) -> list[float]:
    """What each cluster adds to the ratio; zero in the mean."""
    slope, middle = math.fsum(spends) / math.fsum(qualities), math.fsum(qualities) / len(qualities)
    return [(spend - slope * quality) / middle for spend, quality in zip(spends, qualities, strict=True)]


def _are_proportional(parts: Sequence[float], spends: Sequence[float]) -> bool:
    """Whether no cluster differs from the others though something was spent: no spread that could be reckoned with."""
    return max(spends) > 0 and max(map(abs, parts)) <= 1e-12 * max(spends)


def _is_above_zero(qualities: Sequence[float], level: float) -> bool:
    middle = math.fsum(qualities) / len(qualities)
    error = math.sqrt(variance(qualities) / len(qualities))
    return middle > 0 and middle > student(0.5 + level / 2, len(qualities) - 1) * error


def _fieller(spends: Sequence[float], qualities: Sequence[float], level: float) -> Interval:
    """The ratios whose line through zero Student's test does not refuse; quality is known to be above zero."""
    number = len(spends)
    spend, quality = math.fsum(spends) / number, math.fsum(qualities) / number
    scale = student(0.5 + level / 2, number - 1) ** 2 / number
    together = math.fsum((s - spend) * (q - quality) for s, q in zip(spends, qualities, strict=True)) / (number - 1)
    outer = quality**2 - scale * variance(qualities)
    middle = spend * quality - scale * together
    root = math.sqrt(max(0.0, middle**2 - outer * (spend**2 - scale * variance(spends))))
    return Interval(low=(middle - root) / outer, high=(middle + root) / outer, level=level)


def _shape(pairs: Pairs) -> str:
    return f"{sum(len(cluster) for cluster in pairs)} cases in {len(pairs)} clusters"
