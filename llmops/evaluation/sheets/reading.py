"""Shards read as sheets: as strictly as row by row, in a tenth of the time.

Rules, in order:

1. A line is taken if it matches the form of a line before it (`forms`) or if `evidence.parse_row` takes it. Where any
   doubt is left, `evidence.parse` reads the whole shard, and says what is wrong where.
2. What a shard says follows from its bytes, so what was read is kept by their digest while there is room: verifying a
   log and deciding on its evidence read it once.
3. The standard library only, like everything that an offline verifier reuses (`pooling.recompute`).
"""

from __future__ import annotations

import json
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from llmops.documents import canonical
from llmops.evaluation import evidence
from llmops.evaluation.evidence import LARGEST_SHARD, UNKNOWABLE, EvidenceRow
from llmops.evaluation.sheets import forms
from llmops.evaluation.sheets.forms import Form, Groups
from llmops.evaluation.sheets.marks import MEASURED, NOT_APPLICABLE, UNMEASURED, Marks
from llmops.evaluation.sheets.sheet import FIELDS, Lines, Sheet, Writing

MOST_FORMS = 16
ROOM = 10 * LARGEST_SHARD


class Reader:
    """Reads shards, and keeps what it read lately: sheets of at most `room` bytes of lines, and the newest one."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._kept: OrderedDict[str, tuple[int, Sheet]] = OrderedDict()

    def read(self, data: bytes, where: str = "") -> Sheet:
        """The rows of a shard. Raises: CannotAsk EVIDENCE_INVALID, naming the line."""
        digest = canonical.sha256(data)
        if digest not in self._kept:
            self._kept[digest] = len(data), read_anew(data, where)
        self._kept.move_to_end(digest)
        while len(self._kept) > 1 and sum(size for size, _ in self._kept.values()) > self._room:
            self._kept.popitem(last=False)
        return self._kept[digest][1]


read = Reader().read


def read_anew(data: bytes, where: str = "") -> Sheet:
    """The same, whatever was read before."""
    try:
        return _by_form(data)
    except ValueError:
        return Sheet.of(evidence.parse(data, where))


def _by_form(data: bytes) -> Sheet:
    """Raises: ValueError where a line is not certainly a canonical row."""
    if data and not data.endswith(b"\n"):
        raise ValueError("the last line is cut off")
    lines = data.decode().split("\n")[:-1]
    known = _Known()
    slow: list[tuple[int, EvidenceRow]] = []
    for place, line in enumerate(lines):
        if not known.matches(place, line):
            row = evidence.parse_row(f"{line}\n".encode())
            if not known.learns(place, line, row):
                slow.append((place, row))
    writing = Writing(Lines(lines))
    for form, (places, rows) in known.forms.items():
        _write(writing, form, places, rows)
    return writing.with_rows(slow).sheet()


class _Known:
    """The forms that lines had so far, and what those lines said."""

    def __init__(self) -> None:
        self.forms: dict[Form, tuple[list[int], list[Groups]]] = {}
        self._tried: set[tuple[str, ...]] = set()

    def matches(self, place: int, line: str) -> bool:
        """True where a line has a known form; it is noted then."""
        for form, (places, rows) in self.forms.items():
            groups = form.groups(line)
            if groups:
                places.append(place)
                rows.append(groups)
                return True
        return False

    def learns(self, place: int, line: str, row: EvidenceRow) -> bool:
        """True where the line gives a new form. `row` is what `parse_row` took it for."""
        metrics = tuple(sorted(row.scores))
        if metrics in self._tried or len(self.forms) >= MOST_FORMS:
            return False
        form = Form(metrics)
        groups = form.groups(line)
        if groups:
            self._tried.add(metrics)
            self.forms[form] = [place], [groups]
        return groups is not None


def _write(writing: Writing, form: Form, places: list[int], rows: list[Groups]) -> None:
    """Write down what lines of one form say."""
    groups: list[Any] = list(zip(*rows, strict=True))
    is_whole = len(places) == writing.count
    for name, values in zip(FIELDS, _fields(groups), strict=True):
        if is_whole:
            writing.columns[name] = list(values)
        else:
            column = writing.columns[name]
            for place, value in zip(places, values, strict=True):
                column[place] = value
    for number, metric in enumerate(form.metrics):
        start = forms.SCORES + forms.A_SCORE * number
        marks = _marks(groups[start : start + forms.A_SCORE])
        if is_whole:
            writing.scores[metric] = marks
        else:
            writing.marks(metric).put(places, marks)


def _fields(groups: Sequence[Any]) -> Iterator[Iterable[Any]]:
    """The columns of `FIELDS`, in their order."""
    yield map(_text, groups[forms.CASE])
    yield map(int, groups[forms.REPEAT])
    yield map(_text, groups[forms.REQUEST])
    yield (word == "true" for word in groups[forms.MUST_PASS])
    yield map(int, groups[forms.LATENCY])
    yield map(int, groups[forms.NANO_USD])
    yield map(int.__add__, map(int, groups[forms.INPUT]), map(int, groups[forms.OUTPUT]))
    yield (None if word is None else int(word) for word in groups[forms.TTFT])
    yield map(_unknown, groups[forms.UNKNOWN])


def _marks(groups: Sequence[tuple[str | None, ...]]) -> Marks:
    """What the groups of one metric say, row by row."""
    judges, texts, absences, whys = groups
    labels = {text: _text(text) for text in set(judges)}
    marks = Marks(
        values=forms.numbers(texts),
        codes=array("q", [MEASURED]) * len(texts),
        judges=list(map(labels.__getitem__, judges)),
    )
    if any(absences):
        known = {why: UNMEASURED + number for number, why in enumerate(dict.fromkeys(whys))}
        marks.codes = array("q", (_code(absence, known[why]) for absence, why in zip(absences, whys, strict=True)))
        marks.reasons = {_text(why): code for why, code in known.items()}
    return marks


def _code(absence: str | None, unmeasured: int) -> int:
    if absence is None:
        return MEASURED
    return NOT_APPLICABLE if absence == "not_applicable" else unmeasured


def _text(spelled: str | None) -> str:
    """The string that a JSON spelling stands for, "" for None."""
    if spelled is None:
        return ""
    return str(json.loads(f'"{spelled}"')) if "\\" in spelled else spelled


def _unknown(spelled: str | None) -> tuple[str, ...]:
    return () if spelled is None else tuple(name for name in UNKNOWABLE if f'"{name}"' in spelled)
