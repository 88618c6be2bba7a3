"""What evidence says about one metric, against the cases that the evalset expects.

Rules, in order:

1. The evalset says which cases count, to which group and slice they belong and which labels they carry; what a row
   says of itself is not asked, so evidence cannot leave out a case or move it.
2. A case is measured if it has a score in as many repeats as the bars ask for.
3. A case that has no row at all was left out: where coverage lets the figure stand, it counts with the worst score.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import Absence, EvidenceRow, missing
from llmops.evaluation.gating.decisions import WorstCase
from llmops.evaluation.metrics import Direction, Kind, MetricInfo
from llmops.evaluation.pooling import score_of
from llmops.evaluation.sheets.asked import NOT_ASKED_FOR, NOT_RUN, Asked, out_of_range, too_few_judgements
from llmops.evaluation.sheets.by_case import ByCase, Roster
from llmops.evaluation.sheets.marks import MEASURED, Marks, at
from llmops.evaluation.statistics.clusters import mean
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.means import mean_interval
from llmops.evaluation.statistics.quantiles import clustered_percentile_interval, percentile, percentile_interval
from llmops.evaluation.statistics.samples import LARGE, Data, Sample, lists_of

WORST_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figure of one metric and how sure it is: `values` of the measured cases, `clusters` with left-out ones."""

    info: MetricInfo
    values: Sequence[float]
    clusters: Data

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
            if isinstance(self.clusters, Sample) and self.clusters.clusters is None:
                return percentile_interval(self.values, self.info.percentile, level)
            return clustered_percentile_interval(lists_of(self.clusters), self.info.percentile, level)
        is_bounded = not self.info.is_operational
        return mean_interval(self.clusters, self.info.kind, level, seed=seed, bounded=is_bounded)


