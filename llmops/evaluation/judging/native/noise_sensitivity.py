"""Noise sensitivity: the share of the answer's claims that are incorrect and come from irrelevant passages. Less is
better.

NS = |claims that the ground truth does not support, irrelevant passages do, and relevant ones do not| / |claims|
(irrelevant noise sensitivity in Ru et al., "RAGChecker", 2024; mode "irrelevant" in ragas). Two simplifications keep
the cost linear: whether a passage is relevant is asked once a passage, with the question of `context_precision`,
instead of once for each claim of the ground truth; and passages of one kind are shown together, not one by one.

An answer that declines, or for which nothing was retrieved, has 0: no noise has misled it. An incorrect claim that no
passage supports was made up: that is for `faithfulness` to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmops.evaluation.evidence import measured
from llmops.evaluation.judging.forms import Reading, asked_both
from llmops.evaluation.judging.native import claims
from llmops.evaluation.judging.native.context_precision import Usefulness, useful
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation


def noise_sensitivity(seen: Observation) -> Steps:
    """The share of incorrect claims that irrelevant passages brought about."""
    if not seen.contexts:
        return measured(0, "no passage was retrieved that could mislead")
    (found,), kinds = yield from asked_both((claims.in_text(seen.answer, seen.case, "the answer"),), useful(seen))
    claims.require(found, "the answer")
    if found.declines:
        return measured(0, "the answer declines and claims nothing")
    against = yield from claims.supported(found.texts, (seen.case.ground_truth,))
    incorrect = [text for text, verdict in zip(found.texts, against, strict=True) if not verdict.is_supported]
    misled = yield from _misled(incorrect, seen.contexts, kinds)
    reason = claims.named([f"“{text}”: incorrect, and an irrelevant passage says so" for text in misled])
    return measured(len(misled) / len(found.texts), reason or "no incorrect claim comes from an irrelevant passage")


def _misled(incorrect: Sequence[str], contexts: Sequence[str], kinds: Sequence[Usefulness]) -> Reading[list[str]]:
    """The incorrect claims that irrelevant passages support and relevant ones do not."""
    pairs = tuple(zip(contexts, kinds, strict=True))
    relevant = [text for text, kind in pairs if kind.is_useful]
    irrelevant = [text for text, kind in pairs if not kind.is_useful]
    if not irrelevant or not incorrect:
        return []
    others = claims.support(incorrect, relevant) if relevant else ()
    by_noise, by_signal = yield from asked_both(claims.support(incorrect, irrelevant), others)
    # Where no passage is relevant there is no second verdict, and no excuse.
    excused = {text for text, verdict in zip(incorrect, by_signal, strict=False) if verdict.is_supported}
    return [
        text for text, verdict in zip(incorrect, by_noise, strict=True) if verdict.is_supported and text not in excused
    ]
