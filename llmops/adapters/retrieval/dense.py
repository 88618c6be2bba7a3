"""Passages by the meaning of a question: cosine of unit vectors, exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmops.retrieval.passages import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray


class DenseIndex:
    """Passages and their unit vectors, in the same order."""

    def __init__(self, passages: Sequence[Passage], vectors: NDArray[Any]) -> None:
        self._passages = tuple(passages)
        self._vectors = vectors

    def search(self, vector: NDArray[Any], limit: int) -> tuple[Passage, ...]:
        """At most `limit` passages with their cosines, best first; equal ones by id."""
        # In doubles, one row at a time: a sum must not depend on how many passages there are.
        scores = (self._vectors.astype("f8") * vector.astype("f8")).sum(axis=1).tolist()
        found = [replace(passage, score=score) for passage, score in zip(self._passages, scores, strict=True)]
        return tuple(sorted(found, key=lambda passage: (-passage.score, passage.id))[:limit])
