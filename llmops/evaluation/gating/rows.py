"""A row before its verdict, and the three ways it gets one; what leaves it open because too little is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmops.documents.bars import Threshold
from llmops.evaluation.calibration import correcting
from llmops.evaluation.calibration.correcting import Uncorrected
from llmops.evaluation.gating.decisions import MetricDecision, Verdict
from llmops.evaluation.gating.ground import Ground
from llmops.evaluation.gating.pairs import is_mostly_silent
from llmops.evaluation.gating.readings import Reading
from llmops.evaluation.gating.wording import named, spelled
from llmops.evaluation.pooling import NO_COST, NO_TIME, NO_TOKENS

# Means are sums of doubles: a figure that equals the bar as written must not fail by its last bit.
TOLERANCE = 1e-12
# What nobody says, no further run measures.
_SAY = {
    NO_COST: "give the model `prices` in llmops.yaml, or let the application say `cost_usd`; then evaluate again",
    NO_TOKENS: "let whoever answers say `input_tokens` and `output_tokens`; then evaluate again",
    NO_TIME: "drop this bar: answers that the evalset brings along were not timed",
}


def blank(threshold: Threshold, rule: str, bar: float, read: Reading, ground: Ground) -> MetricDecision:
    """The row before its verdict: everything that was measured."""
    info = ground.catalogue.metric(threshold.metric)
    return MetricDecision(
        metric=threshold.metric,
        rule=rule,
        bar=bar,
        direction=info.direction,
        verdict=Verdict.PASS,
        decide_on=threshold.decide_on,
        figure=read.figure,
        interval=read.interval(threshold.confidence, ground.seed),
        measured=len(read.values),
        expected=read.expected,
        not_applicable=read.seen.not_applicable,
        judge=", ".join(ground.shown(label, threshold) for label in read.judges),
        worst=read.seen.worst,
        observed=read.seen.figure if read.correction else None,
        corrected=read.correction,
        pass_at=threshold.pass_at,
        quality=threshold.quality,
    )


def undecided(row: MetricDecision, code: str, message: str, hint: str) -> MetricDecision:
    """The row as an open question."""
    return replace(row, verdict=Verdict.UNDECIDED, code=code, message=message, hint=hint)


def failed(row: MetricDecision, code: str, message: str, hint: str) -> MetricDecision:
    """The row as a no."""
    return replace(row, verdict=Verdict.FAIL, code=code, message=message, hint=hint)


def unmeasured(row: MetricDecision, threshold: Threshold, read: Reading, ground: Ground) -> MetricDecision | None:
    """The row as undecided, where too little is known to judge it; None where it can be judged."""
    if row.expected == 0:
        what = "no case of the evalset has the labels for it" if not row.not_applicable else "no answer calls for it"
        return undecided(row, "NOT_MEASURED", f"{row.metric}: {what}", "label cases for it, or drop the threshold")
    if not read.values or read.coverage < ground.min_coverage - TOLERANCE:
        return _too_little(row, read, ground)
    least = 1 if row.slice else threshold.min_cases
    if row.measured < least:
        message = f"{row.metric} was measured on {row.measured} cases, at least {least} are required"
        return undecided(row, "TOO_FEW_CASES", message, "add labelled cases to the evalset")
    if row.figure is None:
        message = f"{row.metric}: the answers earned no point of {row.quality}, so nothing can be said of its price"
        return undecided(row, "NO_QUALITY", message, "mend the answers first: this bar is about what good ones cost")
    unaccepted = not_accepted(read, threshold, ground)
    if unaccepted:
        return advisory(row, unaccepted, threshold, ground)
    if isinstance(read.corrected, Uncorrected):
        # Never the bare rate instead: a bar could be worded so that its correction fails.
        return undecided(row, read.corrected.code, f"{row.metric}: {read.corrected.what}", read.corrected.hint)
    return _mostly_inapplicable(row, read)


def _mostly_inapplicable(row: MetricDecision, read: Reading) -> MetricDecision | None:
    """The row as undecided where most answers give the metric nothing to say; None where it speaks of half of them."""
    scored = read.per or read.seen
    if not is_mostly_silent(scored):
        return None
    known = len(scored.values)
    message = f"{scored.info.name} has a meaning for {known} of {known + scored.not_applicable} answers only"
    hint = "a bar on it says nothing about the others: mend the prompt, or drop the bar and add one on what they lack"
    return undecided(row, "MOSTLY_INAPPLICABLE", message, hint)


def _too_little(row: MetricDecision, read: Reading, ground: Ground) -> MetricDecision:
    code = "COVERAGE_TOO_LOW" if read.values else "NOT_MEASURED"
    reason = next(iter(read.missing.values()))
    message = (
        f"{row.metric} was measured on {row.measured} of {row.expected} cases, coverage {spelled(read.coverage)}, "
        f"required {spelled(ground.min_coverage)}; missing: {named(tuple(read.missing))} ({reason})"
    )
    hint = _SAY.get(reason, "run `llmops eval` again: it continues with what is missing")
    return undecided(row, code, message, hint)


def without_interval(row: MetricDecision, stands: str, read: Reading) -> MetricDecision:
    """The row as undecided because nobody can say how sure its figure is, and why that is so."""
    sources = len({read.seen.groups.get(case) or f" {case}" for case in read.values})
    if sources < 2:
        why, hint = "all cases share one source", "add cases of other groups to the evalset"
    elif read.per is not None:
        why, hint = f"{row.quality} is not surely above 0", "mend the answers first, or decide on the mean"
    elif read.seen.info.percentile is not None:
        why = f"{sources} cases are too few to bound a percentile on both sides"
        hint = "add cases to the evalset, or decide on the mean"
    else:
        why, hint = "its values show no spread that could be told from chance", "decide on the mean, or add cases"
    return undecided(row, "NO_INTERVAL", f"{stands}, which has no interval: {why}", hint)


def not_accepted(read: Reading, threshold: Threshold, ground: Ground) -> tuple[str, ...]:
    """Labels of the judges that may not decide here."""
    return tuple(label for label in read.judges if not ground.accepts(label, threshold))


def advisory(row: MetricDecision, labels: Sequence[str], threshold: Threshold, ground: Ground) -> MetricDecision:
    """The row as undecided because its judge may not decide here; a calibration that says too little is named."""
    found = ground.calibration(threshold)
    problem = correcting.problem(found) if found else None
    if isinstance(problem, Uncorrected):
        return undecided(row, problem.code, f"{row.metric}: {problem.what}", problem.hint)
    accepted = " or ".join(sorted(ground.accepted_judges)) or "no"
    message = f"{row.metric} was judged by {', '.join(labels)}; this environment accepts {accepted} judges only"
    line = f" --pass-at {spelled(row.pass_at)}" if row.pass_at is not None else ""
    hint = (
        f"calibrate the judge on people's labels (`llmops calibrate NAME --metric {row.quality or row.metric}{line} "
        "--record`), or let the policy of this environment accept advisory judges"
    )
    others = sorted({item.pass_at for item in ground.calibrations if item.metric == row.metric})
    if others:
        hint = (
            f"the judge's calibrations of {row.metric} draw the line at {', '.join(map(spelled, others))}: "
            "calibrate it where this bar draws it, or move `pass_at`"
        )
    return undecided(row, "ADVISORY_JUDGE", message, hint)
