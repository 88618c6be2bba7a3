"""Embeddings that are computed once a text and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmops.adapters.models import identities
from llmops.adapters.models.cache import Cache
from llmops.adapters.models.embedded.llama import worker_count
from llmops.adapters.models.embedded.minilm import DIMENSIONS
from llmops.adapters.models.engines import Engines
from llmops.documents import canonical

if TYPE_CHECKING:
    from numpy.typing import NDArray

PORTION = 16  # texts between two commits: what a killed run computes again


class Vectors:
    """Unit vectors by text, from the cache or from the embedding model."""

    def __init__(self, cache: Cache, engines: Engines) -> None:
        self._cache = cache
        self._engines = engines
        self._busy = asyncio.Lock()
        self._model = ""
        self.encoded = 0

    def renew(self) -> None:
        """Forget what belongs to an event loop that has ended."""
        self._busy = asyncio.Lock()

    async def of(self, texts: Sequence[str]) -> NDArray[Any]:
        """The vectors in the order of `texts`, shape (len(texts), 384), float32."""
        import numpy as np

        keys = [self._key(text) for text in texts]
        # One after the other: a text that two callers ask for at once is computed once.
        async with self._busy:
            kept = {key: self._cache.get(key) for key in keys}
            missing = {key: text for key, text in zip(keys, texts, strict=True) if kept[key] is None}
            kept.update(await self._encode(missing))
        rows = [np.frombuffer(kept[key] or b"", dtype="<f4") for key in keys]
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), dtype=np.float32)

    async def _encode(self, missing: dict[str, str]) -> dict[str, bytes]:
        if not missing:
            return {}
        encoder = await self._engines.encoder()
        found: dict[str, bytes] = {}
        keys = list(missing)
        for start in range(0, len(keys), PORTION):
            portion = keys[start : start + PORTION]
            texts = [missing[key] for key in portion]
            vectors = await asyncio.to_thread(encoder.encode, texts, workers=worker_count())
            self.encoded += len(portion)
            for key, vector in zip(portion, vectors, strict=True):
                found[key] = self._cache.put(key, vector.astype("<f4").tobytes())
        return found

    def _key(self, text: str) -> str:
        if not self._model:
            self._model = canonical.digest(identities.embedding_identity())
        return f"vector/{self._model}/{canonical.sha256(text.encode('utf-8', 'surrogatepass'))}"
