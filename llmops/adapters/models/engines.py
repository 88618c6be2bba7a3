"""What answers: clients of endpoints, the embedded generator and the embedding model, each started on first use.

Rules, in order:

1. Nothing is imported, loaded or connected before the first question that needs it.
2. Offline, an endpoint is refused before anything is sent; what runs in this process is not an endpoint.
3. A key is read from the environment variable that the configuration names, when the client is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
from collections.abc import Mapping
from pathlib import Path

from llmops.adapters.models import identities
from llmops.adapters.models.embedded import llama, weights
from llmops.adapters.models.embedded.llama import Address, Llama
from llmops.adapters.models.embedded.minilm import Encoder
from llmops.adapters.models.endpoints import Counts, Endpoint, Patience
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk

EMBEDDED_TIMEOUT_SECONDS = 600.0  # a full window on one core that others use too
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # malloc.h
_EMBEDDED = "the embedded model"  # no name in llmops.yaml has a blank


class Engines:
    """Everything that can be asked, by model. `memory` is the file that remembers the digests of weights."""

    def __init__(
        self, *, memory: Path, offline: bool, environ: Mapping[str, str], patience: Patience | None = None
    ) -> None:
        self._memory = memory
        self._offline = offline
        self._environ = environ
        self._patience = patience or Patience()
        self._starting = asyncio.Lock()
        self._endpoints: dict[str, Endpoint] = {}
        self._llama: Llama | None = None
        self._encoder: Encoder | None = None
        self.counts = Counts()

    async def endpoint(self, config: ModelConfig) -> Endpoint:
        """Where `config` is asked. Raises: CannotAsk OFFLINE, KEY_MISSING, WEIGHTS_MISSING and what starting raises."""
        if identities.is_embedded(config):
            addresses = (await self.llama()).addresses
            return self._endpoint(_EMBEDDED, addresses, concurrency=1, timeout_seconds=EMBEDDED_TIMEOUT_SECONDS)
        if self._offline:
            raise CannotAsk(
                "OFFLINE",
                f"model '{config.name}' is at {identities.identity(config)['endpoint']}, and this run is offline",
                hint="leave --offline out, or use an embedded model",
            )
        address = Address(base_url=identities.address_of(config), key=self._key(config))
        return self._endpoint(
            config.name, (address,), concurrency=config.concurrency, timeout_seconds=config.timeout_seconds
        )

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
        self._endpoints.clear()

    async def disconnect(self) -> None:
        """Close the connections to endpoints."""
        for endpoint in self._endpoints.values():
            await endpoint.close()
        self._endpoints.clear()

    def close(self) -> None:
        """Stop the embedded models."""
        if self._llama is not None:
            self._llama.close()
        self._llama = self._encoder = None

    def _endpoint(
        self, name: str, addresses: tuple[Address, ...], *, concurrency: int, timeout_seconds: float
    ) -> Endpoint:
        if name not in self._endpoints:
            self._endpoints[name] = Endpoint(
                name,
                addresses,
                concurrency=concurrency,
                timeout_seconds=timeout_seconds,
                is_local=name == _EMBEDDED,
                counts=self.counts,
                patience=self._patience,
            )
        return self._endpoints[name]

    def _key(self, config: ModelConfig) -> str:
        if not config.key_env:
            return ""
        key = self._environ.get(config.key_env, "").strip()
        if not key:
            raise CannotAsk(
                "KEY_MISSING",
                f"model '{config.name}' wants its key in {config.key_env}, which is not set",
                where="llmops.yaml",
                hint=f"export {config.key_env}=…, or name another variable in key_env",
            )
        if not (key.isascii() and key.isprintable()):
            # An HTTP library would quote such a header, key and all, in its complaint.
            raise CannotAsk(
                "KEY_INVALID",
                f"the key in {config.key_env} holds characters that no HTTP header carries",
                where="llmops.yaml",
                hint=f"set {config.key_env} to the key alone: printable ASCII on one line",
            )
        return key

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
