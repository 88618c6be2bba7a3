"""The studentised bootstrap, drawn as counts of distinct values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmops.evaluation.statistics.intervals import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 4_000
# Bins lose the spread within them: at 100 that narrows an interval by far less than the draws' own noise (1 %).
BINS = 100
# A resample in which nearly all values are equal has next to no spread of its own and would claim any distance.
LEAST_SPREAD = 0.25


def bootstrap_t(values: Sequence[float], level: float, seed: str) -> Interval:
    """The studentised bootstrap of the mean (Efron and Tibshirani, section 12.5)."""
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    distinct, counts = _binned(array)
    number, centre = len(values), math.fsum(values) / len(values)
    error = math.sqrt(float(np.square(array - centre).sum()) / (number - 1) / number)
    if error == 0:
        return Interval(low=centre, high=centre, level=level)
    generator = np.random.default_rng(int(seed[:16] or "0", 16))
    drawn = generator.multinomial(number, counts / number, size=DRAWS) / number
    # Centred before squaring, so that large figures with little spread keep their digits.
    shifted = distinct - centre
    means = drawn @ shifted
    variances = np.maximum(drawn @ (shifted * shifted) - means * means, 0) / (number - 1)
    ratios = means / np.maximum(np.sqrt(variances), LEAST_SPREAD * error)
    low, high = np.quantile(ratios, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(low=centre - float(high) * error, high=centre - float(low) * error, level=level)


def _binned(array: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The distinct values and their counts; more than `BINS` of them are gathered in bins, each at its own mean."""
    import numpy as np

    distinct, counts = np.unique(array, return_counts=True)
    if len(distinct) <= BINS:
        return distinct, np.asarray(counts, dtype=np.float64)
    width = (distinct[-1] - distinct[0]) / BINS
    places = np.minimum(((array - distinct[0]) / width).astype(np.int64), BINS - 1)
    gathered = np.bincount(places, minlength=BINS).astype(np.float64)
    sums = np.bincount(places, weights=array, minlength=BINS)
    held = gathered > 0
    return sums[held] / gathered[held], gathered[held]
