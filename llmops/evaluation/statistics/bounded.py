"""The interval of a mean whose values are known to lie between two ends, and of nothing else is assumed.

Rules, in order:

1. What was not seen may be the worst. Each limit is a quantile of the mean under random weights (uniform spacings, one
   for every value) after the end of the range on its side is added as one more value: N. Gaffke, "Three test
   statistics for a nonparametric one-sided hypothesis on the mean of a nonnegative variable", Mathematical Methods
   of Statistics 14 (2005), p. 451; E. Learned-Miller, P. Thomas, "A new confidence interval for the mean of a bounded
   random variable", arXiv:1905.06208 (2019). Of passes and failures that is the exact interval of C. J. Clopper and
   E. S. Pearson, Biometrika 26 (1934), p. 404; of many values it is nearly Student's.
2. The quantile is computed, not drawn. Spacings are exponential variables over their sum, so the weighted mean stays
   under t as often as a sum of independent exponentials stays under zero; that chance is read off the saddlepoint:
   H. E. Daniels, "Tail probability approximations", International Statistical Review 55 (1987), p. 37, in the form
   of O. E. Barndorff-Nielsen, Biometrika 73 (1986), p. 307. It errs by less than 0.5 % of a limit's distance, outward.
3. Cases in clusters: their pseudo-values are weighted, by how far the mean moves without each (R. M. Bell, D. F.
   McCaffrey, Survey Methodology 28 (2002), p. 169: a large cluster pulls the mean to itself and seems to lie close),
   and the added one is a cluster in which as many cases as the design effect says go to the end together (L. Kish,
   "Survey Sampling" (1965), section 5.4): at most as many as the cluster of a case drawn at random holds. The effect
   is the one seen once `alike` such clusters with all their cases at the end count as seen too: few events tell little.
4. Clusters never make an interval narrower than independent cases would: the wider limit of both counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from statistics import NormalDist

from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.spreads import Counts, Spread

STEPS = 60
NORMAL = NormalDist()


def bounded_interval(spread: Spread, ends: tuple[float, float], level: float, *, alike: int) -> Interval:
    """The interval of the mean of values between `ends`; `alike`: rule 3."""
    lowest, highest = ends
    tail = (1 - level) / 2
    low = -_upper_limit(spread.mirrored(), -lowest, tail, alike)
    high = _upper_limit(spread, highest, tail, alike)
    middle = min(max(spread.mean, lowest), highest)
    return Interval(low=min(max(low, lowest), middle), high=max(min(high, highest), middle), level=level)


def chance_above(spread: Spread, bar: float, end: float, *, alike: int) -> float:
    """How likely a mean this low or lower is if the true one is `bar`: the tail at which the upper limit is that."""
    found = (_weights(counts, added).tail_at(bar) for counts, added in _parts(spread, end, alike))
    return max(found)


def _upper_limit(spread: Spread, end: float, tail: float, alike: int) -> float:
    return max(_weights(counts, added).limit(tail) for counts, added in _parts(spread, end, alike))


def _parts(spread: Spread, end: float, alike: int) -> list[tuple[Counts, float]]:
    """What is weighted, and the value that is added to it: by cases, and by clusters where there are any."""
    if spread.size == 1:
        return [(spread.cases, end)]
    return [(spread.cases, end), (spread.clusters, spread.mean + _clump(spread, end, alike) * (end - spread.mean))]


def _clump(spread: Spread, end: float, alike: int) -> float:
    """How many cases go to the end together in the added cluster, by the mean size: over 1 where sizes differ."""
    events = alike * spread.weighted * (end - spread.mean) ** 2
    if events < 1e-15:
        return 1.0
    effect = (spread.clumped + spread.weighted * events) / (spread.alone + events)
    return min(max(effect, 1.0), spread.weighted) / spread.size


def _weights(seen: Counts, added: float) -> _Weights:
    top = max(added, *seen.values)
    gaps = [top - value for value in seen.values]
    return _Weights(top=top, gaps=[*gaps, top - added], counts=[*seen.counts, 1.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weights:
    """The mean of values under uniform spacings; `gaps` are their distances from `top`, the highest of them."""

    top: float
    gaps: list[float]
    counts: list[float]

    def limit(self, tail: float) -> float:
        """The value that the mean exceeds with chance `tail`."""
        middle, deviation = self._moments()
        if deviation <= 1e-12 * max(middle, 1e-300):
            return self.top - middle
        return self.top - self._solved(NORMAL.inv_cdf(1 - tail), middle, deviation)

    def tail_at(self, value: float) -> float:
        """The chance that the mean exceeds `value`."""
        middle, deviation = self._moments()
        wanted = self.top - value
        if wanted <= 0:
            return 0.0
        if wanted >= max(self.gaps):
            return 1.0
        if deviation <= 1e-12 or wanted >= middle:
            # Only small chances decide anything: from the middle on, half is near enough.
            return 0.5
        low, high = -60.0, 60.0
        for _ in range(STEPS):
            at = (low + high) / 2
            low, high = (at, high) if self._tilted(math.exp(at))[0] > wanted else (low, at)
        return 1 - NORMAL.cdf(self._tilted(math.exp(low))[1])

    def _moments(self) -> tuple[float, float]:
        total = math.fsum(self.counts)
        middle = math.fsum(map(mul, self.counts, self.gaps)) / total
        squares = math.fsum(count * (gap - middle) ** 2 for count, gap in zip(self.counts, self.gaps, strict=True))
        return middle, math.sqrt(squares)

    def _solved(self, z: float, middle: float, deviation: float) -> float:
        """The gap at which the signed root is `z`: the secant method on the logarithm of the tilt."""
        slope = z / deviation
        before = math.log(slope / (1 - slope * middle) if slope * middle < 0.9 else 10 * slope)
        gap, root = self._tilted(math.exp(before))
        at = before + (0.5 if root < z else -0.5)
        for _ in range(STEPS):
            gap, seen = self._tilted(math.exp(at))
            if abs(seen - z) < 1e-10 or seen == root:
                break
            step = (z - seen) * (at - before) / (seen - root)
            before, root = at, seen
            at += max(-3.0, min(3.0, step))
        return gap

    def _tilted(self, tilt: float) -> tuple[float, float]:
        """Where the mean stands when the weights are tilted by so much, as a gap, and its signed root r*."""
        grown = [1 + tilt * gap for gap in self.gaps]
        weights = [count / growth for count, growth in zip(self.counts, grown, strict=True)]
        gap = math.fsum(map(mul, weights, self.gaps)) / math.fsum(weights)
        depth = math.fsum(map(mul, self.counts, map(math.log, grown))) - math.fsum(self.counts) * math.log1p(tilt * gap)
        root = math.sqrt(max(2 * depth, 0.0))
        if root < 1e-6:
            return gap, root
        squares = math.fsum(
            count * ((gap - each) / growth) ** 2
            for count, each, growth in zip(self.counts, self.gaps, grown, strict=True)
        )
        return gap, root + math.log(tilt * math.sqrt(squares) / root) / root
