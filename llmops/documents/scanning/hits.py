"""What a search in text finds, and how a kind of find is described.

A `Kind` is a pattern and, where the kind carries one, a check. Four things keep false alarms away, in this order:

1. the pattern, with what may not stand beside it;
2. `accepts`: check digits, lengths, ranges. It gives back the part that is real, "" where nothing is;
3. `near`, `after`: words that have to stand before it or right behind it, for numbers that look like any other;
4. `is_documentation`: what is reserved for examples, left out on request.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

Span = tuple[int, int]

# How far before and after a number its context word may stand: a short clause, and a label such as "-Fax".
BEFORE, AFTER = 60, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One find: its kind, where it stands in the text (`text[start:end]`), and the text itself."""

    kind: str
    start: int
    end: int
    text: str

    @property
    def masked(self) -> str:
        """The first four characters and stars: enough to find it, not enough to use it. Short finds show less."""
        shown = min(4, len(self.text) // 2)
        return self.text[:shown] + "*" * min(8, max(0, len(self.text) - shown))


class Finder(Protocol):
    """A further search, made elsewhere. `rule` is `secret` or `personal-data`; name and version go into evidence."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def rule(self) -> str: ...

    def __call__(self, text: str) -> tuple[Hit, ...]: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of find (see the module). `accepts` returns the real part, which begins where the match does."""

    name: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], str] = lambda text: text
    near: re.Pattern[str] | None = None
    after: re.Pattern[str] | None = None
    is_documentation: Callable[[str], bool] = lambda _text: False


# Kinds, and the parts of the text where they are looked for.
Group = tuple[Sequence[Kind], Sequence[Span]]


def when(check: Callable[[str], bool]) -> Callable[[str], str]:
    """A check that says yes or no, as one that returns the real part."""
    return lambda text: text if check(text) else ""


def hits(text: str, groups: Iterable[Group], *, documentation: bool = True) -> tuple[Hit, ...]:
    """Every find of each group's kinds within its spans, in order of place, none overlapping. Strictest kinds first."""
    return without_overlaps(
        hit
        for kinds, spans in groups
        for kind in kinds
        for span in spans
        for hit in _within(text, span, kind, documentation=documentation)
    )


def without_overlaps(found: Iterable[Hit]) -> tuple[Hit, ...]:
    """What an earlier find took, a later one does not report again."""
    starts: list[int] = []
    taken: list[Hit] = []
    for hit in found:
        # Those taken stand in order and apart, so only the neighbours on both sides can be in the way.
        at = bisect(starts, hit.start)
        if (at == 0 or taken[at - 1].end <= hit.start) and (at == len(taken) or hit.end <= taken[at].start):
            starts.insert(at, hit.start)
            taken.insert(at, hit)
    return tuple(taken)


def _within(text: str, span: Span, kind: Kind, *, documentation: bool) -> Iterator[Hit]:
    for match in kind.pattern.finditer(text, *span):
        real = kind.accepts(match.group())
        end = match.start() + len(real)
        if not real or not (documentation or not kind.is_documentation(real)):
            continue
        if kind.near is None or _has_near(text, match.start(), end, kind):
            yield Hit(kind=kind.name, start=match.start(), end=end, text=real)


def _has_near(text: str, start: int, end: int, kind: Kind) -> bool:
    # The text is searched in place, not cut: so `\b` sees what stands beyond the border, and `$` is the number's head.
    if kind.near is not None and kind.near.search(text, max(0, start - BEFORE), start):
        return True
    return kind.after is not None and kind.after.search(text, end, end + AFTER) is not None
