"""Rates that a calibration corrects, planned: the gate's interval is as wide as cases and labels make it.

Rules, in order:

1. A gate to come is no run that labels were drawn from: it is corrected by the judge's sensitivity and specificity, in
   the interval of `calibration.carried` (Lang and Reiczigel, Preventive Veterinary Medicine 113 (2014)), as the gate
   does it. A release with a true rate r is passed by the judge in r · sensitivity + (1 - r)(1 - specificity) of cases.
2. The labels are recorded and stay the same however many cases there are: their part of the width stays too. Nearer
   to the bar than that (`floor`) no number of cases tells anything; only further labels do.
3. Pass or fail, asked once a case, without groups, is counted out up to `COUNTED` cases. Else the judge's share is
   taken for normal, and the cases that it rests on are those of its variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist

from llmops.evaluation.calibration import carried
from llmops.evaluation.calibration.agreement import Errors
from llmops.evaluation.calibration.carried import Share
from llmops.evaluation.calibration.weighing import discounted
from llmops.evaluation.planning.chances import Population, at_least
from llmops.evaluation.planning.components import Design
from llmops.evaluation.statistics.intervals import Interval

COUNTED = 2_000
MOST_LABELS = 100  # times those that there are
UNLIMITED = 1e15
STEPS = 40
TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is known of the judge's errors, from `labelled` answers; the `rate` that people would give to what was seen,
    with the gate's `interval` there (None: it is stated). `times`: as if so many times the labels were there, with the
    same errors."""

    errors: Errors
    labelled: int
    rate: float
    interval: Interval | None = None
    times: float = 1.0

    @property
    def youden(self) -> float:
        """How much of a difference in people's rate the judge shows."""
        return self.errors.youden.value or 0.0

    def judged(self, rate: float) -> float:
        """What the judge passes where people pass `rate`."""
        right, wary = self._shares()
        return min(max(rate * right.value + (1 - rate) * (1 - wary.value), 0.0), 1.0)

    def limits(self, passed: Share, level: float) -> tuple[float, float]:
        """The gate's limits where the judge passes so many; (-inf, inf) where it gives none."""
        right, wary = self._shares()
        found = carried.lang_reiczigel(passed, right, wary, level)
        if found is None:
            return (-math.inf, math.inf)
        figure = carried.rogan_gladen(passed.value, right.value, wary.value)
        return min(found.low, figure), max(found.high, figure)

    def _shares(self) -> tuple[Share, Share]:
        both = carried.share_of(self.errors.sensitivity), carried.share_of(self.errors.specificity)
        right, wary = (replace(share, cases=share.cases * self.times) for share in both)
        return right, wary


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedBar:
    """The question whether a corrected rate at some distance from a bar is told from it. `points_up`: it stands above.
    `found` are the judge's verdicts."""

    found: Population
    correction: Correction
    bar: float
    level: float
    points_up: bool

    @property
    def counts_out(self) -> bool:
        """Always: every chance here is computed, none is drawn."""
        return True

    @property
    def room(self) -> float:
        """The largest difference that rates allow."""
        return 1 - self.bar if self.points_up else self.bar

    def chance(self, difference: float, design: Design) -> float:
        """How often the right verdict comes."""
        if design.cases < 2 or difference > self.room + TINY:
            return 0.0
        judged = self.correction.judged(self._true(difference))
        if self.found.counts_out(design) and design.judge_repeats == 1 and design.cases <= COUNTED:
            return self._counted(judged, design.cases)
        return self._normal(judged, design)

    def reach(self, difference: float, design: Design, power: float) -> float:  # noqa: ARG002 - looked for from 0 on
        """The smallest difference that is told so often; infinite where none is."""
        return _least(lambda one: self.chance(one, design) >= power, self.room)

    def floor(self) -> float | None:
        """The difference that no number of cases goes below with these labels; None where not even the largest is."""
        found = _least(lambda one: self._tells(self.correction.judged(self._true(one)), UNLIMITED), self.room)
        return found if math.isfinite(found) else None

    def labels(self, difference: float, design: Design, power: float) -> int | None:
        """How many labels tell the difference with these cases; None where a hundred times as many do not."""

        def is_enough(times: float) -> bool:
            more = replace(self, correction=replace(self.correction, times=times))
            return more.chance(difference, design) >= power

        if not is_enough(MOST_LABELS):
            return None
        more = _least(lambda one: is_enough(1 + one), MOST_LABELS - 1)
        return math.ceil((1 + more) * self.correction.labelled - 1e-6)

    def _true(self, difference: float) -> float:
        true = self.bar + difference if self.points_up else self.bar - difference
        return min(max(true, 0.0), 1.0)

    def _tells(self, passed: float, cases: float) -> bool:
        low, high = self.correction.limits(Share(value=passed, cases=cases), self.level)
        return low >= self.bar - TINY if self.points_up else high <= self.bar + TINY

    def _counted(self, judged: float, cases: int) -> float:
        """From a certain number of passing (or of failing) cases on, the bar is told."""

        def tells(count: int) -> bool:
            return self._tells((count if self.points_up else cases - count) / cases, cases)

        if not tells(cases):
            return 0.0
        low, high = -1, cases
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if tells(middle) else (middle, high)
        return at_least(high, cases, judged if self.points_up else 1 - judged)

    def _normal(self, judged: float, design: Design) -> float:
        variance = self.found.moved(judged).components.of_mean(design)
        cases = self._effective(judged, variance, design)
        if variance <= TINY * TINY:
            return float(self._tells(judged, cases))
        away = _least(lambda one: self._tells(one if self.points_up else 1 - one, cases), 1.0)
        if not math.isfinite(away):
            return 0.0
        gap = judged - away if self.points_up else 1 - away - judged
        return NormalDist().cdf(gap / math.sqrt(variance))

    def _effective(self, judged: float, variance: float, design: Design) -> float:
        """How many independent cases the judge's share rests on, as the gate counts them."""
        groups = max(1, round(design.cases / self.found.components.group_size))
        cases = judged * (1 - judged) / variance if variance > TINY * TINY else float(design.cases)
        if self.found.counts_out(design):
            return cases
        return discounted(cases, groups)


def _least(is_enough: Callable[[float], bool], most: float) -> float:
    """The smallest number from 0 to `most` that is enough, where everything above it is; infinite where none is."""
    if not is_enough(most):
        return math.inf
    low, high = 0.0, most
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high
