"""Faithfulness: the share of the answer's claims that the retrieved contexts support.

F = |supported claims| / |claims| (Es et al., "RAGAS", 2023, section 3, "Faithfulness"). An answer that declines claims
nothing that could be false: 1. With no context retrieved, every claim is unsupported.

`groundedness` reads the same verdicts and keeps the worst; the two together cost what one of them costs.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmops.evaluation.evidence import measured
from llmops.evaluation.judging.forms import Reading, asked_one
from llmops.evaluation.judging.native import claims
from llmops.evaluation.judging.native.claims import Verdict
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation

DECLINED = "the answer declines and claims nothing"
ALL_SUPPORTED = "the contexts support every claim"


def faithfulness(seen: Observation) -> Steps:
    """The share of supported claims."""
    texts, verdicts = yield from judged(seen)
    if not texts:
        return measured(1, DECLINED)
    return measured(claims.share(verdicts), claims.weak(texts, verdicts) or ALL_SUPPORTED)


def judged(seen: Observation) -> Reading[tuple[Sequence[str], Sequence[Verdict]]]:
    """The answer's claims and the verdict on each against the contexts; no claim where the answer declines."""
    found = yield from asked_one(claims.in_text(seen.answer, seen.case, "the answer"))
    claims.require(found, "the answer")
    verdicts = yield from claims.supported(found.texts, seen.contexts)
    return found.texts, verdicts
