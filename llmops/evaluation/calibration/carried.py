"""A rate corrected by labels from elsewhere: sensitivity and specificity carry over, the pass rate need not.

Sources. W. J. Rogan, B. Gladen, "Estimating prevalence from the results of a screening test", American Journal of
Epidemiology 107 (1978). Z. Lang, J. Reiczigel, "Confidence limits for prevalence of disease adjusted for
estimated sensitivity and specificity", Preventive Veterinary Medicine 113 (2014): adjusted counts, and a
correction of the centre. Every number of cases may be an effective one. The drop is the naive one over J; in a
difference the specificity cancels. Its limits are E. C. Fieller's ("Some problems in interval estimation", Journal of
the Royal Statistical Society B 16 (1954)) with unequal arms: A. Donner, G. Y. Zou, "Closed-form confidence intervals
for functions of the normal mean and standard deviation", Statistical Methods in Medical Research 21 (2012). The delta
method is the same on both sides, and lets drops beyond a margin through where J rests on few labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from llmops.evaluation.calibration.agreement import Errors
from llmops.evaluation.calibration.weighing import Estimate, discounted
from llmops.evaluation.statistics.clusters import Clusters, effective_count, mean
from llmops.evaluation.statistics.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of `cases` (which may be an effective number)."""

    value: float
    cases: float


def rogan_gladen(passed: float, sensitivity: float, specificity: float) -> float:
    """The rate that people would give, from 0 to 1. The judge's errors are under one half together (J > 0)."""
    return min(max((passed + specificity - 1) / (sensitivity + specificity - 1), 0.0), 1.0)


def lang_reiczigel(passed: Share, sensitivity: Share, specificity: Share, level: float) -> Interval | None:
    """The interval of the corrected rate, or None where even the adjusted counts leave no J above 0."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    cases = passed.cases + z * z
    judged = (passed.value * passed.cases + z * z / 2) / cases
    sensible, wary = _adjusted(sensitivity), _adjusted(specificity)
    youden = sensible.value + wary.value - 1
    if youden <= 0:
        return None
    rate = (judged + wary.value - 1) / youden
    lost, let_through = _variance(sensible), _variance(wary)
    shift = 2 * z * z * (rate * lost - (1 - rate) * let_through)
    variance = judged * (1 - judged) / cases + rate * rate * lost + (1 - rate) ** 2 * let_through
    half = z * math.sqrt(variance) / youden
    low, high = (min(max(limit, 0.0), 1.0) for limit in (rate + shift - half, rate + shift + half))
    return Interval(low=low, high=high, level=level)


def pass_share(clusters: Clusters) -> Share:
    """The judge's pass rate with the number of independent cases it rests on."""
    found = [cluster for cluster in clusters if cluster]
    value = min(max(mean(found), 0.0), 1.0)
    if all(len(cluster) == 1 and cluster[0] in (0, 1) for cluster in found):
        return Share(value=value, cases=float(len(found)))
    cases = effective_count(found)
    if all(one in (0, 1) for cluster in found for one in cluster):
        cases = min(cases, float(sum(map(len, found))))
    return Share(value=value, cases=discounted(cases, len(found)))


def drop(naive: float, interval: Interval, errors: Errors) -> tuple[float, Interval]:
    """The drop that people would see, from the judge's on the same cases, with its interval."""
    youden = errors.youden.value or 0.0
    figure = naive / youden
    known = errors.youden.interval or Interval(low=-1.0, high=1.0, level=interval.level)
    low = -_highest_ratio(-naive, -interval.low, youden, known)
    high = _highest_ratio(naive, interval.high, youden, known)
    clipped = Interval(low=max(low, -1.0), high=min(high, 1.0), level=interval.level)
    return min(max(figure, -1.0), 1.0), clipped


def _highest_ratio(value: float, high: float, divisor: float, known: Interval) -> float:
    """The upper limit t of value / divisor: where t * divisor - value is as much as the limits of both, as far as they
    lie on the side that makes t large, allow together; infinite where the divisor may be nothing."""
    if high >= 0 and known.low <= 0:
        return math.inf
    off, slack = high - value, divisor - known.low if high >= 0 else known.high - divisor
    free = divisor**2 - slack**2
    root = math.sqrt(max((value * slack) ** 2 + free * off**2, 0.0))
    if high >= 0:
        return (value * divisor + root) / free
    # The same root of the same equation, written so that `free` may be nothing.
    return (value**2 - off**2) / (value * divisor - root)


def share_of(estimate: Estimate) -> Share:
    """A known estimate as what the formulas take."""
    return Share(value=estimate.value or 0.0, cases=estimate.cases)


def _adjusted(share: Share) -> Share:
    return Share(value=(share.value * share.cases + 1) / (share.cases + 2), cases=share.cases + 2)


def _variance(share: Share) -> float:
    return share.value * (1 - share.value) / share.cases
