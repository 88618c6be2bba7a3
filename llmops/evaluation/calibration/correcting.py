"""Rates corrected for the judge's errors, for the gate: by labels drawn from the run itself, or carried over.

Rules, in order:

1. A calibration is refused, never stretched (`problem`): with one class only, with under ten of either, and where J
   (sensitivity + specificity - 1) is not surely above 0: such a judge does not tell right from wrong, and dividing by
   its J gives any number. Nobody can record one, so no gate ever meets it. "Surely" is always at 0.95 (`SURELY`): at
   the level of the bar, asking for more confidence would do away with the correction.
2. Labels of an accepted one that are a draw from this very run correct it directly (`drawn`); they need ten of each
   verdict, or all there are. Where a slice holds fewer, rule 3 is for it.
3. Labels from elsewhere correct by sensitivity and specificity (`carried`).
4. A drop is corrected by J.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from llmops.documents.labels import LEAST
from llmops.evaluation.calibration import carried, drawn
from llmops.evaluation.calibration.agreement import Errors, confusion, errors, kappa
from llmops.evaluation.calibration.calibrations import Calibration, Judged
from llmops.evaluation.calibration.weighing import Estimate, weighed
from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics.clusters import Clusters, mean
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.means import paired_interval
from llmops.evaluation.statistics.proportions import wilson

# How sure it must be that the judge is better than a coin, whatever level a bar asks for.
SURELY = 0.95


class Method(StrEnum):
    """How a rate was corrected."""

    DRAWN = "PPI++ on labels drawn from this run"
    CARRIED = "Rogan-Gladen with the judge's sensitivity and specificity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The rate that people would give, or the drop they would see, by `labelled` answers; and what the judge is worth
    on them. `judged` is the judge's own figure."""

    rate: float
    interval: Interval
    judged: float
    method: Method
    labelled: int
    sensitivity: Estimate
    specificity: Estimate
    kappa: float | None

    @property
    def sentence(self) -> str:
        """How the figure came about, in one line."""
        return (
            f"corrected from {self.judged:.3f} by {self.labelled} labelled answers ({self.method}; the judge's "
            f"sensitivity {_shown(self.sensitivity.value)}, specificity {_shown(self.specificity.value)}, "
            f"kappa {_shown(self.kappa)})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncorrected:
    """Why a calibration gives no figure: stable code, what was found, what to do."""

    code: str
    what: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One run's answers with the labels drawn from it."""

    answers: Sequence[Judged]
    calibration: Calibration


def problem(calibration: Calibration) -> Uncorrected | None:
    """Why the calibration is not accepted, for any run, also the one that its labels were drawn from; None where it
    is."""
    return _too_small(calibration) or _useless(errors(calibration, SURELY))


def corrected(
    clusters: Clusters, calibration: Calibration, level: float, answers: Sequence[Judged] = ()
) -> Corrected | Uncorrected:
    """The corrected pass rate. `clusters` are pass values from 0 to 1 by group; `answers` are those of the run, given
    only where the calibration is drawn from it."""
    found = [cluster for cluster in clusters if cluster]
    if len(found) < 2:
        return _too_few_cases(len(found))
    if answers and calibration.is_drawn and not drawn.too_few(answers, calibration):
        return _by_draw(found, Drawn(answers=answers, calibration=calibration), level)
    return problem(calibration) or _carried(found, calibration, level)


def corrected_difference(differences: Clusters, calibration: Calibration, level: float) -> Corrected | Uncorrected:
    """The corrected drop of the pass rate from paired differences (what serves minus the candidate) by group."""
    found = [cluster for cluster in differences if cluster]
    refused = problem(calibration)
    if refused:
        return refused
    seen = errors(calibration, level)
    naive = mean(found) if found else 0.0
    interval = paired_interval(found, Kind.BINARY, level, seed="")
    if interval is None:
        return _too_few_cases(len(found))
    figure, widened = carried.drop(naive, interval, seen)
    return _result(figure, widened, naive, Method.CARRIED, (calibration, seen))


def _by_draw(clusters: Clusters, run: Drawn, level: float) -> Corrected:
    found = drawn.rate(run.answers, run.calibration)
    value = min(max(found.rate, 0.0), 1.0) * _answered(clusters, run)
    interval = wilson(value * found.cases, found.cases, level)
    seen = run.calibration, errors(run.calibration, level)
    return _result(value, interval, mean(clusters), Method.DRAWN, seen)


def _answered(clusters: Clusters, run: Drawn) -> float:
    """The share of the cases that have an answer at all: one that was left out counts as failed, by people too."""
    return min(len({row.case for row in run.answers}) / sum(map(len, clusters)), 1.0)


def _carried(clusters: Clusters, calibration: Calibration, level: float) -> Corrected | Uncorrected:
    seen = errors(calibration, level)
    passed, right, wary = (
        carried.pass_share(clusters),
        carried.share_of(seen.sensitivity),
        carried.share_of(seen.specificity),
    )
    interval = carried.lang_reiczigel(passed, right, wary, level)
    if interval is None:
        return _worthless(seen)
    value = carried.rogan_gladen(passed.value, right.value, wary.value)
    return _result(value, interval, passed.value, Method.CARRIED, (calibration, seen))


def _result(
    figure: float, interval: Interval, judged: float, method: Method, seen: tuple[Calibration, Errors]
) -> Corrected:
    """The figure lies in its own interval: limits that were moved or clipped may have left it just outside."""
    calibration, found = seen
    return Corrected(
        rate=figure,
        interval=Interval(low=min(interval.low, figure), high=max(interval.high, figure), level=interval.level),
        judged=judged,
        method=method,
        labelled=len(calibration.rows),
        sensitivity=found.sensitivity,
        specificity=found.specificity,
        kappa=kappa(calibration),
    )


def _too_small(calibration: Calibration) -> Uncorrected | None:
    counts = confusion(calibration)
    passed, failed = counts.passed_by_people, counts.failed_by_people
    if not passed or not failed:
        which = "pass" if passed else "fail" if failed else "see"
        return Uncorrected(
            code="CALIBRATION_ONE_CLASS",
            what=f"people {which} all of the {passed + failed} labelled answers"
            if passed + failed
            else "no answer is labelled",
            hint="label answers of both kinds: without one of them half of the judge's errors cannot be seen",
        )
    if min(passed, failed) < LEAST:
        return _small(f"people pass {passed} and fail {failed} of the labelled answers")
    rows = weighed(calibration)
    for label in (0, 1):
        if len({row.cluster for row in rows if row.label == label}) < 2:
            return _small(f"all answers that people {'pass' if label else 'fail'} are of one group")
    for few, many, name in zip(calibration.verdicts, calibration.frame, ("passed", "failed"), strict=True):
        if few < min(LEAST, many):
            return _small(f"{few} of the {many} answers that the judge {name} are labelled")
    return None


def _small(found: str) -> Uncorrected:
    return Uncorrected(
        code="CALIBRATION_TOO_SMALL",
        what=f"{found}, at least {LEAST} of each kind are needed",
        hint="label more answers: `llmops calibrate sample` draws the next ones",
    )


def _too_few_cases(clusters: int) -> Uncorrected:
    return Uncorrected(
        code="CALIBRATION_TOO_FEW_CASES",
        what=f"{clusters} independent case{'s' if clusters != 1 else ''} cannot show how much cases differ",
        hint="evaluate more cases, or of more groups",
    )


def _useless(found: Errors) -> Uncorrected | None:
    interval = found.youden.interval
    return _worthless(found) if interval is None or interval.low <= 0 else None


def _worthless(found: Errors) -> Uncorrected:
    right, wary, youden = found.sensitivity.value, found.specificity.value, found.youden
    low = f" (at least {youden.interval.low:.2f})" if youden.interval else ""
    return Uncorrected(
        code="CALIBRATION_USELESS",
        what=f"sensitivity {_shown(right)} + specificity {_shown(wary)} - 1 = {_shown(youden.value)}{low}: the judge "
        "is not surely better than a coin",
        hint="take another judge or metric; if the interval is wide, label more answers",
    )


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"
