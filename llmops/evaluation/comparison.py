"""Several behaviours on the same cases: a table with intervals, differences against a baseline, and the Pareto front.

Rules, in order:

1. The first arm is the baseline. Differences are arm minus baseline, paired on the cases that both measured, cases of
   one group together; a difference that many arms might show by chance alone is not marked: Holm over the arms, a
   metric at a time. An interval may therefore leave 0 out and yet carry no mark. Percentiles have no paired difference.
2. One arm dominates another if it is at least as good by every metric of the front, and better by one. Figures decide
   that, not intervals. The front is every arm that no other dominates; who dominates whom does not depend on order.
3. An arm that is dominated stands NEAR the front, if each arm of the front that dominates it might still be worse by
   some metric: the interval of their paired difference (where there is none, the two intervals) holds a value on the
   other side. Otherwise it is BEHIND. Few cases make wide intervals, so few cases make many arms NEAR: that is meant.
4. A metric that no arm has a figure of is left out of the front, by name. An arm that lacks a figure that others have
   is UNPLACED: neither on the front nor able to push another off it. What is missing is never taken for 0.

Pareto dominance: K. Miettinen, "Nonlinear Multiobjective Optimization" (1999), section 2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from llmops.documents import canonical
from llmops.documents.evalsets import Evalset
from llmops.evaluation.measurements import Measurement, clustered, measure
from llmops.evaluation.metrics import Catalogue, Direction, MetricInfo
from llmops.evaluation.pooling import Pool
from llmops.evaluation.statistics.clusters import mean
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.means import paired_interval

LEVEL = 0.95


class Standing(StrEnum):
    """Where an arm stands to the front."""

    FRONT = "front"
    NEAR = "near"
    BEHIND = "behind"
    UNPLACED = "unplaced"


class Sign(StrEnum):
    """What a difference against the baseline says, after the correction for several arms."""

    BETTER = "better"
    WORSE = "worse"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One behaviour and its evidence. `unknown` maps metrics whose figures mean nothing here to the reason, as money
    where nobody knows the price."""

    label: str
    pool: Pool
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Arm minus baseline, on the cases of both. `sign` is None where it has no interval."""

    figure: float
    interval: Interval | None
    cases: int
    sign: Sign | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One metric of one arm. `reason` says why there is no figure, or why fewer cases than expected."""

    metric: str
    direction: Direction
    figure: float | None
    interval: Interval | None
    measured: int
    expected: int
    difference: Difference | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm of the table. `dominated_by` names the arms of the front that are at least as good in everything."""

    label: str
    readings: tuple[Reading, ...]
    standing: Standing
    dominated_by: tuple[str, ...] = ()

    def reading(self, metric: str) -> Reading | None:
        return next((item for item in self.readings if item.metric == metric), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The table. `baseline` is "" where it could not be measured; `left_out` are metrics of the front that no arm has a
    figure of."""

    baseline: str
    metrics: tuple[str, ...]
    objectives: tuple[str, ...]
    left_out: tuple[str, ...]
    arms: tuple[ArmResult, ...]

    @property
    def front(self) -> tuple[str, ...]:
        """The labels of the arms that no other dominates."""
        return tuple(arm.label for arm in self.arms if arm.standing is Standing.FRONT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is compared: `metrics` are shown, `objectives` weighed; `baseline` is the label differences are against."""

    evalset: Evalset
    catalogue: Catalogue
    metrics: tuple[str, ...]
    objectives: tuple[str, ...]
    baseline: str
    repeats: int = 1


def compare(arms: Sequence[Arm], question: Question) -> Comparison:
    """The table of `arms`. Raises: CannotAsk METRIC_UNKNOWN."""
    infos = [question.catalogue.metric(name) for name in dict.fromkeys((*question.metrics, *question.objectives))]
    measured = {arm.label: _measured(arm, infos, question) for arm in arms}
    seeds = {arm.label: arm.pool.digest for arm in arms}
    unknown = next((arm.unknown for arm in arms if arm.label == question.baseline), {})
    signed = {
        info.name: {} if info.name in unknown else _differences(info.name, measured, seeds, question.baseline)
        for info in infos
    }
    readings = {
        arm.label: tuple(
            _reading(measured[arm.label][info.name], arm, signed[info.name].get(arm.label)) for info in infos
        )
        for arm in arms
    }
    objectives, left_out = _objectives(question.objectives, readings)
    places = _places(objectives, readings, _doubt(measured, seeds))
    return Comparison(
        baseline=question.baseline if question.baseline in measured else "",
        metrics=question.metrics,
        objectives=objectives,
        left_out=left_out,
        arms=tuple(
            ArmResult(label=arm.label, readings=readings[arm.label], standing=standing, dominated_by=by)
            for arm in arms
            for standing, by in [places[arm.label]]
        ),
    )


Measured = Mapping[str, Measurement]
Doubt = Callable[[str, str, str], bool]


def _measured(arm: Arm, infos: Sequence[MetricInfo], question: Question) -> Measured:
    rows = arm.pool.by_case()
    return {info.name: measure(info, question.evalset.cases, rows, question.repeats) for info in infos}


def _reading(found: Measurement, arm: Arm, difference: Difference | None) -> Reading:
    info = found.info
    why_not = arm.unknown.get(info.name, "")
    is_known = not why_not
    reasons = sorted(set(found.missing.values()))
    return Reading(
        metric=info.name,
        direction=info.direction,
        figure=found.figure if is_known else None,
        interval=found.interval(LEVEL, arm.pool.digest) if is_known else None,
        measured=len(found.values) if is_known else 0,
        expected=found.expected,
        difference=difference if is_known else None,
        reason=why_not or "; ".join(reasons),
    )


def _differences(
    metric: str, measured: Mapping[str, Measured], seeds: Mapping[str, str], baseline: str
) -> dict[str, Difference]:
    """The difference of each arm but the baseline, signed after Holm's correction over these arms."""
    if baseline not in measured:
        return {}
    before = measured[baseline][metric]
    pairs = {
        label: _Pair(found[metric], before, canonical.digest([seeds[label], seeds[baseline], metric]))
        for label, found in measured.items()
        if label != baseline
    }
    known = {label: pair for label, pair in pairs.items() if pair.clusters}
    signs = _signs(known)
    return {
        label: Difference(
            figure=mean(pair.clusters), interval=pair.interval(LEVEL), cases=pair.cases, sign=signs.get(label)
        )
        for label, pair in known.items()
    }


@dataclass(frozen=True, slots=True)
class _Pair:
    """One metric of two arms on the cases of both: the first minus the second."""

    seen: Measurement
    before: Measurement
    seed: str

    @property
    def clusters(self) -> tuple[tuple[float, ...], ...]:
        if self.seen.info.percentile is not None:
            return ()
        both = {case: value - self.before.values[case] for case, value in self._shared().items()}
        return clustered(both, self.seen.groups)

    @property
    def cases(self) -> int:
        return len(self._shared())

    def interval(self, level: float) -> Interval | None:
        info = self.seen.info
        return paired_interval(self.clusters, info.kind, level, seed=self.seed, bounded=not info.is_operational)

    def _shared(self) -> dict[str, float]:
        return {case: value for case, value in self.seen.values.items() if case in self.before.values}


def _signs(pairs: Mapping[str, _Pair]) -> dict[str, Sign]:
    """Holm's procedure read from intervals: of the m arms that are left, those whose interval at 1 - 0.05 / m leaves 0
    out have a sign; then the others are asked again, until none is added. An interval leaves 0 out just where its
    hypothesis has a chance of at most 0.05 / m, so no chances have to be computed."""
    left = {label: pair for label, pair in pairs.items() if pair.interval(LEVEL) is not None}
    signs = dict.fromkeys(left, Sign.UNCLEAR)
    while left:
        level = 1 - (1 - LEVEL) / len(left)
        found = {label: _sign(pair, pair.interval(level)) for label, pair in left.items()}
        clear = {label: sign for label, sign in found.items() if sign is not Sign.UNCLEAR}
        signs.update(clear)
        left = {label: pair for label, pair in left.items() if label not in clear}
        if not clear:
            break
    return signs


def _sign(pair: _Pair, interval: Interval | None) -> Sign:
    if interval is None or interval.low <= 0 <= interval.high:
        return Sign.UNCLEAR
    wants_higher = pair.seen.info.direction is Direction.HIGHER
    return Sign.BETTER if (interval.low > 0) == wants_higher else Sign.WORSE


def _objectives(
    asked: Sequence[str], readings: Mapping[str, Sequence[Reading]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics of the front that some arm has a figure of, and those that none has."""
    known = {item.metric for items in readings.values() for item in items if item.figure is not None}
    return tuple(name for name in asked if name in known), tuple(name for name in asked if name not in known)


def _places(
    objectives: Sequence[str], readings: Mapping[str, Sequence[Reading]], doubt: Doubt
) -> dict[str, tuple[Standing, tuple[str, ...]]]:
    points = {label: _point(objectives, items) for label, items in readings.items()}
    placed = {label: point for label, point in points.items() if point is not None}
    on_front = front(placed)
    found: dict[str, tuple[Standing, tuple[str, ...]]] = {}
    for label in readings:
        if label not in placed or not objectives:
            found[label] = (Standing.UNPLACED, ())
        elif label in on_front:
            found[label] = (Standing.FRONT, ())
        else:
            by = tuple(other for other in on_front if dominates(placed[other], placed[label]))
            is_near = all(any(doubt(label, other, name) for name in objectives) for other in by)
            found[label] = (Standing.NEAR if is_near else Standing.BEHIND, by)
    return found


def _point(objectives: Sequence[str], readings: Sequence[Reading]) -> tuple[float, ...] | None:
    """The figures, each turned so that more is better; None where one is missing."""
    by_name = {item.metric: item for item in readings}
    found = []
    for name in objectives:
        item = by_name[name]
        if item.figure is None:
            return None
        found.append(item.figure if item.direction is Direction.HIGHER else -item.figure)
    return tuple(found)


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """True where `one` is nowhere worse and somewhere better; more is better in every place."""
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True))


def front(points: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """The labels of the points that no other dominates, in the order given. Equal points stand there together."""
    return tuple(
        label for label, point in points.items() if not any(dominates(other, point) for other in points.values())
    )


def _doubt(measured: Mapping[str, Measured], seeds: Mapping[str, str]) -> Doubt:
    """Whether a dominated arm may after all be better than the arm that dominates it, by one metric."""

    def inner(label: str, other: str, metric: str) -> bool:
        seen, against = measured[label][metric], measured[other][metric]
        pair = _Pair(seen, against, canonical.digest([seeds[label], seeds[other], metric]))
        sign = 1 if seen.info.direction is Direction.HIGHER else -1
        interval = pair.interval(LEVEL) if pair.clusters else None
        if interval is not None:
            return max(sign * interval.low, sign * interval.high) > 0
        own, theirs = seen.interval(LEVEL, seeds[label]), against.interval(LEVEL, seeds[other])
        if own is None or theirs is None:
            return True
        return max(sign * own.low, sign * own.high) > min(sign * theirs.low, sign * theirs.high)

    return inner
