"""Shares of what passes: Wilson's score interval."""

from __future__ import annotations

import math
from statistics import NormalDist

from llmops.evaluation.statistics.intervals import Interval


def wilson(successes: float, trials: float, level: float) -> Interval:
    """Wilson's score interval for a proportion; both numbers may be effective, that is fractional."""
    return wilson_at(successes / trials, trials, NormalDist().inv_cdf(0.5 + level / 2), level)


def wilson_at(share: float, trials: float, z: float, level: float) -> Interval:
    """The same at a quantile `z` of one's own, say Student's."""
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # The exact limits of an extreme share are 0 and 1; rounding must not leave the figure outside its own interval.
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return Interval(low=min(max(low, 0.0), share), high=max(min(high, 1.0), share), level=level)
