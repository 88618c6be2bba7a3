"""Where only a prefix of the order was run: which bars are decided already, and which are still open.

Rules, in order:

1. `require: PASS` fails with the first case that fails, and passes with the last one only.
2. Spend, speed, percentiles and ratios have no bounds to bet within; a rate that is corrected for the judge's errors
   needs the correction's own interval. They are decided on all cases.
3. Too little measured among the cases that were run (`min_coverage`, `min_cases`), or mostly nothing to say: open.
4. `decide_on: mean` is about this evalset, `interval` and `max_drop` about the population. Each side is wrong with
   probability (1 - confidence) / 2 at most, however often one looks. A slice fails only by as much less as there are
   slices (Bonferroni): among many one is soon low by chance. To pass, every one has to.
5. Where the environment takes no early yes, a part that would pass stays open until every case was run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from llmops.documents.bars import DecideOn, Threshold
from llmops.evaluation.gating.decisions import MetricDecision, Verdict
from llmops.evaluation.gating.early import prefixes
from llmops.evaluation.gating.early.prefixes import TOLERANCE, Certainty, Prefix
from llmops.evaluation.gating.early.samples import Sample
from llmops.evaluation.gating.pairs import is_mostly_silent, pairs_of
from llmops.evaluation.gating.wording import named, place, spelled
from llmops.evaluation.measurements import Measurement, clustered
from llmops.evaluation.metrics import Catalogue
from llmops.evaluation.statistics.clusters import mean

OPEN, NEEDS_ALL, DENIED = "OPEN_SO_FAR", "NEEDS_ALL_CASES", "EARLY_PASS_DENIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What one rule says so far. `measured` of the `expected` cases of the evalset have a figure, and `figure` is over
    these. While it is open (UNDECIDED), `wealth` is the share of the certainty that is there, `reason` why it is open,
    and `code` is NEEDS_ALL where no prefix can pass it."""

    metric: str
    rule: str
    bar: float
    slice: str
    verdict: Verdict
    measured: int
    expected: int
    figure: float | None
    wealth: float = 1.0
    code: str = ""
    reason: str = ""


def needs_whole(threshold: Threshold, catalogue: Catalogue, corrected: frozenset[str] = frozenset()) -> str:
    """Why no part of the evalset can pass this bar; "" where one can."""
    info = catalogue.metric(threshold.metric)
    if threshold.quality or info.spend:
        return "it is a ratio"
    if info.percentile is not None:
        return "it is a percentile"
    if info.is_operational:
        return "it has no upper bound"
    if threshold.key in corrected:
        return "its rate is corrected for the judge's errors"
    return "every case has to pass" if threshold.require_pass else ""


def decide(threshold: Threshold, sample: Sample) -> tuple[Ruling, ...]:
    """One ruling a rule and slice, in the order of the gate's rows."""
    return tuple(_allowed(ruling, sample) for ruling in _rulings(threshold, sample))


def _allowed(ruling: Ruling, sample: Sample) -> Ruling:
    """The ruling where a yes is allowed. Whoever writes a prompt can search for an order that begins with what it gets
    right; a no is nothing that anybody would search for."""
    if ruling.verdict is not Verdict.PASS or sample.allows_early_pass:
        return ruling
    reason = f"the first {len(sample.reached)} cases of the order would do, but this environment takes no early yes"
    return replace(ruling, verdict=Verdict.UNDECIDED, code=DENIED, reason=reason)


def _rulings(threshold: Threshold, sample: Sample) -> Iterator[Ruling]:
    alpha = (1 - threshold.confidence) / 2
    absolute = (("min", threshold.minimum), ("max", threshold.maximum))
    for rule, bar in absolute:
        if bar is not None:
            yield _against_bar(threshold, sample, (rule, bar, ""), (alpha, alpha))
    if threshold.require_pass:
        yield _required(threshold, sample)
    slices = [
        (rule, bar, part.name)
        for part in threshold.slices
        for rule, bar in (("min", part.minimum), ("max", part.maximum))
        if bar is not None
    ]
    for rule, bar, part in slices:
        yield _against_bar(threshold, sample, (rule, bar, part), (alpha, alpha / len(slices)))
    if threshold.max_drop is not None and sample.has_serving:
        yield _drop(threshold, threshold.max_drop, sample, (alpha, alpha))


