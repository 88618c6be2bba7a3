"""Rules over the regular expressions in a schema: none may take endless time on an answer.

A model's answer is hostile text, and `re` backtracks: `^(a|aa)+$` on sixty characters runs for years. What it is about
an expression is found in `ambiguity`; here stands where a schema has expressions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.documents.scanning import ambiguity


def slow(pattern: str) -> str:
    """Why an expression may take too long, as the end of a sentence about it; "" where it does not."""
    return ambiguity.problem(pattern)


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
