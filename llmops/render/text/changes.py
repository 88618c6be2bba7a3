"""What changed between two sides of a prompt, field by field; texts as hunks."""

from __future__ import annotations

from llmops.documents.evalset_changes import CaseChange
from llmops.documents.freezing.changes import Change, Kind
from llmops.render import show
from llmops.render.page import Cell, Page
from llmops.usecases.results.authoring import Difference

_MARKS = {Kind.ADDED: Cell("+", "good"), Kind.REMOVED: Cell("-", "bad"), Kind.CHANGED: Cell("~", "warn")}
_MOST_LINES = 40
_LONG = 50


def differences(page: Page, results: tuple[Difference, ...]) -> None:
    """One block a prompt, one entry a field."""
    if not results:
        page.line("no prompt differs")
    for result in results:
        page.blank()
        page.line(Cell(result.prompt, "bold"), f"  {result.before} -> {result.after}")
        changes(page, result.changes)
        _cases(page, result)


def _cases(page: Page, result: Difference) -> None:
    """What changed in the evalset, case by case, and whether behaviour and yardstick changed at once."""
    if result.evalset_problem:
        page.paragraph(result.evalset_problem, indent=2, style="warn")
    if result.evalset is not None:
        page.line(f"  cases: {result.evalset.before} -> {result.evalset.after}")
        for case in result.evalset.cases[:_MOST_LINES]:
            _case(page, case)
        if len(result.evalset.cases) > _MOST_LINES:
            page.line(f"    ({len(result.evalset.cases) - _MOST_LINES} more cases)")
        for name in result.evalset.slices_removed:
            page.line("    ", _MARKS[Kind.REMOVED], f" slice {name}")
        for name in result.evalset.slices_added:
            page.line("    ", _MARKS[Kind.ADDED], f" slice {name}")
    if result.is_together:
        what = f"behaviour and yardstick change together ({', '.join(result.yardstick)})"
        after = ": the gate holds it against the cases of what serves, too" if result.evalset is not None else ""
        page.paragraph(
            f"{what}{after}; a looser bar or another yardstick needs the role quality", indent=2, style="warn"
        )


def _case(page: Page, change: CaseChange) -> None:
    mark = _MARKS[Kind(change.kind)]
    page.line("    ", mark, f" {change.case}{' (must pass)' if change.is_must_pass else ''}")
    for field in change.fields:
        old, new = (show.one_line(text or "(none)", 120) for text in (field.before, field.after))
        page.paragraph(f"{field.name}: {old} -> {new}", indent=8, hanging=10, style="warn")


def changes(page: Page, items: tuple[Change, ...]) -> None:
    """The fields that changed, behaviour first; texts as hunks."""
    if not items:
        page.paragraph("no difference", indent=2)
    for change in sorted(items, key=lambda item: ("behaviour", "bars", "about").index(item.part)):
        mark = _MARKS[change.kind]
        if change.hunks or _is_text(change):
            page.line("  ", mark, f" {change.path}")
            _hunks(page, change.hunks or (f"-{change.old}", f"+{change.new}"))
        else:
            page.paragraph(f"{mark.text} {change.path}: {_values(change)}", indent=2, hanging=6, style=mark.style)


def _is_text(change: Change) -> bool:
    """A sentence on one line has no hunks, and is too long to be read side by side."""
    both = (change.old, change.new)
    return change.kind is Kind.CHANGED and all(isinstance(text, str) for text in both) and max(map(len, both)) > _LONG


def _hunks(page: Page, hunks: tuple[str, ...]) -> None:
    lines = [line for hunk in hunks for line in hunk.splitlines()]
    for line in lines[:_MOST_LINES]:
        style = {"+": "good", "-": "bad", "@": "dim"}.get(line[:1], "")
        page.paragraph(line, indent=6, hanging=8, style=style)
    if len(lines) > _MOST_LINES:
        page.line(f"      ({len(lines) - _MOST_LINES} more lines)")


def _values(change: Change) -> str:
    old, new = (show.one_line(_text(value), 120) for value in (change.old, change.new))
    return {Kind.ADDED: new, Kind.REMOVED: old, Kind.CHANGED: f"{old} -> {new}"}[change.kind]


def _text(value: object) -> str:
    import json

    return value or "(empty)" if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