def _against_bar(
    threshold: Threshold, sample: Sample, asked: tuple[str, float, str], alphas: tuple[float, float]
) -> Ruling:
    rule, bar, part = asked
    seen = sample.measured(threshold, sample.candidate, part)
    ruling = _open(threshold, sample, asked, seen)
    unfit = needs_whole(replace(threshold, require_pass=False), sample.catalogue, sample.corrected)
    if unfit or not 0 <= bar <= 1:
        return replace(ruling, code=NEEDS_ALL, reason=unfit or "the bar lies outside 0 to 1")
    too_little = _too_little(ruling, threshold, seen, sample)
    if too_little:
        return replace(ruling, reason=too_little)
    turned = seen.values if rule == "min" else {case: 1 - value for case, value in seen.values.items()}
    prefix = _prefix(threshold, sample, part, turned, seen, bar if rule == "min" else 1 - bar)
    about = prefixes.about_evalset if threshold.decide_on is DecideOn.MEAN else prefixes.about_population
    return _ruled(ruling, about(prefix, alphas))


def _required(threshold: Threshold, sample: Sample) -> Ruling:
    seen = sample.measured(threshold, sample.candidate, "")
    ruling = _open(threshold, sample, ("require", 1.0, ""), seen)
    failing = [case for case, value in seen.values.items() if value < 1]
    if failing:
        return replace(ruling, verdict=Verdict.FAIL, code="", reason=f"it fails on {named(failing)}")
    return replace(ruling, code=NEEDS_ALL, reason="every case has to pass")


def _drop(threshold: Threshold, margin: float, sample: Sample, alphas: tuple[float, float]) -> Ruling:
    seen = sample.measured(threshold, sample.candidate, "")
    ruling = replace(_open(threshold, sample, ("max_drop", margin, ""), seen), figure=None)
    if sample.baseline is None:
        problem = sample.baseline_problem or "what serves was not evaluated by this yardstick"
        return replace(ruling, code="BASELINE_MISSING", reason=problem)
    unfit = needs_whole(replace(threshold, require_pass=False), sample.catalogue, sample.corrected)
    if unfit or not 0 <= margin <= 1:
        return replace(ruling, code=NEEDS_ALL, reason=unfit or "the margin lies outside 0 to 1")
    too_little = _too_little(ruling, threshold, seen, sample)
    if too_little:
        return replace(ruling, reason=too_little)
    before = sample.measured(threshold, sample.baseline, "")
    pairs = pairs_of(seen, before)
    paired = pairs.paired
    if not paired or len(paired) < sample.min_coverage * len(seen.values) - TOLERANCE:
        reason = f"what serves was measured on {len(paired)} of the {len(seen.values)} cases"
        return replace(ruling, code="BASELINE_MISSING", reason=reason)
    if len(paired) < threshold.min_cases:
        return replace(ruling, reason=f"at least {threshold.min_cases} cases of both are required")
    ruling = replace(ruling, figure=mean(clustered(pairs.drops, seen.groups)), measured=len(paired))
    if sample.is_same_evidence:
        return replace(ruling, verdict=Verdict.PASS, code="", reason="")
    turned = {case: (1 - drop) / 2 for case, drop in pairs.drops.items()}
    prefix = _prefix(threshold, sample, "", turned, seen, (1 - margin) / 2)
    lost = frozenset(case for case in seen.values if case in before.missing)
    prefix = replace(prefix, missing=prefix.missing | lost)
    return _ruled(ruling, prefixes.about_population(prefix, alphas))


