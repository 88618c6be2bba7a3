"""What rows say about every metric at once: one pass over cases, one over rows, a few bytes kept a case and metric.

Rules, in order:

1. The rules of `measurements` hold: the evalset says which cases count, to which group and slices they belong, which
   labels they carry. The figures are the same; only rows and cases are never held.
2. Rows come in the order of their identity, so those of a case stand together, and cases are met in the order of ids.
3. Kept of a case are its id, group, labels and slices; of a metric on a case its value, and a number for why there is
   none. The worst cases are kept as they come, at most `WORST_SHOWN` of them a metric and slice.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from llmops.documents.evalsets import Evalset
from llmops.evaluation.evidence import EvidenceRow
from llmops.evaluation.gating.decisions import WorstCase
from llmops.evaluation.measurements import WORST_SHOWN, Figures, problem
from llmops.evaluation.metrics import Direction, MetricInfo, Need, fits_labels, labels_of
from llmops.evaluation.pooling import case_mean, score_of
from llmops.evaluation.sheets.asked import NOT_RUN

Value = TypeVar("Value")

UNLABELLED, MEASURED, NOT_APPLICABLE, LEFT_OUT = range(4)  # codes of a case; from here on, numbers of reasons
CASES_NAMED = 5
ALL = ""  # the slice that every case is in


class Roster:
    """The cases of an evalset by the order of their ids."""

    def __init__(self, evalset: Evalset) -> None:
        self._cases = evalset.cases
        self.positions = evalset.order
        groups: dict[str, str] = {}
        labels: dict[frozenset[Need], frozenset[Need]] = {}
        slices: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.groups: list[str] = []
        self.labels: list[frozenset[Need]] = []
        self.slices: list[tuple[str, ...]] = []
        for case in evalset.cases:
            self.groups.append(_one(groups, case.group))
            self.labels.append(_one(labels, labels_of(case)))
            self.slices.append(_one(slices, evalset.slices_of(case)))
        if not isinstance(self.positions, range):
            self.groups = [self.groups[at] for at in self.positions]
            self.labels = [self.labels[at] for at in self.positions]
            self.slices = [self.slices[at] for at in self.positions]

    def __len__(self) -> int:
        return len(self.groups)

    def places(self, part: str) -> Sequence[int]:
        """The places of the cases in one slice."""
        if part == ALL:
            return range(len(self))
        return array("I", (at for at, slices in enumerate(self.slices) if part in slices))

    def name(self, place: int) -> str:
        """The id of the case at a place."""
        return self._cases[self.positions[place]].id

    def matched(self, rows: Iterable[EvidenceRow]) -> Iterator[tuple[int, tuple[EvidenceRow, ...]]]:
        """Every case's place with its rows; rows of other cases are passed over."""
        groups = groupby(rows, key=lambda row: row.case)
        case, found = next(groups, (None, iter(())))
        for place, name in enumerate(self._ids()):
            while case is not None and case < name:
                case, found = next(groups, (None, iter(())))
            yield place, tuple(found) if case == name else ()
        for _ in groups:
            """Whoever counts the rows meets them all."""

    def _ids(self) -> Iterator[str]:
        """The ids in their order; cases that stand in it are met once more, in place of holding every id."""
        if isinstance(self.positions, range):
            return (case.id for case in self._cases)
        ids = [case.id for case in self._cases]
        return (ids[at] for at in self.positions)


def _one(same: dict[Value, Value], value: Value) -> Value:
    """The one object that stands for all that are equal to it."""
    return same.setdefault(value, value)


@dataclass(slots=True)
class _Part:
    """What is kept of one metric in one slice: who judged, and the worst cases, by value and identity."""

    judges: set[str] = field(default_factory=set)
    worst: list[tuple[float, tuple[str, int, str], WorstCase]] = field(default_factory=list)

    def note(self, entry: tuple[float, tuple[str, int, str], WorstCase]) -> None:
        if len(self.worst) < WORST_SHOWN or entry[:2] < self.worst[-1][:2]:
            self.worst = sorted((*self.worst, entry), key=lambda one: one[:2])[:WORST_SHOWN]


