"""What eval --until-decided shows: the evaluation as ever, then what was decided, why, and what that saved."""

from __future__ import annotations

from llmops.evaluation.gating.decisions import Verdict
from llmops.render.page import Cell, Page
from llmops.render.text import evaluate
from llmops.usecases.results.evaluating import UntilDecided

_STYLES = {Verdict.PASS: "good", Verdict.FAIL: "bad"}


def until_decided(page: Page, result: UntilDecided) -> None:
    """One evaluation that stopped when it was decided."""
    if result.evaluated is not None:
        evaluate.evaluated(page, result.evaluated)
        page.blank()
    verdict = result.decision.verdict
    where = f" for {result.environment}" if result.environment else ""
    agree = ": a person has to agree" if result.needs_a_person else ""
    page.line(Cell(verdict.value, _STYLES.get(verdict, "warn")), f"{where} {_after(result)}{agree}")
    for reason in result.decision.reasons:
        style = _STYLES.get(reason.verdict, "warn")
        page.paragraph(f"{reason.message}  [{reason.code}]", indent=2, hanging=4, style=style)
        if reason.hint:
            page.paragraph(f"fix: {reason.hint}", indent=4, hanging=9)
    page.paragraph(_saved(result), indent=2, style="dim")


def _after(result: UntilDecided) -> str:
    if result.evaluated is None:
        return f"by the {result.recorded} of {result.of} cases that are recorded"
    before = f", {result.recorded} of them recorded before" if result.recorded else ""
    return f"after {result.cases + result.recorded} of {result.of} cases{before}"


def _saved(result: UntilDecided) -> str:
    if result.evaluated is None:
        decided = "already decided by recorded evidence" if result.is_decided else "no further case would help"
        return f"{decided}: nothing was run, nothing was recorded"
    left = result.of - result.cases - result.recorded
    if not left:
        forced = f": {', '.join(result.forced_by)} can pass on all of them only" if result.forced_by else ""
        return f"every case was needed{forced}"
    money = "" if result.saved_nano_usd is None else f" and ${result.saved_nano_usd / 1e9:.4f}"
    return f"saved: {left} cases ({left / result.of:.0%}), about {result.saved_requests} requests{money}"
