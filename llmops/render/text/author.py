"""What the author's commands show: validate, diff, render, lock, restore, init."""

from __future__ import annotations

from llmops.documents.changes import Change, Kind
from llmops.render import messages, show
from llmops.render.page import Cell, Page
from llmops.usecases.results import Difference, Locked, Rendered, Validated, WrittenFiles

_MARKS = {Kind.ADDED: Cell("+", "good"), Kind.REMOVED: Cell("-", "bad"), Kind.CHANGED: Cell("~", "warn")}
_MOST_LINES = 40


def validated(page: Page, result: Validated) -> None:
    """Every finding and one closing line."""
    messages.findings(page, result.findings)
    page.blank()
    errors, warnings = _count(result.errors, "error"), _count(result.warnings, "warning")
    style = "bad" if result.errors else "good"
    page.line(Cell(f"{_count(result.units, 'folder')} checked: {errors}, {warnings}", style))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def differences(page: Page, results: tuple[Difference, ...]) -> None:
    """One block a prompt, one entry a field."""
    if not results:
        page.line("no prompt differs")
    for result in results:
        page.blank()
        page.line(Cell(result.prompt, "bold"), f"  {result.before} -> {result.after}")
        changes(page, result.changes)


def changes(page: Page, items: tuple[Change, ...]) -> None:
    """The fields that changed, behaviour first; texts as hunks."""
    if not items:
        page.paragraph("no difference", indent=2)
    for change in sorted(items, key=lambda item: ("behaviour", "bars", "about").index(item.part)):
        mark = _MARKS[change.kind]
        if change.hunks:
            page.line("  ", mark, f" {change.path}")
            _hunks(page, change.hunks)
        else:
            page.paragraph(f"{mark.text} {change.path}: {_values(change)}", indent=2, hanging=6, style=mark.style)


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

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def rendered(page: Page, result: Rendered) -> None:
    """The messages as they are sent, and what they weigh."""
    for message in result.messages:
        page.blank()
        page.line(Cell(f"[{message['role']}]", "bold"))
        for line in message["content"].splitlines():
            page.paragraph(line, indent=2)
    page.blank()
    about = "about " if result.is_estimate else ""
    price = f", ${result.nano_usd / 1e9:.6f} of input" if result.nano_usd is not None else ""
    page.line(Cell(f"{result.prompt} {result.version}, {result.model}: {about}{result.tokens} tokens{price}", "dim"))
    if result.passages:
        page.paragraph(f"passages: {', '.join(result.passages)}", style="dim")


def locked(page: Page, result: Locked) -> None:
    """The frozen file and its digests."""
    messages.findings(page, result.warnings)
    verb = {"created": "locked", "replaced": "locked again", "unchanged": "already locked"}[result.change]
    head = f"{'would be ' if result.is_dry_run and result.change != 'unchanged' else ''}{verb}"
    page.line(Cell(f"{result.prompt} {result.version}", "bold"), f" {head}: {result.path}")
    page.fields(
        [
            ("base", result.base or "none: a first release"),
            ("release", result.digest),
            ("behaviour", result.behaviour_digest),
        ]
    )
    if result.change != "unchanged" and not result.is_dry_run:
        page.paragraph("staged; commit it together with the sources", indent=2, style="dim")


def written_files(page: Page, result: WrittenFiles) -> None:
    """Which files were written, and what to do next."""
    verb = "would write" if result.is_dry_run else "wrote"
    for path in result.files:
        page.line(f"{verb} {path}")
    for note in result.notes:
        page.paragraph(note, style="dim")
