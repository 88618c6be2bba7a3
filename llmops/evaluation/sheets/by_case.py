"""Rows by their case: as a mapping, and as columns beside the cases of an evalset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import lt
from typing import Any

from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import EvidenceRow
from llmops.evaluation.metrics import MetricInfo, Need, fits_labels, labels_of
from llmops.evaluation.sheets.marks import Marks
from llmops.evaluation.sheets.sheet import Sheet


class Roster:
    """Cases that count, with where their rows stand in a sheet."""

    def __init__(self, cases: tuple[Case, ...], rows: ByCase) -> None:
        places = rows.places
        self._rows = len(rows.sheet)
        self.cases = cases
        self.ids = [case.id for case in cases]
        self.groups = [case.group for case in cases]
        self.places = [places.get(name, ()) for name in self.ids]
        self.all = range(len(cases))

    @cached_property
    def first(self) -> list[int]:
        """The place of each case's first row, -1 where it has none."""
        return [places[0] if places else -1 for places in self.places]

    @cached_property
    def is_single(self) -> bool:
        """True where every case has at most one row."""
        return all(len(places) <= 1 for places in self.places)

    @cached_property
    def is_aligned(self) -> bool:
        """True where the rows of the sheet are those of case after case, one of each."""
        return self.is_single and self._rows == len(self.all) and self.first == list(self.all)

    @cached_property
    def is_sorted(self) -> bool:
        """True where the cases come in the order of their ids, none twice."""
        return all(map(lt, self.ids, self.ids[1:]))

    def fitting(self, info: MetricInfo) -> Sequence[int]:
        """The numbers of the cases that carry the labels which the metric needs."""
        if fits_labels(info, frozenset()):
            return self.all
        fits = {labels: fits_labels(info, labels) for labels in set(self._labels)}
        if all(fits.values()):
            return self.all
        return [number for number, labels in enumerate(self._labels) if fits[labels]]

    @cached_property
    def _labels(self) -> list[frozenset[Need]]:
        return [labels_of(case) for case in self.cases]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByCase(Mapping[str, tuple[EvidenceRow, ...]]):
    """The rows of each case, in order, made when they are looked at; `places` says where they stand in the sheet."""

    sheet: Sheet
    places: Mapping[str, Sequence[int]]
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, rows: Sequence[EvidenceRow]) -> ByCase:
        """Rows by their own case."""
        sheet = Sheet.of(rows)
        places: dict[str, list[int]] = {}
        for place, case in enumerate(sheet.cases):
            if case in places:
                places[case].append(place)
            else:
                places[case] = [place]
        return cls(sheet=sheet, places=places)

    @classmethod
    def given(cls, rows: Mapping[str, Sequence[EvidenceRow]]) -> ByCase:
        """Rows by the cases that somebody else gathered them under."""
        if isinstance(rows, ByCase):
            return rows
        places: dict[str, Sequence[int]] = {}
        start = 0
        for case, found in rows.items():
            places[case] = range(start, start + len(found))
            start += len(found)
        return cls(sheet=Sheet.of([row for found in rows.values() for row in found]), places=places)

    def __getitem__(self, case: str) -> tuple[EvidenceRow, ...]:
        if case not in self._kept:
            self._kept[case] = tuple(self.sheet[place] for place in self.places[case])
        found: tuple[EvidenceRow, ...] = self._kept[case]
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __contains__(self, case: object) -> bool:
        return case in self.places

    def roster(self, cases: Sequence[Case]) -> Roster:
        """The cases beside their rows. Of a tuple it is found once."""
        if not isinstance(cases, tuple):
            return Roster(tuple(cases), self)
        known = self._kept.get(id(cases))
        if known is None or known.cases is not cases:
            known = self._kept[id(cases)] = Roster(cases, self)
        roster: Roster = known
        return roster

    def marks(self, metric: str) -> Marks:
        """What a metric says in each row of the sheet."""
        key = (metric,)
        if key not in self._kept:
            self._kept[key] = self.sheet.marks(metric)
        found: Marks = self._kept[key]
        return found
