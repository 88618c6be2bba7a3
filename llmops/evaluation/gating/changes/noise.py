"""How far a case moves by itself: the spread of its repeats, and what it says about a difference between two sides.

Rules, in order; the first that knows something speaks:

1. Several answers of the case, on either side: the spread of their values within each side.
2. A case whose own answers are all alike, or that has only one: the spread within all cases of the metric together.
   Two equal answers do not show that there is no noise.
3. One answer a case, but judged several times: the spread of the judgements, which leaves out the generator's.
4. Otherwise nobody knows, and `Noise.UNKNOWN` says so.

The interval is Student's for the difference of two means with one variance within both sides ("Student", "The probable
error of a mean", Biometrika 6 (1908); pooled over cases as the within mean square of a one-way analysis of variance,
R. A. Fisher, "Statistical Methods for Research Workers" (1925), chapter VII).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from llmops.evaluation.statistics.quantiles import student

LEVEL = 0.95
# Sums of doubles: values that are equal as written have no spread.
TOLERANCE = 1e-12


class Noise(StrEnum):
    """Whose spread a change was held against."""

    ANSWERS = "answers"
    POOLED = "pooled"
    JUDGEMENTS = "judgements"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Squared deviations within groups, and how many of them are free."""

    squares: float = 0.0
    freedom: int = 0

    def __add__(self, other: Spread) -> Spread:
        return Spread(squares=self.squares + other.squares, freedom=self.freedom + other.freedom)

    @property
    def is_seen(self) -> bool:
        """True where the values differed."""
        return self.squares > TOLERANCE

    def half(self, first: int, second: int) -> float:
        """The half width of the interval of a difference of means over `first` and `second` values at `LEVEL`. Raises:
        ZeroDivisionError without freedom."""
        variance = self.squares / self.freedom if self.is_seen else 0.0
        return student(0.5 + LEVEL / 2, self.freedom) * math.sqrt(variance * (1 / first + 1 / second))


def spread(groups: Iterable[Sequence[float]]) -> Spread:
    """The spread within groups of values that should be equal; a group of one says nothing."""
    return sum((_within(group) for group in groups if len(group) > 1), Spread())


def _within(group: Sequence[float]) -> Spread:
    middle = math.fsum(group) / len(group)
    return Spread(squares=math.fsum((value - middle) ** 2 for value in group), freedom=len(group) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """What one side of a case gave: the value of each answer, and of each answer the values of its judgements."""

    values: tuple[float, ...]
    judged: tuple[tuple[float, ...], ...] = ()

    @property
    def judgements(self) -> int:
        """How many judgements stand behind the values."""
        return sum(max(1, len(found)) for found in self.judged) or len(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseOfMetric:
    """What all cases of a metric say together."""

    answers: Spread
    judgements: Spread

    @classmethod
    def of(cls, sides: Sequence[Runs]) -> NoiseOfMetric:
        """From both sides of every case."""
        judged = (found for side in sides for found in side.judged)
        return cls(answers=spread(side.values for side in sides), judgements=spread(judged))

    @property
    def is_known(self) -> bool:
        return self.answers.freedom > 0 or self.judgements.freedom > 0

    def around(self, before: Runs, after: Runs) -> tuple[Noise, float | None]:
        """Whose spread counts for a case, and the half width of the interval of its difference."""
        own = spread((before.values, after.values))
        answers = (len(before.values), len(after.values))
        if own.is_seen:
            return Noise.ANSWERS, own.half(*answers)
        if self.answers.freedom:
            return Noise.POOLED, self.answers.half(*answers)
        judged = spread((*before.judged, *after.judged))
        counted = judged if judged.is_seen else self.judgements
        if counted.freedom:
            return Noise.JUDGEMENTS, counted.half(before.judgements, after.judgements)
        return Noise.UNKNOWN, None
