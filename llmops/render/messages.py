"""Findings and errors as people read them: where, what, what to do."""

from __future__ import annotations

from collections.abc import Iterable

from llmops.errors import Finding, LlmopsError, Severity
from llmops.render.page import Cell, Page


def findings(page: Page, items: Iterable[Finding]) -> None:
    """One block a finding: `path:line:column: message  [rule]` and its fix."""
    for finding in items:
        grave = finding.severity is Severity.ERROR
        word = Cell("error", "bad") if grave else Cell("warning", "warn")
        page.line(
            Cell(f"{finding.location}: ", "bold"), word, f": {finding.message}  ", Cell(f"[{finding.rule}]", "dim")
        )
        if finding.fix:
            page.paragraph(f"fix: {finding.fix}", indent=2, hanging=7)


def error(page: Page, problem: LlmopsError) -> None:
    """An error: its place and sentence, everything that is missing, and the hint."""
    where = f"{problem.where}: " if problem.where and problem.where not in problem.what else ""
    # One sentence, wrapped: a line feed in somebody's text must not begin a line that looks like ours.
    said = f"{where}{problem.what}".replace("\n", "\\n")
    page.sentence(Cell("error", "bad"), f": {said}  [{problem.code}]", hanging=2)
    if problem.details:
        page.bullets(problem.details)
    if problem.hint:
        page.paragraph(f"fix: {problem.hint}", indent=2, hanging=7)
