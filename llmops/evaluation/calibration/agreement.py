"""How far the judge agrees with people: confusion, kappa, sensitivity, specificity, each with its interval.

Positive is "passes". Sensitivity is the share of what people pass that the judge passes, specificity the share of what
people fail that it fails. All but the counts are weighted back to the run that the labels were drawn from.

Sources. Kappa: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
(1960), equation 1. Its interval: the studentised bootstrap over clusters (B. Efron, R. Tibshirani, "An Introduction
to the Bootstrap" (1993), section 12.5) on the scale of Fisher's transformation. J: W. J. Youden, "Index for rating
diagnostic tests", Cancer 3 (1950); its interval from those of its parts: G. Y. Zou, A. Donner, "Construction of
confidence limits about effect measures", Statistics in Medicine 27 (2008), equation 6.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops.evaluation.calibration.calibrations import Calibration
from llmops.evaluation.calibration.weighing import UNKNOWN, Estimate, Weighed, influences, share, spread, weighed
from llmops.evaluation.statistics.intervals import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWS = 2_000
SEED = 1960
# A resample with next to no spread of its own would claim any distance.
LEAST_SPREAD = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Labelled answers by both verdicts. `false_pass`: the judge passes what people fail."""

    true_pass: int
    false_pass: int
    false_fail: int
    true_fail: int

    @property
    def answers(self) -> int:
        return self.true_pass + self.false_pass + self.false_fail + self.true_fail

    @property
    def passed_by_people(self) -> int:
        return self.true_pass + self.false_fail

    @property
    def failed_by_people(self) -> int:
        return self.false_pass + self.true_fail


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How often the judge is right about what people pass and about what they fail; `youden` is their sum less 1."""

    sensitivity: Estimate
    specificity: Estimate
    youden: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The judge against people. `prevalence`: the share that people pass."""

    confusion: Confusion
    kappa: Estimate
    sensitivity: Estimate
    specificity: Estimate
    youden: Estimate
    accuracy: Estimate
    prevalence: Estimate


def confusion(calibration: Calibration) -> Confusion:
    """The counts, as labelled."""
    cells = [0, 0, 0, 0]
    for row in calibration.rows:
        cells[_cell(row.label, calibration.passes(row.score))] += 1
    return Confusion(true_pass=cells[0], false_pass=cells[1], false_fail=cells[2], true_fail=cells[3])


def agreement(calibration: Calibration, level: float = 0.95) -> Agreement:
    """Everything there is to say about the judge and people on these answers."""
    rows, found = weighed(calibration), errors(calibration, level)
    every = [True] * len(rows)
    return Agreement(
        confusion=confusion(calibration),
        kappa=_kappa_estimate(rows, level),
        sensitivity=found.sensitivity,
        specificity=found.specificity,
        youden=found.youden,
        accuracy=share(rows, [row.label == row.verdict for row in rows], every, level),
        prevalence=share(rows, [row.label == 1 for row in rows], every, level),
    )


def errors(calibration: Calibration, level: float = 0.95) -> Errors:
    """Sensitivity, specificity and Youden's J."""
    rows = weighed(calibration)
    passed, failed = [row.label == 1 for row in rows], [row.label == 0 for row in rows]
    kept = [row.label == 1 and row.verdict == 1 for row in rows]
    caught = [row.label == 0 and row.verdict == 0 for row in rows]
    sensitivity, specificity = share(rows, kept, passed, level), share(rows, caught, failed, level)
    if sensitivity.value is None or specificity.value is None:
        return Errors(sensitivity=sensitivity, specificity=specificity, youden=UNKNOWN)
    parts = influences(rows, kept, passed), influences(rows, caught, failed)
    youden = _sum(sensitivity, specificity, _correlation(rows, *parts), level)
    return Errors(sensitivity=sensitivity, specificity=specificity, youden=youden)


def kappa(calibration: Calibration) -> float | None:
    """Cohen's kappa, or None where one of the two gives every answer the same verdict as the other does."""
    return kappa_of(_totals(weighed(calibration)))


