"""Bars: what a release must reach before it may serve.

Parsed from the `bars` part of a release (or a policy's floors); the gate in `evaluation` decides with them.

1. The effective bar is the strictest of policy floor, the candidate's bars and those of what serves (`strictest`).
2. Where the candidate asks less than what serves, or by another yardstick, `loosened` names each respect; an approval
   of the `quality` role may accept them by id (`with_accepted`). Nothing accepts less than a floor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from llmops.documents import canonical

PROMPT = "prompt"  # the target where nobody names another


class DecideOn(StrEnum):
    """`mean` compares the mean with the bar; `interval` wants the whole confidence interval on the right side."""

    MEAN = "mean"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceBar:
    """A bar that holds within one slice of the evalset."""

    name: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The bar of one metric: `minimum`, `maximum`, or `require_pass` (every case), and `max_drop` against what serves.

    `confidence` is the level of the two-sided interval, `min_cases` the least number of measured cases. With `pass_at`
    a case passes if it scores at least that, and the bars are on the share of cases that pass: a rate can be corrected
    for the judge's errors, a mean of grades cannot. `quality` is the metric whose points the spend of a ratio buys.
    """

    metric: str
    minimum: float | None = None
    maximum: float | None = None
    require_pass: bool = False
    max_drop: float | None = None
    decide_on: DecideOn = DecideOn.MEAN
    confidence: float = 0.95
    slices: tuple[SliceBar, ...] = ()
    min_cases: int = 1
    pass_at: float | None = None
    quality: str = ""

    @property
    def key(self) -> str:
        """What the bar is on: figures of different keys mean different things, and neither stands in for the other.
        Shares of cases that pass at different lines are different: on a line that no version reaches, nothing drops."""
        rate = "" if self.pass_at is None else f".rate@{canonical.decimal(self.pass_at)}"
        return f"{self.metric}{rate}{'.' + self.quality if self.quality else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A case that is known to be broken and does not count until a date (ISO, UTC)."""

    case: str
    reason: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Everything a release must reach, and by which yardstick (evalset, judge, target, repeats) it is measured.

    `target` is who answers: `prompt` (the behaviour's own model), `answers` (the evalset's), or an application. Each
    case is answered `repeats` times, each answer judged `judge_repeats` times; both are averaged.
    """

    thresholds: tuple[Threshold, ...]
    judge: str
    evalset: str
    evalset_digest: str
    repeats: int = 1
    min_coverage: float = 1.0
    quarantine: tuple[Quarantined, ...] = ()
    target: str = PROMPT
    judge_repeats: int = 1


def reaches(score: float, pass_at: float) -> bool:
    """Whether a score passes. The mean of equal judgements may miss them by its last bit, and must not fail by it."""
    return score >= pass_at - 1e-12


def answered_by(generator: Mapping[str, Any]) -> str:
    """Who answered, by what names the generator in evidence."""
    return str(generator.get("target", PROMPT))


def parse_threshold(metric: str, value: Mapping[str, Any]) -> Threshold:
    """The threshold of one metric from its checked mapping (thresholds.yaml, a release's bars, a policy's floor)."""
    slices = value.get("slices", {})
    bars = slices if isinstance(slices, Mapping) else {name: {} for name in slices}
    own = {"min": value.get("min"), "max": value.get("max")}
    return Threshold(
        metric=metric,
        minimum=own["min"],
        maximum=own["max"],
        require_pass=value.get("require") == "PASS",
        max_drop=value.get("max_drop"),
        decide_on=DecideOn(value.get("decide_on", "mean")),
        confidence=value.get("confidence", 0.95),
        slices=tuple(
            SliceBar(name=name, minimum=bar.get("min", own["min"]), maximum=bar.get("max", own["max"]))
            for name, bar in sorted(bars.items())
        ),
        min_cases=value.get("min_cases", 1),
        pass_at=value.get("pass_at"),
        quality=value.get("quality", ""),
    )


def parse(value: Mapping[str, Any]) -> Bars:
    """The bars in the `bars` part of a release."""
    return Bars(
        thresholds=tuple(parse_threshold(metric, fields) for metric, fields in sorted(value["thresholds"].items())),
        judge=value["judge"],
        evalset=value["evalset"]["name"],
        evalset_digest=value["evalset"]["digest"],
        repeats=value["repeats"],
        judge_repeats=value.get("judge_repeats", 1),
        min_coverage=value["min_coverage"],
        target=value.get("target", PROMPT),
        quarantine=tuple(
            Quarantined(case=item["case"], reason=item["reason"], until=item["until"]) for item in value["quarantine"]
        ),
    )


def strictest(own: Bars, *, floors: Iterable[Threshold] = (), serving: Bars | None = None) -> Bars:
    """The effective bars: of the policy's floors, the candidate's own bars and those of what serves, the strictest.

    Judge and evalset stay the candidate's: another yardstick cannot be stricter, only different, and `loosened`
    reports it.
    """
    thresholds = {threshold.key: threshold for threshold in own.thresholds}
    others = (*floors, *(serving.thresholds if serving else ()))
    for threshold in others:
        known = thresholds.get(threshold.key)
        thresholds[threshold.key] = _stricter(known, threshold) if known else threshold
    merged = replace(own, thresholds=tuple(thresholds[name] for name in sorted(thresholds)))
    return _stricter_conduct(merged, serving) if serving else merged


def _stricter(one: Threshold, other: Threshold) -> Threshold:
    return Threshold(
        metric=one.metric,
        minimum=_highest(one.minimum, other.minimum),
        maximum=_lowest(one.maximum, other.maximum),
        require_pass=one.require_pass or other.require_pass,
        max_drop=_lowest(one.max_drop, other.max_drop),
        decide_on=DecideOn.INTERVAL if DecideOn.INTERVAL in (one.decide_on, other.decide_on) else DecideOn.MEAN,
        confidence=max(one.confidence, other.confidence),
        slices=_stricter_slices(one.slices, other.slices),
        min_cases=max(one.min_cases, other.min_cases),
        pass_at=one.pass_at,
        quality=one.quality,
    )


def _stricter_slices(one: tuple[SliceBar, ...], other: tuple[SliceBar, ...]) -> tuple[SliceBar, ...]:
    found: dict[str, SliceBar] = {}
    for bar in (*one, *other):
        known = found.get(bar.name, bar)
        found[bar.name] = SliceBar(
            name=bar.name,
            minimum=_highest(known.minimum, bar.minimum),
            maximum=_lowest(known.maximum, bar.maximum),
        )
    return tuple(found[name] for name in sorted(found))


def _stricter_conduct(own: Bars, serving: Bars) -> Bars:
    until = {item.case: item.until for item in serving.quarantine}
    kept = tuple(
        replace(item, until=min(item.until, until[item.case])) for item in own.quarantine if item.case in until
    )
    return replace(
        own,
        repeats=max(own.repeats, serving.repeats),
        judge_repeats=max(own.judge_repeats, serving.judge_repeats),
        min_coverage=max(own.min_coverage, serving.min_coverage),
        quarantine=kept,
    )


def _highest(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _lowest(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


class LooseningKind(StrEnum):
    """`bar`: easier to reach. `yardstick`: measured otherwise, so that the two cannot be compared."""

    BAR = "bar"
    YARDSTICK = "yardstick"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loosening:
    """One respect in which a candidate asks less than what serves. `subject` names it, as `groundedness.min`."""

    kind: LooseningKind
    subject: str
    before: str
    after: str

    @property
    def id(self) -> str:
        """What an approval of the `quality` role names: it accepts this change, not any other of the same subject."""
        return f"{self.subject}:{self.before}>{self.after}"

    @property
    def sentence(self) -> str:
        if self.kind is LooseningKind.YARDSTICK:
            return f"{self.subject} is {self.after}, what serves was measured with {self.before}"
        return f"{self.subject} is {self.after}, what serves had to reach {self.before}"


def loosened(candidate: Bars, serving: Bars) -> tuple[Loosening, ...]:
    """Every respect in which `candidate` asks less than `serving`, or asks by another yardstick."""
    own = {threshold.key: threshold for threshold in candidate.thresholds}
    metrics = [
        loosening
        for before in serving.thresholds
        for loosening in _loosened_metric(own.get(before.key, _none_like(before)), before)
    ]
    return (*metrics, *_loosened_conduct(candidate, serving), *_other_yardsticks(candidate, serving))


def _none_like(before: Threshold) -> Threshold:
    """No bar at all, on what `before` is on."""
    return Threshold(metric=before.metric, pass_at=before.pass_at, quality=before.quality)


def _loosened_metric(after: Threshold, before: Threshold) -> Iterator[Loosening]:
    name = before.key
    yield from _lower(f"{name}.min", before.minimum, after.minimum)
    yield from _higher(f"{name}.max", before.maximum, after.maximum)
    yield from _higher(f"{name}.max_drop", before.max_drop, after.max_drop)
    if before.require_pass and not after.require_pass:
        yield _bar(f"{name}.require", "PASS", "none")
    if before.decide_on is DecideOn.INTERVAL and after.decide_on is DecideOn.MEAN:
        yield _bar(f"{name}.decide_on", before.decide_on, after.decide_on)
    yield from _lower(f"{name}.confidence", before.confidence, after.confidence)
    yield from _lower(f"{name}.min_cases", before.min_cases, after.min_cases)
    bars = {bar.name: bar for bar in after.slices}
    for bar in before.slices:
        left = bars.get(bar.name, SliceBar(name=bar.name))
        yield from _lower(f"{name}.slices.{bar.name}.min", bar.minimum, left.minimum)
        yield from _higher(f"{name}.slices.{bar.name}.max", bar.maximum, left.maximum)


def _loosened_conduct(candidate: Bars, serving: Bars) -> Iterator[Loosening]:
    yield from _lower("min_coverage", serving.min_coverage, candidate.min_coverage)
    yield from _lower("repeats", serving.repeats, candidate.repeats)
    yield from _lower("judge_repeats", serving.judge_repeats, candidate.judge_repeats)
    until = {item.case: item.until for item in serving.quarantine}
    for item in candidate.quarantine:
        before = until.get(item.case, "")
        if item.until > before:
            yield _bar(f"quarantine.{item.case}", before or "none", item.until)


def _other_yardsticks(candidate: Bars, serving: Bars) -> Iterator[Loosening]:
    pairs = (
        ("evalset", f"{serving.evalset}@{serving.evalset_digest}", f"{candidate.evalset}@{candidate.evalset_digest}"),
        ("judge", serving.judge, candidate.judge),
        ("target", serving.target, candidate.target),
    )
    for subject, before, after in pairs:
        if before != after:
            yield Loosening(kind=LooseningKind.YARDSTICK, subject=subject, before=before, after=after)


def _lower(subject: str, before: float | None, after: float | None) -> Iterator[Loosening]:
    if before is not None and (after is None or after < before):
        yield _bar(subject, _spelled(before), _spelled(after))


def _higher(subject: str, before: float | None, after: float | None) -> Iterator[Loosening]:
    if before is not None and (after is None or after > before):
        yield _bar(subject, _spelled(before), _spelled(after))


def _spelled(value: float | None) -> str:
    return "none" if value is None else canonical.decimal(value)


def _bar(subject: str, before: str, after: str) -> Loosening:
    return Loosening(kind=LooseningKind.BAR, subject=subject, before=before, after=after)


def with_accepted(serving: Bars, candidate: Bars, accepted: Collection[str]) -> Bars:
    """The bars of what serves, less what an approval lets the candidate loosen: from then on the new bar counts."""
    subjects = {loosening.subject for loosening in loosened(candidate, serving) if loosening.id in accepted}
    own = {threshold.key: threshold for threshold in candidate.thresholds}
    thresholds = tuple(
        _less(threshold, own.get(threshold.key, _none_like(threshold)), subjects) for threshold in serving.thresholds
    )
    allowed = tuple(item for item in candidate.quarantine if f"quarantine.{item.case}" in subjects)
    kept = tuple(item for item in serving.quarantine if item.case not in {other.case for other in allowed})
    return replace(
        serving,
        thresholds=thresholds,
        min_coverage=candidate.min_coverage if "min_coverage" in subjects else serving.min_coverage,
        repeats=candidate.repeats if "repeats" in subjects else serving.repeats,
        judge_repeats=candidate.judge_repeats if "judge_repeats" in subjects else serving.judge_repeats,
        quarantine=(*kept, *allowed),
    )


def _less(before: Threshold, after: Threshold, subjects: Collection[str]) -> Threshold:
    """`before`, with each field whose subject is accepted taken from `after`."""
    name = before.key
    left = {bar.name: bar for bar in after.slices}
    return Threshold(
        metric=before.metric,
        minimum=after.minimum if f"{name}.min" in subjects else before.minimum,
        maximum=after.maximum if f"{name}.max" in subjects else before.maximum,
        require_pass=before.require_pass and f"{name}.require" not in subjects,
        max_drop=after.max_drop if f"{name}.max_drop" in subjects else before.max_drop,
        decide_on=after.decide_on if f"{name}.decide_on" in subjects else before.decide_on,
        confidence=after.confidence if f"{name}.confidence" in subjects else before.confidence,
        slices=tuple(_less_slice(name, bar, left.get(bar.name), subjects) for bar in before.slices),
        min_cases=after.min_cases if f"{name}.min_cases" in subjects else before.min_cases,
        pass_at=before.pass_at,
        quality=before.quality,
    )


def _less_slice(metric: str, before: SliceBar, after: SliceBar | None, subjects: Collection[str]) -> SliceBar:
    after = after or SliceBar(name=before.name)
    subject = f"{metric}.slices.{before.name}"
    return SliceBar(
        name=before.name,
        minimum=after.minimum if f"{subject}.min" in subjects else before.minimum,
        maximum=after.maximum if f"{subject}.max" in subjects else before.maximum,
    )
