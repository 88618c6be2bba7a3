"""Scores from embeddings that somebody else has computed: vectors in, numbers out.

`answer_relevancy` here is the cosine of the answer's and the question's embedding. That is not what ragas calls by
the name: ragas lets a language model write questions that the answer would answer, and compares those with the real
one. Ours needs no model that writes, is blind to an answer that merely repeats the question, and gives lower figures
for short answers; so the label says which one it is, and figures of the two are never compared.

`answer_similarity` is the cosine of the answer's and the ground truth's embedding, as elsewhere.

Cosines below zero count as 0: there is no worse than unrelated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops.evaluation.evidence import Score, measured, missing

RELEVANCY_LABEL = "embedding-cosine (advisory)"


def answer_relevancy(answer: Sequence[float] | None, question: Sequence[float] | None) -> Score:
    """How close the answer is to the question."""
    return _score(answer, question, "the question", RELEVANCY_LABEL)


def answer_similarity(answer: Sequence[float] | None, ground_truth: Sequence[float] | None) -> Score:
    """How close the answer is to the ground truth."""
    return _score(answer, ground_truth, "the ground truth", "")


def _score(answer: Sequence[float] | None, other: Sequence[float] | None, name: str, judge: str) -> Score:
    if answer is None or other is None:
        return missing(f"there is no embedding of {name if other is None else 'the answer'}", judge)
    value = cosine(answer, other)
    if value is None:
        return missing(f"the embedding of the answer or of {name} is zero or not finite", judge)
    return measured(min(max(value, 0.0), 1.0), judge=judge)


def cosine(one: Sequence[float], other: Sequence[float]) -> float | None:
    """The cosine of two vectors of one length, or None where either has no direction."""
    left, right = [float(value) for value in one], [float(value) for value in other]
    lengths = math.hypot(*left) * math.hypot(*right)
    if not lengths or not math.isfinite(lengths):
        return None
    return math.fsum(a * b for a, b in zip(left, right, strict=True)) / lengths
