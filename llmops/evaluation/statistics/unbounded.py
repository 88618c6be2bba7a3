"""Means of what has no upper bound: time, tokens, money. Nothing is sure here without a word on the tail.

Rules, in order:

1. The studentised bootstrap follows the skewness that was seen; Student's interval is taken where it is wider, which
   it is for few clusters: each alone falls short of its level there.
2. Amounts above zero, from four clusters on, are also taken as lognormal, the usual shape of times and costs: the
   interval on the logarithm of the mean, and D. R. Cox's (in X.-H. Zhou, S. Gao, "Confidence intervals for the
   log-normal mean", Statistics in Medicine 16 (1997), p. 783) with Student's quantile (U. Olsson, Journal of
   Statistics Education 13(1) (2005)). They reckon with a tail that was not seen. The widest limit counts on each side.
3. Equal values tell nothing of how far another may lie. An unseen one is taken to cost from nothing to twice as much,
   and so many of them are reckoned with as n equal values leave open, 1 - ((1 - level) / 2)^(1 / n). What is free
   everywhere stays free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmops.evaluation.statistics.bootstrap import bootstrap_t
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.quantiles import student

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Student's quantile of fewer clusters, taken to the exponential, bounds nothing that a reader could use.
ENOUGH = 4


def amount_interval(values: Sequence[float], level: float, seed: str) -> Interval:
    """The interval of the mean of one value a cluster (two at least)."""
    import numpy as np

    found, array = difference_interval(values, level, seed), np.asarray(values, dtype=np.float64)
    if len(array) < ENOUGH or array.min() <= 0 or _are_equal(array):
        return found
    return _hull(found, _on_the_logarithm(array, level), _lognormal(array, level))


def difference_interval(values: Sequence[float], level: float, seed: str) -> Interval:
    """The same without a word on the shape: for differences, which may have either sign."""
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    centre = float(array.mean())
    if _are_equal(array):
        unseen = abs(centre) * (1 - ((1 - level) / 2) ** (1 / len(array)))
        return Interval(low=centre - unseen, high=centre + unseen, level=level)
    half = student(0.5 + level / 2, len(array) - 1) * _error(array)
    students = Interval(low=centre - half, high=centre + half, level=level)
    return _hull(bootstrap_t(array, level, seed), students)


def _are_equal(array: NDArray[np.float64]) -> bool:
    # Pseudo-values of equal cases differ by rounding.
    return _error(array) <= 1e-12 * float(abs(array).max())


def _error(array: NDArray[np.float64]) -> float:
    return math.sqrt(float(array.var(ddof=1)) / len(array))


def _on_the_logarithm(array: NDArray[np.float64], level: float) -> Interval:
    centre = float(array.mean())
    half = student(0.5 + level / 2, len(array) - 1) * _error(array) / centre
    return _exponentials(math.log(centre), half, level)


def _lognormal(array: NDArray[np.float64], level: float) -> Interval:
    import numpy as np

    logs, number = np.log(array), len(array)
    spread = float(logs.var(ddof=1))
    half = student(0.5 + level / 2, number - 1) * math.sqrt(spread / number + spread**2 / (2 * (number - 1)))
    return _exponentials(float(logs.mean()) + spread / 2, half, level)


def _exponentials(middle: float, half: float, level: float) -> Interval:
    # Few clusters may leave a limit that no float can hold; it says as much as the largest one.
    low, high = (math.exp(max(-700.0, min(700.0, middle + sign * half))) for sign in (-1, 1))
    return Interval(low=low, high=high, level=level)


def _hull(*intervals: Interval) -> Interval:
    return Interval(
        low=min(one.low for one in intervals), high=max(one.high for one in intervals), level=intervals[0].level
    )
