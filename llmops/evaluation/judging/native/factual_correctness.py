"""Factual correctness: do answer and ground truth claim the same?

Claims are cut out of both and each is judged against the other text: TP are claims of the answer that the ground truth
supports, FP those that it does not, FN claims of the ground truth that the answer does not support. The score is
F1 = 2 TP / (2 TP + FP + FN) (ragas, "Factual Correctness", mode f1, not rounded; claims as in Min et al., "FActScore",
2023). Texts that both decline agree: 1. Where only one of them declines: 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmops.evaluation.evidence import Score, measured
from llmops.evaluation.judging.forms import asked
from llmops.evaluation.judging.native import claims
from llmops.evaluation.judging.native.claims import Claims, Verdict
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation


def factual_correctness(seen: Observation) -> Steps:
    """The F1 of the claims of answer and ground truth."""
    truth = seen.case.ground_truth
    own, wanted = yield from asked(
        (claims.in_text(seen.answer, seen.case, "the answer"), claims.in_text(truth, seen.case, "the ground truth"))
    )
    claims.require(own, "the answer")
    claims.require(wanted, "the ground truth")
    if own.declines or wanted.declines:
        return _declined(own, wanted)
    verdicts = yield from asked((*claims.support(own.texts, (truth,)), *claims.support(wanted.texts, (seen.answer,))))
    stated, covered = verdicts[: len(own.texts)], verdicts[len(own.texts) :]
    return measured(f1(stated, covered), _reason(own, stated, wanted, covered))


def f1(stated: Sequence[Verdict], covered: Sequence[Verdict]) -> float:
    """F1 from the verdicts on the answer's claims and on the ground truth's."""
    hits = sum(verdict.is_supported for verdict in stated)
    wrong, lacking = len(stated) - hits, sum(not verdict.is_supported for verdict in covered)
    return 2 * hits / (2 * hits + wrong + lacking)


def _declined(own: Claims, wanted: Claims) -> Score:
    if own.declines and wanted.declines:
        return measured(1, "both the answer and the ground truth decline")
    return measured(0, f"the {'answer' if own.declines else 'ground truth'} declines, the other does not")


def _reason(own: Claims, stated: Sequence[Verdict], wanted: Claims, covered: Sequence[Verdict]) -> str:
    wrong, lacking = claims.weak(own.texts, stated), claims.weak(wanted.texts, covered)
    parts = [f"not in the ground truth: {wrong}" if wrong else "", f"not in the answer: {lacking}" if lacking else ""]
    return "; ".join(part for part in parts if part) or "the claims of answer and ground truth agree"
