"""Drawings as SVG: a few shapes, colours for light and dark, a title and a description for who does not see them.

`WIDTH` units are 360 pixels on a phone, where the smallest text has 10.5 of them. Equal calls give equal bytes: numbers
are written with at most one decimal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

WIDTH = 480
LINE = 20  # from one line of text to the next

# Class: what it is for, in light and in dark. Contrast to the ground is at least 4.5 for all of them.
_COLOURS = {
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#59636e", "#9198a1"),
    "grid": ("#d1d9e0", "#3d444d"),
    "good": ("#1a7f37", "#3fb950"),
    "bad": ("#cf222e", "#f85149"),
    "open": ("#9a6700", "#d29922"),
    "one": ("#0969da", "#4493f8"),
    "two": ("#8250df", "#ab7df8"),
    "three": ("#bc4c00", "#f0883e"),
}
_GROUND = ("#ffffff", "#0d1117")


def _style() -> str:
    def rules(at: int) -> str:
        ground = f".ground{{fill:{_GROUND[at]}}}"
        return ground + "".join(
            f".{name}{{fill:{pair[at]}}}.{name}-line{{stroke:{pair[at]}}}" for name, pair in _COLOURS.items()
        )

    return (
        "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:14px}"
        ".head{font-size:16px;font-weight:600}.bold{font-weight:600}"
        "path,line{fill:none}" + rules(0) + "@media(prefers-color-scheme:dark){" + rules(1) + "}"
    )


@dataclass(slots=True, kw_only=True)
class Drawing:
    """What is drawn, in the order of the calls. `title` is shown; `told` says in words what is to be seen."""

    title: str
    told: str
    height: float
    _parts: list[str] = field(default_factory=list)

    def heading(self, *lines: str) -> float:
        """The title with words under it; returns where the drawing may begin."""
        self.text(16, 28, self.title, "ink head")
        for number, words in enumerate(lines):
            self.text(16, 28 + LINE * (number + 1), words, "soft")
        return 28 + LINE * len(lines) + 14

    def text(self, x: float, y: float, words: str, look: str = "ink", anchor: str = "start") -> None:
        """Words at a baseline; `anchor` is start, middle or end."""
        self._parts.append(
            f'<text x="{_number(x)}" y="{_number(y)}" class="{look}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def line(self, start: tuple[float, float], end: tuple[float, float], look: str = "grid", width: float = 1) -> None:
        """A straight line."""
        self.curve([start, end], look, width)

    def curve(self, points: list[tuple[float, float]], look: str, width: float = 2.5, dash: str = "") -> None:
        """A line through points; `dash` as SVG has it."""
        path = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(f'<path d="{path}" class="{look}-line" stroke-width="{_number(width)}"{dashes}/>')

    def interval(self, low: float, high: float, y: float, look: str, width: float = 3) -> None:
        """A horizontal line with a mark at each end."""
        self.line((low, y), (high, y), look, width)
        for end in (low, high):
            self.line((end, y - 6), (end, y + 6), look, width)

    def dot(self, x: float, y: float, look: str, radius: float = 5) -> None:
        """A filled dot."""
        self._parts.append(f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" class="{look}"/>')

    def box(self, x: float, y: float, width: float, height: float, look: str) -> None:
        """A filled rectangle."""
        self._parts.append(
            f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(max(width, 0))}" height="{_number(height)}" '
            f'class="{look}"/>'
        )

    def __str__(self) -> str:
        height = _number(self.height)
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
                f'height="{height}" role="img" aria-labelledby="title told">',
                f'<title id="title">{escape(self.title)}</title>',
                f'<desc id="told">{escape(self.told)}</desc>',
                f"<style>{_style()}</style>",
                f'<rect width="{WIDTH}" height="{height}" class="ground"/>',
                *self._parts,
                "</svg>\n",
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From a figure to a place."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, figure: float) -> float:
        return self.start + (figure - self.low) / (self.high - self.low) * (self.end - self.start)


def percent(share: float, digits: int = 0) -> str:
    """A share as a reader writes it."""
    return f"{100 * share:.{digits}f} %"


def _number(value: float) -> str:
    return f"{round(value, 1):g}"
