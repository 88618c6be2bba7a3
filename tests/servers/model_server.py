"""A scripted endpoint on the loopback interface that answers as OpenAI's does, after a latency, and fails by a plan.

    python -m tests.servers.model_server --latency-ms 200 --fault-429 .05 --fault-500 .02 --hang 700

prints its port. GET /stats tells what it saw since the last GET /reset, and when the first request came and the last
reply went, by the machine's monotonic clock. No framework: it shares two cores with the client that is measured.

Which request fails is drawn from the request's bytes and the number of the attempt: every client that sends the same
requests meets the same faults, in whatever order it sends them.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.servers import replies

_STATUS = {429: "Too Many Requests", 500: "Internal Server Error", 401: "Unauthorized", 404: "Not Found", 301: "Moved"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request: its path, body, the value of its Authorization header, and how often it came before (from 1)."""

    path: str
    body: Mapping[str, Any]
    key: str
    attempt: int

    @property
    def said(self) -> str:
        """All that stands in its messages."""
        return "\n".join(str(message["content"]) for message in self.body.get("messages", ()))


@dataclass(frozen=True, kw_only=True)
class Act:
    """What to do with a request in place of a fitting reply: other content, another body, a hang, a broken line.

    `text` is the content of a completion, `data` the whole body. `endless`: a body that never ends.
    """

    status: int = 200
    text: str | None = None
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    finish_reason: str = "stop"
    delay: float = 0.0
    hangs: bool = False
    breaks: bool = False
    endless: bool = False


LIMITED = Act(
    status=429, data=b'{"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}'
)
BROKEN = Act(status=500, data=b'{"error": {"message": "the server had an error", "type": "server_error"}}')
Mischief = Callable[[Asked], Act | None]


