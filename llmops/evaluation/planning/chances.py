"""The chance that the gate's interval lies wholly on one side of a bar, for a release whose true figure is given.

Rules, in order:

1. The verdict is the gate's own: gates are drawn, with a fixed seed, and each is decided by the very functions of
   `statistics` that decide the real one. So a promise holds whatever interval stands there; benchmarks/simulation/
   power.py holds it against scores of other shapes.
2. Pass or fail, asked once a case, without groups, is counted out: from a certain number of passing cases on the
   interval reaches the bar, and that number is binomial.
3. Scores from 0 to 1 are beta variables of their mean and variances, level by level: a group's level, the case's around
   it, an answer's around that, in steps where the scores have steps (beta-binomial: N. L. Johnson, S. Kotz,
   "Discrete Distributions" (1969), 8.4). The closer to an end, the less they vary. Figures without bounds are gamma.
4. Two versions meet the same cases: what is between cases is common to both as far as it was seen to be.
5. From `LARGEST` cases on, and for figures without bounds (whose interval is drawn itself, 10 ms a gate), Student's
   interval is near enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from llmops.evaluation.metrics import Kind
from llmops.evaluation.planning.components import Components, Design
from llmops.evaluation.statistics.means import mean_interval, paired_interval
from llmops.evaluation.statistics.quantiles import student
from llmops.evaluation.statistics.samples import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST, GATES = 20_000, 300
TINY = 1e-12
_SEED = 20_260_301


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Where the scores of one metric come from: their mean and components. `paired` are the components of the
    differences between two versions on the same cases. `steps`: an answer's score lies on so many equal steps (0:
    anywhere; 1: it passes or fails)."""

    mean: float
    components: Components
    paired: Components
    kind: Kind
    is_bounded: bool = True
    steps: int = 0

    def moved(self, mean: float) -> Population:
        """The population of a release with another mean: between 0 and 1, scores vary less the closer to an end."""
        if not self.is_bounded or not 0 < self.mean < 1:
            return replace(self, mean=mean)
        scale = mean * (1 - mean) / (self.mean * (1 - self.mean))
        return replace(self, mean=mean, components=self.components.scaled(scale), paired=self.paired.scaled(scale))

    def counts_out(self, design: Design) -> bool:
        """True where each case is one pass or fail, and stands alone."""
        is_alone = not self.components.group.variance
        return self.kind is Kind.BINARY and self.steps == 1 and design.repeats == 1 and is_alone and self.is_bounded


def passes(found: Population, design: Design, bar: float, level: float, *, is_least: bool = True) -> float:
    """The chance that the interval of the mean lies at `bar` or on its good side: above where the bar `is_least`."""
    if design.cases < 2:
        return 0.0
    if found.counts_out(design) and design.judge_repeats == 1:
        return _counted(found.mean, design.cases, bar, level, is_least=is_least)
    gap = found.mean - bar if is_least else bar - found.mean
    if design.cases > LARGEST:
        return _normal(gap, found.components.of_mean(design), level)
    near = limits(found, design, level)
    if is_least:
        return sum(low >= bar - TINY for low, _ in near) / len(near)
    return sum(high <= bar + TINY for _, high in near) / len(near)


def limits(found: Population, design: Design, level: float) -> tuple[tuple[float, float], ...]:
    """Both limits of the interval of the mean in drawn gates. A gate without an interval has no limits: (-inf, inf)."""
    if design.cases < 2:
        return ((-math.inf, math.inf),)
    if not found.is_bounded:
        return _ends_by_student(found.mean, found.components.of_mean(design), design, level)
    sides = _Draw(found).one(design)
    return tuple(
        _ends(
            mean_interval(values, found.kind, level, seed=f"{at:016x}", bounded=found.is_bounded),
        )
        for at, values in enumerate(sides)
    )


