"""The words that documents may use, as far as this build can honour them."""

from __future__ import annotations

from llmops.documents.config import EMBEDDED_JUDGE
from llmops.documents.project import Vocabulary
from llmops.evaluation.metrics import BY_MODEL, LEXICAL, LOWER_BY_MODEL, RULES, Direction

JUDGES = (EMBEDDED_JUDGE, "native", "ragas")


def vocabulary() -> Vocabulary:
    """Every metric that can be measured, by rules or by some judge, and every judge that can score."""
    infos = (*LEXICAL, *RULES)
    common = {info.name for info in infos}
    by_model = tuple(name for name in BY_MODEL if name not in common)
    return Vocabulary(
        metrics=(*(info.name for info in infos), *by_model),
        shares=(*(info.name for info in infos if not info.is_operational), *by_model),
        judges=JUDGES,
        needs_model=by_model,
        ratios=tuple(info.name for info in infos if info.spend),
        lower=(*(info.name for info in infos if info.direction is Direction.LOWER), *LOWER_BY_MODEL),
        percentiles=tuple(info.name for info in infos if info.percentile is not None),
    )
