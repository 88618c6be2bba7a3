"""A real HTTP server on loopback whose every reply a test chooses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Reply = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


@dataclass
class AServer:
    address: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    now: int = 0
    most: int = 0


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[AServer]:
    server = AServer()

    async def handle(request: web.Request) -> web.StreamResponse:
        asked = json.loads(await request.read())
        server.asked.append(asked)
        server.headers.append({name.lower(): value for name, value in request.headers.items()})
        server.now += 1
        server.most = max(server.most, server.now)
        try:
            return await reply(request, asked)
        finally:
            server.now -= 1

    application = web.Application()
    application.router.add_post("/answer", handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.address = f"http://127.0.0.1:{port}/answer"
    try:
        yield server
    finally:
        await runner.cleanup()


def always(status: int = 200, *, body: bytes | None = None, **headers: str) -> Reply:
    """The same reply to every question."""
    data = json.dumps({"answer": "40 watts"}).encode() if body is None else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def reply(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        return web.Response(status=status, body=data, headers=named)

    return reply


def first(*statuses: int, **headers: str) -> Reply:
    """These statuses one after the other, then an answer."""
    left = list(statuses)

    async def reply(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
        return await always(left.pop(0) if left else 200, **headers)(request, asked)

    return reply


async def never(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def forever(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    """An answer that does not end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"a" * 65_536)


async def broken(request: web.Request, asked: dict[str, Any]) -> web.StreamResponse:
    """Hangs up in the middle of the body."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"answer"')
    if request.transport is not None:
        request.transport.close()
    return response
