"""The words that documents may use, as far as this build can honour them."""

from __future__ import annotations

from llmops.documents.project import Vocabulary
from llmops.evaluation.metrics import METRICS

JUDGES = ("embedded-lexical",)


def vocabulary() -> Vocabulary:
    """Every metric that can be measured and every judge that can score."""
    shares = tuple(name for name, info in METRICS.items() if not info.is_operational)
    return Vocabulary(metrics=tuple(METRICS), shares=shares, judges=JUDGES)