class _Values(Mapping[str, float]):
    """Figures by case, gathered when the first is looked up: often only their number is asked for."""

    def __init__(self, ids: Sequence[str], numbers: Sequence[int], amounts: Sequence[float]) -> None:
        self._parts = ids, numbers, amounts

    @cached_property
    def _found(self) -> dict[str, float]:
        ids, numbers, amounts = self._parts
        return dict(zip(at(ids, numbers), amounts, strict=True))

    def __getitem__(self, case: str) -> float:
        return self._found[case]

    def __contains__(self, case: object) -> bool:
        return case in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._parts[1])

    def items(self) -> ItemsView[str, float]:
        # Of the mapping itself: one look-up a case less.
        return self._found.items()


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurement:
    """One metric over some cases; made by `measure`.

    `found` are the means of the cases over their repeats by their number in the roster, `expecting` the numbers of the
    cases that carry the metric's labels, `reasons` why some of them have no figure. What few look at is made when
    somebody does.
    """

    info: MetricInfo
    rows: ByCase
    roster: Roster
    expecting: Sequence[int]
    found: Mapping[int, float] | array[float]
    reasons: Mapping[int, str]
    metric: str

    @cached_property
    def measured(self) -> Sequence[int]:
        """The numbers of the cases that have a figure."""
        return self.expecting if isinstance(self.found, array) else tuple(self.found)

    @cached_property
    def amounts(self) -> Sequence[float]:
        """Their figures."""
        if not isinstance(self.found, array):
            return tuple(self.found.values())
        return self.found if self.expecting is self.roster.all else at(self.found, self.expecting)

    @cached_property
    def values(self) -> Mapping[str, float]:
        """The means of the measured cases over their repeats, in the evalset's order."""
        return _Values(self.roster.ids, self.measured, self.amounts)

    @cached_property
    def groups(self) -> Mapping[str, str]:
        """The group of every case that carries the metric's labels."""
        ids, groups = self.roster.ids, self.roster.groups
        return {ids[number]: groups[number] for number in self.expecting}

    @cached_property
    def missing(self) -> Mapping[str, str]:
        """Why cases have no figure."""
        return {self.roster.ids[number]: reason for number, reason in self.reasons.items()}

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The cases that have no row."""
        return tuple(self.roster.ids[number] for number in self._absent)

    @property
    def _absent(self) -> list[int]:
        return [number for number in self.reasons if not self.roster.places[number]]

    @property
    def not_applicable(self) -> int:
        """How many labelled cases the metric has no meaning for."""
        return len(self.expecting) - self.expected

    @property
    def expected(self) -> int:
        """How many cases should have a figure."""
        return len(self.measured) + len(self.reasons)

    @property
    def coverage(self) -> float:
        """The share of them that have one."""
        return len(self.measured) / self.expected if self.expected else 0.0

    @cached_property
    def worst(self) -> tuple[WorstCase, ...]:
        """The measured cases with the worst scores, each with its worst one."""
        return worst_of(self)

    @cached_property
    def judges(self) -> tuple[str, ...]:
        """Who judged the measured cases."""
        marks = self.rows.marks(self.metric)
        if self.measured is self.roster.all and len(self.rows) == len(self.roster.all):
            return tuple(sorted(set(marks.judges) - {""}))
        places = (place for number in self.measured for place in self.roster.places[number])
        return tuple(sorted({marks.judges[place] for place in places} - {""}))

    @cached_property
    def clusters(self) -> Sequence[Sequence[float]]:
        """The values by group, left-out cases at their worst."""
        worst = self.info.worst
        if self._is_plain:
            return tuple(zip(self.amounts, strict=True))
        absent = {} if worst is None else dict.fromkeys(self.left_out, worst)
        return clustered({**self.values, **absent}, self.groups)

    @cached_property
    def _is_plain(self) -> bool:
        """True where every case stands alone, in the order of ids, and none was left out."""
        is_whole = self.info.worst is None or not self.reasons
        return is_whole and self.roster.is_sorted and not any(self.roster.groups)

    @cached_property
    def _data(self) -> Data:
        """The clusters, without an object a case where there are many."""
        if not (self._is_plain and len(self.amounts) >= LARGE):
            return self.clusters
        import numpy as np

        return Sample(values=np.array(self.amounts, dtype=np.float64))

    @property
    def figures(self) -> Figures:
        """The figure and how sure it is."""
        return Figures(info=self.info, values=self.amounts, clusters=self._data)

    @cached_property
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
    known = ByCase.given(rows)
    roster = known.roster(cases if isinstance(cases, tuple) else tuple(cases))
    marks = known.marks(info.name)
    expecting = roster.fitting(info)
    asked = Asked(info=info, repeats=repeats, judge_repeats=judge_repeats, pass_at=pass_at)
    found: Mapping[int, float] | array[float]
    reasons: Mapping[int, str] = {}
    if roster.is_aligned and asked.is_answered_by(marks):
        found = asked.passing(marks.values)
    else:
        found, reasons = asked.told(marks, known.sheet, roster, expecting)
    return Measurement(
        info=info if pass_at is None else replace(info, kind=Kind.BINARY),
        rows=known,
        roster=roster,
        expecting=expecting,
        found=found,
        reasons=reasons,
        metric=info.name,
    )


def problem(info: MetricInfo, rows: Sequence[EvidenceRow], repeats: int, judge_repeats: int = 1) -> str:
    """Why the case has no figure, "" where it has one or needs none."""
    if not rows:
        return NOT_RUN
    scores = {row.repeat: score_of(row, info.name) for row in rows}
    for score in scores.values():
        if score is None:
            return NOT_ASKED_FOR
        if score.absence is Absence.UNMEASURED:
            return score.reason
        if score.value is not None and not info.is_operational and not 0 <= score.value <= 1:
            return out_of_range(score.value, info)
        if score.judge and 1 <= len(score.judged or (1,)) < judge_repeats:
            return too_few_judgements(len(score.judged) or 1, judge_repeats)
    return f"run {len(scores)} of {repeats} times" if len(scores) < repeats else ""


def worst_of(seen: Measurement) -> tuple[WorstCase, ...]:
    """The measured cases with the worst scores, at most `WORST_SHOWN`, each with its worst score."""
    marks, sheet = seen.rows.marks(seen.metric), seen.rows.sheet
    sign = 1 if seen.info.direction is Direction.HIGHER else -1

    def order(place: int) -> tuple[float, str, int, str]:
        return (sign * marks.values[place], sheet.cases[place], sheet.repeats[place], sheet.requests[place])

    first: dict[str, int] = {}
    for place in sorted(_near_worst(seen, marks, sign), key=order):
        first.setdefault(sheet.cases[place], place)
    return tuple(_shown(sheet[place], seen.metric) for place in list(first.values())[:WORST_SHOWN])


def _near_worst(seen: Measurement, marks: Marks, sign: int) -> list[int]:
    """The places of the rows among which the worst cases are: those that are as bad as the last case shown."""
    values, roster = marks.values, seen.roster
    worst_first = heapq.nsmallest if sign > 0 else heapq.nlargest
    if roster.is_single:
        places = seen.measured if roster.is_aligned else at(roster.first, seen.measured)
        limits = worst_first(WORST_SHOWN, at(values, places))
        return _up_to(limits[-1], places, values, sign) if limits else []
    kept = {number: [at for at in roster.places[number] if marks.codes[at] == MEASURED] for number in seen.measured}
    lowest = {number: min(sign * values[at] for at in found) for number, found in kept.items()}
    limit = max(heapq.nsmallest(WORST_SHOWN, lowest.values()), default=0.0)
    return [at for number, low in lowest.items() if low <= limit for at in kept[number]]


def _up_to(limit: float, places: Sequence[int], values: Sequence[float], sign: int) -> list[int]:
    """The places of values that are at least as bad as `limit`."""
    if sign > 0:
        return [place for place in places if values[place] <= limit]
    return [place for place in places if values[place] >= limit]


def _shown(row: EvidenceRow, metric: str) -> WorstCase:
    score = score_of(row, metric) or missing("")
    return WorstCase(case=row.case, value=score.value or 0.0, reason=score.reason)


def clustered(values: Mapping[str, float], groups: Mapping[str, str]) -> tuple[tuple[float, ...], ...]:
    """The values gathered by group; a case without a group stands alone."""
    clusters: dict[tuple[bool, str], list[float]] = {}
    for case in sorted(values):
        group = groups.get(case, "")
        clusters.setdefault((bool(group), group or case), []).append(values[case])
    return tuple(tuple(cluster) for cluster in clusters.values())
