"""The studentised bootstrap, drawn as counts of distinct values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.spreads import counted_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 4_000
# A resample in which nearly all values are equal has next to no spread of its own and would claim any distance.
LEAST_SPREAD = 0.25


def bootstrap_t(values: Sequence[float] | NDArray[np.float64], level: float, seed: str) -> Interval:
    """The studentised bootstrap of the mean (Efron and Tibshirani, section 12.5) of values that are not all equal."""
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    seen = counted_array(array)
    distinct, counts = np.asarray(seen.values), np.asarray(seen.counts)
    number, centre = len(array), math.fsum(array.tolist()) / len(array)
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
