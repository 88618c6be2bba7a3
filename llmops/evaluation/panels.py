"""Who measures: the judge and everything that can be scored with it. Evidence of two panels is never compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from llmops.errors import CannotAsk
from llmops.evaluation.judging.identity import JudgeIdentity
from llmops.evaluation.metrics import EMBEDDED, Catalogue
from llmops.evaluation.scoring import lexical


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A judge, the catalogue of metrics that an evaluation with it can measure, and each metric's version: for a metric
    of one's own it names the content that measures it as well."""

    judge: JudgeIdentity
    catalogue: Catalogue
    versions: Mapping[str, str]


PanelOf = Callable[[str], Panel]
"""The panel of a judge's name, as thresholds.yaml writes it."""

EMBEDDED_PANEL = Panel(
    judge=JudgeIdentity(name=lexical.JUDGE, kind=lexical.JUDGE, digest=lexical.judge_digest(), label=lexical.LABEL),
    catalogue=EMBEDDED,
    versions=EMBEDDED.versions,
)


def embedded_only(name: str) -> Panel:
    """The panel where llmops.yaml configures no judge. Raises: CannotAsk JUDGE_UNKNOWN."""
    if name != lexical.JUDGE:
        hint = "add it to `judges` of llmops.yaml"
        raise CannotAsk("JUDGE_UNKNOWN", f"the bars name the judge {name}, which is not configured", hint=hint)
    return EMBEDDED_PANEL
