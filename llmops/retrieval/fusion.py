"""One ranking out of several: reciprocal rank fusion.

G. V. Cormack, C. L. A. Clarke, S. Büttcher: "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
Methods", SIGIR 2009, section 2: RRFscore(d) = sum over rankings of 1 / (k + rank of d), ranks from 1, k = 60.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmops.retrieval.passages import Passage


def reciprocal_rank_fusion(rankings: Sequence[Sequence[Passage]], *, k: int = 60) -> tuple[Passage, ...]:
    """The passages of all rankings, best first, with the fused score. Equal scores go by id.

    A passage that stands twice in one ranking counts with its better rank.
    """
    found: dict[str, Passage] = {}
    scores: dict[str, float] = {}
    for ranking in rankings:
        ranked = dict.fromkeys(passage.id for passage in ranking)
        found.update({passage.id: passage for passage in ranking if passage.id not in found})
        for rank, name in enumerate(ranked, start=1):
            scores[name] = scores.get(name, 0.0) + 1 / (k + rank)
    order = sorted(scores, key=lambda name: (-scores[name], name))
    return tuple(replace(found[name], score=scores[name]) for name in order)
