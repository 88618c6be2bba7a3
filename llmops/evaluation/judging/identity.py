"""What names a judge in evidence, and what it is made of, for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.documents import canonical

LONGEST_PART = 2_000
_ENGINE = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeIdentity:
    """A judge: its name in llmops.yaml, its kind, and the digest of everything that could move its scores (model,
    parameters, prompts, method versions). `label` is what its scores carry.

    `parts` say in words what the digest names: kind, model, embeddings, parameters …; empty for a judge without any.
    """

    name: str
    kind: str
    digest: str
    label: str
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)


def named(identity: Mapping[str, Any]) -> dict[str, Any]:
    """What a judge's digest says of a model: what is configured. The version of the engine that runs an embedded model
    here is no part of it: whoever decides with a judge's scores need not have it."""
    return {name: part for name, part in identity.items() if name != _ENGINE}


def parts_of(named: Mapping[str, Any]) -> dict[str, str]:
    """What a judge's digest is made of, as texts. An identity of a model is spread: `model`, `model_endpoint` …; other
    mappings are canonical JSON, long ones their digest."""
    found: dict[str, str] = {}
    for name, value in named.items():
        if isinstance(value, Mapping) and "model" in value:
            found[name] = str(value["model"])
            found.update({f"{name}_{key}": str(item) for key, item in value.items() if key != "model"})
        else:
            found[name] = value if isinstance(value, str) else _spelled(value)
    return found


def _spelled(value: Any) -> str:
    text = canonical.dumps(value).decode()
    return text if len(text) <= LONGEST_PART else f"sha256:{canonical.digest(value)}"
