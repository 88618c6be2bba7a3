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
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from llmops.documents.reading import yaml_door
from llmops.evaluation.plugins.promptfoo.asserts import Found, Unmeasured, Verdict, verdict

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


def is_json(answer: str, schema: Any, is_inverse: bool) -> Verdict:
    """The answer is JSON that fits the schema."""
    try:
        value = json_of(answer)
    except NotJson as error:
        return verdict(False, is_inverse, f"the answer is no JSON: {error}")
    problem = problem_with(value, schema)
    return verdict(not problem, is_inverse, problem or "the answer is such JSON")


def contains_json(answer: str, schema: Any, is_inverse: bool) -> Found:
    """An object that fits the schema stands in the answer."""
    problem = "the answer holds no JSON object"
    try:
        for value in _objects(answer):
            problem = problem_with(value, schema)
            if not problem:
                return verdict(True, is_inverse, "the answer holds such JSON")
    except _TooManyBraces:
        return Unmeasured(reason="the answer holds too many braces to look for JSON in it")
    return verdict(False, is_inverse, problem)


def problem_with(value: Any, schema: Any) -> str:
    """Why the value does not fit the schema; "" where it does, or where there is none."""
    if not schema:
        return ""
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        problem = best_match(_validator(schema).iter_errors(value))
    except (Unresolvable, RecursionError) as error:
        return f"the schema cannot be followed: {error}"
    if problem is None:
        return ""
    place = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in problem.absolute_path)
    return f"{place or 'the value'}: {problem.message}"


def _validator(schema: Any) -> Any:
    from jsonschema import Draft7Validator
    from referencing import Registry

    # An empty registry: a schema must not make us fetch another one. Draft 7 is what promptfoo's validator takes.
    return Draft7Validator(schema, registry=Registry())


def schema_problem(schema: Any) -> str:
    """Why a value is no JSON Schema, "" where it is one."""
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft7Validator.check_schema(schema)
    except SchemaError as error:
        return str(error.message)
    return ""


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
