"""The strict door for JSON lines: the same kind of result, and the same refusals, as the YAML door.

Never raises on bad input. Refused: duplicate keys, NaN and infinities, integers beyond 2^53, halves of surrogate pairs
(nothing that has no canonical form comes in), and more than 64 levels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from llmops.documents.canonical import LARGEST_INTEGER
from llmops.documents.reading.parsed import DEEPEST, Parsed, Pointer, Position, finding, why_no_text
from llmops.errors import Finding

LARGEST_JSONL = 64 * 2**20
_MARK = b"\xef\xbb\xbf"  # of UTF-8, which some editors put before the first line


def parse_jsonl(data: bytes, path: str, *, largest: int = LARGEST_JSONL) -> Parsed:
    """The rows of a JSON lines file as a list; the position of row i is its line. Blank lines are passed over."""
    findings = check_text(data, path, largest=largest)
    if findings:
        return Parsed(path=path, value=None, findings=findings)
    rows: list[Any] = []
    problems: list[Finding] = []
    places: dict[Pointer, Position] = {(): (1, 1)}
    for row in read_rows(data, path):
        if row.problem:
            problems.append(row.problem)
            continue
        places[(len(rows),)] = (row.line, 1)
        rows.append(row.value)
    return Parsed(path=path, value=rows, findings=tuple(problems), values=places)


def check_text(data: bytes, path: str, *, largest: int = LARGEST_JSONL) -> tuple[Finding, ...]:
    """Why the bytes are no text, or more than is read; nothing where they can be read."""
    return why_no_text(data, path, largest)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a JSON lines file: its number, where its bytes begin, its value, or what is wrong with it."""

    line: int
    offset: int
    value: Any
    problem: Finding | None = None


def read_rows(data: bytes, path: str) -> Iterator[Row]:
    """The rows one by one, none of them held. The bytes have passed `check_text`."""
    number, start = 1, 3 if data.startswith(_MARK) else 0
    while start <= len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end].decode("utf-8")
        if line.strip():
            value, problem = _load_json(line)
            yield Row(number, start, value, _json_finding(path, problem, number) if problem else None)
        number, start = number + 1, end + 1


def row_at(data: bytes, offset: int) -> Any:
    """The value of the row that begins at `offset`, where `read_rows` has found one."""
    end = data.find(b"\n", offset)
    return json.loads(data[offset : len(data) if end < 0 else end])


def read_value(text: str) -> tuple[Any, Finding | None]:
    """The value of a JSON text that is no file of its own (a cell of a table), or what is wrong with it."""
    value, problem = _load_json(text)
    return value, _json_finding("", problem, 1) if problem else None


@dataclass(frozen=True, slots=True)
class _JsonProblem:
    rule: str
    message: str
    fix: str
    place: Position = (0, 0)


class _Refused(ValueError):
    def __init__(self, problem: _JsonProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _load_json(text: str) -> tuple[Any, _JsonProblem | None]:
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite, parse_int=_exact
        )
    except json.JSONDecodeError as error:
        is_extra = error.msg.startswith("Extra data")
        fix = "write one complete JSON value a line" if is_extra else "check quotes, commas and brackets"
        return None, _JsonProblem("json-syntax", f"not JSON: {error.msg}", fix, (error.lineno, error.colno))
    except _Refused as refused:
        return None, refused.problem
    except RecursionError:
        return None, _too_deep()
    if _depth_exceeds(value, DEEPEST):
        return None, _too_deep()
    if "\\ud" in text.lower() and not _is_encodable(value):
        return None, _JsonProblem(
            "json-surrogate", "a text holds half of a surrogate pair", "write the whole character"
        )
    return value, None


def _is_encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _too_deep() -> _JsonProblem:
    return _JsonProblem("json-too-deep", f"more than {DEEPEST} levels", "flatten the document")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _item in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(_JsonProblem("json-duplicate-key", f"the key '{twice}' stands twice", "keep one of the two"))
    return value


def _no_constant(text: str) -> NoReturn:
    raise _Refused(_JsonProblem("json-number", f"{text} is no JSON number", "leave the value out, or write null"))


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _no_constant(text[:40])
    return value


def _exact(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > LARGEST_INTEGER:
        raise _Refused(_JsonProblem("json-number", f"{text[:40]} is beyond 2^53", "write it in quotes if it is a text"))
    return int(text)


def _depth_exceeds(value: Any, most: int) -> bool:
    """Whether more than `most` mappings and lists stand in one another."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        level = [item for holder in level for item in _children(holder) if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def _children(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _json_finding(path: str, problem: _JsonProblem, line: int) -> Finding:
    place = (line or problem.place[0], problem.place[1] or int(bool(line)))
    return finding(path, problem.rule, place, problem.message, problem.fix)
