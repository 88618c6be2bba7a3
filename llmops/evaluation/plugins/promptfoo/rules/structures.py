"""Asserts on JSON in an answer.

Rules, in order:

1. `is-json`: the whole answer is one JSON value (no fence around it is let pass), and fits the schema if there is one.
2. `contains-json`: an object stands somewhere in the answer, and one of them fits the schema if there is one. Objects
   are found by their braces; they may be written as YAML writes them (`{a: 1}`), and one that the answer's end cuts off
   is closed. Both is lenient, and as promptfoo does it.
3. Looking for objects is bounded: an answer of braces alone must not cost time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from llmops.documents.reading import yaml_door
from llmops.documents.scanning import fitting
from llmops.evaluation.plugins.promptfoo.asserts import Found, Unmeasured, verdict

LONGEST_OBJECT = 100_000
MOST_STEPS = 200_000


class NotJson(ValueError):
    """A text that is no JSON value."""


class _TooManyBraces(Exception):
    """Looking further would cost more than it tells."""


def json_of(text: str) -> Any:
    """The JSON value that a text is. Raises: NotJson."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from error


def _refuse(constant: str) -> NoReturn:
    raise NotJson(f"{constant} is no JSON number")


def is_json(answer: str, schema: Any, is_inverse: bool) -> Found:
    """The answer is JSON that fits the schema."""
    try:
        value = json_of(answer)
    except NotJson as error:
        return verdict(False, is_inverse, f"the answer is no JSON: {error}")
    try:
        problem = problem_with(value, schema)
    except fitting.Unchecked as error:
        return Unmeasured(reason=str(error))
    return verdict(not problem, is_inverse, problem or "the answer is such JSON")


def contains_json(answer: str, schema: Any, is_inverse: bool) -> Found:
    """An object that fits the schema stands in the answer. Unmeasured where none does, and one could not be checked."""
    problem, unchecked = "the answer holds no JSON object", ""
    try:
        for value in _objects(answer):
            try:
                problem = problem_with(value, schema)
            except fitting.Unchecked as error:
                unchecked = str(error)
                continue
            if not problem:
                return verdict(True, is_inverse, "the answer holds such JSON")
    except _TooManyBraces:
        return Unmeasured(reason="the answer holds too many braces to look for JSON in it")
    return Unmeasured(reason=unchecked) if unchecked else verdict(False, is_inverse, problem)


RULES: Mapping[str, Callable[[str, Any, bool], Found]] = MappingProxyType(
    {"is-json": is_json, "contains-json": contains_json}
)


def problem_with(value: Any, schema: Any) -> str:
    """Why the value does not fit the schema; "" where it does, or where there is none. Draft 7 is what promptfoo's
    validator takes. Raises: Unchecked."""
    return fitting.problem(value, schema, fitting.DRAFT_7) if schema else ""


def schema_problem(schema: Any) -> str:
    """Why a value is no JSON Schema to check answers with, "" where it is one."""
    if fitting.parts(schema) > fitting.MOST_PARTS or (fitting.unfolded(schema) or 0) > fitting.MOST_PARTS:
        return f"it has more than {fitting.MOST_PARTS} parts"
    outside = next(fitting.references(schema), None)
    if outside is not None:
        return f"it refers to what is not in it: {outside[1]}"
    found = fitting.schema_problem(schema, fitting.DRAFT_7)
    return found[1] if found else ""


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    start, steps = text.find("{"), 0
    while start >= 0:
        value, end = _strict(text, start)
        if value is None:
            end, depth = _end_of(text, start)
            steps += end - start
            if steps > MOST_STEPS:
                raise _TooManyBraces
            value = _lenient(text[start:end] + "}" * depth)
        if isinstance(value, Mapping):
            yield value
        else:
            end = start + 1
        start = text.find("{", end)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _strict(text: str, start: int) -> tuple[Any, int]:
    """The JSON object that begins at `start` and where it ends; None where none does."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start


def _end_of(text: str, start: int) -> tuple[int, int]:
    """Where the braces that open at `start` are closed, and how many are not."""
    depth = 0
    last = min(start + LONGEST_OBJECT, len(text))
    for place in range(start, last):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return place + 1, 0
    return last, depth


def _lenient(text: str) -> Any:
    parsed = yaml_door.parse(text.encode("utf-8", "replace"), "the answer")
    return parsed.value if parsed.is_readable else None
