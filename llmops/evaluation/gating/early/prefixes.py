"""What the evidence of a prefix says about one bar, unit by unit, and whether that is certain enough.

Rules, in order:

1. Values are turned so that more is better and they lie from 0 to 1: a bar from above is mirrored, a drop d becomes
   (1 - d) / 2. A unit (a group, or a case alone) is one observation, bar + sum(value - bar) / largest unit: its mean
   lies below the bar exactly where that of the cases does (the ratio estimator of W. G. Cochran, "Sampling Techniques",
   section 9.3), also where the units are of different sizes.
2. A case that was run and has no figure counts with the worst one for a yes, with the best one for a no. A case that
   turns out to ask for no figure stands at the bar: it moves nothing.
3. About this very evalset: units that must pass stand first by design and are known without a bet; the others are
   drawn from it without replacement. And what no remaining case could turn round is certain.
4. About the population: bets are made in the order in which all units were drawn, as far as every one of them was run.
   A unit that was run earlier than it was drawn, because it must pass, is met at its own place. The largest unit is
   that of the evalset: this holds where the population's are no larger and no rarer than those seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.planning.order import Order
from llmops.evaluation.statistics.sequential import Climb, climb

TOLERANCE = 1e-12
NO_CLIMB = Climb(largest=1.0, reached=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The first `run` units of an order, as far as one bar asks about their cases.

    `asked` are all cases of the evalset that the bar asks about, `values` those that were measured, turned (rule 1),
    `missing` those that were run and have no figure. `bar` is turned as well.
    """

    order: Order
    run: int
    asked: frozenset[str]
    values: Mapping[str, float]
    missing: frozenset[str]
    bar: float

    @property
    def left(self) -> int:
        """How many cases that the bar asks about were not run."""
        return sum(case in self.asked for unit in self.order.units[self.run :] for case in unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certainty:
    """What can be said so far: PASS, FAIL, or UNDECIDED with the larger of both sides' `wealth` over what it needs."""

    verdict: Verdict
    wealth: float


def about_evalset(prefix: Prefix, alphas: tuple[float, float]) -> Certainty:
    """Whether the mean over this very evalset reaches the bar; `alphas` are for a wrong yes and a wrong no."""
    certain = _certain(prefix)
    if certain is not None:
        return Certainty(verdict=certain, wealth=1.0)
    order, units = prefix.order, _Units(prefix)
    if prefix.run < order.leading:
        return Certainty(verdict=Verdict.UNDECIDED, wealth=0.0)
    drawn = [place for place in units.asked if place >= order.leading]
    known = [place for place in units.asked if place < order.leading]
    run = [place for place in drawn if place < prefix.run]

    def bet(value: Callable[[int], float], bar: float, alpha: float) -> Climb:
        ahead = sum(value(place) - bar for place in known)
        return climb([value(place) for place in run], bar, alpha=alpha, population=len(drawn), ahead=ahead)

    return _both(units, bet, prefix.bar, alphas)


def about_population(prefix: Prefix, alphas: tuple[float, float]) -> Certainty:
    """Whether the mean over what the cases were drawn from reaches the bar."""
    units = _Units(prefix)
    met = [place for place in _unbroken(prefix) if place in units.asked]

    def bet(value: Callable[[int], float], bar: float, alpha: float) -> Climb:
        return climb([value(place) for place in met], bar, alpha=alpha)

    return _both(units, bet, prefix.bar, alphas)


def _unbroken(prefix: Prefix) -> Iterator[int]:
    """The units in the order in which they were drawn, as far as all of them were run."""
    for place in prefix.order.drawn:
        if place >= prefix.run:
            return
        yield place


class _Units:
    """The units that a bar asks about: their places in the order and, where they were run, what each is worth."""

    def __init__(self, prefix: Prefix) -> None:
        self._prefix = prefix
        inside = ([case for case in unit if case in prefix.asked] for unit in prefix.order.units)
        self.asked: Mapping[int, Sequence[str]] = {place: cases for place, cases in enumerate(inside) if cases}
        self._largest = max((len(cases) for cases in self.asked.values()), default=1)

    def at_worst(self, place: int) -> float:
        """The unit's observation, missing cases at their worst."""
        return self._observation(place, 0.0)

    def at_best(self, place: int) -> float:
        """The same with missing cases at their best, turned round: what a no bets on."""
        return 1 - self._observation(place, 1.0)

    def _observation(self, place: int, absent: float) -> float:
        bar = self._prefix.bar
        gains = sum(value - bar for value in _values(self._prefix, self.asked[place], absent))
        return min(1.0, max(0.0, bar + gains / self._largest))


def _values(prefix: Prefix, cases: Iterable[str], absent: float) -> Iterator[float]:
    for case in cases:
        if case in prefix.values:
            yield prefix.values[case]
        elif case in prefix.missing:
            yield absent


def _certain(prefix: Prefix) -> Verdict | None:
    """What no case that is left could turn round; None where one could."""
    size, left, run = len(prefix.asked), prefix.left, (*prefix.values, *prefix.missing)
    least = sum(value - prefix.bar for value in _values(prefix, run, 0.0)) - prefix.bar * left
    most = sum(value - prefix.bar for value in _values(prefix, run, 1.0)) + (1 - prefix.bar) * left
    if least >= -TOLERANCE * size:
        return Verdict.PASS
    return Verdict.FAIL if most < -TOLERANCE * size else None


def _both(
    units: _Units,
    bet: Callable[[Callable[[int], float], float, float], Climb],
    bar: float,
    alphas: tuple[float, float],
) -> Certainty:
    """Bet against both sides; whichever is refuted first."""
    good = bet(units.at_worst, bar, alphas[0])
    bad = bet(units.at_best, 1 - bar, alphas[1])
    first = min((found.reached for found in (good, bad) if found.reached is not None), default=None)
    if first is None or good.reached == bad.reached:
        wealth = max(good.largest * alphas[0], bad.largest * alphas[1])
        return Certainty(verdict=Verdict.UNDECIDED, wealth=min(1.0, wealth))
    return Certainty(verdict=Verdict.PASS if good.reached == first else Verdict.FAIL, wealth=1.0)
