"""A request to a model and its reply, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """What a request is for. Money and tokens are booked by it; what is asked and what names it do not depend on it."""

    GENERATOR = "generator"
    JUDGE = "judge"
    EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that the model wants to be called; `arguments` as the model wrote them: JSON, if it was careful."""

    name: str
    arguments: str = "{}"

    def as_json(self) -> dict[str, str]:
        """The call as a JSON value."""
        return {"name": self.name, "arguments": self.arguments}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a model, as its endpoint gets it. `repeat` tells equal requests of repeated runs apart.

    A message is a mapping with `role` and `content`, in the form of the chat completions API (parts, tool calls and
    tool results included).
    """

    model: str
    messages: tuple[Mapping[str, Any], ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    response_schema: Mapping[str, Any] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    repeat: int = 0
    stage: Stage = Stage.GENERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """What the model said and what it took. `request_digest` names the request (model, full body, repeat).

    `text` is the content; where the model refuses through the API's own field, that refusal (`is_refusal`); where it
    only calls tools, the calls as JSON. `finish_reason` is the endpoint's ("length": cut off by max_tokens).
    `ttft_ms` is the time to the first token, None where the reply was not streamed. `cached_tokens` are those of
    `input_tokens` that the endpoint had in its own cache. A price that nobody knows is 0 and `is_priced` False.
    """

    text: str
    request_digest: str
    input_tokens: int
    output_tokens: int
    latency_ms: int
    nano_usd: int
    is_cached: bool
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    is_refusal: bool = False
    cached_tokens: int = 0
    ttft_ms: int | None = None
    is_priced: bool = True
