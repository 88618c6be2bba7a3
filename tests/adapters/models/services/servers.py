"""Real HTTP servers on the loopback interface that answer as each service does, its complaints included.

A question chooses what happens: its last message holds one of the words of `Situation`. Everything else is answered.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from llmops.documents.config import ModelConfig

MODEL = "big-1"
DEPLOYMENT = "our-big"


class Situation(StrEnum):
    """What goes wrong. `WRONG_KEY`, `WRONG_MODEL` and `WRONG_PATH` are found by the server itself."""

    WRONG_KEY = "wrong-key"
    WRONG_MODEL = "wrong-model"
    WRONG_PATH = "wrong-path"
    TOO_LONG = "[too long]"
    LIMITED = "[limited]"
    OVERLOADED = "[overloaded]"
    INVALID = "[invalid]"
    FILTERED = "[filtered]"
    IN_STREAM = "[in stream]"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One reply: status, JSON value or plain text, headers."""

    status: int
    value: Any
    headers: dict[str, str] = field(default_factory=dict)


def openai_error(message: str, kind: Any = None, code: Any = None, param: Any = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One service: how it is configured, where it listens, how it complains. `{key}` is the key that came; `refuses`
    are fields of a body that it does not know."""

    provider: str
    config: dict[str, Any]
    base: str
    path: str
    says: dict[Situation, Said]
    key_header: str = "authorization"
    key_prefix: str = "Bearer "
    model: str | None = MODEL
    first_chunk: dict[str, Any] | None = None
    refuses: dict[str, Said] = field(default_factory=dict)

    def model_config(self, address: str, **changes: Any) -> ModelConfig:
        values = {"model": MODEL, "key_env": "BIG_KEY", "base_url": address + self.base, **self.config, **changes}
        return ModelConfig(name="big", provider=self.provider, **values)


class ServiceServer(ThreadingHTTPServer):
    """One service with one key. One that `recovers` is overloaded, or at a limit, for one request alone."""

    daemon_threads = True

    def __init__(self, profile: Profile, key: str, *, recovers: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.profile = profile
        self.key = key
        self.recovers = recovers
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def situation(self, path: str, key: str, body: dict[str, Any]) -> Situation | None:
        profile = self.profile
        if path != profile.base + profile.path:
            is_deployment = path.startswith("/openai/deployments/")
            return Situation.WRONG_MODEL if is_deployment else Situation.WRONG_PATH
        if key != profile.key_prefix + self.key:
            return Situation.WRONG_KEY
        if body.get("model") != profile.model:
            return Situation.WRONG_MODEL
        text = str(body["messages"][-1]["content"])
        found = next((situation for situation in profile.says if situation in text), None)
        is_passing = found in (Situation.LIMITED, Situation.OVERLOADED)
        return None if is_passing and self.recovers and len(self.bodies) > 1 else found


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ServiceServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.paths.append(self.path)
        key = self.headers.get(self.server.profile.key_header, "")
        situation = self.server.situation(self.path, key, body)
        for unknown, said in self.server.profile.refuses.items():
            if situation is None and unknown in json.dumps(body):
                return self._complain(said, key)
        if situation is Situation.IN_STREAM and body.get("stream"):
            return self._stream([piece("He"), self.server.profile.says[situation].value])
        if situation is not None and situation is not Situation.IN_STREAM:
            return self._complain(self.server.profile.says[situation], key)
        if body.get("stream"):
            return self._stream(pieces(body, self.server.profile.first_chunk))
        return self._send(200, json.dumps(completion(body)).encode(), {"Content-Type": "application/json"})

    def _complain(self, said: Said, key: str) -> None:
        is_text = isinstance(said.value, str)
        text = said.value if is_text else json.dumps(said.value)
        quoted = key.removeprefix(self.server.profile.key_prefix)
        data = text.replace("{key}", quoted if is_text else json.dumps(quoted)[1:-1]).encode()
        self._send(said.status, data, {"Content-Type": "text/plain" if is_text else "application/json", **said.headers})

    def _stream(self, events: list[dict[str, Any]]) -> None:
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        self._send(200, "".join([*lines, "data: [DONE]\n\n"]).encode(), {"Content-Type": "text/event-stream"})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


def _message(body: dict[str, Any]) -> dict[str, Any]:
    if body.get("tools"):
        call = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "Bonn"}'}
        return {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": call}]}
    return {"role": "assistant", "content": f"echo: {body['messages'][-1]['content']}"}


USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "prompt_tokens_details": {"cached_tokens": 5}}


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """A chat completion."""
    reason = "tool_calls" if body.get("tools") else "stop"
    choice = {"index": 0, "message": _message(body), "finish_reason": reason}
    return {"id": "c-1", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": USAGE}


def piece(text: str | None, reason: str | None = None) -> dict[str, Any]:
    delta = {"content": text} if text else {}
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}


def pieces(body: dict[str, Any], first: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The same in pieces; usage comes last and where it was asked for."""
    text = str(_message(body)["content"])
    events = [*([first] if first else []), piece(text[:3]), piece(text[3:]), piece(None, "stop")]
    wants_usage = body.get("stream_options", {}).get("include_usage")
    return [*events, {"object": "chat.completion.chunk", "choices": [], "usage": USAGE}] if wants_usage else events


@contextmanager
def serving(profile: Profile, key: str, *, recovers: bool = False) -> Iterator[ServiceServer]:
    """A running server of `profile` that knows `key`."""
    server = ServiceServer(profile, key, recovers=recovers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