@dataclass(kw_only=True)
class ModelServer:
    """What the server does and has seen. `hang`: the n-th distinct request is never answered the first time."""

    latency: float = 0.0
    share_429: float = 0.0
    share_500: float = 0.0
    retry_after: str = ""
    hang: int = 0
    seed: int = 1
    mischief: Mischief | None = None
    port: int = 0
    scheme: str = "http"

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was seen."""
        self.attempts: Counter[bytes] = Counter()
        self.paths: Counter[str] = Counter()
        self.distinct: Counter[str] = Counter()
        self.first_at = self.last_at = 0.0
        self.statuses: Counter[int] = Counter()
        self.keys: Counter[str] = Counter()
        self.asked: list[Asked] = []
        self.at_once = self.most_at_once = 0

    @property
    def address(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    @property
    def requests(self) -> int:
        return self.attempts.total()

    @property
    def unique(self) -> int:
        return len(self.attempts)

    def stats(self) -> bytes:
        """What was seen, as JSON."""
        seen = {"requests": self.requests, "unique": self.unique, "most_at_once": self.most_at_once}
        by_path = {"paths": dict(self.paths), "distinct": dict(self.distinct), "statuses": dict(self.statuses)}
        return json.dumps({**seen, **by_path, "first_at": self.first_at, "last_at": self.last_at}).encode()

    def act(self, asked: Asked, digest: bytes) -> Act | None:
        """What is done instead of answering; None where the request is answered."""
        if self.hang and asked.attempt == 1 and self.unique == self.hang:
            return Act(hangs=True)
        drawn = hashlib.sha256(b"%d/%d/" % (self.seed, asked.attempt) + digest).digest()
        share = int.from_bytes(drawn[:4]) / 2**32
        if share < self.share_429:
            return LIMITED
        if share < self.share_429 + self.share_500:
            return BROKEN
        return self.mischief(asked) if self.mischief else None


class _Connection(asyncio.Protocol):
    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._data = b""
        self._is_waiting = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        if self._is_waiting:
            self._done()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        if not found:
            return
        headers = _headers(head)
        size = int(headers.get(b"content-length", 0))
        if len(rest) >= size:
            self._data = rest[size:]
            self._begin(head.split(b" ", 2)[1].decode(), headers, rest[:size])

    def _begin(self, path: str, headers: Mapping[bytes, bytes], data: bytes) -> None:
        server = self._server
        if path == "/stats":
            self._write(200, server.stats())
            return
        if path == "/reset":
            server.reset()
            self._write(200, b"{}")
            return
        digest = hashlib.sha256(path.encode() + data).digest()
        server.attempts[digest] += 1
        server.first_at = server.first_at or time.monotonic()
        key = headers.get(b"authorization", headers.get(b"api-key", b"")).decode()
        asked = Asked(path=path, body=json.loads(data), key=key, attempt=server.attempts[digest])
        server.paths[path] += 1
        server.distinct[path] += asked.attempt == 1
        server.keys[key] += 1
        if server.mischief:
            server.asked.append(asked)
        self._is_waiting = True
        server.at_once += 1
        server.most_at_once = max(server.most_at_once, server.at_once)
        act = server.act(asked, digest)
        if act is not None and act.hangs:
            return
        delay = server.latency + (act.delay if act else 0.0)
        asyncio.get_running_loop().call_later(delay, self._answer, asked, act, digest)

    def _done(self) -> None:
        self._is_waiting = False
        self._server.at_once -= 1

    def _answer(self, asked: Asked, act: Act | None, digest: bytes) -> None:
        if self._transport.is_closing():
            return
        if act is not None and act.endless:
            self._write(200, b"", {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})
            self._drip()
            return
        self._done()
        act = act or Act()
        self._server.statuses[act.status] += 1
        self._server.last_at = time.monotonic()
        if act.breaks:
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            self._transport.close()
            return
        data = _fitting(asked, act, digest) if act.data is None else act.data
        retry = {"Retry-After": self._server.retry_after} if act is LIMITED and self._server.retry_after else {}
        self._write(act.status, data, {**act.headers, **retry})

    def _drip(self) -> None:
        if not self._transport.is_closing():
            event = b'data: {"choices": [{"index": 0, "delta": {"content": "on and "}}]}\n\n'
            self._transport.write(b"%x\r\n%s\r\n" % (len(event), event))
            asyncio.get_running_loop().call_later(0.02, self._drip)

    def _write(self, status: int, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        named = {"Content-Type": "application/json", **(headers or {})}
        if "Transfer-Encoding" not in named:
            named["Content-Length"] = str(len(data))
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self._transport.write(f"HTTP/1.1 {status} {_STATUS.get(status, 'OK')}\r\n{lines}\r\n".encode() + data)


def _headers(head: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _fitting(asked: Asked, act: Act, digest: bytes) -> bytes:
    if asked.path.endswith("/embeddings"):
        return replies.embeddings(asked.body)
    text = replies.text_of(asked.body, digest.hex()[:12]) if act.text is None else act.text
    return replies.completion(text, str(asked.body.get("model")), finish_reason=act.finish_reason)


async def start(server: ModelServer, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Begin to listen on `server.port`, 0 for any."""
    listening = await asyncio.get_running_loop().create_server(
        lambda: _Connection(server), "127.0.0.1", server.port, ssl=tls, backlog=1024
    )
    server.port = listening.sockets[0].getsockname()[1]
    server.scheme = "https" if tls else "http"
    return listening


@contextmanager
def serving(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[ModelServer]:
    """A running server in a thread of this process."""
    server, loop = ModelServer(**options), asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # a client that goes away is part of the tests
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(start(server, tls), loop).result()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(listening.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(server: ModelServer) -> None:
    listening = await start(server)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    async with listening:
        await listening.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted model endpoint.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--fault-429", type=float, default=0.0)
    parser.add_argument("--fault-500", type=float, default=0.0)
    parser.add_argument("--retry-after", default="")
    parser.add_argument("--hang", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    server = ModelServer(
        latency=given.latency_ms / 1000,
        share_429=given.fault_429,
        share_500=given.fault_500,
        retry_after=given.retry_after,
        hang=given.hang,
        seed=given.seed,
        port=given.port,
    )
    asyncio.run(_serve(server))


if __name__ == "__main__":
    main()
