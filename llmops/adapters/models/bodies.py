"""What is sent to an endpoint and what comes back, as values.

Rules, in order:

1. The body is the request and nothing else: parameters go out as they stand, a seed moved on by the repeat, so that
   no two repeats ask the same. For the embedded model a missing `max_tokens` means 256, a missing seed 0: the same
   request gives the same answer.
2. A request is named by what could change the answer: model identity, body, repeat.
3. A reply that has no text, no usage, or is no JSON is malformed. It is never an empty answer.
4. Half a surrogate pair (an answer that was cut within a character) is read as U+FFFD, like any other broken byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.adapters.models.identities import is_embedded
from llmops.documents import canonical
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig

EMBEDDED_MAX_TOKENS = 256
MOST_TOKENS = 10**9
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class MalformedReply(ValueError):
    """The endpoint answered with something that is no chat completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reply says and what it took."""

    text: str
    input_tokens: int
    output_tokens: int


def chat_body(config: ModelConfig, request: ChatRequest) -> dict[str, Any]:
    """The JSON body of a chat completion."""
    defaults = {"max_tokens": EMBEDDED_MAX_TOKENS, "seed": 0} if is_embedded(config) else {}
    body: dict[str, Any] = {**defaults, **request.parameters}
    if "seed" in body:
        body["seed"] += request.repeat
    body["model"] = config.model
    body["messages"] = [dict(message) for message in request.messages]
    if request.tools:
        body["tools"] = [dict(tool) for tool in request.tools]
    if request.response_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": dict(request.response_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def digest_of(identity: Mapping[str, str], body: Mapping[str, Any], repeat: int) -> str:
    """The name of a request: model identity, full body, repeat."""
    return canonical.digest({"model": identity, "body": body, "repeat": repeat})


def read_chat(data: bytes) -> Reading:
    """The reply in the bytes of a chat completion. Raises: MalformedReply."""
    try:
        value = json.loads(data)
        message = value["choices"][0]["message"]
        usage = value["usage"]
        tokens = (int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        start = data[:80].decode("utf-8", "replace")
        raise MalformedReply(f"a reply without choices, message or usage: {start!r}") from error
    if not all(0 <= count <= MOST_TOKENS for count in tokens):
        raise MalformedReply("a reply whose counts of tokens cannot be true")
    return Reading(text=_HALF_PAIR.sub("\ufffd", _text_of(message)), input_tokens=tokens[0], output_tokens=tokens[1])


def _text_of(message: Any) -> str:
    """The content; where a model calls tools or refuses instead, the calls (as JSON) or the refusal."""
    if not isinstance(message, Mapping):
        raise MalformedReply("a reply whose message is no object")
    calls = message.get("tool_calls")
    if calls and not message.get("content"):
        return json.dumps(_functions(calls), sort_keys=True, ensure_ascii=False)
    text = message.get("content")
    text = message.get("refusal") if text is None else text
    if not isinstance(text, str):
        raise MalformedReply("a reply without text")
    return text


def _functions(calls: Any) -> list[Any]:
    if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
        raise MalformedReply("a reply whose tool calls are no list of objects")
    return [call.get("function") for call in calls]
