"""Rows as they finish: held while they are few, written beside memory once they are many.

Rules, in order:

1. Up to `HELD` rows are a list. From the next one on, all of them are canonical lines in a spool (where there is one),
   and only a place and an identity stay.
2. Rows finish in any order and are read in the order of their identity, as often as they are asked for; a row is made
   on every access.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import overload

from llmops.evaluation import evidence
from llmops.evaluation.evidence import EvidenceRow, RowsElsewhere
from llmops.usecases.ports import Spool

HELD = 5_000
OpenSpool = Callable[[], Spool]


class Gathered:
    """The rows of one run, in the order in which they finish."""

    def __init__(self, open_spool: OpenSpool | None = None) -> None:
        self._open_spool = open_spool
        self._held: list[EvidenceRow] = []
        self._spooled: SpooledRows | None = None

    def add(self, row: EvidenceRow) -> None:
        """The next row that is finished."""
        if self._spooled is not None:
            self._spooled.add(row)
            return
        self._held.append(row)
        if self._open_spool is not None and len(self._held) > HELD:
            self._spooled = SpooledRows(self._open_spool())
            for held in self._held:
                self._spooled.add(held)
            self._held = []

    def in_order(self) -> tuple[EvidenceRow, ...] | SpooledRows:
        """The rows by their identity."""
        if self._spooled is None:
            return tuple(sorted(self._held, key=lambda row: row.identity))
        self._spooled.settle()
        return self._spooled


class SpooledRows(RowsElsewhere):
    """Rows whose lines stand in a spool. `settle` ends the writing."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._places = array("Q")
        self._identities: list[tuple[str, int, str]] = []
        self.metrics = frozenset()

    def add(self, row: EvidenceRow) -> None:
        """Write a row."""
        self._places.append(self._spool.write(evidence.dump(row)))
        self._identities.append(row.identity)
        if not self.metrics.issuperset(row.scores):
            self.metrics |= row.scores.keys()

    def settle(self) -> None:
        """Put the rows in order; what they were ordered by is given up."""
        order = sorted(range(len(self._places)), key=self._identities.__getitem__)
        self._places = array("Q", (self._places[at] for at in order))
        self._identities = []

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
