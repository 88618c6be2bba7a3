"""The rows of the gate's table: what each bar says about the evidence.

Rules, in order; the first that applies decides a row:

1. `require: PASS`: one failed case is a no, whatever else was not measured.
2. A judge whose standing the environment does not accept decides nothing, in neither direction.
3. Too little was measured (nothing, under `min_coverage`, under `min_cases`): undecided, naming what is missing.
4. `decide_on: mean` compares the figure with the bar; `interval` wants the whole interval on one side.
5. Slices carry their own bars. Among the intervals of several slices one is soon low by chance, so that a slice
   fails only where Holm's procedure says so; to pass, each needs its whole interval on the right side.
6. `max_drop` is non-inferiority on the same cases: the interval of the paired difference against the margin, always.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from llmops.documents.bars import DecideOn, SliceBar, Threshold
from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.evidence import EvidenceRow
from llmops.evaluation.gating.decisions import ADVISORY, MetricDecision, Verdict
from llmops.evaluation.measurements import Measurement, clustered, measure
from llmops.evaluation.metrics import Catalogue, Direction
from llmops.evaluation.pooling import NO_COST, NO_TIME, NO_TOKENS, Pool
from llmops.evaluation.statistics.clusters import mean
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.means import paired_interval
from llmops.evaluation.statistics.several import chance_of, holm

# Means are sums of doubles: a figure that equals the bar as written must not fail by its last bit.
TOLERANCE = 1e-12
NAMED_CASES = 5
# What nobody says, no further run measures.
_SAY = {
    NO_COST: "give the model `prices` in llmops.yaml, or let the application say `cost_usd`; then evaluate again",
    NO_TOKENS: "let whoever answers say `input_tokens` and `output_tokens`; then evaluate again",
    NO_TIME: "drop this bar: answers that the evalset brings along were not timed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the rows of one decision share. `cases` are those that count; `standings` judges that may decide."""

    evalset: Evalset
    cases: tuple[Case, ...]
    candidate: Pool
    baseline: Pool | None
    baseline_problem: str
    has_serving: bool
    judge: str
    judge_standing: str
    accepted_judges: frozenset[str]
    min_coverage: float
    repeats: int
    seed: str
    catalogue: Catalogue
    is_same_evidence: bool = False

    def standing(self, label: str) -> str:
        """The standing of the judge behind a score's label; an embedding's cosine is advisory like its label says."""
        return self.judge_standing if label.removesuffix(f" ({ADVISORY})") == self.judge else ADVISORY

    def measure(self, threshold: Threshold, rows: Mapping[str, Sequence[EvidenceRow]], inside: str = "") -> Measurement:
        cases = [case for case in self.cases if not inside or inside in self.evalset.slices_of(case)]
        return measure(self.catalogue.metric(threshold.metric), cases, rows, self.repeats, threshold.pass_at)


def decide(threshold: Threshold, ground: Ground) -> tuple[MetricDecision, ...]:
    """Every row of one metric: its bars, its slices, its drop."""
    rows = ground.candidate.by_case()
    whole = ground.measure(threshold, rows)
    found = [
        _absolute(threshold, bar, rule, whole, ground) for rule, bar in _bars(threshold.minimum, threshold.maximum)
    ]
    if threshold.require_pass:
        found.append(_required(threshold, whole, ground))
    found.extend(_slices(threshold, ground, rows))
    if threshold.max_drop is not None and ground.has_serving:
        found.append(_drop(threshold, threshold.max_drop, whole, ground))
    return tuple(found)


def _bars(minimum: float | None, maximum: float | None) -> Iterator[tuple[str, float]]:
    yield from ((rule, bar) for rule, bar in (("min", minimum), ("max", maximum)) if bar is not None)


