"""What names a built index: the config that shaped it and the knowledge that is in it.

Two configs never share an index, and neither do two states of the knowledge. Fields that only choose among what an
index holds (`top_k`, `score_threshold`, `reranker`, `context`) are left out, and so are the places of the sources:
their content is in the knowledge digest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.documents import canonical
from llmops.retrieval.passages import Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The digests of one built index, and how many passages it holds."""

    config: str
    knowledge: str
    passages: int

    @property
    def index(self) -> str:
        """The index digest: names the built index in evidence, pointers and events."""
        return canonical.digest({"config": self.config, "knowledge": self.knowledge})


def manifest(retrieval: Mapping[str, Any], passages: Sequence[Passage]) -> Manifest:
    """The manifest of the index over `passages` by a normalised retrieval config."""
    return Manifest(
        config=config_digest(retrieval),
        knowledge=knowledge_digest(passages),
        passages=len(passages),
    )


def knowledge_digest(passages: Sequence[Passage]) -> str:
    """Names the passages, ids and texts, in their order."""
    return canonical.digest([canonical.digest([passage.id, passage.text]) for passage in passages])


def config_digest(retrieval: Mapping[str, Any]) -> str:
    """Names everything in a normalised retrieval config that shapes a built index."""
    return canonical.digest(
        {
            "loader": retrieval["loader"],
            "chunking": retrieval["chunking"],
            "embedding": retrieval["embedding"],
            "backend": retrieval["index"]["backend"],
            "strategy": retrieval["retrieval"]["strategy"],
            "pii": retrieval["pii"]["action"],
        }
    )
