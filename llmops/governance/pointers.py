"""A pointer: what serves for one prompt in one environment. Written whole, one spelling, read back strictly.

Every text stands in double quotes, so that no YAML reader takes `off`, a version or a digest for something else. The
lines are adjacent, so that two pointers that changed in one merge collide instead of mixing.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from llmops.errors import CannotAsk

STATUSES = ("stable", "canary", "held", "off")
LARGEST_POINTER = 8_192
NOTHING = "0" * 64
"""Stands where a digest of a predecessor would stand and there is none."""
_PLAIN = ("prompt", "environment", "status", "version", "digest", "weights", "generation", "record")
_WEIGHT = ("version", "digest", "index", "percent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A release's share of the traffic; `index` names its built retrieval index ("": it retrieves nothing)."""

    version: str
    digest: str
    index: str
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What serves: the stable version and digest, and the weights (sum 100; stable and at most one candidate).

    `off` serves the fallback that the stable release declares. `record` is the SHA-256 of the record that set it.
    """

    prompt: str
    environment: str
    status: str
    version: str
    digest: str
    weights: tuple[Weight, ...]
    generation: int
    record: str

    @property
    def path(self) -> str:
        return path_of(self.environment, self.prompt)

    @property
    def candidate(self) -> Weight | None:
        """The release that takes part of the traffic during a canary."""
        return next((weight for weight in self.weights if weight.digest != self.digest), None)

    @property
    def stable(self) -> Weight:
        return next(weight for weight in self.weights if weight.digest == self.digest)


def path_of(environment: str, prompt: str) -> str:
    """Where the pointer of this prompt and environment stands in a tree."""
    return f"environments/{environment}/{prompt}.yaml"


def render(pointer: Pointer) -> bytes:
    """The one spelling of `pointer`."""
    lines = []
    for field in _PLAIN:
        if field != "weights":
            lines.append(f"{field}: {_scalar(getattr(pointer, field))}")
            continue
        lines.append("weights:")
        for weight in pointer.weights:
            inner = ", ".join(f"{name}: {_scalar(getattr(weight, name))}" for name in _WEIGHT)
            lines.append(f"  - {{{inner}}}")
    return ("\n".join(lines) + "\n").encode()


def parse(data: bytes, path: str) -> Pointer:
    """The pointer in `data`. Raises: CannotAsk POINTER_INVALID unless the bytes are what `render` gives."""
    try:
        if len(data) > LARGEST_POINTER:
            raise ValueError(f"{len(data)} bytes, at most {LARGEST_POINTER} allowed")
        pointer = _read(data.decode("ascii").split("\n"))
        if render(pointer) != data:
            raise ValueError("its bytes differ from the written form of its content")
        if pointer.path != path:
            raise ValueError(f"it says it is {pointer.path}")
    except (ValueError, KeyError, TypeError) as error:
        raise CannotAsk(
            "POINTER_INVALID",
            f"not a pointer as `llmops promote` writes it: {error}",
            where=path,
            hint="pointers are never edited by hand: restore the file from git",
        ) from error
    return pointer


def _read(lines: list[str]) -> Pointer:
    fields: dict[str, Any] = {"weights": ()}
    for line in lines:
        if match := re.fullmatch(r"  - \{version: (.+), digest: (.+), index: (.+), percent: (\d{1,3})\}", line):
            values = dict(zip(_WEIGHT, (json.loads(part) for part in match.groups()), strict=True))
            fields["weights"] += (Weight(**values),)
        elif match := re.fullmatch(r"([a-z]+): (.+)", line):
            fields[match[1]] = json.loads(match[2])
    return Pointer(**fields)


def _scalar(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=True)