def kappa_of(cells: Sequence[float]) -> float | None:
    """Kappa of (both pass, only the second passes, only the first passes, both fail)."""
    total = math.fsum(cells)
    if total <= 0:
        return None
    same, first, second = (cells[0] + cells[3]) / total, (cells[0] + cells[2]) / total, (cells[0] + cells[1]) / total
    by_chance = first * second + (1 - first) * (1 - second)
    return (same - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else None


def _cell(label: int, verdict: bool) -> int:
    return {(1, True): 0, (0, True): 1, (1, False): 2, (0, False): 3}[(label, bool(verdict))]


def _totals(rows: Sequence[Weighed]) -> list[float]:
    cells = [0.0] * 4
    for row in rows:
        cells[_cell(row.label, bool(row.verdict))] += row.weight
    return cells


def _correlation(rows: Sequence[Weighed], first: Sequence[float], second: Sequence[float]) -> float:
    clusters = [row.cluster for row in rows]
    both, _ = spread(clusters, [one + other for one, other in zip(first, second, strict=True)])
    one, other = spread(clusters, first)[0], spread(clusters, second)[0]
    scale = 2 * math.sqrt(one * other)
    return min(max((both - one - other) / scale, -1.0), 1.0) if scale > 1e-15 else 0.0


def _sum(first: Estimate, second: Estimate, correlation: float, level: float) -> Estimate:
    """J: the sum of two shares less 1, with limits from theirs."""
    assert first.value is not None and second.value is not None and first.interval and second.interval  # noqa: S101,PT018
    value = first.value + second.value - 1

    def half(one: float, other: float) -> float:
        return math.sqrt(max(one * one + other * other + 2 * correlation * one * other, 0.0))

    low = value - half(first.value - first.interval.low, second.value - second.interval.low)
    high = value + half(first.interval.high - first.value, second.interval.high - second.value)
    interval = Interval(low=max(low, -1.0), high=min(high, 1.0), level=level)
    return Estimate(value=value, interval=interval, cases=min(first.cases, second.cases))


def _kappa_estimate(rows: Sequence[Weighed], level: float) -> Estimate:
    import numpy as np

    value = kappa_of(_totals(rows))
    places: dict[Hashable, int] = {}
    for row in rows:
        places.setdefault(row.cluster, len(places))
    if value is None or len(places) < 2:
        return Estimate(value=value, interval=None, cases=float(len(places)))
    table = np.zeros((len(places), 4))
    for row in rows:
        table[places[row.cluster], _cell(row.label, bool(row.verdict))] += row.weight
    # Half an answer a cell: without it a judge that never erred on thirty answers would have no spread at all.
    table = np.vstack([table, np.full((1, 4), 0.5 * float(table.sum()) / len(rows))])
    return Estimate(value=value, interval=_bootstrap(table, value, level), cases=float(len(places)))


def _bootstrap(table: NDArray[np.float64], value: float, level: float) -> Interval:
    """The studentised interval of kappa from a table of clusters by cells; its last row is always drawn once."""
    import numpy as np

    generator = np.random.default_rng(SEED)
    number = len(table) - 1
    drawn = generator.multinomial(number, np.full(number, 1 / number), size=DRAWS).astype(np.float64)
    drawn = np.hstack([drawn, np.ones((DRAWS, 1))])
    centre, error = _linearised(np.ones((1, number + 1)), table)
    found, errors_ = _linearised(drawn, table)
    ratios = (found - centre[0]) / np.maximum(errors_, LEAST_SPREAD * error[0])
    low, high = np.quantile(ratios, [0.5 - level / 2, 0.5 + level / 2])
    limits = np.tanh([centre[0] - high * error[0], centre[0] - low * error[0]])
    return Interval(low=min(float(limits[0]), value), high=max(float(limits[1]), value), level=level)


def _linearised(
    drawn: NDArray[np.float64], table: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fisher's transformation of kappa, and its standard error over clusters, for each row of counts."""
    import numpy as np

    totals = drawn @ table
    shares = totals / totals.sum(axis=1, keepdims=True)
    first, second = shares[:, 0] + shares[:, 2], shares[:, 0] + shares[:, 1]
    same, by_chance = shares[:, 0] + shares[:, 3], first * second + (1 - first) * (1 - second)
    value = np.clip((same - by_chance) / (1 - by_chance), -0.999999, 0.999999)
    slopes = np.empty_like(shares)
    for cell, (one, other, agree) in enumerate(((1, 1, 1), (0, 1, 0), (1, 0, 0), (0, 0, 1))):
        chance = (one - first) * (2 * second - 1) + (other - second) * (2 * first - 1)
        slopes[:, cell] = ((agree - same) * (1 - by_chance) - chance * (1 - same)) / (1 - by_chance) ** 2
    parts = slopes @ table.T / totals.sum(axis=1, keepdims=True)
    number = max(len(table) - 1, 2)
    error = np.sqrt((drawn * parts * parts).sum(axis=1) * number / (number - 1))
    return np.arctanh(value), error / (1 - value * value)
