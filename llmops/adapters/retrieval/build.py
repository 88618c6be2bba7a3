"""A retriever from a normalised retrieval config (port `Retriever`).

Rules, in order:

1. What the config asks for and we do not have is refused, never replaced in silence.
2. `sparse` ranks by BM25 and loads no model; `dense` by the cosine of embeddings; `hybrid` fuses both rankings,
   the first 50 of each (or `top_k`, where that is more).
3. `top_k` cuts the ranking; then passages below `score_threshold` go. The threshold is on the strategy's own scale:
   BM25, cosine (-1 to 1), or reciprocal rank (at most 2/61).
4. `context.max_tokens` keeps the longest beginning of the ranking that fits: the last passages go. Tokens are
   estimated from words, so that what is retrieved depends on the retrieval config alone, not on a generator.
5. Vectors of passages are computed on the first question and kept by the door.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from llmops.adapters.retrieval.bm25 import Bm25Index
from llmops.adapters.retrieval.dense import DenseIndex
from llmops.errors import CannotAsk
from llmops.retrieval.fusion import reciprocal_rank_fusion
from llmops.retrieval.manifest import manifest
from llmops.retrieval.passages import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray

FUSION_DEPTH = 50
TOKENS_PER_WORD = 1.35


class Embedder(Protocol):
    """The part of the model door that retrieval needs."""

    async def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """Unit vectors of the texts."""
        ...


def build_retriever(
    config: Mapping[str, Any], passages: Sequence[Passage], door: Embedder, *, index_digest: str = ""
) -> MemoryRetriever:
    """A retriever over `passages` by a normalised retrieval config. `index_digest` spares computing it a second time.

    Raises: CannotAsk RETRIEVAL_UNKNOWN.
    """
    for place, wanted, known in (
        ("index.backend", config["index"]["backend"], "memory"),
        ("embedding.provider", config["embedding"]["provider"], "embedded"),
        ("embedding.model", config["embedding"]["model"], "all-minilm-l6-v2"),
        ("embedding.dimensions", config["embedding"]["dimensions"], 384),
        ("retrieval.reranker", config["retrieval"]["reranker"], None),
    ):
        if wanted != known:
            what = f"{place} is {wanted!r}, this version knows {known!r}"
            raise CannotAsk("RETRIEVAL_UNKNOWN", what, where="rag.yaml", hint=f"write {known!r}, or leave it out")
    return MemoryRetriever(config, passages, door, index_digest or manifest(config, passages).index)


class MemoryRetriever:
    """An index in memory over the passages of one retrieval config."""

    def __init__(
        self, config: Mapping[str, Any], passages: Sequence[Passage], door: Embedder, index_digest: str
    ) -> None:
        self._strategy: str = config["retrieval"]["strategy"]
        self._top_k: int = config["retrieval"]["top_k"]
        self._threshold: float | None = config["retrieval"]["score_threshold"]
        self._most_tokens: int | None = config["context"]["max_tokens"]
        self._digest = index_digest
        self._passages = tuple(passages)
        self._door = door
        self._building = asyncio.Lock()
        self._dense: DenseIndex | None = None
        self._sparse = None if self._strategy == "dense" else Bm25Index(passages)

    @property
    def index_digest(self) -> str:
        return self._digest

    async def retrieve(self, question: str) -> tuple[Passage, ...]:
        """The passages for a question, best first."""
        found = (await self._ranked(question))[: self._top_k]
        if self._threshold is not None:
            found = tuple(passage for passage in found if passage.score >= self._threshold)
        return found if self._most_tokens is None else _fitting(found, self._most_tokens)

    async def _ranked(self, question: str) -> tuple[Passage, ...]:
        depth = max(FUSION_DEPTH, self._top_k)
        by_words = self._sparse.search(question, depth) if self._sparse else ()
        if self._strategy == "sparse":
            return by_words
        index = await self._dense_index()
        by_meaning = index.search((await self._door.embed([question]))[0], depth)
        return by_meaning if self._strategy == "dense" else reciprocal_rank_fusion([by_words, by_meaning])

    async def _dense_index(self) -> DenseIndex:
        async with self._building:
            if self._dense is None:
                vectors = await self._door.embed([passage.text for passage in self._passages])
                self._dense = DenseIndex(self._passages, vectors)
            return self._dense


def estimated_tokens(text: str) -> int:
    """How many tokens an English text is to most models, from its words."""
    return math.ceil(len(text.split()) * TOKENS_PER_WORD)


def _fitting(passages: Sequence[Passage], most_tokens: int) -> tuple[Passage, ...]:
    total = 0
    for count, passage in enumerate(passages):
        total += estimated_tokens(passage.text)
        if total > most_tokens:
            return tuple(passages[:count])
    return tuple(passages)