def _ruled(ruling: Ruling, found: Certainty) -> Ruling:
    if found.verdict is not Verdict.UNDECIDED:
        return replace(ruling, verdict=found.verdict, code="", reason="")
    return replace(ruling, wealth=found.wealth, reason="more cases may turn it round")


def _open(threshold: Threshold, sample: Sample, asked: tuple[str, float, str], seen: Measurement) -> Ruling:
    rule, bar, part = asked
    info = sample.catalogue.metric(threshold.metric)
    return Ruling(
        metric=threshold.metric,
        rule=rule,
        bar=bar,
        slice=part,
        verdict=Verdict.UNDECIDED,
        measured=len(seen.values),
        expected=len(sample.asked(threshold, part)) - seen.not_applicable,
        figure=None if info.spend else seen.figure,
        wealth=0.0,
        code=OPEN,
    )


def _too_little(ruling: Ruling, threshold: Threshold, seen: Measurement, sample: Sample) -> str:
    """Why so little was measured that nothing is said; "" where enough was."""
    if not seen.values:
        return "none of the cases that were run has a figure" if ruling.expected else "no case has the labels for it"
    if seen.coverage < sample.min_coverage - TOLERANCE:
        why = next(iter(seen.missing.values()))
        named_cases = named(tuple(seen.missing))
        return f"only {len(seen.values)} of the {seen.expected} cases run have a figure; missing: {named_cases} ({why})"
    if is_mostly_silent(seen):
        return f"it has a meaning for {len(seen.values)} of {len(seen.values) + seen.not_applicable} answers only"
    if not ruling.slice and ruling.measured < threshold.min_cases:
        return f"at least {threshold.min_cases} cases are required"
    return ""


def _prefix(
    threshold: Threshold, sample: Sample, part: str, values: Mapping[str, float], seen: Measurement, bar: float
) -> Prefix:
    return Prefix(
        order=sample.order,
        run=sample.run,
        asked=sample.asked(threshold, part),
        values=values,
        missing=frozenset(seen.missing),
        bar=bar,
    )


def shown(row: MetricDecision, ruling: Ruling) -> MetricDecision:
    """The gate's row with what was ruled."""
    row = replace(row, figure=ruling.figure, interval=None, measured=ruling.measured, expected=ruling.expected)
    row = replace(row, observed=None, corrected=None, verdict=ruling.verdict)
    if ruling.verdict is Verdict.PASS:
        return row
    figure = "has no figure" if ruling.figure is None else f"is {spelled(ruling.figure)}"
    least = "at least" if ruling.rule == "min" else "at most"
    bar = "PASS" if ruling.rule == "require" else f"{least} {spelled(ruling.bar)}"
    found = f"{place(row)} {figure} on the {ruling.measured} of {ruling.expected} cases run so far, required is {bar}"
    because = f": {ruling.reason}" if ruling.reason else ""
    if ruling.verdict is Verdict.FAIL:
        codes = {"max_drop": "DROPPED"}
        code = "SLICE_BELOW_BAR" if ruling.slice else codes.get(ruling.rule, "BELOW_BAR")
        return replace(row, code=code, message=f"{found}{because or ', and that is certain enough'}", hint=_mend(row))
    if ruling.code == DENIED:
        hint = "run the rest: `llmops gate … --eval`"
        return replace(row, code=DENIED, message=f"{place(row)}: {ruling.reason}", hint=hint)
    if ruling.code in (OPEN, NEEDS_ALL):
        hint = "run `llmops eval --until-decided --record` again to go on, or `llmops eval --record` for every case"
        return replace(row, code=ruling.code, message=f"{found}{because}", hint=hint)
    return replace(row, code=ruling.code, message=f"{row.metric}{because}", hint="evaluate what serves: `llmops eval`")


def _mend(row: MetricDecision) -> str:
    if not row.worst:
        return "change the prompt or the retrieval config, lock, and evaluate again"
    return f"look at the worst cases first: {named([item.case for item in row.worst])}"
