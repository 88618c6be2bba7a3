"""Many lines in little memory: packed in blocks, each unpacked when something in it is asked for.

Rules, in order:

1. A block holds `BLOCK` lines, compressed: cases of an evalset take a fifth to a tenth of their bytes. The few blocks
   that were read last stay unpacked, so reading in order unpacks each once.
2. What a line means is made on every access and never kept: memory does not grow with what was looked at.
3. An item is found by its name through a table of hashes, 12 bytes an item; the name itself decides.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

Item = TypeVar("Item")

BLOCK = 128
_KEPT = 4  # blocks: an evaluation has up to 256 cases open at once


class Lines:
    """Lines that are being packed, each under a name."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._open: list[bytes] = []
        self.hashes: array[int] = array("q")

    def add(self, name: str, line: bytes) -> None:
        """The next line, which holds no line feed."""
        self.hashes.append(hash(name))
        self._open.append(line)
        if len(self._open) == BLOCK:
            self._close()

    def blocks(self) -> tuple[bytes, ...]:
        """All lines, packed."""
        if self._open:
            self._close()
        return tuple(self._blocks)

    def _close(self) -> None:
        self._blocks.append(zlib.compress(b"\n".join(self._open), 1))
        self._open = []


class Packed(Sequence[Item]):
    """A sequence of items whose lines are packed. `parse` makes an item of a line, `name_of` gives its name."""

    def __init__(self, lines: Lines, *, parse: Callable[[bytes], Item], name_of: Callable[[Item], str]) -> None:
        hashes = lines.hashes
        self._blocks = lines.blocks()
        self._parse = parse
        self._name_of = name_of
        self._count = len(hashes)
        self._places = array("I", sorted(range(len(hashes)), key=hashes.__getitem__))
        self._hashes = array("q", (hashes[place] for place in self._places))
        self._unpacked: OrderedDict[int, list[bytes]] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Item]:
        for block in self._blocks:
            yield from map(self._parse, _lines(block))

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        if isinstance(index, slice):
            return tuple(self._at(at) for at in range(*index.indices(self._count)))
        at = index + self._count if index < 0 else index
        if not 0 <= at < self._count:
            raise IndexError(index)
        return self._at(at)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != self._count:
            return False
        return all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # items need not have one

    def find(self, name: str) -> Item | None:
        """The first item of this name, None without one."""
        wanted = hash(name)
        at = bisect_left(self._hashes, wanted)
        while at < self._count and self._hashes[at] == wanted:
            item = self._at(self._places[at])
            if self._name_of(item) == name:
                return item
            at += 1
        return None

    def _at(self, index: int) -> Item:
        number, offset = divmod(index, BLOCK)
        lines = self._unpacked.get(number)
        if lines is None:
            lines = self._unpacked[number] = _lines(self._blocks[number])
            if len(self._unpacked) > _KEPT:
                self._unpacked.popitem(last=False)
        return self._parse(lines[offset])


def _lines(block: bytes) -> list[bytes]:
    return zlib.decompress(block).split(b"\n")
