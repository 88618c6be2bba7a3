"""Shares among labelled answers, weighted back to the run they were drawn from, and how many independent cases tell
as much.

Sources. Ratio of weighted totals and its variance by linearisation: W. G. Cochran, "Sampling Techniques", 3rd ed.
(1977), sections 6.3 and 9A; two-phase sampling for stratification, there chapter 12. Effective number of cases with
Student's degrees of freedom: E. L. Korn, B. I. Graubard, "Confidence intervals for proportions with small expected
number of positive counts estimated from survey data", Survey Methodology 24 (1998), section 2.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from llmops.evaluation.calibration.calibrations import Calibration, cluster_of
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.proportions import wilson
from llmops.evaluation.statistics.quantiles import student

_NOTHING = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its interval; both None where the labels cannot say it. `cases`: how many independent ones would
    tell as much."""

    value: float | None
    interval: Interval | None
    cases: float = 0.0


UNKNOWN = Estimate(value=None, interval=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One labelled answer: people's and the judge's verdict, how many answers it stands for, and the share of its
    stratum that is labelled (1.0 where the labels are no draw)."""

    label: int
    verdict: int
    weight: float
    fraction: float
    cluster: Hashable


def weighed(calibration: Calibration) -> tuple[Weighed, ...]:
    """The labelled answers with their weights."""
    labelled = calibration.verdicts
    passed, failed = (
        many / few if few and any(calibration.frame) else 1.0
        for many, few in zip(calibration.frame, labelled, strict=True)
    )
    verdicts = [int(calibration.passes(row.score)) for row in calibration.rows]
    weights = [passed if verdict else failed for verdict in verdicts]
    return tuple(
        Weighed(label=row.label, verdict=verdict, weight=weight, fraction=1 / weight, cluster=cluster_of(row))
        for row, verdict, weight in zip(calibration.rows, verdicts, weights, strict=True)
    )


def share(rows: Sequence[Weighed], hits: Sequence[bool], among: Sequence[bool], level: float) -> Estimate:
    """The share of `hits` among the answers marked in `among`, with Wilson's interval at the effective number."""
    total = math.fsum(row.weight for row, counts in zip(rows, among, strict=True) if counts)
    if total <= 0:
        return UNKNOWN
    value = math.fsum(row.weight for row, hit in zip(rows, hits, strict=True) if hit) / total
    value = min(value, 1.0)
    cases = _effective(rows, hits, among, value, total)
    return Estimate(value=value, interval=wilson(value * cases, cases, level), cases=cases)


def influences(rows: Sequence[Weighed], hits: Sequence[bool], among: Sequence[bool]) -> list[float]:
    """What each answer adds to the error of the share: its linearised residual. Within a stratum, the part that the
    whole run shows already (all its verdicts are known) is taken out."""
    total = math.fsum(row.weight for row, counts in zip(rows, among, strict=True) if counts)
    value = math.fsum(row.weight for row, hit in zip(rows, hits, strict=True) if hit) / total
    raw = [row.weight * (hit - value * of) / total for row, hit, of in zip(rows, hits, among, strict=True)]
    if len({row.cluster for row in rows}) < len(rows):
        # How verdicts gather in clusters cannot be told from the labelled ones alone: nothing is taken out.
        return raw
    middles = {}
    for verdict in (0, 1):
        inside = [item for row, item in zip(rows, raw, strict=True) if row.verdict == verdict]
        middles[verdict] = math.fsum(inside) / len(inside) if inside else 0.0
    return [item - (1 - math.sqrt(row.fraction)) * middles[row.verdict] for row, item in zip(rows, raw, strict=True)]


def spread(clusters: Iterable[Hashable], values: Iterable[float]) -> tuple[float, int]:
    """The variance of the sum of independent cluster totals, and the number of clusters."""
    totals: dict[Hashable, float] = {}
    for cluster, value in zip(clusters, values, strict=True):
        totals[cluster] = totals.get(cluster, 0.0) + value
    number = len(totals)
    return math.fsum(total * total for total in totals.values()) * number / max(number - 1, 1), number


def discounted(cases: float, clusters: int, confidence: float = 0.975) -> float:
    """The effective number of cases where few clusters say how large the spread is (Korn and Graubard): a normal
    quantile at this number does what Student's does at `cases`."""
    if clusters < 2:
        return min(cases, 1.0)
    return cases * (NormalDist().inv_cdf(confidence) / student(confidence, clusters - 1)) ** 2


def _effective(
    rows: Sequence[Weighed], hits: Sequence[bool], among: Sequence[bool], value: float, total: float
) -> float:
    inside = [row for row, counts in zip(rows, among, strict=True) if counts]
    clusters = len({row.cluster for row in inside})
    is_plain = all(row.fraction == 1.0 and row.weight == 1.0 for row in rows)
    if clusters == len(inside) and is_plain:
        return float(len(inside))
    # What was never seen may still be there: one unseen answer would stand for as many as its stratum's weight says.
    heaviest = max((row.weight for row in rows if row.weight > 0), default=1.0)
    unseen = total / heaviest
    if not 0 < value < 1:
        return unseen if clusters == len(inside) else discounted(unseen * clusters / len(inside), clusters)
    variance, _ = spread([row.cluster for row in rows], influences(rows, hits, among))
    cases = value * (1 - value) / variance if variance > _NOTHING else unseen
    if clusters == len(inside):
        return cases
    return discounted(min(cases, float(len(inside)) if is_plain else math.inf), clusters)
