"""A rule over regular expressions in an output schema: none may take exponential time on an answer.

A model's answer is hostile text, and `re` backtracks: `^(a+)+$` on forty characters runs for hours. A repeat inside a
repeat is refused. What this does not see: alternatives that overlap inside a repeat, such as `(a|aa)+`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

MANY = 16


def nested_repeat(pattern: str) -> bool:
    """True where a repeat of more than 16 stands inside another one. False for what is no expression at all."""
    try:
        return _is_nested(import_module("re._parser").parse(pattern), depth=0)
    except (re.error, RecursionError, OverflowError):
        return False


def patterns(schema: Any, pointer: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every expression in a JSON Schema with its place: `pattern`, and the keys of `patternProperties`."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            place = (*pointer, key)
            if key == "pattern" and isinstance(value, str):
                yield place, value
            if key == "patternProperties" and isinstance(value, dict):
                yield from ((place, name) for name in value)
            yield from patterns(value, place)
    elif isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from patterns(item, (*pointer, index))


def _is_nested(parsed: Any, *, depth: int) -> bool:
    for operation, argument in parsed:
        inside = depth + (str(operation) in ("MAX_REPEAT", "MIN_REPEAT") and int(argument[1]) > MANY)
        if inside > 1 or any(_is_nested(part, depth=inside) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> Iterator[Any]:
    """The expressions inside an operation's argument, whatever its form."""
    if hasattr(argument, "pattern") or type(argument).__name__ == "SubPattern":
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _parts(item)
