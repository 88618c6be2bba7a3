"""What comes out of a door: a plain value, where everything in it stands, and what is wrong.

And the first step of every door: bytes that are small enough, UTF-8, and plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.errors import Finding, Location, Severity

Pointer = tuple[str | int, ...]
Position = tuple[int, int]

DEEPEST = 64
_PIECE = 2**18

# Everything outside YAML 1.2's printable set, production [1] c-printable; surrogates cannot come out of UTF-8.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One file as read: its plain value (None where it could not be read), where everything stands, what is wrong.

    `texts` holds the source text of every number.
    """

    path: str
    value: Any
    findings: tuple[Finding, ...] = ()
    keys: Mapping[Pointer, Position] = field(default_factory=dict)
    values: Mapping[Pointer, Position] = field(default_factory=dict)
    texts: Mapping[Pointer, str] = field(default_factory=dict)
    source: str = ""

    @property
    def is_readable(self) -> bool:
        return not any(finding.is_error for finding in self.findings)

    def at(self, pointer: Pointer) -> Location:
        """Where the value at `pointer` stands, or the nearest value around it."""
        return self._locate(self.values, pointer)

    def at_key(self, pointer: Pointer) -> Location:
        """Where the key at `pointer` stands, or else its value."""
        return self._locate(self.keys if pointer in self.keys else self.values, pointer)

    def inside(self, pointer: Pointer, line: int, column: int = 1) -> Location:
        """Where line and column (from 1) of the text value at `pointer` stand in the file.

        Exact for literal blocks (`|`) and for texts on one line without escapes; else the text's beginning.
        """
        start = self.values.get(pointer)
        if start is None or not self.source:
            return self.at(pointer)
        lines = self.source.split("\n")
        if start[0] > len(lines):  # odd line breaks (U+0085, U+2028), which the scanner counts
            return self.at(pointer)
        head = lines[start[0] - 1][start[1] - 1 :]
        if head.startswith("|"):
            return self._in_block(lines, start, line, column)
        is_plain = line == 1 and not head.startswith(">") and "\\" not in head
        offset = column - 1 + (head[:1] in "\"'")
        return Location(path=self.path, line=start[0], column=start[1] + offset if is_plain else start[1])

    def _in_block(self, lines: list[str], start: Position, line: int, column: int) -> Location:
        filled = next((text for text in lines[start[0] :] if text.strip()), "")
        indent = len(filled) - len(filled.lstrip(" "))
        return Location(path=self.path, line=start[0] + line, column=indent + column)

    def _locate(self, places: Mapping[Pointer, Position], pointer: Pointer) -> Location:
        while pointer and pointer not in places:
            pointer = pointer[:-1]
            places = self.values
        line, column = places.get(pointer, (0, 0))
        return Location(path=self.path, line=line, column=column)


def read_text(data: bytes, path: str, largest: int) -> tuple[str | None, tuple[Finding, ...]]:
    """The text of `data` without its byte order mark, or None and why not."""
    if len(data) > largest:
        what = f"the file has {len(data)} bytes, at most {largest} are read"
        return None, (finding(path, "document-too-large", (0, 0), what, "split the file, or move data out of it"),)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, (_not_utf8(data, path, error),)
    found = CONTROL.search(text)
    if found:
        what = f"control character U+{ord(found.group()):04X}: the file is no plain text"
        place = _position(text, found.start())
        return None, (finding(path, "document-control-character", place, what, "remove it, or save the file as text"),)
    return text, ()


def why_no_text(data: bytes, path: str, largest: int) -> tuple[Finding, ...]:
    """What `read_text` says against `data`; nothing where it can be read. Holds one piece at a time."""
    if len(data) > largest or not all(_is_text(piece) for piece in _pieces(data)):
        return read_text(data, path, largest)[1]
    return ()


def _pieces(data: bytes) -> Iterator[bytes]:
    """The bytes in pieces of about `_PIECE`, each up to the end of a line."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + _PIECE) + 1 or len(data)
        yield data[start:end]
        start = end


def _is_text(piece: bytes) -> bool:
    try:
        return not CONTROL.search(piece.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _not_utf8(data: bytes, path: str, error: UnicodeDecodeError) -> Finding:
    before = data[: error.start].decode("utf-8", "replace")
    what = f"not UTF-8: byte 0x{data[error.start]:02x} at byte offset {error.start}"
    return finding(path, "document-not-utf8", _position(before, len(before)), what, "save the file as UTF-8")


def _position(text: str, offset: int) -> Position:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def finding(path: str, rule: str, place: Position, message: str, fix: str) -> Finding:
    """An error at `place` of the file `path`."""
    location = Location(path=path, line=place[0], column=place[1])
    return Finding(rule=rule, severity=Severity.ERROR, location=location, message=message, fix=fix)
