"""Passages by the words of a question: BM25.

Rules, in order:

1. A token is two or more word characters, lower case; English stop words go (the list of bm25s), and what stays is
   reduced to its stem (Snowball, English). Passages and questions take the same way.
2. Scores are Lucene's BM25 with k1 = 1.5, b = 0.75. A passage that shares no token with the question is not found.
3. Equal scores go by id: a ranking depends on nothing but question and passages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llmops.errors import CannotAsk
from llmops.retrieval.passages import Passage

K1 = 1.5
B = 0.75


class Bm25Index:
    """Passages in memory, ranked by BM25."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        """Raises: CannotAsk EMBEDDED_MISSING."""
        try:
            import bm25s
            import Stemmer
        except ImportError as error:
            raise CannotAsk(
                "EMBEDDED_MISSING",
                f"the engine of sparse retrieval is not installed: {error}",
                hint="install llmops with its extra `embedded`: pip install '.[embedded]' in its checkout",
            ) from error
        self._passages = tuple(passages)
        self._tokenize = bm25s.tokenize
        self._stemmer = Stemmer.Stemmer("english")
        tokens = self._tokens([passage.text for passage in passages])
        self._index: Any = None
        if any(tokens):  # nothing to look for in empty passages
            self._index = bm25s.BM25(method="lucene", k1=K1, b=B)
            self._index.index(tokens, show_progress=False)

    def search(self, question: str, limit: int) -> tuple[Passage, ...]:
        """At most `limit` passages with their scores, best first."""
        tokens = self._tokens([question])[0]
        if not tokens or self._index is None:
            return ()
        scores = self._index.get_scores(tokens).tolist()
        found = [
            replace(passage, score=score) for passage, score in zip(self._passages, scores, strict=True) if score > 0
        ]
        return tuple(sorted(found, key=lambda passage: (-passage.score, passage.id))[:limit])

    def _tokens(self, texts: list[str]) -> list[list[str]]:
        tokens: list[list[str]] = self._tokenize(
            texts, stopwords="en", stemmer=self._stemmer, return_ids=False, show_progress=False
        )
        return tokens
