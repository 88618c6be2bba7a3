"""A model door by script: it answers as the scripted endpoint does and keeps what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmops.documents import canonical
from llmops.documents.chat import ChatReply, ChatRequest, ToolCall
from tests.adapters.ragas import scripts

MODEL = "judge-model"
ENCODER = "encoder"


class ScriptedDoor:
    """`answer` makes the text of a reply from a body; an exception that it raises is the door's own."""

    def __init__(
        self,
        answer: Callable[[dict[str, Any]], str] = scripts.reply,
        *,
        endpoint_model: str = "gpt-test",
        seconds: float = 0.0,
        **reply: Any,
    ) -> None:
        self._answer = answer
        self._endpoint_model = endpoint_model
        self._seconds = seconds
        self._reply = reply
        self.requests: list[ChatRequest] = []
        self.embedded: list[tuple[str, ...]] = []
        self.encoders: set[str] = set()
        self.embedding_problem: Exception | None = None

    @property
    def bodies(self) -> list[str]:
        return [canonical.digest(self._body(request)) for request in self.requests]

    def identity(self, model: str) -> Mapping[str, Any]:
        return {"provider": "openai", "model": self._endpoint_model if model == MODEL else model}

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        messages = [dict(message) for message in request.messages]
        return {"model": self._endpoint_model, "messages": messages, **request.parameters}

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.requests.append(request)
        await asyncio.sleep(self._seconds)
        text = self._answer(self._body(request))
        given: dict[str, Any] = {
            "text": text,
            "request_digest": canonical.digest(self._body(request)),
            "input_tokens": 100,
            "output_tokens": 10,
            "latency_ms": 200,
            "nano_usd": 7,
            "is_cached": False,
        }
        return ChatReply(**{**given, **self._reply})

    async def embed(self, texts: Sequence[str], model: str = "") -> NDArray[np.float32]:
        if self.embedding_problem is not None:
            raise self.embedding_problem
        self.embedded.append(tuple(texts))
        self.encoders.add(model)
        await asyncio.sleep(self._seconds)
        return np.array([scripts.vector(text) for text in texts], dtype=np.float32)


def a_call(name: str = "search", arguments: str = '{"q": 1}') -> ToolCall:
    return ToolCall(name=name, arguments=arguments)
