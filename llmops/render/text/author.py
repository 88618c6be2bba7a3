"""What the author's commands show: validate, render, lock, restore, init. Differences are in `changes`."""

from __future__ import annotations

from llmops.render import messages
from llmops.render.page import Cell, Page
from llmops.usecases.results.authoring import Locked, Rendered, Validated
from llmops.usecases.results.writing import WrittenFiles


def validated(page: Page, result: Validated) -> None:
    """Every finding and one closing line."""
    messages.findings(page, result.findings)
    page.blank()
    errors, warnings = _count(result.errors, "error"), _count(result.warnings, "warning")
    style = "bad" if result.errors else "good"
    page.line(Cell(f"{_count(result.units, 'folder')} checked: {errors}, {warnings}", style))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def rendered(page: Page, result: Rendered) -> None:
    """The messages as they are sent, and what they weigh."""
    for message in result.messages:
        page.blank()
        page.line(Cell(f"[{message['role']}]", "bold"))
        for line in message["content"].splitlines():
            page.line(f"  {line}")
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
        # A command is one line, whatever the width: it is there to be copied.
        if note.startswith(" "):
            page.line(note)
        else:
            page.paragraph(note, style="dim")
