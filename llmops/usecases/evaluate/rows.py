"""Rows as they finish: held while they are few, written beside memory once they are many.

Rules, in order:

1. Up to `HELD` rows are a list. From the next one on, all of them are canonical lines in a spool (where there is one),
   and only a place and a number stay.
2. Rows finish in any order and are read in the order of their identity, as often as they are asked for; a row is made
   on every access. Within a run, case and repeat name a row: a number each is all that its order needs.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import overload

from llmops.evaluation import evidence
from llmops.evaluation.evidence import EvidenceRow, RowsElsewhere
from llmops.usecases.ports import Spool

HELD = 5_000
_REPEATS = 2**16  # more than any bars ask for
OpenSpool = Callable[[], Spool]


class Gathered:
    """The rows of one run, in the order in which they finish."""

    def __init__(self, open_spool: OpenSpool | None = None) -> None:
        self._open_spool = open_spool
        self._held: list[tuple[int, EvidenceRow]] = []
        self._spooled: SpooledRows | None = None

    def add(self, at: int, row: EvidenceRow) -> None:
        """The next row that is finished; `at` is its case's place in the evalset."""
        if self._spooled is not None:
            self._spooled.add(at, row)
            return
        self._held.append((at, row))
        if self._open_spool is not None and len(self._held) > HELD:
            self._spooled = SpooledRows(self._open_spool())
            for place, held in self._held:
                self._spooled.add(place, held)
            self._held = []

    def in_order(self, cases: Sequence[int]) -> tuple[EvidenceRow, ...] | SpooledRows:
        """The rows by their identity; `cases` are the places of the cases in the order of their ids."""
        if self._spooled is None:
            return tuple(sorted((row for _, row in self._held), key=lambda row: row.identity))
        self._spooled.settle(cases)
        return self._spooled


class SpooledRows(RowsElsewhere):
    """Rows whose lines stand in a spool. `settle` ends the writing."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places = array("Q")
        self._numbers = array("Q")
        self.metrics = frozenset()

    def add(self, at: int, row: EvidenceRow) -> None:
        """Write a row."""
        self._places.append(self._spool.write(evidence.dump(row)))
        self._numbers.append(at * _REPEATS + row.repeat)
        if not self.metrics.issuperset(row.scores):
            self.metrics |= row.scores.keys()

    def settle(self, cases: Sequence[int]) -> None:
        """Put the rows in the order of cases and repeats."""
        ranks = array("I", bytes(array("I").itemsize * len(cases)))
        for rank, at in enumerate(cases):
            ranks[at] = rank
        numbers = array("Q", (ranks[one // _REPEATS] * _REPEATS + one % _REPEATS for one in self._numbers))
        order = sorted(range(len(numbers)), key=numbers.__getitem__)
        self._places = array("Q", (self._places[at] for at in order))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[EvidenceRow]:
        return map(evidence.load, self.lines())

    @overload
    def __getitem__(self, index: int) -> EvidenceRow: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[EvidenceRow, ...]: ...
    def __getitem__(self, index: int | slice) -> EvidenceRow | tuple[EvidenceRow, ...]:
        if isinstance(index, slice):
            return tuple(evidence.load(self._spool.read(place)) for place in self._places[index])
        return evidence.load(self._spool.read(self._places[index]))

    def lines(self) -> Iterator[bytes]:
        return map(self._spool.read, self._places)