def highest_drops(found: Population, design: Design, level: float, drop: float = 0.0) -> tuple[float, ...]:
    """The upper limits of the drop in drawn gates, sorted, where the true one is `drop`: the share of them that lies
    within a margin is the chance to pass with it."""
    return tuple(sorted(high for _, _, high in drops(found, design, level, drop)))


def drops(found: Population, design: Design, level: float, drop: float = 0.0) -> tuple[tuple[float, float, float], ...]:
    """The drop in drawn gates, and both its limits, where the true one is `drop`."""
    if design.cases < 2:
        return ((drop, -math.inf, math.inf),)
    if design.cases > LARGEST or not found.is_bounded:
        ends = _ends_by_student(drop, found.paired.of_mean(design), design, level)
        return tuple(((low + high) / 2, low, high) for low, high in ends)
    drawn = [
        (float(values.values.mean()), *_ends(_paired(values, found, level, at)))
        for at, values in enumerate(_Draw(found).two(design, drop))
    ]
    # Two versions that do alike may change places: the lower limit is as good a draw as the upper one.
    mirrored = [] if drop else [(-figure, -high, -low) for figure, low, high in drawn]
    return (*drawn, *mirrored)


def _paired(values: Sample, found: Population, level: float, at: int) -> Any:
    return paired_interval(values, found.kind, level, seed=f"{at:016x}", bounded=found.is_bounded)


def _ends(interval: Any) -> tuple[float, float]:
    return (-math.inf, math.inf) if interval is None else (interval.low, interval.high)


def _ends_by_student(true: float, variance: float, design: Design, level: float) -> tuple[tuple[float, float], ...]:
    """Both limits of Student's interval in gates that stand for as many each."""
    error = math.sqrt(variance)
    reach = student(0.5 + level / 2, design.cases - 1) * error
    means = (true + error * NormalDist().inv_cdf((at + 0.5) / GATES) for at in range(GATES))
    return tuple((mean - reach, mean + reach) for mean in means)


def _normal(gap: float, variance: float, level: float) -> float:
    if variance <= TINY * TINY:
        return float(gap > 0)
    return NormalDist().cdf(gap / math.sqrt(variance) - NormalDist().inv_cdf(0.5 + level / 2))


def _counted(share: float, trials: int, bar: float, level: float, *, is_least: bool) -> float:
    if not is_least:  # the most that may fail, seen from the other end
        return _counted(1 - share, trials, 1 - bar, level, is_least=True)
    least = least_passing(trials, bar, level)
    return 0.0 if least is None else at_least(least, trials, min(max(share, 0.0), 1.0))


@lru_cache(maxsize=4_096)
def least_passing(trials: int, bar: float, level: float) -> int | None:
    """How many of `trials` cases have to pass so that the interval reaches the bar; None where not even all do."""
    low, high = 0, trials + 1
    while low < high:
        middle = (low + high) // 2
        if middle > trials or _reaches(middle, trials, bar, level):
            high = middle
        else:
            low = middle + 1
    return low if low <= trials else None


def least_cases(bar: float, level: float) -> int | None:
    """How many cases have to pass, all of them, until the interval reaches the bar; None where no number does."""
    low, high = 1, 2
    while not _reaches(high, high, bar, level):
        low, high = high, 2 * high
        if high > LARGEST * 8:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _reaches(middle, middle, bar, level) else (middle, high)
    return high


def _reaches(passing: int, trials: int, bar: float, level: float) -> bool:
    import numpy as np

    values = np.repeat([1.0, 0.0], [passing, trials - passing])
    interval = mean_interval(Sample(values=values), Kind.BINARY, level, seed="")
    return interval is not None and interval.low >= bar - TINY


def at_least(count: int, trials: int, share: float) -> float:
    """P(at least `count` of `trials`)."""
    if count <= 0:
        return 1.0
    if share <= 0 or share >= 1:
        return float(share >= 1)
    ways = math.lgamma(trials + 1)
    logs = (math.log(share), math.log1p(-share))
    terms = (
        math.exp(ways - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * logs[0] + (trials - k) * logs[1])
        for k in range(count, trials + 1)
    )
    return min(math.fsum(terms), 1.0)


