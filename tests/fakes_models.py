"""A model door in memory: the same answers to the same requests, no engine, no file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmops.documents import canonical
from llmops.documents.chat import ChatReply, ChatRequest, Stage
from llmops.documents.spending import Ledger, StageSpend
from llmops.errors import CannotAsk

Answer = Callable[[ChatRequest], str]


class FakeDoor:
    """Implements `ModelDoor`. `answer` is a text or makes one of the request; `models` are the names it knows
    (None: every name). Vectors are hashed bags of words: texts that share words are near each other."""

    def __init__(
        self,
        answer: str | Answer = "a fake answer",
        *,
        models: Sequence[str] | None = None,
        dimensions: int = 16,
        nano_usd: int = 0,
    ) -> None:
        self._answer = answer
        self._models = models
        self._dimensions = dimensions
        self._nano_usd = nano_usd
        self._kept: dict[str, ChatReply] = {}
        self._embedded: dict[str, NDArray[np.float32]] = {}
        self.requests: list[ChatRequest] = []
        self.embedding_models: set[str] = set()

    @property
    def calls(self) -> int:
        return len(self.requests) + len(self._embedded)

    async def __aenter__(self) -> FakeDoor:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        self.is_closed = True

    def identity(self, model: str) -> Mapping[str, Any]:
        if self._models is not None and model not in self._models:
            raise CannotAsk("MODEL_UNKNOWN", f"model '{model}' is not configured")
        return {"provider": "fake", "model": model}

    async def chat(self, request: ChatRequest) -> ChatReply:
        digest = _digest(self.identity(request.model), request)
        if digest in self._kept:
            return self._kept[digest]
        self.requests.append(request)
        reply = self._reply(request, digest)
        self._kept[digest] = as_cached(reply)
        return reply

    def _reply(self, request: ChatRequest, digest: str) -> ChatReply:
        text = self._answer if isinstance(self._answer, str) else self._answer(request)
        return ChatReply(
            text=text,
            request_digest=digest,
            input_tokens=sum(len(message["content"].split()) for message in request.messages),
            output_tokens=len(text.split()),
            latency_ms=5,
            nano_usd=self._nano_usd,
            is_cached=False,
        )

    def at_once(self, model: str) -> int:
        return 0 if self._models is not None and model not in self._models else 8

    def price(self, model: str, *, input_tokens: int, output_tokens: int) -> int | None:
        return None if model == "unpriced" else (input_tokens + output_tokens) * self._nano_usd

    def is_kept(self, request: ChatRequest) -> bool:
        return _digest(self.identity(request.model), request) in self._kept

    @property
    def ledger(self) -> Ledger:
        stages: dict[Stage, StageSpend] = {}
        for request in self.requests:
            before = stages.get(request.stage, StageSpend())
            stages[request.stage] = replace(before, sent=before.sent + 1, nano_usd=before.nano_usd + self._nano_usd)
        return Ledger(stages=stages)

    async def embed(self, texts: Sequence[str], model: str = "") -> NDArray[np.float32]:
        self.embedding_models.add(model)
        for text in texts:
            if text not in self._embedded:
                self._embedded[text] = self._vector(text)
        rows = [self._embedded[text] for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self._dimensions), dtype=np.float32)

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = np.full(self._dimensions, 1e-3)
        for word in re.findall(r"\w+", text.lower()):
            vector[hashlib.sha256(word.encode()).digest()[0] % self._dimensions] += 1
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def _digest(identity: Mapping[str, Any], request: ChatRequest) -> str:
    return canonical.digest(
        {
            "model": identity,
            "messages": [dict(message) for message in request.messages],
            "parameters": dict(request.parameters),
            "schema": request.response_schema,
            "tools": [dict(tool) for tool in request.tools],
            "repeat": request.repeat,
        }
    )


def as_cached(reply: ChatReply) -> ChatReply:
    """The reply as a cache hands it out."""
    return replace(reply, is_cached=True)
