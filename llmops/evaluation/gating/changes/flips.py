"""What a candidate changes, case by case, against what serves: fixed, broken, noisy, unchanged.

Rules, in order:

1. The same case by the same metric on both sides. What only one side measured is `unpaired`, with the reason: never
   a change, never dropped. Spend and speed belong to runs, not to answers: they have no flips.
2. A `must_pass` case that a pass-or-fail metric fails in any recorded run is failed, as the gate has it; no noise
   excuses that.
3. A value that differs by no more than the case moves by itself (`noise`) is `noisy`. Beyond that, worse is `broken`,
   better `fixed`. At 0.95, one in twenty cases that did not change still looks changed: single flips are to be read.
4. Where nobody knows the noise, a verdict that crosses counts, and a grade from `LEAST_CHANGE` on; the flip says so.
5. Damage is by how much it got worse, in points of the scale from 0 to 1, times the metric's weight. Cases are sorted:
   broken `must_pass` cases, other broken ones, fixed ones, noisy ones; within these by damage, then by id.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from llmops.documents.bars import Threshold, reaches
from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import EvidenceRow
from llmops.evaluation.gating.changes.noise import TOLERANCE, Noise, NoiseOfMetric, Runs
from llmops.evaluation.metrics import CASE_RULES, EMBEDDED, Catalogue, Direction, Kind, MetricInfo, applies
from llmops.evaluation.pooling import Pool, score_of

# Without repeats nobody knows how far a grade moves by itself; a tenth of the scale is more than rounding and wording.
LEAST_CHANGE = 0.1


class Change(StrEnum):
    """What became of a case; the gravest first."""

    BROKEN = "broken"
    FIXED = "fixed"
    NOISY = "noisy"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a case by one metric: `value` is the mean over its answers (of verdicts: the share that passes),
    `runs` the value of each, `rows` the evidence itself, with the answers' texts; `worst` is the place of the worst."""

    value: float
    runs: tuple[float, ...]
    rows: tuple[EvidenceRow, ...]
    metric: str
    worst: int = 0

    @property
    def answer(self) -> str:
        """The answer that scored worst."""
        return self.rows[self.worst].answer

    @property
    def reason(self) -> str:
        """What the scorer said of it."""
        score = score_of(self.rows[self.worst], self.metric)
        return score.reason if score else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """One metric on one case. `key` is that of its bar; `half` the half width of the interval of the difference by the
    case's noise, None where that is unknown. `damage` is negative where it got better."""

    case: str
    metric: str
    key: str
    kind: Change
    before: Side
    after: Side
    damage: float
    noise: Noise
    half: float | None
    must_pass: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFlips:
    """Every metric that both sides measured on one case."""

    case: str
    must_pass: bool
    flips: tuple[Flip, ...]

    @property
    def kind(self) -> Change:
        """The gravest of its flips."""
        kinds = {flip.kind for flip in self.flips}
        return next(kind for kind in Change if kind in kinds)

    @property
    def damage(self) -> float:
        """The damage of the flips of this kind together."""
        kind = self.kind
        return math.fsum(flip.damage for flip in self.flips if flip.kind is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """A metric on a case that one side did not measure, and why."""

    case: str
    metric: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """`cases` are those with a change, the gravest first; `counts` are numbers of case and metric by kind.
    `unknown_noise` are the keys of metrics of which no case has repeats."""

    cases: tuple[CaseFlips, ...]
    counts: Mapping[Change, int]
    unpaired: tuple[Unpaired, ...]
    unknown_noise: tuple[str, ...]

    def of(self, kind: Change) -> tuple[CaseFlips, ...]:
        """The cases whose gravest flip is of this kind."""
        return tuple(found for found in self.cases if found.kind is kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipQuestion:
    """What is compared: `cases` that count, by the metrics of `thresholds`; `weights` are by the keys of thresholds,
    1 where none is named."""

    cases: Sequence[Case]
    thresholds: Sequence[Threshold]
    candidate: Pool
    baseline: Pool
    catalogue: Catalogue = EMBEDDED
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """One metric as it is read here. `rules_only`: no bar names it, it only decides about `must_pass` cases."""

    info: MetricInfo
    key: str
    pass_at: float | None
    weight: float
    rules_only: bool = False

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.info.direction is Direction.HIGHER else -1

    @property
    def is_verdict(self) -> bool:
        return self.pass_at is not None or self.info.kind is Kind.BINARY

    def concerns(self, case: Case) -> bool:
        return applies(self.info, case) and (case.must_pass or not self.rules_only)

    def read(self, value: float) -> float:
        return value if self.pass_at is None else float(reaches(value, self.pass_at))


@dataclass(slots=True)
class _Found:
    """What is gathered, a metric at a time."""

    flips: dict[str, list[Flip]] = field(default_factory=dict)
    unpaired: list[Unpaired] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def flips(question: FlipQuestion) -> Flips:
    """Every change of the candidate. Raises: CannotAsk METRIC_UNKNOWN."""
    rows = question.baseline.by_case(), question.candidate.by_case()
    failing = _failing(question.baseline), _failing(question.candidate)
    found = _Found()
    for measure in _measures(question):
        _compare(measure, question.cases, rows, failing, found)
    return _gathered(question.cases, found)


def _measures(question: FlipQuestion) -> Iterator[_Measure]:
    named = set()
    for threshold in question.thresholds:
        info = question.catalogue.metric(threshold.metric)
        named.add(info.name)
        if not info.is_operational:
            weight = question.weights.get(threshold.key, 1.0)
            yield _Measure(info=info, key=threshold.key, pass_at=threshold.pass_at, weight=weight)
    for name in (name for name in CASE_RULES if name not in named):
        weight = question.weights.get(name, 1.0)
        yield _Measure(info=question.catalogue.metric(name), key=name, pass_at=None, weight=weight, rules_only=True)


def _failing(pool: Pool) -> frozenset[tuple[str, str]]:
    """Case and metric of every score under 1, in any recorded run."""
    return frozenset(
        (row.case, name)
        for row in (*pool.rows, *pool.repeated)
        for name, score in row.scores.items()
        if score.value is not None and score.value < 1
    )


Rows = Mapping[str, Sequence[EvidenceRow]]
Failing = frozenset[tuple[str, str]]


def _compare(
    measure: _Measure, cases: Sequence[Case], rows: tuple[Rows, Rows], failing: tuple[Failing, Failing], found: _Found
) -> None:
    pairs: list[tuple[Case, Side, Side]] = []
    for case in (case for case in cases if measure.concerns(case)):
        before, after = (_side(measure, side.get(case.id, ())) for side in rows)
        if isinstance(before, Side) and isinstance(after, Side):
            pairs.append((case, before, after))
        elif isinstance(before, Side) or isinstance(after, Side):
            reason = f"not measured now: {after}" if isinstance(before, Side) else f"not measured before: {before}"
            found.unpaired.append(Unpaired(case=case.id, metric=measure.info.name, key=measure.key, reason=reason))
    runs = [(_runs(measure, before), _runs(measure, after)) for _, before, after in pairs]
    noise = NoiseOfMetric.of([side for both in runs for side in both])
    if pairs and not noise.is_known and not measure.rules_only:
        found.unknown.append(measure.key)
    for (case, before, after), both in zip(pairs, runs, strict=True):
        flip = _flip(measure, case, before, after, noise.around(*both))
        if case.must_pass and measure.info.kind is Kind.BINARY:
            flip = _blocking(flip, [(case.id, measure.info.name) in side for side in failing])
        found.flips.setdefault(case.id, []).append(flip)


def _side(measure: _Measure, rows: Sequence[EvidenceRow]) -> Side | str:
    """What the rows of a case say, or why they say nothing."""
    if not rows:
        return "the case was not run"
    scores = [(row, score_of(row, measure.info.name)) for row in rows]
    known = [(row, score.value) for row, score in scores if score is not None and score.value is not None]
    if not known:
        return next((score.reason for _, score in scores if score is not None), "the metric was not asked for")
    runs = tuple(measure.read(value) for _, value in known)
    # The grade behind a verdict tells the worse of two failed answers.
    worst = min(range(len(known)), key=lambda at: measure.sign * known[at][1])
    return Side(
        value=math.fsum(runs) / len(runs),
        runs=runs,
        rows=tuple(row for row, _ in known),
        metric=measure.info.name,
        worst=worst,
    )


def _runs(measure: _Measure, side: Side) -> Runs:
    scores = (score_of(row, side.metric) for row in side.rows)
    judged = tuple(tuple(map(measure.read, score.judged)) if score else () for score in scores)
    return Runs(values=side.runs, judged=judged if any(judged) else ())


def _flip(measure: _Measure, case: Case, before: Side, after: Side, noise: tuple[Noise, float | None]) -> Flip:
    worse = measure.sign * (before.value - after.value)
    kind = _kind(worse, noise[1], 0.0 if measure.is_verdict else LEAST_CHANGE)
    return Flip(
        case=case.id,
        metric=measure.info.name,
        key=measure.key,
        kind=kind,
        before=before,
        after=after,
        damage=0.0 if kind is Change.UNCHANGED else measure.weight * worse,
        noise=noise[0],
        half=noise[1],
        must_pass=case.must_pass,
        reason=_reason(measure, before, after, kind, noise),
    )


def _kind(worse: float, half: float | None, least: float) -> Change:
    if abs(worse) <= TOLERANCE:
        return Change.UNCHANGED
    is_noise = abs(worse) < least - TOLERANCE if half is None else abs(worse) <= half + TOLERANCE
    if is_noise:
        return Change.NOISY
    return Change.BROKEN if worse > 0 else Change.FIXED


def _blocking(flip: Flip, failed: Sequence[bool]) -> Flip:
    """The flip of a `must_pass` case, as the gate has it: failed where any recorded run failed."""
    before, after = failed
    if before == after:
        return flip
    kind, reason = (Change.BROKEN, "must pass, and fails now") if after else (Change.FIXED, "must pass, and does now")
    return replace(flip, kind=kind, reason=f"{reason}: {flip.reason}")


def _reason(measure: _Measure, before: Side, after: Side, kind: Change, noise: tuple[Noise, float | None]) -> str:
    if measure.is_verdict:
        said = f"passed {_share(before)} before, {_share(after)} now"
    else:
        said = f"{_spelled(before.value)} before, {_spelled(after.value)} now"
    return said if kind is Change.UNCHANGED else f"{said}; {_of_noise(kind, *noise)}"


def _share(side: Side) -> str:
    return f"{round(math.fsum(side.runs))} of {len(side.runs)}"


_WHOSE: Mapping[Noise, str] = {
    Noise.ANSWERS: "its answers differ among themselves",
    Noise.POOLED: "answers to one case differ in this evalset",
    Noise.JUDGEMENTS: "judgements of one answer differ (the generator's part is unknown)",
}


def _of_noise(kind: Change, noise: Noise, half: float | None) -> str:
    if half is None:
        judged = "too little to tell from it" if kind is Change.NOISY else "taken as it stands"
        return f"one answer a case: its noise is unknown, {judged}"
    side = "within" if kind is Change.NOISY else "beyond"
    return f"{side} what {_WHOSE[noise]} by (±{_spelled(half)})"


def _spelled(value: float) -> str:
    return f"{round(value, 3):.9g}"


def _gathered(cases: Sequence[Case], found: _Found) -> Flips:
    by_case = [
        CaseFlips(case=case.id, must_pass=case.must_pass, flips=tuple(sorted(found.flips[case.id], key=_order)))
        for case in cases
        if case.id in found.flips
    ]
    kinds = [flip.kind for one in by_case for flip in one.flips]
    return Flips(
        cases=tuple(sorted((one for one in by_case if one.kind is not Change.UNCHANGED), key=_gravity)),
        counts={kind: kinds.count(kind) for kind in Change},
        unpaired=tuple(sorted(found.unpaired, key=lambda one: (one.case, one.key))),
        unknown_noise=tuple(found.unknown),
    )


_RANK: Mapping[Change, int] = {kind: rank for rank, kind in enumerate(Change)}


def _order(flip: Flip) -> tuple[int, float, str]:
    return _RANK[flip.kind], -flip.damage, flip.key


def _gravity(one: CaseFlips) -> tuple[int, bool, float, str]:
    return _RANK[one.kind], not one.must_pass, -one.damage, one.case
