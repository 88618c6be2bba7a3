"""What an application is asked about one case, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.documents.chat import ChatRequest, ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One case, as whoever answers it sees it: no label of the evalset is in it.

    `request` is what the prompt's own model would be sent, passages included. `prompt` and `version` name the release
    under evaluation, `behaviour` is its behaviour's digest.
    """

    case: str
    repeat: int
    text: str
    prompt: str
    version: str
    behaviour: str
    request: ChatRequest
    turns: tuple[Mapping[str, str], ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer and what it took. `contexts` None: those of the question; an application that retrieves by itself gives
    its own, with ids where it has them. Money, tokens and time are 0 where nobody said; then `is_priced`,
    `is_counted` or `is_timed` is False."""

    text: str
    request_digest: str
    contexts: tuple[str, ...] | None = None
    context_ids: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    nano_usd: int = 0
    latency_ms: int = 0
    ttft_ms: int | None = None
    finish_reason: str = "stop"
    is_cached: bool = False
    is_priced: bool = True
    is_counted: bool = True
    is_timed: bool = True

    @property
    def unknown(self) -> tuple[str, ...]:
        """What nobody said, by the names of the metrics over it."""
        said = {"cost_usd": self.is_priced, "tokens": self.is_counted, "latency_ms": self.is_timed}
        return tuple(name for name, is_known in said.items() if not is_known)
