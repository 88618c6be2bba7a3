"""A request to a model and its reply, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a model, as its endpoint gets it. `repeat` tells equal requests of repeated runs apart."""

    model: str
    messages: tuple[Mapping[str, str], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    response_schema: Mapping[str, Any] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """What the model said and what it took. `request_digest` names the request (model, full body, repeat)."""

    text: str
    request_digest: str
    input_tokens: int
    output_tokens: int
    latency_ms: int
    nano_usd: int
    is_cached: bool