def _blank(threshold: Threshold, rule: str, bar: float, seen: Measurement, ground: Ground) -> MetricDecision:
    """The row before its verdict: everything that was measured."""
    return MetricDecision(
        metric=threshold.metric,
        rule=rule,
        bar=bar,
        direction=seen.info.direction,
        verdict=Verdict.PASS,
        decide_on=threshold.decide_on,
        figure=seen.figure,
        interval=seen.interval(threshold.confidence, ground.seed),
        measured=len(seen.values),
        expected=seen.expected,
        not_applicable=seen.not_applicable,
        judge=", ".join(seen.judges),
        worst=seen.worst,
    )


def _undecided(row: MetricDecision, code: str, message: str, hint: str) -> MetricDecision:
    return replace(row, verdict=Verdict.UNDECIDED, code=code, message=message, hint=hint)


def _failed(row: MetricDecision, code: str, message: str, hint: str) -> MetricDecision:
    return replace(row, verdict=Verdict.FAIL, code=code, message=message, hint=hint)


def _absolute(threshold: Threshold, bar: float, rule: str, seen: Measurement, ground: Ground) -> MetricDecision:
    row = _blank(threshold, rule, bar, seen, ground)
    return _unmeasured(row, threshold.min_cases, seen, ground) or _against_bar(row)


def _required(threshold: Threshold, seen: Measurement, ground: Ground) -> MetricDecision:
    row = _blank(threshold, "require", 1.0, seen, ground)
    failing = [case for case, value in seen.values.items() if value < 1]
    if failing and not _unaccepted(seen, ground):
        message = (
            f"{threshold.metric} fails on {len(failing)} of {row.expected} cases ({_named(failing)}), PASS is required"
        )
        return _failed(row, "BELOW_BAR", message, "mend what the reasons of these cases name")
    return _unmeasured(row, threshold.min_cases, seen, ground) or row


def _unmeasured(row: MetricDecision, min_cases: int, seen: Measurement, ground: Ground) -> MetricDecision | None:
    """The row as undecided, where too little is known to judge it; None where it can be judged."""
    if row.expected == 0:
        what = "no case of the evalset has the labels for it" if not row.not_applicable else "no answer calls for it"
        return _undecided(row, "NOT_MEASURED", f"{row.metric}: {what}", "label cases for it, or drop the threshold")
    if not seen.values or seen.coverage < ground.min_coverage - TOLERANCE:
        return _too_little(row, seen, ground)
    if row.measured < min_cases:
        message = f"{row.metric} was measured on {row.measured} cases, at least {min_cases} are required"
        return _undecided(row, "TOO_FEW_CASES", message, "add labelled cases to the evalset")
    unaccepted = _unaccepted(seen, ground)
    return _advisory(row, unaccepted, ground) if unaccepted else None


def _too_little(row: MetricDecision, seen: Measurement, ground: Ground) -> MetricDecision:
    code = "COVERAGE_TOO_LOW" if seen.values else "NOT_MEASURED"
    reason = next(iter(seen.missing.values()))
    message = (
        f"{row.metric} was measured on {row.measured} of {row.expected} cases, coverage {_spelled(seen.coverage)}, "
        f"required {_spelled(ground.min_coverage)}; missing: {_named(tuple(seen.missing))} ({reason})"
    )
    hint = _SAY.get(reason, "run `llmops eval` again: it continues with what is missing")
    return _undecided(row, code, message, hint)


def _unaccepted(seen: Measurement, ground: Ground) -> tuple[str, ...]:
    return tuple(label for label in seen.judges if ground.standing(label) not in ground.accepted_judges)


def _advisory(row: MetricDecision, labels: tuple[str, ...], ground: Ground) -> MetricDecision:
    accepted = " or ".join(sorted(ground.accepted_judges)) or "no"
    message = f"{row.metric} was judged by {', '.join(labels)}; this environment accepts {accepted} judges only"
    hint = (
        "score with a judge that was calibrated against people's labels, or let the policy of this environment accept "
        "advisory judges"
    )
    return _undecided(row, "ADVISORY_JUDGE", message, hint)


