"""A sheet: rows of evidence with the columns that figures are made of.

A row itself is made when somebody looks at it: most figures need none.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from llmops.evaluation import evidence
from llmops.evaluation.evidence import COST, LATENCY, TOKENS, EvidenceRow, RowsElsewhere
from llmops.evaluation.sheets.marks import MEASURED, Marks, at

NANO = 1_000_000_000
NO_COST, NO_TOKENS, NO_TIME = "nobody said what it cost", "nobody counted its tokens", "nobody said how long it took"
NOT_STREAMED = "the reply was not streamed"
FIELDS = ("cases", "repeats", "requests", "must_pass", "latency_ms", "nano_usd", "tokens", "ttft_ms", "unknown")
FROM_FIELDS = frozenset(("latency_ms", "latency_p50_ms", "latency_p95_ms", "ttft_ms", "tokens", "cost_usd"))


class Lines(Sequence[EvidenceRow]):
    """Rows that are made from their lines (without line ends) when they are looked at."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def __len__(self) -> int:
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> EvidenceRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EvidenceRow]: ...
    def __getitem__(self, index: int | slice) -> EvidenceRow | Sequence[EvidenceRow]:
        if isinstance(index, slice):
            return Lines(self.lines[index])
        return evidence.load(self.lines[index].encode())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet(Sequence[EvidenceRow]):
    """Rows with their columns, which run in the order of the rows; of tokens, all of request and reply. `scores` are
    the marks of every metric that has a score in some row."""

    rows: Sequence[EvidenceRow]
    cases: list[str]
    repeats: list[int]
    requests: list[str]
    must_pass: list[bool]
    latency_ms: list[int]
    nano_usd: list[int]
    tokens: list[int]
    ttft_ms: list[int | None]
    unknown: list[tuple[str, ...]]
    scores: Mapping[str, Marks]

    @classmethod
    def of(cls, rows: Sequence[EvidenceRow]) -> Sheet:
        """The columns of rows that are there already."""
        if isinstance(rows, Sheet):
            return rows
        return Writing(rows).with_rows(enumerate(rows)).sheet()

    def __len__(self) -> int:
        return len(self.cases)

    @overload
    def __getitem__(self, index: int) -> EvidenceRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[EvidenceRow]: ...
    def __getitem__(self, index: int | slice) -> EvidenceRow | Sequence[EvidenceRow]:
        return self.rows[index]

    def __iter__(self) -> Iterator[EvidenceRow]:
        return iter(self.rows)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Sheet | tuple | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def identities(self) -> list[tuple[str, int, str]]:
        """What makes each row the measurement that it is."""
        return list(zip(self.cases, self.repeats, self.requests, strict=True))

    def lines(self) -> list[str]:
        """The canonical line of each row, without its end."""
        if isinstance(self.rows, Lines):
            return self.rows.lines
        found = self.rows.lines() if isinstance(self.rows, RowsElsewhere) else map(evidence.dump, self.rows)
        return [line[:-1].decode() for line in found]

    def marks(self, metric: str) -> Marks:
        """What a metric says in each row. Spend and speed come from the rows' fields."""
        if metric in FROM_FIELDS:
            return self._of_field(metric)
        return self.scores.get(metric) or Marks.blank(len(self))

    def _of_field(self, metric: str) -> Marks:
        if metric == "ttft_ms":
            return _amounts(self.ttft_ms, NOT_STREAMED)
        if metric == "tokens":
            return _amounts(self._known(self.tokens, TOKENS), NO_TOKENS)
        if metric == "cost_usd":
            return _amounts(self._known([amount / NANO for amount in self.nano_usd], COST), NO_COST)
        return _amounts(self._known(self.latency_ms, LATENCY), NO_TIME)

    def _known(self, amounts: Sequence[float], name: str) -> list[float | None]:
        if not any(self.unknown):
            return list(amounts)
        return [None if name in unknown else amount for amount, unknown in zip(amounts, self.unknown, strict=True)]

    def take(self, places: Sequence[int]) -> Sheet:
        """The rows at these places, in this order."""
        rows = Lines(at(self.rows.lines, places)) if isinstance(self.rows, Lines) else at(self.rows, places)
        columns: dict[str, Any] = {name: at(getattr(self, name), places) for name in FIELDS}
        marks = {name: found.take(places) for name, found in self.scores.items()}
        return Sheet(rows=rows, scores={name: found for name, found in marks.items() if any(found.codes)}, **columns)


def _amounts(amounts: Sequence[float | None], why: str) -> Marks:
    known = array("d", (0.0 if amount is None else amount for amount in amounts))
    marks = Marks(values=known, codes=array("q", [MEASURED]) * len(known), judges=[""] * len(known))
    if None in amounts:
        unknown = marks.number(why)
        marks.codes = array("q", (unknown if amount is None else MEASURED for amount in amounts))
    return marks


def joined(sheets: Sequence[Sheet]) -> Sheet:
    """The rows of several sheets, one after the other."""
    if len(sheets) == 1:
        return sheets[0]
    rows: Sequence[EvidenceRow] = [row for sheet in sheets if not isinstance(sheet.rows, Lines) for row in sheet]
    if not rows:
        rows = Lines([line for sheet in sheets for line in sheet.lines()])
    elif len(rows) < sum(map(len, sheets)):
        rows = [row for sheet in sheets for row in sheet]
    columns: dict[str, Any] = {name: [one for sheet in sheets for one in getattr(sheet, name)] for name in FIELDS}
    scores = {name: Marks.blank(0) for sheet in sheets for name in sheet.scores}
    for name, marks in scores.items():
        for sheet in sheets:
            marks.extend(sheet.scores.get(name) or Marks.blank(len(sheet)))
    return Sheet(rows=rows, scores=scores, **columns)


class Writing:
    """A sheet that is being filled."""

    def __init__(self, rows: Sequence[EvidenceRow]) -> None:
        self._rows = rows
        self.count = len(rows)
        self.columns: dict[str, list[Any]] = {name: [None] * self.count for name in FIELDS}
        self.scores: dict[str, Marks] = {}

    def sheet(self) -> Sheet:
        """What was written."""
        return Sheet(rows=self._rows, scores=self.scores, **self.columns)

    def marks(self, metric: str) -> Marks:
        """Where a metric is written down."""
        if metric not in self.scores:
            self.scores[metric] = Marks.blank(self.count)
        return self.scores[metric]

    def with_rows(self, rows: Iterable[tuple[int, EvidenceRow]]) -> Writing:
        """These rows, each at its place."""
        for place, row in rows:
            numbers = (row.latency_ms, row.nano_usd, row.tokens.total, row.ttft_ms)
            said = (*row.identity, row.must_pass, *numbers, row.unknown)
            for name, value in zip(FIELDS, said, strict=True):
                self.columns[name][place] = value
            for metric, score in row.scores.items():
                self.marks(metric).note(place, score)
        return self
