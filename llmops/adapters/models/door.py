"""The one way to any model (port `ModelDoor`).

Rules, in order:

1. An answer that is in the cache is given from it, unchanged, latency included: no engine is loaded, no client
   imported, no network used. Prices are applied when an answer is handed out: they are configuration, not content.
2. Equal requests that are under way at once are sent once. A request goes on when its asker gives up, as long as the
   door is open: others may wait for it, and it is paid for already.
3. An answer is kept before it is handed out. So a run that is killed at any moment continues where it was.
4. Offline, nothing but the embedded models is asked. With a cap on money, nothing is sent that could exceed it. On
   replay, nothing is asked at all.
5. Everything is opened on first use and closed by `close`. A door may serve several event loops, one after the
   other: what belongs to a loop (connections, locks, tasks) is made anew, cache and loaded models stay.
6. A cassette is written when the door's context is left without an exception.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from llmops.adapters.models import bodies, entries, identities, prices
from llmops.adapters.models.asking.endpoint import Call
from llmops.adapters.models.cache import Cache
from llmops.adapters.models.cassette import Recording, Replay, Store
from llmops.adapters.models.embedded.llama import worker_count
from llmops.adapters.models.engines import Engines
from llmops.adapters.models.spending.ledger import Books
from llmops.adapters.models.spending.purse import Purse
from llmops.adapters.models.vectors import Vectors
from llmops.documents import canonical
from llmops.documents.chat import ChatReply, ChatRequest, Stage
from llmops.documents.config import ModelConfig, Prices
from llmops.documents.spending import Ledger
from llmops.errors import CannotAsk, InputRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ENGINE = "engine"  # of an identity: the installed version of what runs an embedded model


def open_door(
    cache_folder: Path,
    models: Mapping[str, ModelConfig],
    *,
    offline: bool = False,
    environ: Mapping[str, str] | None = None,
    say: Callable[[str], None] | None = None,
    max_nano_usd: int | None = None,
    record: Path | None = None,
    replay: Path | None = None,
) -> Door:
    """A door to `models` (of llmops.yaml) that keeps answers in `cache_folder`.

    `say` gets lines meant for people; `max_nano_usd` is a cap on what new answers cost; `record` is the cassette to
    write, `replay` the cassette that answers in place of cache and models.
    Raises: CannotAsk CASSETTE_MISSING, CASSETTE_INVALID.
    """
    books, purse = Books(), Purse(max_nano_usd)
    store: Store = Cache(cache_folder, say=say or _silence) if replay is None else Replay(replay)
    engines = Engines(
        memory=cache_folder / "weights.json",
        offline=offline,
        environ=os.environ if environ is None else environ,
        books=books,
        purse=purse,
    )
    return Door(models, store if record is None else Recording(store, record), engines, books, purse)


def _silence(line: str) -> None:
    """Nobody listens."""


class Door:
    """See the module's rules. Usable in `with` and in `async with`."""

    def __init__(
        self, models: Mapping[str, ModelConfig], store: Store, engines: Engines, books: Books, purse: Purse
    ) -> None:
        self._models = models
        self._store = store
        self._engines = engines
        self._books = books
        self._purse = purse
        self._vectors = Vectors(store, engines, books, self._identity)
        self._identities: dict[str, Mapping[str, Any]] = {}
        self._prices: dict[str, Prices | None] = {}
        self._under_way: dict[str, asyncio.Task[ChatReply]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def identity(self, model: str) -> Mapping[str, Any]:
        """What names a model in evidence ("": the embedded encoder). Raises: CannotAsk MODEL_UNKNOWN."""
        return self._identity(self._config(model).name if model else "")

    @property
    def calls(self) -> int:
        return self._books.sent

    @property
    def ledger(self) -> Ledger:
        return self._books.ledger

    def at_once(self, model: str) -> int:
        """How many requests to `model` may be in flight; 0 for one that is not configured."""
        config = self._models.get(model)
        if config is None:
            return 0
        return worker_count() if identities.is_embedded(config) else config.concurrency

    def price(self, model: str, *, input_tokens: int, output_tokens: int) -> int | None:
        """What so many tokens cost, in nano-USD; None where nobody knows. Raises: CannotAsk MODEL_UNKNOWN."""
        known = self._prices_of(self._config(model))
        if known is None:
            return None
        return prices.nano_usd(known, input_tokens=input_tokens, output_tokens=output_tokens)

    def is_kept(self, request: ChatRequest) -> bool:
        """True where asking costs nothing. Raises: CannotAsk MODEL_UNKNOWN."""
        config = self._config(request.model)
        digest = self._digest(config, request, bodies.chat_body(config, request))
        return self._store.get(entries.key_of(digest)) is not None

    async def chat(self, request: ChatRequest) -> ChatReply:
        """The model's reply.

        Raises: InputRefused INPUT_REFUSED, REPLY_MALFORMED, REPLY_TOO_LARGE where this request alone is at fault, and
        MODEL_UNAVAILABLE, MODEL_NOT_FOUND, MODEL_ADDRESS where others were answered meanwhile;
        CannotAsk MODEL_UNKNOWN, MODEL_UNAVAILABLE, MODEL_REFUSED, MODEL_NOT_FOUND, MODEL_ADDRESS, KEY_MISSING,
        KEY_REFUSED, OFFLINE, MAX_COST, MAX_TOKENS_MISSING, PRICE_UNKNOWN, CASSETTE_MISS, CACHE_UNWRITABLE.
        """
        self._enter_loop()
        config = self._config(request.model)
        body = bodies.chat_body(config, request)
        digest = self._digest(config, request, body)
        task = self._under_way.get(digest)
        if task is not None:
            reply = await asyncio.shield(task)
            self._books.book(request.stage, cached=1)
            return replace(reply, is_cached=True)
        kept = self._store.get(entries.key_of(digest))
        if kept is not None:
            self._books.book(request.stage, cached=1)
            return entries.reply(kept, digest, self._prices_of(config), is_cached=True)
        self._store.require(request.model)
        return await asyncio.shield(self._begin(config, digest, body, request.stage))

    async def embed(self, texts: Sequence[str], model: str = "") -> NDArray[Any]:
        """Unit vectors of `texts`; `model` "" is the embedded encoder.

        Raises: as `chat`, and CannotAsk WEIGHTS_MISSING, WEIGHTS_CHANGED, EMBEDDED_MISSING.
        """
        self._enter_loop()
        config = self._config(model) if model else None
        if config is None or identities.is_embedded(config):
            return await self._vectors.of(texts, "", None)
        return await self._vectors.of(texts, model, config)

    async def count_tokens(self, model: str, text: str) -> int:
        """How many tokens `text` is to `model`: exact for the embedded one, a quarter of its bytes for an endpoint
        (an estimate)."""
        config = self._config(model)
        if not identities.is_embedded(config):
            return -(-len(text.encode()) // 4)
        self._enter_loop()
        key = f"tokens/{bodies.digest_of(self._identity(model), {'tokenize': text}, 0)}"
        kept = self._store.get(key)
        if kept is not None:
            return int(kept)
        self._store.require(model)
        llama = await self._engines.llama()
        return int(self._store.put(key, b"%d" % await asyncio.to_thread(llama.count_tokens, text)))

    def close(self) -> None:
        """Close everything that is open; safe to call twice."""
        self._engines.close()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._store.finish()
        finally:
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
        await self._vectors.close()
        await self._engines.disconnect()
        self.__exit__(kind, error, trace)

    def _enter_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._under_way = {}
            self._engines.renew()
            self._vectors.renew()
            self._purse.renew()

    def _config(self, model: str) -> ModelConfig:
        config = self._models.get(model)
        if config is None:
            known = ", ".join(sorted(self._models)) or "none"
            hint = "add it to `models` in llmops.yaml"
            raise CannotAsk("MODEL_UNKNOWN", f"model '{model}' is not configured; known: {known}", hint=hint)
        return config

    def _identity(self, model: str) -> Mapping[str, Any]:
        """What names a model ("": the encoder). A cassette knows the engine's version on the machine that recorded."""
        if model not in self._identities:
            here: Mapping[str, Any]
            here = identities.identity(self._models[model]) if model else identities.embedding_identity()
            if _ENGINE in here:
                fixed = {name: item for name, item in here.items() if name != _ENGINE}
                here = json.loads(self._store.note(f"identity/{canonical.digest(fixed)}", canonical.dumps(here)))
            self._identities[model] = here
        return self._identities[model]

    def _prices_of(self, config: ModelConfig) -> Prices | None:
        if config.name not in self._prices:
            self._prices[config.name] = prices.of(config)
        return self._prices[config.name]

    def _digest(self, config: ModelConfig, request: ChatRequest, body: Mapping[str, Any]) -> str:
        try:
            return bodies.digest_of(self._identity(config.name), body, request.repeat)
        except canonical.CanonicalError as error:
            hint = "mend the case or the template: no endpoint could be sent this"
            raise InputRefused("INPUT_REFUSED", f"a request that is no JSON: {error}", hint=hint) from error

    def _begin(
        self, config: ModelConfig, digest: str, body: Mapping[str, Any], stage: Stage
    ) -> asyncio.Task[ChatReply]:
        task = asyncio.create_task(self._ask(config, digest, body, stage))
        self._under_way[digest] = task
        task.add_done_callback(partial(self._finished, digest))
        return task

    def _finished(self, digest: str, task: asyncio.Task[ChatReply]) -> None:
        self._under_way.pop(digest, None)
        if not task.cancelled():
            task.exception()  # looked at: its askers may all have gone

    async def _ask(self, config: ModelConfig, digest: str, body: Mapping[str, Any], stage: Stage) -> ChatReply:
        endpoint = await self._engines.endpoint(config)
        call = Call(
            path="/chat/completions", body=body, stage=stage, read=bodies.read_chat, filtered=bodies.filtered_answer
        )
        sent = await endpoint.ask(call)
        entry = entries.dump(sent.reading, latency_ms=sent.latency_ms, ttft_ms=sent.ttft_ms)
        kept = self._store.put(entries.key_of(digest), entry)
        return entries.reply(kept, digest, self._prices_of(config), is_cached=False)
