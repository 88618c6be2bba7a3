"""What `evalset check` shows: leaks by the file they stand in, then cases that ask the same."""

from __future__ import annotations

from llmops.render.page import Cell, Page
from llmops.usecases.results.evalsets import CheckedEvalset

_HOW = {"exact": "word for word", "ngram": "in its words", "embedding": "in other words"}


def checked(page: Page, result: CheckedEvalset) -> None:
    """Every leak and duplicate, and one closing line."""
    for leak in result.leaks:
        style = "warn" if leak.kind == "embedding" else "bad"
        page.paragraph(
            f"{leak.path}: {leak.label} has the {leak.field} of {leak.case} {_HOW[leak.kind]} ({leak.share:.2f})",
            hanging=2,
            style=style,
        )
    for group in result.duplicates:
        page.paragraph(f"ask the same: {', '.join(group)}", hanging=2, style="bad")
    for pair in result.alike:
        page.paragraph(f"ask nearly the same: {pair.case}, {pair.other} ({pair.cosine:.2f})", hanging=2, style="warn")
    page.blank()
    against = ", ".join(result.prompts) or "no prompt: none names this evalset"
    page.line(Cell(f"{result.evalset}: {result.cases} cases against {against}", "good" if result.is_clean else "bad"))
    found = f"{_count(len(result.leaks), 'leak')}, {_count(len(result.duplicates), 'group')} of duplicates"
    how = "words only" if result.similar is None else f"in meaning from a cosine of {result.similar:g}"
    page.line(f"  {found}, {_count(len(result.alike), 'pair')} alike; compared {how}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
