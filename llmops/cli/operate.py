"""Operate: setup embedded, doctor, schema."""

from __future__ import annotations

from typing import Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.outcome import Outcome
from llmops.cli.session import say
from llmops.errors import Answer, CannotAsk

GROUP = "Operate"


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    setup = typer.Typer(help="Put local parts in place.", rich_markup_mode=None, no_args_is_help=True)
    setup.command("embedded")(embedded)
    # A second command keeps typer from folding a group of one into its only member.
    setup.callback()(lambda: None)
    app.add_typer(setup, name="setup", rich_help_panel=GROUP)
    app.command(rich_help_panel=GROUP)(doctor)
    app.command(rich_help_panel=GROUP)(schema)


def embedded(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Only check what is there; install nothing.")] = False,
) -> Outcome:
    """Install the local model's weights and check their sha256.

    Example: llmops setup embedded
    """
    from llmops.adapters.models.embedded import install, weights
    from llmops.render.text import records as text
    from llmops.usecases.results.auditing import Check, Diagnosis

    del context
    found = weights.check() if check else install.install(say)
    missing = install.missing_engines()
    engines = Check(
        name="engines",
        state="problem" if missing else "ok",
        message=f"not installed: {', '.join(missing)}" if missing else "installed",
        fix="install llmops with its extra `embedded`: pip install '.[embedded]' in its checkout" if missing else "",
    )
    files = tuple(
        Check(
            name=item.weight.name,
            state="ok" if item.is_ok else "problem",
            message=item.message.removeprefix(f"{item.weight.name}: "),
        )
        for item in found
    )
    result = Diagnosis(checks=(*files, engines))
    answer = Answer.YES if all(check.state == "ok" for check in result.checks) else Answer.NO
    return Outcome(result=result, show=lambda page: text.diagnosis(page, result), answer=answer)


def doctor(context: typer.Context) -> Outcome:
    """Check this machine and repository, and say what to mend.

    Example: llmops doctor
    """
    from llmops.render.text import records as text
    from llmops.usecases.records import doctor as usecase

    result = usecase.run(Context.of(context).probes())
    answer = Answer.NO if any(check.state == "problem" for check in result.checks) else Answer.YES
    return Outcome(result=result, show=lambda page: text.diagnosis(page, result), answer=answer)


def schema(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="prompt, rag, thresholds …; lists them without.")] = "",
) -> Outcome:
    """Print the JSON Schema of a document, for editors.

    Example: llmops schema prompt
    """
    import json

    from llmops.documents.reading import schemas

    del context
    if kind and kind not in schemas.KINDS:
        raise CannotAsk("USAGE", f"there is no document kind {kind}", hint=f"one of: {', '.join(schemas.KINDS)}")
    if not kind:
        kinds = list(schemas.KINDS)
        return Outcome(result=kinds, show=lambda page: page.lines.extend(kinds))
    value = schemas.schema(kind)
    return Outcome(result=value, show=lambda _page: None, raw=json.dumps(value, indent=2, ensure_ascii=False) + "\n")
