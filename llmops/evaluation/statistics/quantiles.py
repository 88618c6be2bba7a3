"""Student's quantile, and percentiles of values with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from llmops.evaluation.statistics.intervals import Interval


def student(probability: float, freedom: int) -> float:
    """Student's quantile: exact for one and two degrees of freedom, else the expansion in Abramowitz and Stegun,
    "Handbook of Mathematical Functions" (1964), 26.7.5 (within 0.6 % at three degrees, better above)."""
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:
        return (2 * probability - 1) * math.sqrt(2 / (4 * probability * (1 - probability)))
    z = NormalDist().inv_cdf(probability)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / freedom**power for power, term in enumerate(terms))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed. Raises: ValueError where there is none."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def percentile_interval(values: Sequence[float], share: float, level: float) -> Interval | None:
    """The interval between two order statistics (David and Nagaraja, section 7.1), or None where there are too few
    values to bound the percentile on both sides (72 for the 95th at level 0.95)."""
    ordered, tail = sorted(values), (1 - level) / 2
    chances = _binomial(len(ordered), share)
    below, low, high = 0.0, 0, 0
    for rank, chance in enumerate(chances):
        if below <= tail:
            low = rank
        below += chance
        if below >= 1 - tail:
            high = rank + 1
            break
    if not 1 <= low <= high <= len(ordered):
        return None
    return Interval(low=ordered[low - 1], high=ordered[high - 1], level=level)


def _binomial(trials: int, share: float) -> list[float]:
    """P(k of `trials`) for k = 0 … trials."""
    logs = (math.log(share), math.log1p(-share))
    whole = math.lgamma(trials + 1)
    return [
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * logs[0] + (trials - k) * logs[1])
        for k in range(trials + 1)
    ]
