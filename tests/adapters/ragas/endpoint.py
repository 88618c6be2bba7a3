"""The scripted judge model behind a real HTTP server on the loopback interface."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import web

from llmops.documents import canonical
from tests.adapters.ragas import scripts


@dataclass
class Endpoint:
    answer: Callable[[dict[str, Any]], str] = scripts.reply
    url: str = ""
    bodies: list[str] = field(default_factory=list)
    embedded: list[tuple[str, ...]] = field(default_factory=list)

    async def chat(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        self.bodies.append(canonical.digest(body))
        message = {"role": "assistant", "content": self.answer(body)}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        head = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"]}
        return web.json_response({**head, "choices": [choice], "usage": usage})

    async def embeddings(self, request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self.embedded.append(tuple(texts))
        is_packed = body.get("encoding_format") == "base64"
        vectors = [_packed(scripts.vector(text)) if is_packed else scripts.vector(text) for text in texts]
        data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return web.json_response({"object": "list", "data": data, "model": body["model"], "usage": usage})


def _packed(vector: list[float]) -> str:
    return base64.b64encode(np.array(vector, dtype="<f4").tobytes()).decode()


@contextlib.asynccontextmanager
async def served(
    answer: Callable[[dict[str, Any]], str] = scripts.reply, *, kind: type[Endpoint] = Endpoint
) -> AsyncIterator[Endpoint]:
    endpoint = kind(answer=answer)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", endpoint.chat)
    app.router.add_post("/v1/embeddings", endpoint.embeddings)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        host, port = runner.addresses[0][:2]
        endpoint.url = f"http://{host}:{port}/v1"
        yield endpoint
    finally:
        await runner.cleanup()
