"""A real HTTP server on the loopback interface that answers as OpenAI's does, and misbehaves on order."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One misbehaviour: a status with a body, after a delay; `breaks` closes the connection without a word;
    `pieces` are sent one by one, each after a pause, and then the connection ends."""

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    breaks: bool = False
    pieces: tuple[bytes, ...] = ()
    pause: float = 0.0


class EndpointServer(ThreadingHTTPServer):
    """Answers `echo: <last message>`; the first requests meet the `troubles`, in order."""

    daemon_threads = True

    def __init__(self, troubles: tuple[Trouble, ...] = (), *, delay: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.troubles = list(troubles)
        self.delay = delay
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.times: list[float] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def begin(self, body: dict[str, Any], key: str) -> Trouble:
        with self._lock:
            self.bodies.append(body)
            self.keys.append(key)
            self.times.append(time.monotonic())
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self.troubles.pop(0) if self.troubles else Trouble(delay=self.delay)

    def end(self) -> None:
        with self._lock:
            self._at_once -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: EndpointServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        trouble = self.server.begin(body, self.headers.get("Authorization", ""))
        try:
            time.sleep(trouble.delay)
        finally:
            self.server.end()
        if trouble.breaks:
            self.close_connection = True
            return
        if trouble.pieces:
            self._drip(trouble)
            return
        self._answer(trouble, completion(body) if trouble.body is None else trouble.body)

    def _answer(self, trouble: Trouble, data: bytes) -> None:
        self.send_response(trouble.status)
        for name, value in {**trouble.headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def _drip(self, trouble: Trouble) -> None:
        self.send_response(trouble.status)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in trouble.pieces:
            time.sleep(trouble.pause)
            self.wfile.write(piece)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


def completion(body: dict[str, Any]) -> bytes:
    """A chat completion as OpenAI's API spells it."""
    text = f"echo: {body['messages'][-1]['content']}"
    message = {"role": "assistant", "content": text, "refusal": None}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    value = {"id": "c-1", "object": "chat.completion", "model": body["model"], "choices": choices, "usage": usage}
    return json.dumps(value).encode()


def sse(*events: Any, done: bool = True) -> tuple[bytes, ...]:
    """Server-sent events, a piece each, as OpenAI's API spells them."""
    pieces = tuple(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    return (*pieces, b"data: [DONE]\n\n") if done else pieces


@contextmanager
def serving(*troubles: Trouble, delay: float = 0.0) -> Iterator[EndpointServer]:
    """A running server."""
    with running(EndpointServer(troubles, delay=delay)) as server:
        yield server


@contextmanager
def running(server: EndpointServer) -> Iterator[EndpointServer]:
    """This server, running."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
