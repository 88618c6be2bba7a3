"""The one way to any model (port `ModelDoor`).

Rules, in order:

1. An answer that is in the cache is given from it, unchanged, latency included: no engine is loaded, no client
   imported, no network used. Prices are applied when an answer is handed out: they are configuration, not content.
2. Equal requests that are under way at once are sent once. A request goes on when its asker gives up, as long as the
   door is open: others may wait for it, and it is paid for already.
3. An answer is kept before it is handed out. So a run that is killed at any moment continues where it was.
4. Offline, nothing but the embedded models is asked.
5. Everything is opened on first use and closed by `close`. A door may serve several event loops, one after the
   other: what belongs to a loop (connections, locks, tasks) is made anew, cache and loaded models stay.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from llmops.adapters.models import bodies, identities
from llmops.adapters.models.cache import Cache
from llmops.adapters.models.engines import Engines
from llmops.adapters.models.vectors import Vectors
from llmops.documents.chat import ChatReply, ChatRequest
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was asked through a door since it was opened. Tokens and money are of new calls, not of cached ones."""

    sent: int
    retries: int
    cached: int
    embedded_texts: int
    input_tokens: int
    output_tokens: int
    nano_usd: int


def open_door(
    cache_folder: Path,
    models: Mapping[str, ModelConfig],
    *,
    offline: bool = False,
    environ: Mapping[str, str] | None = None,
    say: Callable[[str], None] | None = None,
) -> Door:
    """A door to `models` (of llmops.yaml) that keeps answers in `cache_folder`. `say` gets lines meant for people."""
    engines = Engines(
        memory=cache_folder / "weights.json", offline=offline, environ=os.environ if environ is None else environ
    )
    return Door(models, Cache(cache_folder, say=say or _silence), engines)


def _silence(line: str) -> None:
    """Nobody listens."""


class Door:
    """See the module's rules. Usable in `with` and in `async with`."""

    def __init__(self, models: Mapping[str, ModelConfig], cache: Cache, engines: Engines) -> None:
        self._models = models
        self._cache = cache
        self._engines = engines
        self._vectors = Vectors(cache, engines)
        self._under_way: dict[str, asyncio.Task[ChatReply]] = {}
        self._cached = 0
        self._spent = (0, 0, 0)
        self._loop: asyncio.AbstractEventLoop | None = None

    def identity(self, model: str) -> Mapping[str, Any]:
        """Raises: CannotAsk MODEL_UNKNOWN."""
        return identities.identity(self._config(model))

    @property
    def calls(self) -> int:
        return self._engines.counts.sent + self._vectors.encoded

    @property
    def usage(self) -> Usage:
        return Usage(
            sent=self._engines.counts.sent,
            retries=self._engines.counts.retries,
            cached=self._cached,
            embedded_texts=self._vectors.encoded,
            input_tokens=self._spent[0],
            output_tokens=self._spent[1],
            nano_usd=self._spent[2],
        )

    async def chat(self, request: ChatRequest) -> ChatReply:
        """Raises: CannotAsk MODEL_UNKNOWN, MODEL_UNAVAILABLE, MODEL_REFUSED, OFFLINE, KEY_MISSING, CACHE_UNWRITABLE."""
        self._enter_loop()
        config = self._config(request.model)
        body = bodies.chat_body(config, request)
        digest = bodies.digest_of(identities.identity(config), body, request.repeat)
        task = self._under_way.get(digest)
        if task is not None:
            return replace(await asyncio.shield(task), is_cached=True)
        kept = self._cache.get(_key(digest))
        if kept is not None:
            self._cached += 1
            return self._reply(config, digest, kept, is_cached=True)
        return await asyncio.shield(self._begin(config, digest, body))

    async def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """Raises: CannotAsk WEIGHTS_MISSING, WEIGHTS_CHANGED, EMBEDDED_MISSING, CACHE_UNWRITABLE."""
        self._enter_loop()
        return await self._vectors.of(texts)

    async def count_tokens(self, model: str, text: str) -> int:
        """How many tokens `text` is to `model`: exact for the embedded one, a quarter of its bytes for an endpoint
        (an estimate)."""
        config = self._config(model)
        if not identities.is_embedded(config):
            return -(-len(text.encode()) // 4)
        self._enter_loop()
        digest = bodies.digest_of(identities.identity(config), {"tokenize": text}, 0)
        kept = self._cache.get(f"tokens/{digest}")
        if kept is not None:
            return int(kept)
        llama = await self._engines.llama()
        return int(self._cache.put(f"tokens/{digest}", b"%d" % await asyncio.to_thread(llama.count_tokens, text)))

    def close(self) -> None:
        """Close everything that is open; safe to call twice."""
        self._engines.close()
        self._cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._engines.disconnect()
        self.close()

    def _enter_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._under_way = {}
            self._engines.renew()
            self._vectors.renew()

    def _config(self, model: str) -> ModelConfig:
        config = self._models.get(model)
        if config is None:
            known = ", ".join(sorted(self._models)) or "none"
            hint = "add it to `models` in llmops.yaml"
            raise CannotAsk("MODEL_UNKNOWN", f"model '{model}' is not configured; known: {known}", hint=hint)
        return config

    def _begin(self, config: ModelConfig, digest: str, body: Mapping[str, Any]) -> asyncio.Task[ChatReply]:
        task = asyncio.create_task(self._ask(config, digest, body))
        self._under_way[digest] = task
        task.add_done_callback(lambda done: self._finished(digest, done))
        return task

    def _finished(self, digest: str, task: asyncio.Task[ChatReply]) -> None:
        self._under_way.pop(digest, None)
        if not task.cancelled():
            task.exception()  # looked at: its askers may all have gone

    async def _ask(self, config: ModelConfig, digest: str, body: Mapping[str, Any]) -> ChatReply:
        endpoint = await self._engines.endpoint(config)
        sent = await endpoint.chat(body)
        entry = {
            "text": sent.reading.text,
            "input_tokens": sent.reading.input_tokens,
            "output_tokens": sent.reading.output_tokens,
            "latency_ms": sent.latency_ms,
        }
        kept = self._cache.put(_key(digest), json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        reply = self._reply(config, digest, kept, is_cached=False)
        spent = (reply.input_tokens, reply.output_tokens, reply.nano_usd)
        self._spent = (self._spent[0] + spent[0], self._spent[1] + spent[1], self._spent[2] + spent[2])
        return reply

    def _reply(self, config: ModelConfig, digest: str, kept: bytes, *, is_cached: bool) -> ChatReply:
        entry = json.loads(kept.decode("utf-8", "surrogatepass"))
        tokens = {"input_tokens": entry["input_tokens"], "output_tokens": entry["output_tokens"]}
        return ChatReply(
            text=entry["text"],
            request_digest=digest,
            latency_ms=entry["latency_ms"],
            nano_usd=identities.nano_usd(config, **tokens),
            is_cached=is_cached,
            **tokens,
        )


def _key(digest: str) -> str:
    return f"chat/{digest}"
