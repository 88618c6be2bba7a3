"""A fast endpoint on the loopback interface, for many requests at once: one event loop in a thread, no framework.

It answers as OpenAI's does, after a latency, to chat completions and embeddings, and fails by a plan: the list of
misbehaviours is drawn from a seeded generator, so that every run meets the same share of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

OK, LIMITED, BROKEN, HUNG, CUT, GARBLED = "ok", "429", "500", "hung", "cut", "garbled"


@dataclass(kw_only=True)
class Load:
    """What the server does and has seen. `shares` are parts of all requests, by misbehaviour."""

    latency: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)
    retry_after: str = ""
    seed: int = 1
    usage: tuple[int, int] = (11, 7)
    dimensions: int = 8
    port: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    batches: list[int] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def sent(self) -> int:
        return self.met.total()

    def next(self) -> str:
        """What the next request meets."""
        kind = self.random.choices([*self.shares, OK], [*self.shares.values(), 1 - sum(self.shares.values())])[0]
        self.met[kind] += 1
        return kind


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self._load = load
        self._data = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(rest) < size:
            return
        self._data = rest[size:]
        self._answer(head.split(b" ")[1].decode(), json.loads(rest[:size]))

    def _answer(self, path: str, body: dict[str, Any]) -> None:
        load = self._load
        load.asked[json.dumps(body.get("messages") or body.get("input"))] += 1
        load.in_flight += 1
        load.most_in_flight = max(load.most_in_flight, load.in_flight)
        kind = load.next()
        data = _embeddings(load, body) if path.endswith("/embeddings") else _completion(load, body)
        if kind != HUNG:
            asyncio.get_running_loop().call_later(load.latency, self._write, kind, data)
        else:
            load.in_flight -= 1

    def _write(self, kind: str, data: bytes) -> None:
        self._load.in_flight -= 1
        if self._transport.is_closing():
            return
        if kind == OK:
            self._transport.write(_http("200 OK", data))
        elif kind == LIMITED:
            asked = f"Retry-After: {self._load.retry_after}\r\n".encode() if self._load.retry_after else b""
            self._transport.write(_http("429 Too Many Requests", b'{"error": {"message": "slow down"}}', asked))
        elif kind == BROKEN:
            self._transport.write(_http("500 Internal Server Error", b'{"error": {"message": "oops"}}'))
        elif kind == GARBLED:
            self._transport.write(_http("200 OK", data[: len(data) // 2]))
        else:
            self._transport.write(_http("200 OK", data)[:-10])
            self._transport.close()


def _http(status: str, data: bytes, more: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n".encode()
    return head + more + b"\r\n" + data


def _completion(load: Load, body: dict[str, Any]) -> bytes:
    message = {"role": "assistant", "content": f"echo: {body['messages'][-1]['content']}"}
    usage = {"prompt_tokens": load.usage[0], "completion_tokens": load.usage[1]}
    return json.dumps({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}).encode()


def _embeddings(load: Load, body: dict[str, Any]) -> bytes:
    load.batches.append(len(body["input"]))
    items = [{"index": at, "embedding": vector_of(text, load.dimensions)} for at, text in enumerate(body["input"])]
    return json.dumps({"data": items[::-1], "usage": {"prompt_tokens": 3 * len(items)}}).encode()


def vector_of(text: str, dimensions: int = 8) -> list[float]:
    """What the server says of a text: not of length one."""
    return [float(byte) + 1 for byte in hashlib.sha256(text.encode()).digest()[:dimensions]]


@contextmanager
def loading(**options: Any) -> Iterator[Load]:
    """A running server."""
    load = Load(**options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_started(load), loop).result()
    try:
        yield load
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _started(load: Load) -> asyncio.Server:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(load), "127.0.0.1", 0)
    load.port = server.sockets[0].getsockname()[1]
    return server
