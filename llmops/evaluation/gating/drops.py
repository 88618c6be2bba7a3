"""Bars against what serves: `max_drop` is non-inferiority on the same cases, always by the interval."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmops.documents.bars import DecideOn, Threshold
from llmops.evaluation.calibration import correcting
from llmops.evaluation.calibration.correcting import Corrected, Uncorrected
from llmops.evaluation.gating.absolute import mend
from llmops.evaluation.gating.decisions import MetricDecision
from llmops.evaluation.gating.further import effort, straddles
from llmops.evaluation.gating.ground import Ground
from llmops.evaluation.gating.pairs import pairs_of
from llmops.evaluation.gating.readings import Reading, ratio_of
from llmops.evaluation.gating.rows import TOLERANCE, blank, failed, undecided, unmeasured, without_interval
from llmops.evaluation.gating.wording import between, place, spelled
from llmops.evaluation.measurements import clustered
from llmops.evaluation.statistics.clusters import mean
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.means import paired_interval
from llmops.evaluation.statistics.ratios import ratio_difference_interval

EVALUATE = "evaluate what serves: `llmops gate --eval`"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drop:
    """By how much the candidate is worse on the paired cases (negative: better), and how sure that is."""

    figure: float
    interval: Interval | None
    observed: float | None = None
    remark: str = ""


def drop(threshold: Threshold, margin: float, read: Reading, ground: Ground) -> MetricDecision:
    """The row of `max_drop`."""
    row = replace(blank(threshold, "max_drop", margin, read, ground), corrected=None, observed=None)
    open_row = replace(row, decide_on=DecideOn.INTERVAL, figure=None, interval=None)
    if ground.baseline is None:
        problem = ground.baseline_problem or "what serves was not evaluated by this yardstick"
        return undecided(open_row, "BASELINE_MISSING", f"{row.metric}: {problem}", EVALUATE)
    short = unmeasured(replace(row, decide_on=DecideOn.INTERVAL), threshold, read, ground)
    if short:
        return replace(short, figure=None, interval=None)
    before = ground.read_baseline(threshold)
    paired = [case for case in read.values if case in before.values]
    if len(paired) < ground.min_coverage * len(read.values) - TOLERANCE or not paired:
        message = f"{row.metric}: what serves was measured on {len(paired)} of the {len(read.values)} cases"
        return undecided(open_row, "BASELINE_MISSING", message, EVALUATE)
    if len(paired) < threshold.min_cases:
        message = (
            f"{row.metric} was measured on {len(paired)} cases of both, at least {threshold.min_cases} are required"
        )
        return undecided(open_row, "TOO_FEW_CASES", message, EVALUATE)
    found = _dropped(threshold, read, before, ground)
    if isinstance(found, Uncorrected):
        return undecided(open_row, found.code, f"{row.metric}: {found.what}", found.hint)
    open_row = replace(
        open_row, figure=found.figure, interval=found.interval, observed=found.observed, measured=len(paired)
    )
    return _against_margin(open_row, threshold, read, found, ground)


def _against_margin(
    row: MetricDecision, threshold: Threshold, read: Reading, found: _Drop, ground: Ground
) -> MetricDecision:
    interval = found.interval
    if interval is None:
        return without_interval(row, f"{row.metric} dropped by {spelled(found.figure)}", read)
    if interval.high <= row.bar + TOLERANCE:
        return row
    if interval.low > row.bar + TOLERANCE:
        message = (
            f"{place(row)} is {spelled(found.figure)}{between(interval)}, at most {spelled(row.bar)} is "
            f"allowed{found.remark}"
        )
        return failed(row, "DROPPED", message, mend(row))
    is_good = found.figure <= row.bar
    half = abs((interval.high if is_good else interval.low) - found.figure)
    row = straddles(row, half, effort(threshold, read, ground))
    return replace(row, message=row.message + found.remark)


def _dropped(threshold: Threshold, read: Reading, before: Reading, ground: Ground) -> _Drop | Uncorrected:
    level = threshold.confidence
    if ground.is_same_evidence:
        return _Drop(figure=0.0, interval=Interval(low=0.0, high=0.0, level=level))
    if read.per:
        return _ratios(read, before, level, ground.seed)
    seen = read.seen
    pairs = pairs_of(seen, before.seen)
    clusters = clustered(pairs.drops, seen.groups)
    calibration = ground.corrects(threshold, seen)
    corrected = correcting.corrected_difference(clusters, calibration, level) if calibration is not None else None
    if isinstance(corrected, Corrected):
        return _Drop(figure=corrected.rate, interval=corrected.interval, observed=mean(clusters), remark=pairs.remark)
    if corrected is not None:
        return corrected
    is_bounded = not seen.info.is_operational
    interval = paired_interval(clusters, seen.info.kind, level, seed=ground.seed, bounded=is_bounded)
    return _Drop(figure=mean(clusters), interval=interval, remark=pairs.remark)


def _ratios(read: Reading, before: Reading, level: float, seed: str) -> _Drop | Uncorrected:
    """The rise of a ratio on the cases that both sides know in full."""
    now, then = read.common(before)
    figure, served = ratio_of(now), ratio_of(then)
    if figure is None or served is None:
        hint = "mend the answers first: this bar is about what good ones cost"
        return Uncorrected(code="NO_QUALITY", what="one of the two earned no quality to be paid for", hint=hint)
    return _Drop(figure=figure - served, interval=ratio_difference_interval(then, now, level, seed=seed))
