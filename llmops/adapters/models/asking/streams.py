"""A streamed chat completion (server-sent events) joined into the value of an ordinary one.

Rules, in order:

1. Events are `data:` lines; comments and other fields are passed over. `[DONE]` or a finish reason ends the answer:
   a stream that breaks off before is malformed, whatever it had said.
2. Pieces of content, of a refusal and of tool calls are joined in order, tool calls by their index. Of several
   choices the first counts.
3. The first token is the first piece of any of these.
4. An error within the stream is the endpoint's complaint, not an answer.
5. A joined answer holds at most as much as an ordinary reply. The wrapping around each piece may take more, so the
   whole stream has a limit of its own, and so has a line. A line is put together once, when its end is there.
"""

from __future__ import annotations

import json
from typing import Any

from llmops.adapters.models.bodies import MalformedReply
from llmops.adapters.models.services.words import holds_error

LARGEST_STREAM_BYTES = 32_000_000
LARGEST_LINE_BYTES = 1_000_000


class ErrorEvent(Exception):
    """The stream holds an error in place of a piece. `data` is the event."""

    def __init__(self, data: bytes) -> None:
        super().__init__("an error within the stream")
        self.data = data


class Joining:
    """The pieces of one stream so far."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._rest_size = 0
        self._texts: dict[str, list[str]] = {"content": [], "refusal": []}
        self._calls: dict[int, dict[str, Any]] = {}
        self._usage: Any = None
        self._finish_reason: str | None = None
        self._is_done = False
        self.size = 0
        self.has_token = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises: MalformedReply, ErrorEvent."""
        first, *others = chunk.split(b"\n")
        self._rest.append(first)
        self._rest_size += len(first)
        if self._rest_size > LARGEST_LINE_BYTES or max(map(len, others), default=0) > LARGEST_LINE_BYTES:
            raise MalformedReply(f"a stream with a line of more than {LARGEST_LINE_BYTES:,} bytes")
        if not others:
            return
        self._line(b"".join(self._rest))
        for line in others[:-1]:
            self._line(line)
        self._rest, self._rest_size = [others[-1]], len(others[-1])

    def value(self) -> dict[str, Any]:
        """The completion as if it had not been streamed. Raises: MalformedReply."""
        self._line(b"".join(self._rest))
        self._rest, self._rest_size = [], 0
        if not self._is_done and self._finish_reason is None:
            raise MalformedReply("a stream that broke off before the end of the answer")
        if self._usage is None:
            raise MalformedReply("a stream without usage: set `stream: false` where the endpoint sends none")
        message: dict[str, Any] = {name: "".join(pieces) for name, pieces in self._texts.items() if pieces}
        if self._calls:
            message["tool_calls"] = [{"function": call} for _, call in sorted(self._calls.items())]
        elif not message and self._is_done:
            message["content"] = ""
        return {"choices": [{"message": message, "finish_reason": self._finish_reason}], "usage": self._usage}

    def _line(self, line: bytes) -> None:
        name, _, data = line.strip().partition(b":")
        data = data.strip()
        if name != b"data" or not data:
            return
        if data == b"[DONE]":
            self._is_done = True
            return
        self._event(_parsed(data), data)

    def _event(self, event: Any, data: bytes) -> None:
        if holds_error(event):
            raise ErrorEvent(data)
        if not isinstance(event, dict):
            raise MalformedReply("a stream with an event that is no object", data)
        self._usage = event.get("usage") or self._usage
        choices = event.get("choices") or []
        first = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(first, dict) and first.get("index", 0) == 0:
            self._choice(first)

    def _choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta")
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish_reason = reason
        if not isinstance(delta, dict):
            return
        for name, pieces in self._texts.items():
            piece = delta.get(name)
            if isinstance(piece, str) and piece:
                pieces.append(piece)
                self._count(piece)
        calls = delta.get("tool_calls") or []
        if not isinstance(calls, list):
            raise MalformedReply("a stream whose tool calls are no list")
        for call in calls:
            self._tool_call(call)

    def _tool_call(self, call: Any) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise MalformedReply("a stream whose tool calls are no objects")
        at = call.get("index", 0)
        known = self._calls.setdefault(at if isinstance(at, int) else 0, {"name": "", "arguments": ""})
        for name in known:
            piece = function.get(name)
            if isinstance(piece, str):
                known[name] += piece
                self._count(piece)

    def _count(self, piece: str) -> None:
        self.has_token = True
        self.size += len(piece)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MalformedReply("a stream with an event that is no JSON", data) from error
