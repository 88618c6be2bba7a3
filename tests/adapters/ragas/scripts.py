"""A judge model by script: the reply to a body is computed from the body alone, so two askers of it hear the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from llmops.documents import canonical

ENCODED = 24


def reply(body: Mapping[str, Any]) -> str:
    """Structured output that fits the schema in the system message; values follow from the body's digest."""
    system = body["messages"][0]["content"]
    schema = json.loads(system[system.index("{") : system.rindex("}") + 1])
    return json.dumps(_value(schema, schema, _Dice(canonical.digest(dict(body))), _statements(body), "", ""))


def stumbling(body: Mapping[str, Any]) -> str:
    """As `reply`, but half of the questions get a fitting reply only when they are asked again."""
    if len(body["messages"]) == 2 and int(canonical.digest(dict(body)), 16) % 2:
        return '{"beside": "the point"}'
    return reply(body)


def vector(text: str) -> list[float]:
    """A unit vector in which texts that share words are near each other (float32 values)."""
    import numpy as np

    found = np.full(ENCODED, 0.01)
    for word in text.lower().split():
        found[hashlib.sha256(word.encode()).digest()[0] % ENCODED] += 1
    unit: list[float] = (found / np.linalg.norm(found)).astype(np.float32).tolist()
    return unit


class _Dice:
    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def roll(self, sides: int) -> int:
        self._count += 1
        return hashlib.sha256(f"{self._seed}/{self._count}".encode()).digest()[0] % sides


def _statements(body: Mapping[str, Any]) -> list[str]:
    """The statements that the prompt asks to judge: a verdict is given to each, as a careful model does."""
    prompt = body["messages"][1]["content"]
    start = prompt.rindex("input: ") + len("input: ")
    value, _ = json.JSONDecoder().raw_decode(prompt[start:])
    return list(value.get("statements", []))


_INTEGERS = {"rating": (0, 3), "score": (1, 5)}


def _value(node: Any, root: Any, dice: _Dice, statements: list[str], name: str, at: str) -> Any:
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    kind = node.get("type")
    if kind == "object":
        fields = node["properties"].items()
        return {key: _value(item, root, dice, statements, key, at) for key, item in fields}
    if kind == "array":
        named = statements or [f"statement {at}{dice.roll(50)}" for _ in range(1 + dice.roll(3))]
        return [_value(node["items"], root, dice, [], name, f"{text} ") for text in named]
    if kind == "integer":
        lowest, sides = _INTEGERS.get(name, (0, 2))
        return lowest + dice.roll(sides)
    return at.strip() if name == "statement" and at else f"{name} {dice.roll(9)} of the mortgage rate {dice.roll(9)}"
