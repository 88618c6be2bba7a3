"""Labelled rows: the answers that a calibration rests on, each with what people and the judge say. Evidence, in lines.

Rules, in order:

1. A row is one canonical line (records' profile: no floats, the judge's score as its shortest decimal string), so that
   equal rows have equal bytes.
2. Rows stand in the order of case and answer; no answer of a case stands there twice: a copy is no further case.
3. The label is what at least half of the annotators say. How ties are settled is decided where labels are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents import canonical
from llmops.documents.bars import reaches
from llmops.governance.predicates import DIGEST

_KEYS = ("annotators", "answer", "case", "group", "label", "score")


class LabelledError(ValueError):
    """Bytes that are no labelled rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRow:
    """One answer. `answer` is its SHA-256, `annotators` maps each to their verdict (1: it passes), `score` is the
    judge's, a decimal."""

    case: str
    group: str
    answer: str
    label: int
    annotators: Mapping[str, int]
    score: str

    @property
    def identity(self) -> tuple[str, str]:
        """What no two rows share."""
        return self.case, self.answer


def counts(rows: Iterable[LabelledRow], pass_at: str) -> dict[str, int]:
    """What the rows give when the judge passes what scores at least `pass_at`: cases, groups (a case without one is its
    own), and the confusion counts tp, fp, fn, tn."""
    found = dict.fromkeys(("cases", "groups", "tp", "fp", "fn", "tn"), 0)
    cases, groups = set[str](), set[tuple[str, str]]()
    for row in rows:
        cases.add(row.case)
        groups.add(("group", row.group) if row.group else ("case", row.case))
        passes = reaches(float(row.score), float(pass_at))
        found[("tp" if passes else "fn") if row.label else ("fp" if passes else "tn")] += 1
    return {**found, "cases": len(cases), "groups": len(groups)}


def dump(rows: Iterable[LabelledRow]) -> bytes:
    """The shard of these rows."""
    return b"".join(_line(row) for row in sorted(rows, key=lambda row: row.identity))


def _line(row: LabelledRow) -> bytes:
    return canonical.record_bytes(
        {
            "case": row.case,
            "group": row.group,
            "answer": row.answer,
            "label": row.label,
            "annotators": dict(row.annotators),
            "score": row.score,
        }
    )


def parse(shards: Iterable[bytes]) -> tuple[LabelledRow, ...]:
    """The rows of all shards together. Raises: LabelledError, naming the line."""
    rows: list[LabelledRow] = []
    lines = [line for data in shards for line in _lines(data)]
    for number, line in enumerate(lines, 1):
        try:
            row = _row(canonical.parse_record(line + b"\n"))
        except (ValueError, TypeError, AttributeError) as error:
            raise LabelledError(f"line {number} is no labelled row: {error}") from error
        if _line(row) != line + b"\n":
            raise LabelledError(f"line {number} is no labelled row: it is not in its canonical form")
        if rows and row.identity <= rows[-1].identity:
            raise LabelledError(f"line {number} repeats {row.case!r} with the same answer, or is out of order")
        rows.append(row)
    return tuple(rows)


def _lines(data: bytes) -> list[bytes]:
    *whole, cut = data.split(b"\n")
    if cut or not whole:
        raise LabelledError("the shard is empty, or its last line is cut off")
    return whole


def _row(value: Any) -> LabelledRow:
    if not isinstance(value, dict) or tuple(sorted(value)) != _KEYS:
        raise LabelledError(f"its keys are not {', '.join(_KEYS)}")
    row = LabelledRow(**value)
    if not all(isinstance(text, str) for text in (row.case, row.group, row.answer, row.score)):
        raise LabelledError("case, group, answer and score are texts")
    if not row.case or not DIGEST.fullmatch(row.answer):
        raise LabelledError("a case has a name, an answer is a SHA-256")
    if not math.isfinite(float(row.score)) or canonical.decimal(float(row.score)) != row.score:
        raise LabelledError(f"the score {row.score!r} is no shortest decimal")
    _check_verdicts(row)
    return row


def _check_verdicts(row: LabelledRow) -> None:
    said = list(row.annotators.values())
    if not said or any(type(verdict) is not int or verdict not in (0, 1) for verdict in (*said, row.label)):
        raise LabelledError("the label and every annotator's verdict are 0 or 1")
    if 2 * said.count(row.label) < len(said):
        raise LabelledError(f"the label {row.label} is not what its annotators say")
