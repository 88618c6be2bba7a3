"""What the gate is asked, and what it answers: values that are shown, recorded and compared, never acted on here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from llmops.documents.bars import Bars, DecideOn, Loosening, Threshold
from llmops.documents.evalsets import Evalset
from llmops.evaluation.calibration.calibrations import Calibration
from llmops.evaluation.calibration.correcting import Corrected
from llmops.evaluation.metrics import EMBEDDED, Catalogue, Direction
from llmops.evaluation.planning.power import ToDecide
from llmops.evaluation.pooling import Pool
from llmops.evaluation.statistics.intervals import Interval

if TYPE_CHECKING:
    from llmops.evaluation.gating.yardsticks import OldYardstick, YardstickOutcome


class Verdict(StrEnum):
    """What the gate says. NOT_RUN: there is nothing to decide on. Only PASS opens anything."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"
    NOT_RUN = "NOT_RUN"


CALIBRATED, ADVISORY = "calibrated", "advisory"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateQuestion:
    """May this behaviour serve?

    `bars`, `floors` and `serving_bars` (None: nothing serves there) give the effective bar. `candidate` is all
    evidence of the behaviour (a digest), `baseline` that of what serves, by the same yardstick; where there is none
    although something serves, `baseline_problem` says why. `calibrations` are those of the bars' judge, the newest of
    each metric and line; `accepted_judges` which standings may decide, `evalsets` which yardsticks (none named: any),
    `catalogue` what the judge at hand can measure. `accepted` are ids of loosenings that an approval of the `quality`
    role names. `no_evidence` says why what was recorded is not the candidate's evidence. `old` is set where what serves
    was locked with other cases; `other_measures` are judges and scorers that changed under the same name.
    With `allows_early_pass` a part of the cases may pass a bar (no environment asked: that opens nothing).
    """

    bars: Bars
    evalset: Evalset
    candidate: Pool | None
    now: datetime
    accepted_judges: frozenset[str]
    calibrations: tuple[Calibration, ...] = ()
    floors: tuple[Threshold, ...] = ()
    min_cases: int = 0
    serving_bars: Bars | None = None
    baseline: Pool | None = None
    baseline_problem: str = ""
    accepted: frozenset[str] = field(default_factory=frozenset)
    evalsets: tuple[str, ...] = ()
    catalogue: Catalogue = EMBEDDED
    no_evidence: str = ""
    behaviour: str = ""
    old: OldYardstick | None = None
    other_measures: tuple[Loosening, ...] = ()
    allows_early_pass: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCase:
    """A case that pulls a figure down, with the scorer's own words."""

    case: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for a verdict: stable code, what was found, what to do.

    Where it is about a bar: the metric, rule and slice, figure and bar with the interval, which way is better, the
    worst cases, and, where more evidence would help, how much of it and what that costs (`to_decide`).
    """

    code: str
    verdict: Verdict
    message: str
    hint: str
    metric: str = ""
    rule: str = ""
    slice: str = ""
    direction: Direction | None = None
    figure: float | None = None
    bar: float | None = None
    interval: Interval | None = None
    worst: tuple[WorstCase, ...] = ()
    to_decide: ToDecide | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDecision:
    """One row of the gate's table: one rule of one metric, over all cases or one slice.

    `rule` is `min`, `max`, `require` or `max_drop`; for `max_drop`, `figure` and `interval` are the drop against what
    serves (negative: better) and `bar` the largest drop allowed. `measured` of `expected` cases have a figure;
    `not_applicable` ones are not expected. `code` is "" where the row passes. Where `figure` is corrected for the
    judge's errors, `observed` is what the judge saw and `corrected` how.
    """

    metric: str
    rule: str
    bar: float
    direction: Direction
    verdict: Verdict
    decide_on: DecideOn
    slice: str = ""
    figure: float | None = None
    interval: Interval | None = None
    measured: int = 0
    expected: int = 0
    not_applicable: int = 0
    judge: str = ""
    worst: tuple[WorstCase, ...] = ()
    code: str = ""
    message: str = ""
    hint: str = ""
    observed: float | None = None
    corrected: Corrected | None = None
    pass_at: float | None = None
    quality: str = ""
    to_decide: ToDecide | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFailure:
    """A `must_pass` case that failed, by which metric, with which answer."""

    case: str
    metric: str
    reason: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision:
    """The verdict with everything that led to it. `effective` are the bars that were applied, `yardstick` what the
    cases say that what serves was measured with, where they are others."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    rows: tuple[MetricDecision, ...]
    must_pass: tuple[CaseFailure, ...]
    quarantined: tuple[str, ...]
    effective: Bars
    loosenings: tuple[Loosening, ...]
    yardstick: YardstickOutcome | None = None

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASS

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reason.code for reason in self.reasons))


def overall(verdicts: tuple[Verdict, ...]) -> Verdict:
    """One no is a no; else one open question leaves the whole open."""
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.PASS
