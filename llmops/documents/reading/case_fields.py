"""A row of a table as the fields of a case.

Rules, in order:

1. `columns` says which field has which name in the source; then what is no field is passed over. Without it every
   column keeps its name, and whoever checks the case names those that it does not know.
2. An empty cell (null) is an absent field.
3. A list or an object may be written as JSON text. Text that is no JSON of that kind is a problem, never one context.
4. Whole numbers and truth values that stand where a text belongs become their JSON text. Nothing else is guessed.
5. What no JSON lines file could hold (a date, NaN, an integer beyond 2^53) is a problem: a case is the same case,
   whatever file it stands in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents.reading import json_door
from llmops.errors import Finding, Location, Severity

LISTS = frozenset(
    {"contexts", "relevant", "tags", "contains", "not_contains", "messages", "expected_tool_calls", "tool_calls"}
)
OBJECTS = frozenset({"variables"})
FLAGS = frozenset({"must_pass"})
TEXTS = frozenset({"id", "question", "ground_truth", "answer", "group"})
FIELDS = (*sorted(TEXTS), *sorted(LISTS), *sorted(OBJECTS), *sorted(FLAGS))

_MEND = "mend it in the source"


class RowProblem(ValueError):
    """A row that is no case: what, and what to do. Both are lines meant for people."""

    def __init__(self, what: str, fix: str, rule: str = "source-row") -> None:
        super().__init__(what)
        self.fix = fix
        self.rule = rule

    def at(self, place: Location) -> Finding:
        """The problem as a finding about that place."""
        return Finding(rule=self.rule, severity=Severity.ERROR, location=place, message=str(self), fix=self.fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """The fields of one case, and where they stand: a line, or the number of the row."""

    location: Location
    value: dict[str, Any]


def case_fields(row: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The fields that the row holds. Raises: RowProblem."""
    names = dict(columns) if columns else {name: name for name in row}
    if columns:
        names |= {field: field for field in FIELDS if field not in names}
    given = {field: row[name] for field, name in names.items() if name in row}
    return _as_json({field: _read(field, value) for field, value in given.items() if value is not None})


def _read(field: str, value: Any) -> Any:
    if field in LISTS:
        return _json(field, value, list, "a list")
    if field in OBJECTS:
        return _json(field, value, dict, "an object")
    if field in FLAGS:
        return _json(field, value.lower() if isinstance(value, str) else value, bool, "true or false")
    if field in TEXTS and isinstance(value, int):
        return json.dumps(value)
    if field in TEXTS and not isinstance(value, str):
        raise RowProblem(f"`{field}` is {_kind(value)}, expected a text", "write it as a text in the source")
    return value


def _json(field: str, value: Any, kind: type, wanted: str) -> Any:
    what = _kind(value)
    if isinstance(value, str):
        value, problem = json_door.read_value(value)
        what = f"text {what[:40]!r}" if problem else _kind(value)
    if not isinstance(value, kind):
        raise RowProblem(f"`{field}` is {what}, expected {wanted}", f"write {wanted}, or its JSON text")
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "a truth value", int: "a number", float: "a number"}
    return value if isinstance(value, str) else names.get(type(value), f"a {type(value).__name__}")


def _as_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the door of JSON lines would have given them."""
    try:
        text = json.dumps(fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise RowProblem(f"the row has a value that no JSON file can hold: {error}", _MEND) from error
    value, problem = json_door.read_value(text)
    if problem:
        raise RowProblem(f"the row has a value that no JSON file can hold: {problem.message}", _MEND)
    return dict(value)