def _against_bar(row: MetricDecision) -> MetricDecision:
    figure = row.figure if row.figure is not None else math.nan
    wants_higher = row.rule == "min"
    if row.decide_on is DecideOn.INTERVAL:
        return _interval_against_bar(row, figure, wants_higher=wants_higher)
    return row if _reaches(figure, row.bar, wants_higher=wants_higher) else _below(row, figure)


def _interval_against_bar(row: MetricDecision, figure: float, *, wants_higher: bool) -> MetricDecision:
    if row.interval is None:
        message = f"{_place(row)} {_spelled(figure)} has no interval: too few independent cases"
        return _undecided(row, "INTERVAL_STRADDLES", message, "add cases (or groups) to the evalset")
    near, far = (row.interval.low, row.interval.high) if wants_higher else (row.interval.high, row.interval.low)
    if _reaches(near, row.bar, wants_higher=wants_higher):
        return row
    if not _reaches(far, row.bar, wants_higher=wants_higher):
        return _below(row, figure)
    return _straddles(row, figure, figure - row.bar, figure - near)


def _reaches(value: float, bar: float, *, wants_higher: bool) -> bool:
    return value >= bar - TOLERANCE if wants_higher else value <= bar + TOLERANCE


def _below(row: MetricDecision, figure: float) -> MetricDecision:
    code = "SLICE_BELOW_BAR" if row.slice else "BELOW_BAR"
    least = "at least" if row.rule == "min" else "at most"
    message = f"{_place(row)} is {_spelled(figure)}{_interval(row.interval)}, required is {least} {_spelled(row.bar)}"
    return _failed(row, code, message, _mend(row))


def _mend(row: MetricDecision) -> str:
    if not row.worst:
        return "change the prompt or the retrieval config, lock, and evaluate again"
    return f"look at the worst cases first: {_named([item.case for item in row.worst])}"


def _straddles(row: MetricDecision, figure: float, gap: float, half: float) -> MetricDecision:
    message = f"{_place(row)} is {_spelled(figure)}{_interval(row.interval)}; the bar {_spelled(row.bar)} lies inside"
    hint = "the figure stands at the bar: no number of cases decides that soon"
    if abs(gap) > TOLERANCE:
        # The width of an interval shrinks with the root of the number of cases.
        more = math.ceil(row.measured * ((half / gap) ** 2 - 1))
        hint = f"about {max(more, 1)} further cases like these would decide, if the figure holds; repeats help a little"
    return _undecided(row, "INTERVAL_STRADDLES", message, hint)


def _slices(
    threshold: Threshold, ground: Ground, rows: Mapping[str, Sequence[EvidenceRow]]
) -> tuple[MetricDecision, ...]:
    wanted = [(bar, rule, limit) for bar in threshold.slices for rule, limit in _bars(bar.minimum, bar.maximum)]
    seen = [ground.measure(threshold, rows, bar.name) for bar, _, _ in wanted]
    found = [
        _slice_row(threshold, bar, rule, limit, measurement, ground)
        for (bar, rule, limit), measurement in zip(wanted, seen, strict=True)
    ]
    if threshold.decide_on is DecideOn.INTERVAL:
        return _corrected(found, seen, 1 - threshold.confidence)
    return tuple(found)


def _slice_row(
    threshold: Threshold, bar: SliceBar, rule: str, limit: float, seen: Measurement, ground: Ground
) -> MetricDecision:
    row = replace(_blank(threshold, rule, limit, seen, ground), slice=bar.name)
    return _unmeasured(row, 1, seen, ground) or _against_bar(row)


def _corrected(rows: Sequence[MetricDecision], seen: Sequence[Measurement], alpha: float) -> tuple[MetricDecision, ...]:
    """The rows, with failures that Holm's procedure does not uphold left undecided."""
    judged = [place for place, row in enumerate(rows) if row.verdict is Verdict.FAIL and row.figure is not None]
    chances = {
        place: chance_of(
            seen[place].clusters,
            rows[place].bar,
            wants_higher=rows[place].rule == "min",
            bounded=not seen[place].info.is_operational,
        )
        for place in judged
    }
    # All slices are tested, so all count for the correction; those that do not fail have nothing to lose.
    upheld = holm([chances.get(place, 1.0) for place in range(len(rows))], alpha / 2)
    return tuple(_by_chance(row) if place in chances and not upheld[place] else row for place, row in enumerate(rows))


