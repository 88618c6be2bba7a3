"""Author: evalset import, evalset check."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.options import Asking, DryRunOpt, OfflineOpt
from llmops.cli.outcome import Outcome
from llmops.errors import Answer, CannotAsk

if TYPE_CHECKING:
    from llmops.usecases.results.evalsets import CheckedEvalset

GROUP = "Author"


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    evalset = typer.Typer(
        help="Cases: import a file or a dataset, check for leaks.", rich_markup_mode=None, no_args_is_help=True
    )
    evalset.command("import")(evalset_import)
    evalset.command("check")(evalset_check)
    app.add_typer(evalset, name="evalset", rich_help_panel=GROUP)


def evalset_import(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A .jsonl, .csv or .parquet file, or a dataset's name on the hub.")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The evalset to write: evalsets/NAME/.")],
    split: Annotated[str, typer.Option("--split", help="The dataset's split; train without.")] = "",
    revision: Annotated[
        str, typer.Option("--revision", metavar="COMMIT", help="The dataset's commit; it must be named.")
    ] = "",
    columns: Annotated[
        str, typer.Option("--columns", metavar="FIELD=COLUMN,…", help="Which column holds which field of a case.")
    ] = "",
    version: Annotated[str, typer.Option("--version", help="The evalset's version.")] = "1.0.0",
    force: Annotated[bool, typer.Option("--force", help="Replace an evalset of this name.")] = False,
    dry_run: DryRunOpt = False,
) -> Outcome:
    """Write a file's or a dataset's rows as an evalset.

    Example: llmops evalset import answers.csv loans --columns question=user_input,ground_truth=reference
    """
    from llmops.adapters.evalsets.sources import load_cases
    from llmops.render.text import author as text
    from llmops.usecases.author import import_evalset as usecase

    world = Context.of(context)
    request = usecase.Request(
        name=name,
        version=version,
        source=source,
        origin=_origin(source, split, revision),
        is_forced=force,
        is_dry_run=dry_run,
    )
    rows = load_cases(
        source,
        columns=_columns(columns),
        split=split or "train",
        revision=revision,
        folder=Path(world.options.folder),
    )
    result = usecase.run(world.repository, request, rows)
    return Outcome(result=result, show=lambda page: text.written_files(page, result))


def evalset_check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="An evalset.")],
    similar: Annotated[
        float,
        typer.Option("--similar", min=0.0, max=1.0, help="The least cosine that counts as alike; 0: words only."),
    ] = 0.92,
    offline: OfflineOpt = False,
) -> Outcome:
    """Look for cases that its prompts give away, and for cases that ask the same.

    Example: llmops evalset check mortgage-assistant --similar 0.9
    """
    import asyncio

    from llmops.render.text import evalsets as text
    from llmops.usecases.author import check_evalset as usecase

    world = Context.of(context)

    async def work() -> CheckedEvalset:
        tree = world.repository.work_tree()
        if not similar:
            return await usecase.run(tree, name, None, None)
        async with world.door(Asking(is_offline=offline)) as door:
            return await usecase.run(tree, name, similar, door)

    result = asyncio.run(work())
    return Outcome(
        result=result,
        show=lambda page: text.checked(page, result),
        answer=Answer.YES if result.is_clean else Answer.NO,
    )


def _origin(source: str, split: str, revision: str) -> str:
    """Where the cases come from, for the manifest. Raises: CannotAsk USAGE."""
    from llmops.documents.case_sources import ENDINGS

    if PurePath(source).suffix not in ENDINGS:
        which = f"split {split or 'train'}, revision {revision}"
        return f"Imported from the dataset {source} of the Hugging Face hub, {which}."
    if split or revision:
        what = f"{source} is a file: --split and --revision are for datasets of the hub"
        raise CannotAsk("USAGE", what, hint="leave them out, or name a dataset")
    # Where the file lay on this machine is no concern of those who read the manifest.
    return f"Imported from {PurePath(source).name}."


def _columns(text: str) -> dict[str, str]:
    """FIELD=COLUMN pairs. Raises: CannotAsk USAGE."""
    from llmops.documents.reading.case_fields import FIELDS

    pairs = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
    for field, _, column in pairs:
        if field not in FIELDS or not column:
            what = f"--columns names '{field}', which is no field of a case" if column else f"'{field}' has no column"
            raise CannotAsk("USAGE", what, hint=f"--columns FIELD=COLUMN,…; fields: {', '.join(sorted(FIELDS))}")
    found = {field: column for field, _, column in pairs}
    if len(found) < len(pairs):
        raise CannotAsk("USAGE", "--columns names a field twice", hint="give each field one column")
    return found
