"""What evidence says about one metric, against the cases that the evalset expects.

Rules, in order:

1. The evalset says which cases count, to which group and slice they belong and which labels they carry; what a row
   says of itself is not asked, so evidence cannot leave out a case or move it.
2. A case is measured if it has a score in as many repeats as the bars ask for.
3. A case that has no row at all was left out: where coverage lets the figure stand, it counts with the worst score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import Absence, EvidenceRow, Score
from llmops.evaluation.gating.decisions import WorstCase
from llmops.evaluation.metrics import Direction, Kind, MetricInfo, applies
from llmops.evaluation.pooling import case_mean, score_of
from llmops.evaluation.statistics.clusters import mean
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.means import mean_interval
from llmops.evaluation.statistics.quantiles import percentile, percentile_interval

WORST_SHOWN = 3
NOT_RUN = "the case was not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figure of one metric and how sure it is: `values` of the measured cases, `clusters` with left-out ones."""

    info: MetricInfo
    values: Sequence[float]
    clusters: Sequence[Sequence[float]]

    @property
    def figure(self) -> float | None:
        """The metric's figure: the mean over cases, or its percentile."""
        if not self.values:
            return None
        if self.info.percentile is not None:
            return percentile(self.values, self.info.percentile)
        return mean(self.clusters)

    def interval(self, level: float, seed: str) -> Interval | None:
        """How sure the figure is, or None where that cannot be told."""
        if not self.values:
            return None
        if self.info.percentile is not None:
            return percentile_interval(self.values, self.info.percentile, level)
        is_bounded = not self.info.is_operational
        return mean_interval(self.clusters, self.info.kind, level, seed=seed, bounded=is_bounded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One metric over some cases.

    `values` are the means of the measured cases over their repeats. `missing` maps a case to why it has no figure;
    `left_out` are those of them that have no row.
    """

    info: MetricInfo
    values: Mapping[str, float]
    groups: Mapping[str, str]
    missing: Mapping[str, str]
    left_out: tuple[str, ...]
    not_applicable: int
    worst: tuple[WorstCase, ...]
    judges: tuple[str, ...]

    @property
    def expected(self) -> int:
        return len(self.values) + len(self.missing)

    @property
    def coverage(self) -> float:
        return len(self.values) / self.expected if self.expected else 0.0

    @property
    def clusters(self) -> tuple[tuple[float, ...], ...]:
        """The values by group, left-out cases at their worst."""
        worst = self.info.worst
        absent = {} if worst is None else dict.fromkeys(self.left_out, worst)
        return clustered({**self.values, **absent}, self.groups)

    @property
    def figures(self) -> Figures:
        return Figures(info=self.info, values=tuple(self.values.values()), clusters=self.clusters)

    @property
    def figure(self) -> float | None:
        """The metric's figure: the mean over cases, or its percentile."""
        return self.figures.figure

    def interval(self, level: float, seed: str) -> Interval | None:
        """How sure the figure is, or None where that cannot be told."""
        return self.figures.interval(level, seed)


def measure(
    info: MetricInfo,
    cases: Iterable[Case],
    rows: Mapping[str, Sequence[EvidenceRow]],
    repeats: int = 1,
    pass_at: float | None = None,
    judge_repeats: int = 1,
) -> Measurement:
    """What `rows` (by case) say about the metric on these cases; with `pass_at`, about whether a case passes. Each case
    has to be answered `repeats` times, each answer judged `judge_repeats` times where a judge scores it."""
    labelled = [case for case in cases if applies(info, case)]
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    for case in labelled:
        found = rows.get(case.id, ())
        reason = problem(info, found, repeats, judge_repeats)
        value = case_mean(found, info.name, pass_at)
        if reason:
            missing[case.id] = reason
        elif value is not None:
            values[case.id] = value
    scored = [(row, score) for name in values for row in rows[name] if (score := score_of(row, info.name))]
    return Measurement(
        info=info if pass_at is None else replace(info, kind=Kind.BINARY),
        values=values,
        groups={case.id: case.group for case in labelled},
        missing=missing,
        left_out=tuple(name for name in missing if not rows.get(name)),
        not_applicable=len(labelled) - len(values) - len(missing),
        worst=_worst(info, scored),
        judges=tuple(sorted({score.judge for _, score in scored if score.judge})),
    )


def problem(info: MetricInfo, rows: Sequence[EvidenceRow], repeats: int, judge_repeats: int = 1) -> str:
    """Why the case has no figure, "" where it has one or needs none."""
    if not rows:
        return NOT_RUN
    scores = {row.repeat: score_of(row, info.name) for row in rows}
    for score in scores.values():
        if score is None:
            return "the metric was not asked for when the case was run"
        if score.absence is Absence.UNMEASURED:
            return score.reason
        if score.value is not None and not info.is_operational and not 0 <= score.value <= 1:
            return f"its score is {score.value:.9g}, scores of {info.name} lie from 0 to 1"
        if score.judge and 1 <= len(score.judged or (1,)) < judge_repeats:
            return f"judged {len(score.judged) or 1} of {judge_repeats} times"
    return f"run {len(scores)} of {repeats} times" if len(scores) < repeats else ""


def _worst(info: MetricInfo, scored: Sequence[tuple[EvidenceRow, Score]]) -> tuple[WorstCase, ...]:
    sign = 1 if info.direction is Direction.HIGHER else -1
    found: dict[str, WorstCase] = {}
    known = [(row, score.value, score.reason) for row, score in scored if score.value is not None]
    for row, value, reason in sorted(known, key=lambda item: (sign * item[1], item[0].identity)):
        found.setdefault(row.case, WorstCase(case=row.case, value=value, reason=reason))
    return tuple(found.values())[:WORST_SHOWN]


def clustered(values: Mapping[str, float], groups: Mapping[str, str]) -> tuple[tuple[float, ...], ...]:
    """The values gathered by group; a case without a group stands alone."""
    clusters: dict[tuple[bool, str], list[float]] = {}
    for case in sorted(values):
        group = groups.get(case, "")
        clusters.setdefault((bool(group), group or case), []).append(values[case])
    return tuple(tuple(cluster) for cluster in clusters.values())
