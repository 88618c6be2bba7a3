"""Author: init, validate, diff, render, lock, restore."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.options import Asking, DryRunOpt, NameArg, OfflineOpt, RecordsBranchOpt, split_name
from llmops.cli.outcome import Outcome
from llmops.errors import Answer, CannotAsk
from llmops.render.page import Page

if TYPE_CHECKING:
    from llmops.usecases.results.authoring import Locked, Rendered

GROUP = "Author"


class Profile(StrEnum):
    """Who the policy is for. `solo`: you alone, environments dev and demo."""

    SOLO = "solo"


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    for command in (init, validate, diff, render, lock, restore):
        app.command(rich_help_panel=GROUP)(command)


def init(
    context: typer.Context,
    profile: Annotated[Profile, typer.Option(help="Whose rules: solo is you alone.")] = Profile.SOLO,
    dry_run: DryRunOpt = False,
) -> Outcome:
    """Scaffold a repository: policy, example prompt, evalset.

    Example: git init -b main && llmops init --profile solo
    """
    from llmops.render.text import author as text
    from llmops.usecases.author import init as usecase

    world = Context.of(context)
    request = usecase.Request(profile=profile.value, is_dry_run=dry_run)
    result = usecase.run(world.repository, request, find_signer=lambda: world.signer_or_new(dry_run=dry_run))
    return Outcome(result=result, show=lambda page: text.written_files(page, result))


def validate(
    context: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATHS]", help="Files or folders; everything without.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings answer no, too.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Check every file again.")] = False,
) -> Outcome:
    """Check documents: schema, references, templates, versions.

    Example: llmops validate prompts/mortgage-assistant
    """
    from llmops.render.text import author as text
    from llmops.usecases.author import validate as usecase

    world = Context.of(context)
    cache = None if no_cache else world.validation_cache
    result = usecase.run(world.repository.work_tree(), world.from_root(paths or []), cache)
    is_bad = bool(result.errors or (strict and result.warnings))
    return Outcome(
        result=result,
        show=lambda page: text.validated(page, result),
        answer=Answer.NO if is_bad else Answer.YES,
        findings=result.findings,
    )


def diff(
    context: typer.Context,
    sides: Annotated[str, typer.Argument(metavar="[BASE[..HEAD]]", help="Revisions, NAME@VERSION or env:NAME.")] = "",
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One prompt only.")] = "",
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Show what changed in prompts, field by field.

    Example: llmops diff mortgage-assistant@1.2.0..mortgage-assistant@1.3.0
    """
    from llmops.render.text import changes as text
    from llmops.usecases.author import diff as usecase
    from llmops.usecases.records import ledgers

    world = Context.of(context)
    if sides and not name and ".." not in sides and sides in world.prompt_names:
        sides, name = "", sides
    records = ledgers.read(world.repository, world.records(records_branch))
    result = usecase.run(world.repository, records, sides, name)
    return Outcome(result=result, show=lambda page: text.differences(page, result))


def render(
    context: typer.Context,
    name: NameArg,
    question: Annotated[str, typer.Option("--question", "-q", help="What the user asks.")] = "",
    case: Annotated[str, typer.Option("--case", help="Take question and variables from a case of the evalset.")] = "",
    var: Annotated[
        list[str] | None, typer.Option("--var", metavar="NAME=VALUE", help="A variable; may be repeated.")
    ] = None,
    offline: OfflineOpt = False,
) -> Outcome:
    """Print the exact messages that a question would send.

    Example: llmops render mortgage-assistant --question "What is PMI?"
    """
    import asyncio

    from llmops.render.text import author as text
    from llmops.usecases.author import messages as usecase

    world = Context.of(context)
    subject = world.subject(name)
    request = usecase.Request(question=question, case=case, variables=_variables(var or []))

    async def work() -> Rendered:
        async with world.door(Asking(is_offline=offline)) as door:
            return await usecase.run(subject, request, world.settings, door, world.build_retriever)

    result = asyncio.run(work())
    return Outcome(result=result, show=lambda page: text.rendered(page, result))


def _variables(pairs: list[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise CannotAsk("USAGE", f"--var {wrong[0]} has no value", hint="--var NAME=VALUE")
    return dict(pair.split("=", 1) for pair in pairs)


def lock(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A prompt; with --check, all of them without.")] = "",
    base: Annotated[
        str | None, typer.Option("--base", metavar="VERSION", help="The version this one is made from.")
    ] = None,
    worktree: Annotated[bool, typer.Option("--worktree", help="Read the work tree, not the index.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only answer whether the release is up to date.")] = False,
    dry_run: DryRunOpt = False,
) -> Outcome:
    """Freeze a prompt into releases/NAME/VERSION.json.

    Example: git add prompts && llmops lock mortgage-assistant
    """
    from llmops.render.text import author as text
    from llmops.usecases.author import lock as usecase

    world = Context.of(context)
    if not name and not check:
        raise CannotAsk(
            "USAGE", "lock needs a prompt's name", hint=f"one of: {', '.join(world.prompt_names) or 'none yet'}"
        )
    records_branch = world.records("").name if world.repository.branch() else ""

    def one(each: str) -> Locked:
        request = usecase.Request(name=each, base=base, from_work_tree=worktree, check=check, is_dry_run=dry_run)
        return usecase.run(world.repository, request, base_branch=world.base_branch, records_branch=records_branch)

    results = usecase.check_all(one, (name,) if name else usecase.names(world.repository))

    def show(page: Page) -> None:
        for result in results:
            text.locked(page, result)

    return Outcome(result=results[0] if name else results, show=show)


def restore(
    context: typer.Context,
    name: NameArg,
    dry_run: DryRunOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Bring an old release back to the working files.

    Example: llmops restore mortgage-assistant@1.2.0
    """
    from llmops.render.text import author as text
    from llmops.usecases.author import restore as usecase
    from llmops.usecases.records import ledgers

    world = Context.of(context)
    prompt, version = split_name(name)
    if not version:
        raise CannotAsk("USAGE", "which version?", hint=f"llmops restore {prompt}@VERSION")
    records = ledgers.read(world.repository, world.records(records_branch))
    result = usecase.run(
        world.repository, records.tree, prompt, version, dirty_paths=world.repository.dirty_paths, is_dry_run=dry_run
    )
    return Outcome(result=result, show=lambda page: text.written_files(page, result))
