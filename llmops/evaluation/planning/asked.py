"""The questions that a rule puts to drawn gates: is a figure told from its bar, is a release told to be in a margin.

`plan` asks them how often the right verdict comes, and how far the limits lie. Corrected rates have a question of their
own (`corrected`); a corrected drop is the judge's, divided by what it sees of one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Protocol

from llmops.evaluation.calibration import carried
from llmops.evaluation.planning import chances
from llmops.evaluation.planning.chances import Population
from llmops.evaluation.planning.components import Design
from llmops.evaluation.planning.corrected import Correction
from llmops.evaluation.statistics.intervals import Interval

TINY = 1e-12


class Asked(Protocol):
    """A difference that a rule may have to tell."""

    @property
    def counts_out(self) -> bool:
        """True where chances are exact and cost little."""
        ...

    def chance(self, difference: float, design: Design) -> float:
        """How often the right verdict comes."""
        ...

    def reach(self, difference: float, design: Design, power: float) -> float:
        """How far the nearer limit lies from the true figure, in all but the unluckiest gates: what it can tell."""
        ...


@dataclass(frozen=True, slots=True)
class Bar:
    """The question whether a figure at some distance from a bar is told from it. `points_up`: it stands above."""

    found: Population
    bar: float
    level: float
    points_up: bool
    design: Design
    drawn: dict[tuple[float, Design], tuple[tuple[float, float], ...]] = field(default_factory=dict)

    @property
    def counts_out(self) -> bool:
        return self.found.counts_out(self.design)

    def at(self, difference: float) -> Population | None:
        """The population whose mean stands that far from the bar; None where scores do not go there."""
        true = self.bar + difference if self.points_up else self.bar - difference
        if not self.found.is_bounded:
            return self.found.moved(true)
        return self.found.moved(min(max(true, 0.0), 1.0)) if -TINY <= true <= 1 + TINY else None

    def chance(self, difference: float, design: Design) -> float:
        found = self.at(difference)
        if found is None:
            return 0.0
        if found.counts_out(design) or design.cases > chances.LARGEST:
            return chances.passes(found, design, self.bar, self.level, is_least=self.points_up)
        away = self._away(difference, found, design)
        return sum(one <= difference + TINY for one in away) / len(away)

    def reach(self, difference: float, design: Design, power: float) -> float:
        found = self.at(difference)
        if found is None or design.cases > chances.LARGEST:
            error = math.sqrt((found or self.found).components.of_mean(design))
            return error * (NormalDist().inv_cdf(0.5 + self.level / 2) + NormalDist().inv_cdf(power))
        return quantile(sorted(self._away(difference, found, design)), power)

    def _away(self, difference: float, found: Population, design: Design) -> list[float]:
        key = (difference, design)
        if key not in self.drawn:
            self.drawn[key] = chances.limits(found, design, self.level)
        return [found.mean - low if self.points_up else high - found.mean for low, high in self.drawn[key]]


@dataclass(frozen=True, slots=True)
class Margin:
    """The question whether a release is told to be within a margin, that is `difference` better than it allows."""

    found: Population
    margin: float
    level: float
    drop: float
    correction: Correction | None = None
    drawn: dict[Design, tuple[float, ...]] = field(default_factory=dict)

    @property
    def counts_out(self) -> bool:
        return False

    def chance(self, difference: float, design: Design) -> float:
        limits = self._limits(design)
        return sum(limit <= self.drop + difference + TINY for limit in limits) / len(limits)

    def reach(self, difference: float, design: Design, power: float) -> float:  # noqa: ARG002 - the drop is given
        return quantile(self._limits(design), power) - self.drop

    def _limits(self, design: Design) -> tuple[float, ...]:
        if design not in self.drawn:
            self.drawn[design] = tuple(sorted(self._highest(design)))
        return self.drawn[design]

    def _highest(self, design: Design) -> Iterator[float]:
        if self.correction is None:
            yield from chances.highest_drops(self.found, design, self.level, self.drop)
            return
        # The judge shows so much of what people would see; its errors widen what is left.
        seen = chances.drops(self.found, design, self.level, self.drop * self.correction.youden)
        for figure, low, high in seen:
            if math.isfinite(high):
                near = Interval(low=low, high=high, level=self.level)
                yield carried.drop(figure, near, self.correction.errors)[1].high
            else:
                yield math.inf


def quantile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]
