"""A page of text for a terminal: lines, small tables, lists. Knows width and colour, nothing of what it shows.

Every string passes `show.terminal`. Colours are used only where the caller says the page goes to a terminal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from llmops.render import show

_STYLES = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "bold": "1", "": ""}
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a style: good, bad, warn, dim, bold or none."""

    text: str
    style: str = ""


@dataclass(slots=True)
class Page:
    """Collects lines; `str(page)` is the page, ending in a line feed where it is not empty."""

    width: int = 80
    is_coloured: bool = False
    lines: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return "".join(f"{line.rstrip()}\n" for line in self.lines)

    def line(self, *parts: str | Cell) -> None:
        """One line of parts, as it is: for output that must not be wrapped (paths, digests)."""
        self.lines.append("".join(self._paint(_cell(part)) for part in parts))

    def blank(self) -> None:
        """An empty line, never two in a row and never at the top."""
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def paragraph(self, text: str, *, indent: int = 0, hanging: int | None = None, style: str = "") -> None:
        """A text wrapped to the width; following lines are indented by `hanging` (default: as the first)."""
        rest = " " * (indent if hanging is None else hanging)
        for at, part in enumerate(show.terminal(text).splitlines() or [""]):
            wrapped = textwrap.wrap(
                part,
                width=max(20, self.width),
                initial_indent=rest if at else " " * indent,
                subsequent_indent=rest,
                break_long_words=False,
                break_on_hyphens=False,
            )
            self.lines.extend(self._colour(line, style) for line in wrapped or [""])

    def sentence(self, first: Cell, rest: str, *, hanging: int) -> None:
        """A coloured word and what follows it, wrapped to the width."""
        start = len(self.lines)
        self.paragraph(first.text + rest, hanging=hanging)
        line = self.lines[start]
        self.lines[start] = self._colour(first.text, first.style) + line.removeprefix(first.text)

    def bullets(self, items: Iterable[str], *, indent: int = 2, mark: str = "-") -> None:
        """A list, one wrapped item after the other."""
        for item in items:
            self.paragraph(f"{mark} {item}", indent=indent, hanging=indent + 2)

    def fields(self, rows: Iterable[tuple[str, str | Cell]], *, indent: int = 2) -> None:
        """Name and value pairs, values aligned."""
        pairs = [(name, _cell(value)) for name, value in rows]
        width = max((len(name) for name, _ in pairs), default=0)
        for name, value in pairs:
            start = len(self.lines)
            self.paragraph(f"{name:<{width}}  {value.text}", indent=indent, hanging=indent + width + 2)
            if value.style and self.is_coloured:
                shown = show.terminal(value.text)
                self.lines[start:] = [
                    line.replace(shown, self._colour(shown, value.style)) for line in self.lines[start:]
                ]

    def table(
        self, header: Sequence[str], rows: Iterable[Sequence[str | Cell]], *, right: Sequence[int] = (), indent: int = 2
    ) -> None:
        """A table without rules; columns in `right` are aligned right, the last column wraps into what is left."""
        cells = [[_cell(value) for value in row] for row in rows]
        table = [[Cell(title, "dim") for title in header], *cells] if any(header) else cells
        widths = [max(len(show.one_line(row[at].text)) for row in table) for at in range(len(header))] if table else []
        room = self.width - indent - sum(width + len(_GAP) for width in widths[:-1])
        for row in table:
            self._row(row, widths, right=right, indent=indent, room=max(16, room))

    def _row(self, row: list[Cell], widths: list[int], *, right: Sequence[int], indent: int, room: int) -> None:
        *first, last = row
        shown = [show.one_line(cell.text) for cell in first]
        padded = [
            text.rjust(width) if at in right else text.ljust(width)
            for at, (text, width) in enumerate(zip(shown, widths, strict=False))
        ]
        head = _GAP.join(self._colour(text, cell.style) for text, cell in zip(padded, first, strict=True))
        blank = " " * len(_GAP.join(padded))
        tail = textwrap.wrap(show.one_line(last.text), width=room, break_on_hyphens=False) or [""]
        if len(row) - 1 in right:
            tail = [tail[0].rjust(widths[-1]), *tail[1:]]
        for left, text in zip_longest([head], tail, fillvalue=blank):
            gap = _GAP if first else ""
            self.lines.append(" " * indent + left + gap + self._colour(text, last.style))

    def _paint(self, cell: Cell) -> str:
        # A line is one line: a line feed in somebody's text must not begin another that looks like ours.
        return self._colour(show.terminal(cell.text).replace("\n", "\\n"), cell.style)

    def _colour(self, text: str, style: str) -> str:
        code = _STYLES[style]
        return f"\x1b[{code}m{text}\x1b[0m" if code and self.is_coloured and text.strip() else text


def _cell(value: str | Cell) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)
