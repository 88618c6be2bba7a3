"""Embeddings that are computed or fetched once a text, and kept.

Rules, in order:

1. A vector depends on its text and its model alone, so it is kept by both, in the form float32, length one.
2. The embedded encoder works on one batch at a time, and commits it: what arrives meanwhile is the next batch. An
   endpoint gets up to 64 texts a request, as many requests at once as it takes.
3. A reply with the wrong count of vectors, with other dimensions than before, or with what is no number, is malformed.
4. Where an endpoint refuses a batch for its content, the batch is halved, until the text at fault is alone.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops.adapters.models import bodies
from llmops.adapters.models.asking.endpoint import Call
from llmops.adapters.models.batches import Batches
from llmops.adapters.models.bodies import MalformedReply
from llmops.adapters.models.cassette import Store
from llmops.adapters.models.embedded.llama import worker_count
from llmops.adapters.models.embedded.minilm import DIMENSIONS
from llmops.adapters.models.engines import Engines
from llmops.adapters.models.spending.ledger import Books
from llmops.documents import canonical
from llmops.documents.chat import Stage
from llmops.documents.config import ModelConfig
from llmops.errors import InputRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

PORTION = 16  # texts between two commits of the embedded encoder: what a killed run computes again
MOST_TEXTS = 64
MOST_BYTES_A_VECTOR = 200_000  # 4096 dimensions take about 100,000


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A reply with vectors, each as float32 bytes."""

    vectors: tuple[bytes, ...]
    input_tokens: int
    output_tokens: int = 0
    cached_tokens: int = 0


class Vectors:
    """Unit vectors by text and model: from the store, the embedded encoder or an endpoint."""

    def __init__(
        self, store: Store, engines: Engines, books: Books, identity: Callable[[str], Mapping[str, Any]]
    ) -> None:
        self._store = store
        self._engines = engines
        self._books = books
        self._identity = identity
        self._prefixes: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._batches: dict[str, Batches] = {}

    def renew(self) -> None:
        """Forget what belongs to an event loop that has ended."""
        self._batches.clear()

    async def close(self) -> None:
        """Give up what is under way."""
        for batches in self._batches.values():
            await batches.close()

    async def of(self, texts: Sequence[str], name: str, config: ModelConfig | None) -> NDArray[Any]:
        """The vectors in the order of `texts`, shape (len(texts), dimensions), float32. `config` None: the encoder."""
        import numpy as np

        keys = [self._key(name, text) for text in texts]
        kept = {key: self._store.get(key) for key in keys}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if kept[key] is None}
        self._books.book(Stage.EMBEDDINGS, cached=len(kept) - len(missing))
        if missing:
            self._store.require(name or "the embedded encoder")
            batches = self._batches_of(name, config)
            results = [asyncio.shield(batches.of(key, text)) for key, text in missing.items()]
            kept.update(zip(missing, await asyncio.gather(*results), strict=True))
        rows = [np.frombuffer(kept[key] or b"", dtype="<f4") for key in keys]
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), dtype=np.float32)

    def _key(self, name: str, text: str) -> str:
        if name not in self._prefixes:
            self._prefixes[name] = canonical.digest(self._identity(name))
        return f"vector/{self._prefixes[name]}/{canonical.sha256(text.encode('utf-8', 'surrogatepass'))}"

    def _batches_of(self, name: str, config: ModelConfig | None) -> Batches:
        if name not in self._batches:
            if config is None:
                self._batches[name] = Batches(self._encode, most=PORTION, at_once=1)
            else:
                self._batches[name] = Batches(
                    lambda texts: self._fetch(config, texts), most=MOST_TEXTS, at_once=config.concurrency
                )
        return self._batches[name]

    async def _encode(self, texts: Mapping[str, str]) -> Mapping[str, bytes]:
        encoder = await self._engines.encoder()
        vectors = await asyncio.to_thread(encoder.encode, list(texts.values()), workers=worker_count())
        self._books.book(Stage.EMBEDDINGS, sent=len(texts))
        return self._kept(texts, [vector.astype("<f4").tobytes() for vector in vectors])

    async def _fetch(self, config: ModelConfig, texts: Mapping[str, str]) -> Mapping[str, bytes]:
        try:
            return await self._ask(config, texts)
        except InputRefused:
            if len(texts) == 1:
                raise
        pairs = list(texts.items())
        halves = [dict(half) for half in (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :])]
        found = await asyncio.gather(*(self._fetch(config, half) for half in halves), return_exceptions=True)
        for result in found:
            if isinstance(result, BaseException):
                raise result
        return dict(itertools.chain.from_iterable(half.items() for half in found if isinstance(half, Mapping)))

    async def _ask(self, config: ModelConfig, texts: Mapping[str, str]) -> Mapping[str, bytes]:
        endpoint = await self._engines.endpoint(config)
        call = Call(
            path="/embeddings",
            body={"model": config.model, "input": list(texts.values())},
            stage=Stage.EMBEDDINGS,
            read=lambda data: read_vectors(data, len(texts), self._sizes.get(config.name, 0)),
            most_bytes=MOST_BYTES_A_VECTOR * len(texts),
            has_answer=False,
        )
        sent = await endpoint.ask(call)
        self._sizes[config.name] = len(sent.reading.vectors[0])
        return self._kept(texts, sent.reading.vectors)

    def _kept(self, texts: Mapping[str, str], vectors: Sequence[bytes]) -> Mapping[str, bytes]:
        return {key: self._store.put(key, vector) for key, vector in zip(texts, vectors, strict=True)}


def read_vectors(data: bytes, count: int, size: int = 0) -> Embedded:
    """The vectors in a reply to `count` texts, in their order, of `size` bytes each (0: any).

    Raises: MalformedReply.
    """
    value = bodies.parse(data)
    try:
        items = sorted(value["data"], key=lambda item: item.get("index", 0))
        vectors = tuple(_unit(item["embedding"]) for item in items)
        tokens = int((value.get("usage") or {}).get("prompt_tokens", 0))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise MalformedReply(f"a reply without usable vectors ({error}): {_start(data)}") from error
    if len(vectors) != count:
        raise MalformedReply(f"{len(vectors)} vectors for {count} texts")
    sizes = {len(vector) for vector in vectors} | ({size} if size else set())
    if len(sizes) != 1:
        raise MalformedReply(f"vectors of different dimensions: {sorted(found // 4 for found in sizes)}")
    if not 0 <= tokens <= bodies.MOST_TOKENS:
        raise MalformedReply("a reply whose counts of tokens cannot be true")
    return Embedded(vectors=vectors, input_tokens=tokens)


def _unit(numbers: Any) -> bytes:
    import numpy as np

    if not isinstance(numbers, list) or not numbers:
        raise ValueError("an embedding that is no list of numbers")
    vector = np.array(numbers, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not np.isfinite(length) or length == 0:
        raise ValueError("an embedding that has no direction")
    return (vector / length).astype("<f4").tobytes()


def _start(data: bytes) -> str:
    return repr(data[:80].decode("utf-8", "replace"))
