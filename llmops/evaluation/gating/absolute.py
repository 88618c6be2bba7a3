"""Bars on the figure itself: `min`, `max`, `require: PASS`, over all cases and over slices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import NormalDist

from llmops.documents.bars import DecideOn, SliceBar, Threshold
from llmops.evaluation.gating.decisions import MetricDecision, Verdict
from llmops.evaluation.gating.further import effort, straddles
from llmops.evaluation.gating.ground import Ground
from llmops.evaluation.gating.readings import Reading
from llmops.evaluation.gating.rows import (
    TOLERANCE,
    blank,
    failed,
    not_accepted,
    undecided,
    unmeasured,
    without_interval,
)
from llmops.evaluation.gating.wording import between, named, place, seen_as, spelled
from llmops.evaluation.statistics.several import chance_of, holm


def bars_of(minimum: float | None, maximum: float | None) -> Iterator[tuple[str, float]]:
    """The rules that are set, each with its bar."""
    yield from ((rule, bar) for rule, bar in (("min", minimum), ("max", maximum)) if bar is not None)


def whole(threshold: Threshold, read: Reading, ground: Ground) -> Iterator[MetricDecision]:
    """The rows over all cases."""
    for rule, bar in bars_of(threshold.minimum, threshold.maximum):
        row = blank(threshold, rule, bar, read, ground)
        yield unmeasured(row, threshold, read, ground) or _against_bar(row, threshold, read, ground)
    if threshold.require_pass:
        yield _required(threshold, read, ground)


def _required(threshold: Threshold, read: Reading, ground: Ground) -> MetricDecision:
    row = blank(threshold, "require", 1.0, read, ground)
    failing = [case for case, value in read.values.items() if value < 1]
    if failing and not not_accepted(read, threshold, ground):
        message = f"{place(row)} fails on {len(failing)} of {row.expected} cases ({named(failing)}), PASS is required"
        return failed(row, "BELOW_BAR", message, "mend what the reasons of these cases name")
    return unmeasured(row, threshold, read, ground) or row


def _against_bar(row: MetricDecision, threshold: Threshold, read: Reading, ground: Ground) -> MetricDecision:
    figure = row.figure if row.figure is not None else math.nan
    wants_higher = row.rule == "min"
    if row.decide_on is DecideOn.MEAN:
        return row if _reaches(figure, row.bar, wants_higher=wants_higher) else _below(row, figure)
    if row.interval is None:
        return without_interval(row, f"{place(row)} is {spelled(figure)}", read)
    near, far = (row.interval.low, row.interval.high) if wants_higher else (row.interval.high, row.interval.low)
    if _reaches(near, row.bar, wants_higher=wants_higher):
        return row
    if not _reaches(far, row.bar, wants_higher=wants_higher):
        return _below(row, figure)
    # What stands in the way of a yes is the limit nearer to the bad side; of a no, the other one.
    is_good = _reaches(figure, row.bar, wants_higher=wants_higher)
    return straddles(row, abs(figure - (near if is_good else far)), effort(threshold, read, ground))


def _reaches(value: float, bar: float, *, wants_higher: bool) -> bool:
    return value >= bar - TOLERANCE if wants_higher else value <= bar + TOLERANCE


def _below(row: MetricDecision, figure: float) -> MetricDecision:
    code = "SLICE_BELOW_BAR" if row.slice else "BELOW_BAR"
    least = "at least" if row.rule == "min" else "at most"
    found = f"{place(row)} is {spelled(figure)}{between(row.interval)}"
    message = f"{found}, required is {least} {spelled(row.bar)}{seen_as(row)}"
    return failed(row, code, message, mend(row))


def mend(row: MetricDecision) -> str:
    """Where to start."""
    if not row.worst:
        return "change the prompt or the retrieval config, lock, and evaluate again"
    return f"look at the worst cases first: {named([item.case for item in row.worst])}"


def slices(threshold: Threshold, ground: Ground) -> tuple[MetricDecision, ...]:
    """The rows over slices; where intervals decide, with failures that Holm's procedure does not uphold left open."""
    wanted = [(bar, rule, limit) for bar in threshold.slices for rule, limit in bars_of(bar.minimum, bar.maximum)]
    read = [ground.read(threshold, bar.name) for bar, _, _ in wanted]
    found = [
        _slice_row(threshold, bar, (rule, limit), one, ground)
        for (bar, rule, limit), one in zip(wanted, read, strict=True)
    ]
    if threshold.decide_on is DecideOn.INTERVAL:
        return _corrected(found, read, 1 - threshold.confidence)
    return tuple(found)


def _slice_row(
    threshold: Threshold, bar: SliceBar, rule: tuple[str, float], read: Reading, ground: Ground
) -> MetricDecision:
    row = replace(blank(threshold, *rule, read, ground), slice=bar.name)
    return unmeasured(row, threshold, read, ground) or _against_bar(row, threshold, read, ground)


def _corrected(rows: Sequence[MetricDecision], read: Sequence[Reading], alpha: float) -> tuple[MetricDecision, ...]:
    judged = [at for at, row in enumerate(rows) if row.verdict is Verdict.FAIL and row.figure is not None]
    chances = {at: _chance(rows[at], read[at]) for at in judged}
    # All slices are tested, so all count for the correction; those that do not fail have nothing to lose.
    upheld = holm([chances.get(at, 1.0) for at in range(len(rows))], alpha / 2)
    return tuple(_by_chance(row) if at in chances and not upheld[at] else row for at, row in enumerate(rows))


def _chance(row: MetricDecision, read: Reading) -> float:
    """How likely so bad a figure is by chance, were the true one at the bar."""
    if read.correction or read.per:
        return _by_width(row)
    is_bounded = not read.seen.info.is_operational
    return chance_of(read.seen.clusters, row.bar, wants_higher=row.rule == "min", bounded=is_bounded)


def _by_width(row: MetricDecision) -> float:
    """The same from the interval, taken for that of a normal figure: corrected rates and ratios have no other."""
    if row.interval is None or row.figure is None or row.interval.high <= row.interval.low:
        return 1.0
    far = row.interval.high if row.rule == "min" else row.interval.low
    error = abs(far - row.figure) / NormalDist().inv_cdf(0.5 + row.interval.level / 2)
    gap = (row.figure - row.bar) * (1 if row.rule == "min" else -1)
    return NormalDist(0, error).cdf(gap) if error > 0 else 0.0


def _by_chance(row: MetricDecision) -> MetricDecision:
    message = f"{row.message}; among several slices that may be chance"
    return undecided(row, "INTERVAL_STRADDLES", message, "add cases to this slice")
