"""Context recall: the share of the ground truth's claims that the retrieved contexts support.

|supported claims of the ground truth| / |claims of the ground truth| (ragas, "Context Recall", with claims in place of
sentences; claim recall in Ru et al., "RAGChecker", 2024). A ground truth that says that there is no answer has nothing
to be retrieved: not applicable. With no context retrieved, nothing is recalled: 0.
"""

from __future__ import annotations

from llmops.evaluation.evidence import measured, not_applicable
from llmops.evaluation.judging.forms import asked_one
from llmops.evaluation.judging.native import claims
from llmops.evaluation.judging.native.faithfulness import ALL_SUPPORTED
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation


def context_recall(seen: Observation) -> Steps:
    """The share of the ground truth's claims that the contexts hold."""
    found = yield from asked_one(claims.in_text(seen.case.ground_truth, seen.case, "the ground truth"))
    claims.require(found, "the ground truth")
    if found.declines:
        return not_applicable("the ground truth claims nothing that could be retrieved")
    verdicts = yield from claims.supported(found.texts, seen.contexts)
    return measured(claims.share(verdicts), claims.weak(found.texts, verdicts) or ALL_SUPPORTED)
