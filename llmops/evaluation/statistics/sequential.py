"""Tests of a mean that hold at any time: look after every case, stop when you like, and be wrong no more often.

Somebody starts with one coin and bets, case by case, against "the mean lies below the bar". Where that is true no bet
is favourable, so the wealth is a supermartingale and reaches 1/alpha with probability alpha at most, over all times
together (Ville's inequality). Reached, it refutes the claim.

Sources: Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024): the
capital process (section 4.1) and, for a sample without replacement, its form with the mean of what is left (section 5).
The size of the bets is no choice: wealth is spread over a grid of them (their section B.3), and a mixture of
supermartingales is one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

# Shares of what may be staked. The best one is unknown; each costs the mixture at most log(len) in the exponent.
STAKES = (0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.3, 0.42, 0.55, 0.7, 0.85, 0.97)
# Sums of doubles: what is left may be wrong in its last bits.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """What betting against a claim came to: the `largest` wealth (infinite where the claim is impossible), and after
    how many observations it `reached` 1/alpha; None where it did not."""

    largest: float
    reached: int | None


def climb(
    values: Sequence[float] | NDArray[float64],
    bar: float,
    *,
    alpha: float,
    population: int | None = None,
    ahead: float = 0.0,
) -> Climb:
    """Bet on `values` (each from 0 to 1, in their order) against "the mean lies below `bar`".

    With `population` the mean is that of so many values, from which `values` are drawn without replacement; `ahead` is
    the sum of (value - bar) over others of the same whole that are known without a bet. Without, the mean is that of
    the population that the values come from. Raises: ValueError for values, bar or alpha outside their range.
    """
    import numpy as np

    observed = np.asarray(values, dtype=float)
    _check(observed, bar, alpha)
    means = np.full(len(observed), float(bar))
    if population is not None:
        if len(observed) > population:
            raise ValueError(f"{len(observed)} values of a population of {population}")
        known = ahead + np.concatenate(([0.0], np.cumsum(observed - bar)))[:population]
        means = bar - known / (population - np.arange(len(known)))
    impossible = np.flatnonzero(means < -TOLERANCE)
    # What is left cannot make the claim true: known as soon as the observation before was made.
    end = int(impossible[0]) if len(impossible) else len(observed)
    logs = _logs(observed[:end], means[:end])
    reached = np.flatnonzero(logs >= -math.log(alpha))
    largest = math.inf if len(impossible) else math.exp(min(float(logs.max(initial=0.0)), 700.0))
    if len(reached):
        return Climb(largest=largest, reached=int(reached[0]) + 1)
    return Climb(largest=largest, reached=end if len(impossible) else None)


def _check(observed: NDArray[float64], bar: float, alpha: float) -> None:
    if not 0 <= bar <= 1:
        raise ValueError(f"the bar {bar} lies outside 0 to 1")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, it lies between 0 and 1")
    outside = [value for value in observed.tolist() if not 0 <= value <= 1]
    if outside:
        raise ValueError(f"{outside[0]} lies outside 0 to 1")


def _logs(observed: NDArray[float64], means: NDArray[float64]) -> NDArray[float64]:
    """The logarithm of the wealth after every observation. A larger mean makes every bet worse, so one too small to be
    divided by is taken for a larger one."""
    import numpy as np

    gains = observed / np.maximum(means, TOLERANCE) - 1
    logs = np.full(len(observed), -math.inf)
    for stake in STAKES:
        logs = np.logaddexp(logs, np.cumsum(np.log1p(stake * gains)))
    return logs - math.log(len(STAKES))