class _Draw:
    """Gates drawn from a population."""

    def __init__(self, found: Population) -> None:
        import numpy as np

        self._found = found
        self._random = np.random.default_rng(_SEED)

    def one(self, design: Design) -> list[Sample]:
        """The case means of one version, gate after gate."""
        own = self._found.components
        groups, places = self._groups(own, design.cases)
        level = self._around(self._flat(groups, self._found.mean), own.group.variance)[:, places]
        noise = own.of_noise(design.repeats, design.judge_repeats)
        values = self._answers(level, own.case.variance + noise, design.repeats)
        return _samples(values, places)

    def two(self, design: Design, drop: float) -> list[Sample]:
        """The drops between two versions on the same cases, gate after gate."""
        own, paired, mean = self._found.components, self._found.paired, self._found.mean
        groups, places = self._groups(paired, design.cases)
        total = own.of_case(design.repeats, design.judge_repeats)
        differing = paired.of_case(design.repeats, design.judge_repeats)
        common = max(total - differing / 2, 0.0)
        base = self._around(self._flat(len(places), mean), common)
        sides = []
        for true in (mean, mean - drop):
            scaled = base * (true / mean) if mean else base + true
            level = self._shifted(scaled, self._effects(paired.group.variance / 2, groups)[:, places])
            alone = paired.case.variance + paired.of_noise(design.repeats, design.judge_repeats)
            sides.append(self._answers(level, alone / 2, design.repeats))
        return _samples(sides[0] - sides[1], places)

    def _groups(self, own: Components, cases: int) -> tuple[int, NDArray[np.intp]]:
        """How many groups there are, and the group of each case."""
        import numpy as np

        groups = max(1, round(cases / own.group_size))
        return groups, np.arange(cases) % groups

    def _flat(self, count: int, mean: float) -> NDArray[np.float64]:
        import numpy as np

        return np.full((GATES, count), mean)

    def _effects(self, variance: float, groups: int) -> NDArray[np.float64]:
        import numpy as np

        if variance <= TINY:
            return np.zeros((GATES, groups))
        return self._random.normal(0.0, math.sqrt(variance), (GATES, groups))

    def _shifted(self, level: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = level + by
        return moved.clip(0.0, 1.0) if self._found.is_bounded else moved

    def _around(self, level: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
        """Values around each level, of this variance on average."""
        import numpy as np

        if variance <= TINY:
            return level
        if not self._found.is_bounded:
            shape = max(float(np.mean(np.square(level))) / variance, 1e-3)
            return np.asarray(self._random.gamma(shape, 1.0, level.shape) * level / shape)
        room = level * (1 - level)
        share = min(variance / max(float(room.mean()), TINY), 1 - 1e-6)
        total = 1 / share - 1
        inside = np.clip(level, 1e-9, 1 - 1e-9)
        return np.asarray(self._random.beta(inside * total, (1 - inside) * total))

    def _answers(self, level: NDArray[np.float64], variance: float, repeats: int) -> NDArray[np.float64]:
        """The mean of each case's answers, which vary so much around its level."""
        import numpy as np

        steps = self._found.steps * repeats
        if not steps or not self._found.is_bounded:
            return self._around(level, variance)
        room = max(float((level * (1 - level)).mean()), TINY)
        # Steps make a part of the variance themselves: of what is asked for, the rest is that of the level.
        share = (variance / room - 1 / steps) / (1 - 1 / steps) if steps > 1 else 0.0
        own = self._around(level, max(share, 0.0) * room)
        return np.asarray(self._random.binomial(steps, own.clip(0.0, 1.0)) / steps)


def _samples(values: NDArray[np.float64], places: NDArray[np.intp]) -> list[Sample]:
    """Each gate's scores, with the group of each case where groups have several."""
    is_alone = int(places.max()) + 1 == len(places)
    return [Sample(values=row, clusters=None if is_alone else places) for row in values]
