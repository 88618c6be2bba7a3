"""The words that documents may use, as far as this build can honour them."""

from __future__ import annotations

from llmops.documents.config import EMBEDDED_JUDGE
from llmops.documents.project import Vocabulary
from llmops.evaluation.judging.native import registry as native
from llmops.evaluation.metrics import LEXICAL, RULES

JUDGES = (EMBEDDED_JUDGE, "native", "ragas")


def vocabulary() -> Vocabulary:
    """Every metric that can be measured, by rules or by some judge, and every judge that can score.

    What a judge scores beyond the rules is known of the embedded one; another offers what the native one does.
    """
    judged = {metric.info.name: metric.info for metric in native.METRICS.values()}
    infos = {**judged, **{info.name: info for info in (*LEXICAL, *RULES)}}
    shares = tuple(name for name, info in infos.items() if not info.is_operational)
    return Vocabulary(
        metrics=tuple(infos),
        shares=shares,
        judges=JUDGES,
        needs_model=tuple(name for name in judged if name not in {info.name for info in (*LEXICAL, *RULES)}),
    )