def _by_chance(row: MetricDecision) -> MetricDecision:
    message = f"{row.message}; among several slices that may be chance"
    return _undecided(row, "INTERVAL_STRADDLES", message, "add cases to this slice")


def _drop(threshold: Threshold, margin: float, seen: Measurement, ground: Ground) -> MetricDecision:
    row = replace(_blank(threshold, "max_drop", margin, seen, ground), figure=None, interval=None)
    row = replace(row, decide_on=DecideOn.INTERVAL)
    if ground.baseline is None:
        problem = ground.baseline_problem or "what serves was not evaluated by this yardstick"
        return _undecided(
            row, "BASELINE_MISSING", f"{row.metric}: {problem}", "evaluate what serves: `llmops gate --eval`"
        )
    undecided = _unmeasured(row, threshold.min_cases, seen, ground)
    if undecided:
        return undecided
    before = ground.measure(threshold, ground.baseline.by_case())
    return _against_margin(row, seen, before, threshold, ground)


def _against_margin(
    row: MetricDecision, seen: Measurement, before: Measurement, threshold: Threshold, ground: Ground
) -> MetricDecision:
    paired = [case for case in seen.values if case in before.values]
    if len(paired) < ground.min_coverage * len(seen.values) - TOLERANCE or not paired:
        message = f"{row.metric}: what serves was measured on {len(paired)} of the {len(seen.values)} cases"
        return _undecided(row, "BASELINE_MISSING", message, "evaluate what serves: `llmops gate --eval`")
    drop, interval = _dropped(seen, before, paired, threshold, ground)
    row = replace(row, figure=drop, interval=interval, measured=len(paired))
    if interval is None:
        message = f"{row.metric} dropped by {_spelled(drop)}, which has no interval: too few independent cases"
        return _undecided(row, "INTERVAL_STRADDLES", message, "add cases (or groups) to the evalset")
    if interval.high <= row.bar + TOLERANCE:
        return row
    if interval.low > row.bar + TOLERANCE:
        message = f"{_place(row)} is {_spelled(drop)}{_interval(interval)}, at most {_spelled(row.bar)} is allowed"
        return _failed(row, "DROPPED", message, _mend(row))
    return _straddles(row, drop, row.bar - drop, interval.high - drop)


def _dropped(
    seen: Measurement, before: Measurement, paired: Sequence[str], threshold: Threshold, ground: Ground
) -> tuple[float, Interval | None]:
    """By how much the candidate is worse on the paired cases, and how sure that is. Negative: better."""
    sign = 1 if seen.info.direction is Direction.HIGHER else -1
    level = threshold.confidence
    if ground.is_same_evidence:
        return 0.0, Interval(low=0.0, high=0.0, level=level)
    drops = {case: sign * (before.values[case] - seen.values[case]) for case in paired}
    clusters = clustered(drops, seen.groups)
    is_bounded = not seen.info.is_operational
    interval = paired_interval(clusters, seen.info.kind, level, seed=ground.seed, bounded=is_bounded)
    return mean(clusters), interval


def _place(row: MetricDecision) -> str:
    name = f"the drop of {row.metric}" if row.rule == "max_drop" else row.metric
    return f"{name} in slice {row.slice}" if row.slice else name


def _interval(interval: Interval | None) -> str:
    return f" ({_spelled(interval.low)} to {_spelled(interval.high)})" if interval else ""


def _named(cases: Sequence[str]) -> str:
    shown = ", ".join(cases[:NAMED_CASES])
    return f"{shown} and {len(cases) - NAMED_CASES} more" if len(cases) > NAMED_CASES else shown


def _spelled(value: float) -> str:
    """At most four decimals: enough to tell both sides of a comparison apart."""
    return f"{round(value, 4):.9g}"
