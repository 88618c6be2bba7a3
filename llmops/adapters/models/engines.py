"""What answers: endpoints, the embedded generator and the embedding model, each started on first use.

Rules, in order:

1. Nothing is imported, loaded or connected before the first question that needs it.
2. Offline, an endpoint is refused before anything is sent; what runs in this process is not an endpoint.
3. A key is read from the environment variable that the configuration names, when the endpoint is first asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from llmops.adapters import keys
from llmops.adapters.models import identities, services
from llmops.adapters.models.asking.endpoint import Endpoint, Manner, Place
from llmops.adapters.models.asking.lanes import Limits
from llmops.adapters.models.asking.patience import Patience
from llmops.adapters.models.embedded import llama, weights
from llmops.adapters.models.embedded.llama import Address, Llama
from llmops.adapters.models.embedded.minilm import Encoder
from llmops.adapters.models.spending.ledger import Account, Books
from llmops.adapters.models.spending.purse import Purse
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk

EMBEDDED_TIMEOUT_SECONDS = 600.0  # a full window on one core that others use too
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # malloc.h
_EMBEDDED = "the embedded model"  # no name in llmops.yaml has a blank


class Engines:
    """Everything that can be asked, by model. `memory` is the file that remembers the digests of weights."""

    def __init__(
        self,
        *,
        memory: Path,
        offline: bool,
        environ: Mapping[str, str],
        books: Books,
        purse: Purse,
        patience: Patience | None = None,
    ) -> None:
        self._memory = memory
        self._offline = offline
        self._environ = environ
        self._books = books
        self._purse = purse
        self._patience = patience or Patience()
        self._starting = asyncio.Lock()
        self._accounts: dict[str, Account] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._llama: Llama | None = None
        self._encoder: Encoder | None = None

    async def endpoint(self, config: ModelConfig) -> Endpoint:
        """Where `config` is asked. Raises: CannotAsk OFFLINE, KEY_MISSING, WEIGHTS_MISSING and what starting raises."""
        if identities.is_embedded(config):
            addresses = (await self.llama()).addresses
            # Looked up after waiting: whoever waited beside us may have opened it, and two would share the servers.
            return self._endpoints.get(_EMBEDDED) or self._of_embedded(config, addresses)
        if config.name in self._endpoints:
            return self._endpoints[config.name]
        if self._offline:
            raise CannotAsk(
                "OFFLINE",
                f"model '{config.name}' is at {identities.identity(config)['endpoint']}, and this run is offline",
                hint="leave --offline out, or use an embedded model",
            )
        place = Place(service=services.of(config), secret=keys.secret_of(config, self._environ))
        limits = Limits(requests_per_minute=config.requests_per_minute, tokens_per_minute=config.tokens_per_minute)
        manner = Manner(
            concurrency=config.concurrency,
            timeout_seconds=config.timeout_seconds,
            limits=limits,
            hedge_after_seconds=config.hedge_after_seconds,
        )
        return self._opened(config.name, config, (place,), manner)

    async def llama(self) -> Llama:
        """The embedded generator. Raises: CannotAsk WEIGHTS_MISSING, WEIGHTS_CHANGED, EMBEDDED_MISSING."""
        async with self._starting:
            if self._llama is None:
                self._llama = await asyncio.to_thread(self._start_llama)
            return self._llama

    async def encoder(self) -> Encoder:
        """The embedding model. Raises: CannotAsk WEIGHTS_MISSING, WEIGHTS_CHANGED, EMBEDDED_MISSING."""
        async with self._starting:
            if self._encoder is None:
                self._encoder = await asyncio.to_thread(self._load_encoder)
            return self._encoder

    def renew(self) -> None:
        """Forget what belongs to an event loop that has ended. Loaded models stay."""
        self._starting = asyncio.Lock()
        self._drop()

    async def disconnect(self) -> None:
        """Close the connections to endpoints."""
        for endpoint in self._endpoints.values():
            await endpoint.close()
        self._endpoints.clear()

    def close(self) -> None:
        """Stop the embedded models, leave the endpoints."""
        self._drop()
        if self._llama is not None:
            self._llama.close()
        self._llama = self._encoder = None

    def _drop(self) -> None:
        for endpoint in self._endpoints.values():
            endpoint.drop()
        self._endpoints.clear()

    def _of_embedded(self, config: ModelConfig, addresses: Sequence[Address]) -> Endpoint:
        places = [
            Place(
                service=services.of(replace(config, base_url=address.base_url)), secret=keys.Secret(value=address.key)
            )
            for address in addresses
        ]
        manner = Manner(concurrency=1, timeout_seconds=EMBEDDED_TIMEOUT_SECONDS)
        return self._opened(_EMBEDDED, config, places, manner)

    def _opened(self, name: str, config: ModelConfig, places: Sequence[Place], manner: Manner) -> Endpoint:
        if name not in self._accounts:
            self._accounts[name] = Account(config, self._books, self._purse)
        self._endpoints[name] = Endpoint(name, places, manner, account=self._accounts[name], patience=self._patience)
        return self._endpoints[name]

    def _start_llama(self) -> Llama:
        _return_memory_early()
        return llama.start(weights.locate(weights.GENERATOR, self._memory))

    def _load_encoder(self) -> Encoder:
        _return_memory_early()
        model = weights.locate(weights.ENCODER, self._memory)
        return Encoder(model, weights.locate(weights.TOKENIZER, self._memory))


def _return_memory_early() -> None:
    """Tell glibc to keep few arenas and to give large blocks back: 80 MB less, for a quarter of the embedding speed.

    Elsewhere (musl, macOS, Windows) there is no such call, and nothing is done.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, 1 << 18)
