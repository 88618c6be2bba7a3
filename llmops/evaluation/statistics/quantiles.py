"""Student's quantile, and percentiles of values with their intervals."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from statistics import NormalDist

from llmops.evaluation.statistics.bounded import bounded_interval
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.samples import Clusters, found_in
from llmops.evaluation.statistics.spreads import spread_of

# From so many degrees on the expansion alone is exact to eight digits.
FEW = 100
NEWTON = 6
# As for means (`means.ALIKE_MEAN`).
ALIKE = 4


def student(probability: float, freedom: int) -> float:
    """Student's quantile for a probability above one half; exact to eight digits.

    The expansion in Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.7.5, and Newton's steps
    from there on the finite series of the distribution, 26.7.3 and 26.7.4, where degrees are few.
    """
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:
        return (2 * probability - 1) * math.sqrt(2 / (4 * probability * (1 - probability)))
    found = _expanded(probability, freedom)
    for _ in range(NEWTON if freedom <= FEW else 0):
        found -= (_student_below(found, freedom) - probability) / _student_density(found, freedom)
    return found


def _expanded(probability: float, freedom: int) -> float:
    z = NormalDist().inv_cdf(probability)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return math.fsum(term / freedom**power for power, term in enumerate(terms))


def _student_below(value: float, freedom: int) -> float:
    angle = math.atan(value / math.sqrt(freedom))
    square, term, total = math.cos(angle) ** 2, 1.0, 0.0
    odd = freedom % 2
    for place in range(freedom // 2):
        total += term
        term *= square * (2 * place + 1 + odd) / (2 * place + 2 + odd)
    if odd:
        return 0.5 + (angle + math.sin(angle) * math.cos(angle) * total) / math.pi
    return 0.5 + math.sin(angle) * total / 2


def _student_density(value: float, freedom: int) -> float:
    log = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
    return math.exp(log - (freedom + 1) / 2 * math.log1p(value * value / freedom))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed. Raises: ValueError where there is none."""
    if not values:
        raise ValueError("no values, no percentile")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def percentile_interval(values: Sequence[float], share: float, level: float) -> Interval | None:
    """The interval between two order statistics (David and Nagaraja, section 7.1), or None where there are too few
    values to bound the percentile on both sides (72 for the 95th at level 0.95)."""
    found_in([values])
    ordered, tail = sorted(values), (1 - level) / 2
    first, chances = _binomial(len(ordered), share)
    below, low, high = 0.0, 0, 0
    for rank, chance in enumerate(chances, start=first):
        if below <= tail:
            low = rank
        below += chance
        if below >= 1 - tail:
            high = rank + 1
            break
    if not 1 <= low <= high <= len(ordered):
        return None
    return Interval(low=ordered[low - 1], high=ordered[high - 1], level=level)


def clustered_percentile_interval(clusters: Clusters, share: float, level: float) -> Interval | None:
    """The same for cases in clusters: the values of which the data do not refuse, by the interval of the share of
    cases up to them, that they are the percentile (R. S. Woodruff, JASA 47 (1952), p. 635, as an inverted test).
    None: fewer than two clusters, or too few values to bound the percentile on both sides."""
    found_in(clusters)
    found = [cluster for cluster in clusters if cluster]
    if all(len(cluster) == 1 for cluster in found):
        return percentile_interval([cluster[0] for cluster in found], share, level)
    if len(found) < 2:
        return None
    ordered = sorted({value for cluster in found for value in cluster})

    def limits(value: float) -> Interval:
        below = [[float(each <= value) for each in cluster] for cluster in found]
        return bounded_interval(spread_of(below), (0.0, 1.0), level, alike=ALIKE)

    # The first value of which too many cases are at or under it to be below the percentile, and the last before
    # which too few are.
    high = bisect.bisect_left(ordered, True, key=lambda value: limits(value).low >= share)
    low = bisect.bisect_left(ordered, True, key=lambda value: limits(value).high > share)
    if high == len(ordered) or limits(ordered[0]).high >= share:
        return None
    return Interval(low=ordered[low], high=ordered[high], level=level)


def _binomial(trials: int, share: float) -> tuple[int, list[float]]:
    """The chances of so many of `trials` around the expected number, and the first number of them; what is left out
    on either side is too little to count."""
    logs = (math.log(share), math.log1p(-share))
    reach = 9 * math.sqrt(trials * share * (1 - share)) + 30
    first, last = max(0, math.floor(trials * share - reach)), min(trials, math.ceil(trials * share + reach))
    whole = math.lgamma(trials + 1)
    return first, [
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * logs[0] + (trials - k) * logs[1])
        for k in range(first, last + 1)
    ]
