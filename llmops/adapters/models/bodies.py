"""What is sent to an endpoint and what comes back, as values.

Rules, in order:

1. The body is the request and nothing else: parameters go out as they stand, a seed moved on by the repeat, so that
   no two repeats ask the same. For the embedded model a missing `max_tokens` means 256, a missing seed 0: the same
   request gives the same answer.
2. A request is named by what could change the answer or its measurement: model identity, body, repeat. What it is for
   (`stage`) does not.
3. A reply that has no text, no usage, or is no JSON is malformed. It is never an empty answer; but a model that was
   stopped (`length`, `content_filter`) before its first word has answered nothing.
4. Half a surrogate pair (an answer that was cut within a character) is read as U+FFFD, like any other broken byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from llmops.adapters.models.identities import is_embedded
from llmops.documents import canonical
from llmops.documents.chat import ChatRequest, ToolCall
from llmops.documents.config import ModelConfig

EMBEDDED_MAX_TOKENS = 256
MOST_TOKENS = 10**9
FILTERED = "content_filter"
_STOPPED = frozenset({"length", FILTERED})
_HALF_PAIR = re.compile("[\ud800-\udfff]")


class MalformedReply(ValueError):
    """The endpoint answered with something that is no chat completion and no list of vectors. `data` is what a message
    may quote, once no key is in it."""

    def __init__(self, what: str, data: bytes = b"") -> None:
        super().__init__(what)
        self.data = data


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reply says and what it took."""

    text: str
    input_tokens: int
    output_tokens: int
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    is_refusal: bool = False
    cached_tokens: int = 0

    def with_texts(self, change: Callable[[str], str]) -> Self:
        """The same, every text in it changed."""
        calls = tuple(ToolCall(name=change(call.name), arguments=change(call.arguments)) for call in self.tool_calls)
        return replace(self, text=change(self.text), tool_calls=calls, finish_reason=change(self.finish_reason))


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
    if config.stream:
        body["stream"] = True
    return body


def digest_of(identity: Mapping[str, str], body: Mapping[str, Any], repeat: int) -> str:
    """The name of a request: model identity, full body, repeat."""
    return canonical.digest({"model": identity, "body": body, "repeat": repeat})


def parse(data: bytes) -> Any:
    """The JSON value of a reply. Raises: MalformedReply."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _no_completion(data) from error


def read_chat(data: bytes) -> Reading:
    """The reply in the bytes of a chat completion. Raises: MalformedReply."""
    return read_completion(parse(data), data)


def read_completion(value: Any, data: bytes = b"") -> Reading:
    """The reply in the value of a chat completion; `data` is what a message may quote. Raises: MalformedReply."""
    try:
        choice = value["choices"][0]
        message = choice["message"]
        usage = value["usage"]
        tokens = (int(usage["prompt_tokens"]), int(usage["completion_tokens"]))
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise _no_completion(data) from error
    if not all(0 <= count <= MOST_TOKENS for count in tokens):
        raise MalformedReply("a reply whose counts of tokens cannot be true")
    if not isinstance(message, Mapping):
        raise MalformedReply("a reply whose message is no object")
    reason = choice.get("finish_reason")
    return _read_message(message, reason if isinstance(reason, str) and reason else "stop", tokens, _cached(usage))


def _no_completion(data: bytes) -> MalformedReply:
    start = data[:80].decode("utf-8", "replace")
    return MalformedReply(f"a reply without choices, message or usage: {start!r}")


def _cached(usage: Mapping[str, Any]) -> int:
    """The input tokens that the endpoint had in its own cache."""
    details = usage.get("prompt_tokens_details")
    count = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return min(count, int(usage["prompt_tokens"])) if type(count) is int and count > 0 else 0


def _read_message(message: Mapping[str, Any], reason: str, tokens: tuple[int, int], cached: int) -> Reading:
    """The content; where a model calls tools or refuses instead, the calls (as JSON) or the refusal."""
    calls = _tool_calls(message.get("tool_calls"))
    text, refusal = message.get("content"), message.get("refusal")
    is_refusal = reason == FILTERED or (isinstance(refusal, str) and bool(refusal) and not text)
    if calls and not text:
        text = json.dumps([call.as_json() for call in calls], sort_keys=True, ensure_ascii=False)
    text = refusal if text is None or (is_refusal and not text) else text
    if text is None and reason in _STOPPED:
        text = ""
    if not isinstance(text, str):
        raise MalformedReply("a reply without text")
    return Reading(
        text=_whole(text),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        tool_calls=calls,
        finish_reason=_whole(reason),
        is_refusal=is_refusal,
        cached_tokens=cached,
    )


def _whole(text: str) -> str:
    return _HALF_PAIR.sub("\ufffd", text)


def _tool_calls(calls: Any) -> tuple[ToolCall, ...]:
    if not calls:
        return ()
    if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
        raise MalformedReply("a reply whose tool calls are no list of objects")
    return tuple(_tool_call(call.get("function")) for call in calls)


def _tool_call(function: Any) -> ToolCall:
    name = function.get("name") if isinstance(function, Mapping) else None
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    if isinstance(arguments, Mapping):  # some servers send the object instead of its JSON
        arguments = json.dumps(arguments, sort_keys=True, ensure_ascii=False)
    if not isinstance(name, str) or not isinstance(arguments or "", str):
        raise MalformedReply("a reply whose tool call has no name")
    return ToolCall(name=_whole(name), arguments=_whole(arguments or "{}"))


def filtered_answer(words: str) -> Reading:
    """What a content filter says in place of an answer."""
    return Reading(text=_whole(words), input_tokens=0, output_tokens=0, finish_reason=FILTERED, is_refusal=True)