class Column:
    """One metric over all cases."""

    def __init__(self, info: MetricInfo, roster: Roster) -> None:
        self.info = info
        self._roster = roster
        self._values = array("d", bytes(8 * len(roster)))
        self._codes = array("I", bytes(array("I").itemsize * len(roster)))
        self._reasons: dict[str, int] = {NOT_RUN: LEFT_OUT}
        self._parts: dict[str, _Part] = {}
        self._fits = {labels: fits_labels(info, labels) for labels in set(roster.labels)}

    def look(self, place: int, rows: Sequence[EvidenceRow]) -> None:
        """Note what the rows of a case say."""
        if not self._fits[self._roster.labels[place]]:
            return
        reason = problem(self.info, rows, 1)
        if reason:
            number = len(self._reasons) + LEFT_OUT
            # A reason may be worded like that of a case without rows, but is another one.
            key = reason if not rows or reason != NOT_RUN else f"{reason}\0"
            self._codes[place] = self._reasons.setdefault(key, number)
            return
        value = case_mean(rows, self.info.name)
        self._codes[place] = NOT_APPLICABLE if value is None else MEASURED
        if value is not None:
            self._values[place] = value
            self._note(place, rows)

    def _note(self, place: int, rows: Sequence[EvidenceRow]) -> None:
        sign = 1 if self.info.direction is Direction.HIGHER else -1
        scored = [(row, score) for row in rows if (score := score_of(row, self.info.name))]
        judges = {score.judge for _, score in scored if score.judge}
        known = [
            (sign * score.value, row.identity, row.case, score) for row, score in scored if score.value is not None
        ]
        low, identity, case, score = min(known, key=lambda one: one[:2])
        entry = (low, identity, WorstCase(case=case, value=score.value or 0.0, reason=score.reason))
        for part in (ALL, *self._roster.slices[place]):
            kept = self._parts.get(part)
            if kept is None:
                kept = self._parts[part] = _Part()
            kept.note(entry)
            kept.judges |= judges

    def figures(self, places: Sequence[int]) -> Figures:
        """The values of the cases at `places`, and their clusters with left-out cases at their worst."""
        worst, codes, values = self.info.worst, self._codes, self._values
        clusters: list[Sequence[float]] = []
        groups: dict[str, list[float]] = {}
        alone: dict[float, tuple[float]] = {}  # most metrics have few values: equal clusters are one object
        for at in places:
            is_absent = worst is not None and codes[at] == LEFT_OUT
            if not (is_absent or codes[at] == MEASURED):
                continue
            value = worst if is_absent and worst is not None else values[at]
            group = self._roster.groups[at]
            if not group:
                clusters.append(alone.setdefault(value, (value,)))
            elif group in groups:
                groups[group].append(value)
            else:
                groups[group] = [value]
                clusters.append(groups[group])
        known = array("d", (values[at] for at in places if codes[at] == MEASURED))
        return Figures(info=self.info, values=known, clusters=clusters)

    def missing(self, places: Iterable[int]) -> tuple[tuple[str, int], ...]:
        """Why cases have no figure, the most frequent reason first, else in the order of the evalset."""
        names = {number: reason.rstrip("\0") for reason, number in self._reasons.items()}
        counts: dict[str, int] = {}
        first: dict[str, int] = {}
        for at in places:
            reason = names.get(self._codes[at])
            if reason is not None:
                counts[reason] = counts.get(reason, 0) + 1
                first[reason] = min(self._roster.positions[at], first.get(reason, len(self._codes)))
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], first[item[0]])))

    def missing_cases(self, places: Iterable[int]) -> dict[str, tuple[str, ...]]:
        """The first cases, by id, of each reason."""
        names = {number: reason.rstrip("\0") for reason, number in self._reasons.items()}
        found: dict[str, list[int]] = {}
        for at in places:
            reason = names.get(self._codes[at])
            if reason is not None and len(first := found.setdefault(reason, [])) < CASES_NAMED:
                first.append(at)
        return {reason: tuple(self._roster.name(at) for at in first) for reason, first in found.items()}

    def not_applicable(self, places: Iterable[int]) -> int:
        """How many labelled cases the metric has no meaning for."""
        return sum(self._codes[at] == NOT_APPLICABLE for at in places)

    def worst(self, part: str) -> tuple[WorstCase, ...]:
        """The worst cases of a slice."""
        return tuple(entry[2] for entry in self._part(part).worst)

    def judges(self, part: str) -> tuple[str, ...]:
        """Who judged in a slice."""
        return tuple(sorted(self._part(part).judges))

    def _part(self, part: str) -> _Part:
        return self._parts.get(part) or _Part()
