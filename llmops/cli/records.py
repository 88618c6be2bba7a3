"""Records: audit log, audit verify."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.options import RecordsBranchOpt
from llmops.cli.outcome import Outcome
from llmops.errors import Answer, CannotAsk

GROUP = "Records"


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    audit = typer.Typer(help="The history: read it, verify it.", rich_markup_mode=None, no_args_is_help=True)
    audit.command("log")(log)
    audit.command("verify")(verify)
    app.add_typer(audit, name="audit", rich_help_panel=GROUP)


def log(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One prompt only.")] = "",
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """List every record, oldest first; void ones say why.

    Example: llmops audit log
    """
    from llmops.render.text import records as text
    from llmops.usecases.records import audit as usecase
    from llmops.usecases.records import ledgers

    world = Context.of(context)
    branch = world.records(records_branch)
    result = usecase.log(ledgers.require(ledgers.read(world.repository, branch), branch), branch, name)
    return Outcome(result=result, show=lambda page: text.log(page, result))


def verify(
    context: typer.Context,
    root: Annotated[
        str, typer.Option("--root", metavar="SHA256", help="The first policy record's digest, as pinned.")
    ] = "",
    remember: Annotated[
        str,
        typer.Option("--remember", metavar="FILE", help="Compare with the head in FILE, then keep the new one there."),
    ] = "",
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="The state at a time, with offset: 2026-01-31T12:00Z.")
    ] = "",
    revision: Annotated[
        str, typer.Option("--revision", metavar="REV", help="Verify this commit, not the branch's tip.")
    ] = "",
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Check every record, digest, signature and pointer.

    Example: llmops audit verify --root 3f1c…
    """
    from llmops.render.text import records as text
    from llmops.usecases.records import audit as usecase

    world = Context.of(context)
    branch = world.records(records_branch, pin=root)
    memory = world.memory(remember)
    result = usecase.verify_tip(world.repository, branch, remembered=memory.recall(), at=_time(at), revision=revision)
    if result.report.ok and not at and not revision:
        memory.keep(usecase.head_of(result))
    return Outcome(
        result=result,
        show=lambda page: text.audited(page, result),
        answer=Answer.YES if result.report.ok else Answer.NO,
    )


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise CannotAsk(
            "USAGE", f"--at {text} is no time", hint="ISO 8601 with an offset: 2026-01-31T12:00Z"
        ) from error
    if time.tzinfo is None:
        raise CannotAsk("USAGE", f"--at {text} has no offset", hint="add Z for UTC, or an offset such as +02:00")
    return time
