"""What is known of a metric before it is planned: from evidence, or from what somebody states.

Rules, in order:

1. A statement stands before evidence. It gives the mean and the deviation of the scores of different cases, one answer
   each; `within` and `judge` are the parts of it that answers to one case, and judgements of one answer, make.
2. How differently two versions do on the same case is seen where two were evaluated on these cases. Else it is
   stated (`paired`, the deviation of the differences), or taken from `correlation`, 0.5 where nobody says more.
3. A rate that the gate corrects is known by what people would say of it; what is drawn are the judge's verdicts. A mean
   that is stated of it is the judge's too.
4. Where one case alone was measured, nothing is known of the spread, and nothing is planned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from llmops.documents.bars import Threshold
from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk
from llmops.evaluation.calibration import agreement, carried, correcting
from llmops.evaluation.calibration.calibrations import Calibration, judged
from llmops.evaluation.calibration.correcting import Method, Uncorrected
from llmops.evaluation.measurements import Measurement, measure
from llmops.evaluation.metrics import Kind, MetricInfo, applies
from llmops.evaluation.planning import evidence
from llmops.evaluation.planning.chances import Population
from llmops.evaluation.planning.components import NO_JUDGE, Components, Design, Part, estimate
from llmops.evaluation.planning.corrected import Correction
from llmops.evaluation.statistics.intervals import Interval

CORRELATION = 0.5
ASSUMED_PAIR = "between two versions on the same cases, scores are taken to correlate at {:g} over cases"
FROM_THIS_RUN = (
    "the labels were drawn from the run that is known, and correct it directly; an evaluation to come they correct by "
    "the judge's errors, in a wider interval, unless a draw from it is labelled too"
)
FIELDS = ("mean", "sd", "within", "judge", "paired", "correlation", "steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """What somebody states of a metric. Deviations, not variances."""

    mean: float
    sd: float | None = None
    within: float | None = None
    judge: float | None = None
    paired: float | None = None
    correlation: float = CORRELATION
    steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One metric in one slice: `figure`, `population` (None: nothing is known of the spread), the design that is
    planned; `values` of a percentile; `correction` of a rate that the gate corrects (`figure` is the judge's own then).
    `note` and `paired_note` say what is not known or only assumed."""

    info: MetricInfo
    design: Design
    figure: float | None = None
    population: Population | None = None
    measured: int = 0
    percentile: float | None = None
    values: tuple[float, ...] = ()
    is_assumed: bool = False
    note: str = ""
    paired_note: str = ""
    correction: Correction | None = None

    def share_within(self, bar: float) -> float | None:
        """The share of measured cases at the bar or below it."""
        return sum(value <= bar for value in self.values) / len(self.values) if self.values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where it is known from: cases that count, rows by case of the version that is looked at and of another one;
    `calibrations` are those that the gate would correct a rate by, by the key of its threshold."""

    cases: Sequence[Case]
    rows: evidence.Rows = field(default_factory=dict)
    other: evidence.Rows | None = None
    assumptions: Mapping[str, Assumption] = field(default_factory=dict)
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)


def of(info: MetricInfo, threshold: Threshold, sources: Sources, cases: Sequence[Case], design: Design) -> Known:
    """What is known of the metric on `cases`; `design` is what is planned for all cases of the evalset."""
    labelled = [case for case in cases if applies(info, case)]
    share = len(labelled) / len(sources.cases) if sources.cases else 1.0
    planned = replace(design, cases=max(1, round(design.cases * share)) if labelled else 0)
    if not labelled:
        return Known(info=info, design=planned, note=_nothing(info, labelled))
    stated = sources.assumptions.get(info.name)
    calibration = sources.calibrations.get(threshold.key)
    if stated is not None:
        found = _stated(info, threshold, stated, planned)
        return _stated_corrected(found, calibration, threshold) if calibration else found
    seen = measure(info, labelled, sources.rows, 1, threshold.pass_at)
    blank = Known(info=seen.info, design=planned, figure=seen.figure, measured=len(seen.values))
    if threshold.quality:
        return replace(blank, figure=None, note="a ratio of spend and quality is not planned")
    if not seen.values:
        return replace(blank, note=_nothing(info, labelled))
    if info.percentile is not None:
        return replace(blank, percentile=info.percentile, values=tuple(seen.values.values()))
    if len(seen.values) < 2:
        return replace(blank, note=f"one case was measured, which shows no spread; state it: {example(info.name)}")
    found = _seen(blank, seen, threshold, sources, labelled)
    return _corrected(found, seen, calibration, threshold, sources) if calibration else found


def _corrected(
    found: Known, seen: Measurement, calibration: Calibration, threshold: Threshold, sources: Sources
) -> Known:
    """With what people would say of the rate, as the gate has it on the same evidence."""
    mine = (row for case in seen.values for row in sources.rows[case])
    answers = judged(mine, calibration.metric, seen.groups) if calibration.is_drawn else ()
    result = correcting.corrected(seen.clusters, calibration, threshold.confidence, answers)
    if isinstance(result, Uncorrected):
        return _refused(found, result)
    own = FROM_THIS_RUN if result.method is Method.DRAWN else ""
    found = replace(found, note="; ".join(note for note in (found.note, own) if note))
    return _with(found, calibration, threshold, result.rate, result.interval)


def _stated_corrected(found: Known, calibration: Calibration, threshold: Threshold) -> Known:
    refused = correcting.problem(calibration)
    if refused is not None:
        return _refused(found, refused)
    seen = agreement.errors(calibration, threshold.confidence)
    right, wary = carried.share_of(seen.sensitivity), carried.share_of(seen.specificity)
    return _with(found, calibration, threshold, carried.rogan_gladen(found.figure or 0.0, right.value, wary.value))


def _with(
    found: Known, calibration: Calibration, threshold: Threshold, rate: float, interval: Interval | None = None
) -> Known:
    seen = agreement.errors(calibration, threshold.confidence)
    labelled = len(calibration.rows)
    return replace(found, correction=Correction(errors=seen, labelled=labelled, rate=rate, interval=interval))


def _refused(found: Known, why: Uncorrected) -> Known:
    """A rate that the gate would leave open, whatever it is."""
    return replace(found, figure=None, population=None, note=f"{why.what} [{why.code}]")


def example(metric: str) -> str:
    """How to state a metric."""
    return f"--assume '{metric}: {{mean: 0.8, sd: 0.25}}'"


def _nothing(info: MetricInfo, labelled: Sequence[Case]) -> str:
    if not labelled:
        return "no case of the evalset has the labels for it"
    return f"nothing is known of it: evaluate and record first, or state it: {example(info.name)}"


def _seen(blank: Known, seen: Measurement, threshold: Threshold, sources: Sources, labelled: Sequence[Case]) -> Known:
    measured = [case for case in labelled if case.id in seen.values]
    tree = evidence.tree_of(seen.info, measured, sources.rows, threshold.pass_at)
    own = estimate(tree, is_judged=bool(seen.judges))
    # Not the mean of all scores but the gate's figure: cases weigh alike.
    mean = blank.figure or 0.0
    paired, note = None, ""
    if sources.other is not None:
        paired = evidence.paired_of(seen.info, measured, (sources.other, sources.rows), threshold.pass_at)
    if paired is None:
        paired, note = _correlated(own, CORRELATION), ASSUMED_PAIR.format(CORRELATION)
    is_bounded = not seen.info.is_operational
    steps = evidence.steps_of(tree) if is_bounded else 0
    found = Population(
        mean=mean, components=own, paired=paired, kind=seen.info.kind, is_bounded=is_bounded, steps=steps
    )
    is_flat = own.of_case() <= 1e-12
    flat = "all cases scored alike, which shows no spread; the gate allows for what it did not see" if is_flat else ""
    return replace(blank, population=found, paired_note=note, note=flat)


def _correlated(own: Components, correlation: float) -> Components:
    """The differences of two versions that do alike on the same cases, as far as they correlate."""
    left = 2 * (1 - correlation)
    return replace(
        own,
        group=replace(own.group, variance=left * own.group.variance),
        case=replace(own.case, variance=left * own.case.variance),
        generator=replace(own.generator, variance=2 * own.generator.variance),
        judge=replace(own.judge, variance=2 * own.judge.variance),
    )


def _stated(info: MetricInfo, threshold: Threshold, stated: Assumption, planned: Design) -> Known:
    is_rate = threshold.pass_at is not None or info.kind is Kind.BINARY
    is_bounded = not info.is_operational
    noise = (stated.within or 0.0) ** 2 + (stated.judge or 0.0) ** 2
    between = _total(info.name, stated, is_rate=is_rate, is_bounded=is_bounded) - noise
    if between < -1e-9:
        raise _usage(f"{info.name}: `within` and `judge` are parts of `sd`, and together they are more than all of it")
    own = Components(
        case=Part(variance=max(between, 0.0)),
        generator=_part(stated.within, "not stated (within)"),
        judge=_part(stated.judge, "not stated (judge)" if info.needs else NO_JUDGE),
    )
    paired, note = _correlated(own, stated.correlation), ASSUMED_PAIR.format(stated.correlation)
    if stated.paired is not None:
        left = stated.paired**2 - 2 * noise
        paired, note = replace(paired, case=Part(variance=max(left, 0.0))), ""
    kind = Kind.BINARY if is_rate else info.kind
    steps = 1 if is_rate else stated.steps
    return Known(
        info=replace(info, kind=kind),
        design=planned,
        figure=stated.mean,
        population=Population(
            mean=stated.mean, components=own, paired=paired, kind=kind, is_bounded=is_bounded, steps=steps
        ),
        is_assumed=True,
        paired_note=note,
    )


def _part(deviation: float | None, absent: str) -> Part:
    return Part(is_measured=False, note=absent) if deviation is None else Part(variance=deviation**2)


def _total(metric: str, stated: Assumption, *, is_rate: bool, is_bounded: bool) -> float:
    """The variance of the scores of different cases. Raises: CannotAsk USAGE."""
    most = stated.mean * (1 - stated.mean)
    if is_bounded and most < 0:
        raise _usage(f"{metric}: `mean` is {stated.mean:g}, and scores lie from 0 to 1")
    if is_rate:
        return most
    if stated.sd is None:
        raise _usage(f"{metric}: `sd` is missing, the deviation of the scores of different cases")
    if is_bounded and stated.sd**2 > most + 1e-9:
        limit = math.sqrt(most)
        raise _usage(f"{metric}: scores from 0 to 1 with mean {stated.mean:g} have an `sd` of {limit:.3g} at most")
    return stated.sd**2


def _usage(what: str) -> CannotAsk:
    return CannotAsk("USAGE", what, hint=example("groundedness"))


def stated(metric: str, fields: Mapping[str, object]) -> Assumption:
    """The assumption in a mapping. Raises: CannotAsk USAGE."""
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        raise _usage(f"{metric}: there is no `{unknown[0]}` to state; known: {', '.join(FIELDS)}")
    numbers: dict[str, float] = {}
    for name, value in fields.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise _usage(f"{metric}: `{name}` is {value!r}, expected a number from 0 on")
        numbers[name] = float(value)
    if "mean" not in numbers:
        raise _usage(f"{metric}: `mean` is missing")
    if numbers.get("correlation", 0.0) > 1:
        raise _usage(f"{metric}: `correlation` is {numbers['correlation']:g}, expected a number from 0 to 1")
    steps = int(numbers.pop("steps", 0))
    return Assumption(**numbers, steps=steps)
