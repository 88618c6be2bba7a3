"""A chat reply as the cache keeps it: JSON with what the endpoint said and how long it took, and nothing else.

What only some replies have is left out of the others, so entries written before it existed read as they always did.
"""

from __future__ import annotations

import json
from typing import Any

from llmops.adapters.models.bodies import Reading
from llmops.adapters.models.prices import nano_usd
from llmops.documents.chat import ChatReply, ToolCall
from llmops.documents.config import Prices


def key_of(digest: str) -> str:
    """Where the reply to the request of this digest is kept."""
    return f"chat/{digest}"


def dump(reading: Reading, *, latency_ms: int, ttft_ms: int | None) -> bytes:
    """The entry of a reply."""
    entry: dict[str, Any] = {
        "text": reading.text,
        "input_tokens": reading.input_tokens,
        "output_tokens": reading.output_tokens,
        "latency_ms": latency_ms,
    }
    if reading.tool_calls:
        entry["tool_calls"] = [call.as_json() for call in reading.tool_calls]
    if reading.finish_reason != "stop":
        entry["finish_reason"] = reading.finish_reason
    if reading.is_refusal:
        entry["is_refusal"] = True
    if reading.cached_tokens:
        entry["cached_tokens"] = reading.cached_tokens
    if ttft_ms is not None:
        entry["ttft_ms"] = ttft_ms
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass")


def reply(kept: bytes, digest: str, prices: Prices | None, *, is_cached: bool) -> ChatReply:
    """The reply that an entry holds, at today's prices: they are configuration, not content."""
    entry = json.loads(kept.decode("utf-8", "surrogatepass"))
    tokens = {name: entry.get(name, 0) for name in ("input_tokens", "output_tokens", "cached_tokens")}
    return ChatReply(
        text=entry["text"],
        request_digest=digest,
        latency_ms=entry["latency_ms"],
        nano_usd=0 if prices is None else nano_usd(prices, **tokens),
        is_cached=is_cached,
        tool_calls=tuple(ToolCall(**call) for call in entry.get("tool_calls", ())),
        finish_reason=entry.get("finish_reason", "stop"),
        is_refusal=entry.get("is_refusal", False),
        ttft_ms=entry.get("ttft_ms"),
        is_priced=prices is not None,
        **tokens,
    )
