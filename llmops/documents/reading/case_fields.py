"""A row of a table as the fields of a case.

Rules, in order:

1. `columns` says which field has which name in the source; then what is no field is passed over. Without it every
   column keeps its name, and whoever checks the case names those that it does not know.
2. An empty cell (null, "" where cells are text) is an absent field.
3. A list or an object may be written as JSON text. Text that is no JSON of that kind is a problem, never one context.
4. Whole numbers and truth values that stand where a text belongs become their JSON text. Nothing else is guessed.
5. A row without an id gets one from its content, the answer left out: the order of rows may change, and answers of two
   runs belong to one case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from llmops.documents import canonical

LISTS = frozenset(
    {"contexts", "relevant", "tags", "contains", "not_contains", "messages", "expected_tool_calls", "tool_calls"}
)
OBJECTS = frozenset({"variables"})
FLAGS = frozenset({"must_pass"})
TEXTS = frozenset({"id", "question", "ground_truth", "answer", "group"})


class RowProblem(ValueError):
    """A row that is no case: what, and what to do. Both are lines meant for people."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def case_fields(row: Mapping[str, Any], columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The fields that the row holds. Raises: RowProblem."""
    names = dict(columns) if columns else {name: name for name in row}
    if columns:
        names |= {field: field for field in (*TEXTS, *LISTS, *OBJECTS, *FLAGS) if field not in names}
    given = {field: row[name] for field, name in names.items() if name in row}
    found = {field: _read(field, value) for field, value in given.items() if not _is_empty(value)}
    found.setdefault("id", _identity(found))
    return found


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


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
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_constant=_refuse)
        except (ValueError, RecursionError):
            value = f"text {value[:40]!r}"
    if not isinstance(value, kind):
        raise RowProblem(f"`{field}` is {_kind(value)}, expected {wanted}", f"write {wanted}, or its JSON text")
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "a truth value", int: "a number", float: "a number"}
    return value if isinstance(value, str) else names.get(type(value), f"a {type(value).__name__}")


def _identity(fields: Mapping[str, Any]) -> str:
    content = {name: value for name, value in fields.items() if name not in ("answer", "tool_calls")}
    try:
        return f"case-{canonical.digest(content)[:16]}"
    except (canonical.CanonicalError, TypeError, RecursionError) as error:
        raise RowProblem(f"the row has a value that no JSON file can hold: {error}", "mend it in the source") from error
