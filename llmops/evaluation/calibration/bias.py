"""Whether the judge errs in one direction with something that should not matter: the answer's length, its position.

An error counts +1 where the judge passes what people fail, -1 where it fails what people pass, else 0.

Sources. Rank correlation: C. Spearman, "The proof and measurement of association between two things", American Journal
of Psychology 15 (1904), with ties at their mean rank; its interval by Fisher's transformation with the standard error
of D. G. Bonett, T. A. Wright, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations",
Psychometrika 65 (2000). Difference of thirds: two independent means by cluster (B. L. Welch, Biometrika 34
(1947)), with one case of either error added to each third, as Agresti and Caffo do for shares (The American
Statistician 54 (2000)).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from llmops.evaluation.calibration.calibrations import Calibration, Labelled, cluster_of
from llmops.evaluation.calibration.weighing import UNKNOWN, Estimate, spread
from llmops.evaluation.statistics.intervals import Interval

FEWEST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Third:
    """Answers whose figure lies from `low` to `high`: how many, and of how many the judge errs in either way."""

    low: float
    high: float
    answers: int
    false_pass: int
    false_fail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """`correlation` of the figure with the signed error; `difference` of its mean, last third minus first. Positive:
    the judge is lenient where the figure is high."""

    correlation: Estimate
    difference: Estimate
    thirds: tuple[Third, ...]

    @property
    def is_found(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        interval = self.difference.interval
        return interval is not None and not interval.low <= 0 <= interval.high


def bias(calibration: Calibration, figures: Sequence[float], level: float = 0.95) -> Bias:
    """The judge's errors against `figures`, one a labelled answer in the order of the rows. Raises: ValueError where
    they are not as many."""
    pairs = sorted(zip(figures, calibration.rows, strict=True), key=lambda pair: pair[0])
    if len(pairs) < FEWEST or pairs[0][0] == pairs[-1][0]:
        return Bias(correlation=UNKNOWN, difference=UNKNOWN, thirds=())
    thirds = [part for part in _thirds(pairs) if part]
    first, last = thirds[0], thirds[-1]
    wrong = [_error(row, calibration) for _, row in pairs]
    return Bias(
        correlation=_correlation([figure for figure, _ in pairs], wrong, level),
        difference=_difference(first, last, calibration, level) if len(thirds) > 1 else UNKNOWN,
        thirds=tuple(_third(part, calibration) for part in thirds),
    )


_Pairs = Sequence[tuple[float, Labelled]]


def _error(row: Labelled, calibration: Calibration) -> int:
    return int(calibration.passes(row.score)) - row.label


def _thirds(pairs: _Pairs) -> list[_Pairs]:
    """Three parts by the figure; equal figures are never parted."""
    low, high = pairs[len(pairs) // 3][0], pairs[2 * len(pairs) // 3][0]
    return [
        [pair for pair in pairs if pair[0] < low],
        [pair for pair in pairs if low <= pair[0] < high],
        [pair for pair in pairs if pair[0] >= max(low, high)],
    ]


def _third(pairs: _Pairs, calibration: Calibration) -> Third:
    wrong = [_error(row, calibration) for _, row in pairs]
    return Third(
        low=pairs[0][0],
        high=pairs[-1][0],
        answers=len(pairs),
        false_pass=sum(error > 0 for error in wrong),
        false_fail=sum(error < 0 for error in wrong),
    )


def _difference(first: _Pairs, last: _Pairs, calibration: Calibration, level: float) -> Estimate:
    found = {True: 0.0, False: 0.0}
    parts: list[tuple[Hashable, float]] = []
    for is_last, pairs in ((False, first), (True, last)):
        wrong = [_error(row, calibration) for _, row in pairs]
        number = len(wrong) + 2
        found[is_last] = math.fsum(wrong) / number
        sign = 1 if is_last else -1
        parts += [
            (cluster_of(row), sign * (error - found[is_last]) / number)
            for (_, row), error in zip(pairs, wrong, strict=True)
        ]
        parts += [((is_last, kind), sign * (kind - found[is_last]) / number) for kind in (1, -1)]
    variance, _ = spread([cluster for cluster, _ in parts], [value for _, value in parts])
    value = found[True] - found[False]
    half = NormalDist().inv_cdf(0.5 + level / 2) * math.sqrt(variance)
    interval = Interval(low=max(value - half, -2.0), high=min(value + half, 2.0), level=level)
    plain = _mean(last, calibration) - _mean(first, calibration)
    interval = Interval(low=min(interval.low, plain), high=max(interval.high, plain), level=level)
    return Estimate(value=plain, interval=interval, cases=float(len(first) + len(last)))


def _mean(pairs: _Pairs, calibration: Calibration) -> float:
    return math.fsum(_error(row, calibration) for _, row in pairs) / len(pairs)


def _correlation(figures: Sequence[float], wrong: Sequence[int], level: float) -> Estimate:
    first, second = _ranks(figures), _ranks(wrong)
    middle = (len(first) + 1) / 2
    common = math.fsum((one - middle) * (other - middle) for one, other in zip(first, second, strict=True))
    scale = math.sqrt(
        math.fsum((one - middle) ** 2 for one in first) * math.fsum((other - middle) ** 2 for other in second)
    )
    if scale <= 0:
        return UNKNOWN
    value = min(max(common / scale, -1.0), 1.0)
    centre = math.atanh(min(max(value, -0.999999), 0.999999))
    half = NormalDist().inv_cdf(0.5 + level / 2) * math.sqrt((1 + value * value / 2) / (len(first) - 3))
    interval = Interval(low=math.tanh(centre - half), high=math.tanh(centre + half), level=level)
    return Estimate(value=value, interval=interval, cases=float(len(first)))


def _ranks(values: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {}
    for rank, value in enumerate(sorted(values), 1):
        places.setdefault(value, []).append(rank)
    return [(places[value][0] + places[value][-1]) / 2 for value in values]
