"""Groundedness: how far the retrieved contexts support the answer's worst claim.

G = min over claims of 1 (supported), ½ (partly) or 0 (unsupported). "Every claim is supported" is a statement about the
worst one: a share (FActScore, RAGAS) lets nine true claims hide one that was made up. 1 therefore means that each
claim is supported in full, 0 that at least one is not supported at all. An answer that declines has 1.
"""

from __future__ import annotations

from llmops.evaluation.evidence import measured
from llmops.evaluation.judging.native import claims
from llmops.evaluation.judging.native.faithfulness import ALL_SUPPORTED, DECLINED, judged
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation


def groundedness(seen: Observation) -> Steps:
    """The grade of the least supported claim."""
    texts, verdicts = yield from judged(seen)
    if not texts:
        return measured(1, DECLINED)
    worst = min(verdict.grade.points for verdict in verdicts)
    return measured(worst, claims.weak(texts, verdicts) or ALL_SUPPORTED)
