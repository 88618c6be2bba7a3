"""Evaluate: eval, gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmops.cli.context import Context
from llmops.cli.options import EnvironmentOpt, NameArg, OfflineOpt, RecordsBranchOpt, split_name
from llmops.cli.outcome import Outcome
from llmops.errors import Answer, CannotAsk

if TYPE_CHECKING:
    from llmops.usecases.evaluate.subjects import Subject
    from llmops.usecases.results import Evaluated, Gated

GROUP = "Evaluate"


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    app.command("eval", rich_help_panel=GROUP)(evaluate)
    app.command(rich_help_panel=GROUP)(gate)


def evaluate(
    context: typer.Context,
    name: NameArg,
    record: Annotated[bool, typer.Option("--record", help="Write the evidence to the records branch.")] = False,
    working: Annotated[bool, typer.Option("--working", help="Score the working files (never evidence).")] = False,
    offline: OfflineOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Score one behaviour on its evalset; resumes where it was.

    Example: llmops eval mortgage-assistant@1.2.0 --record
    """
    from llmops.render.text import evaluate as text

    world = Context.of(context)
    if record and working:
        raise CannotAsk("USAGE", "working files are never evidence", hint="`llmops lock` them, then eval --record")
    if working and "@" in name:
        raise CannotAsk("USAGE", "working files have no version", hint=f"llmops eval {split_name(name)[0]} --working")
    subject = world.subject(name, is_locked=not working, branch=records_branch)
    result = _run(world, subject, record=record, branch=records_branch, offline=offline)
    is_whole = all(item.measured == item.expected for item in result.summary.metrics)
    return Outcome(
        result=result,
        show=lambda page: text.evaluated(page, result),
        answer=Answer.YES if is_whole else Answer.UNDECIDED,
    )


def gate(
    context: typer.Context,
    name: NameArg,
    env: EnvironmentOpt = "",
    run_missing: Annotated[bool, typer.Option("--eval", help="Evaluate and record first what is missing.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Judge the working files; marked as no evidence.")] = False,
    offline: OfflineOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Decide from stored evidence whether a release may serve.

    Example: llmops gate mortgage-assistant@1.2.0 --env staging
    """
    from llmops.render.text import evaluate as text

    world = Context.of(context)
    result = _preview(world, name, env, records_branch, offline=offline) if preview else None
    result = result or _decide(world, name, env, records_branch, run_missing=run_missing, offline=offline)
    answers = {"PASS": Answer.YES, "FAIL": Answer.NO}
    return Outcome(
        result=result,
        show=lambda page: text.gated(page, result),
        answer=answers.get(result.decision.verdict.value, Answer.UNDECIDED),
    )


def _run(world: Context, subject: Subject, *, record: bool, branch: str, offline: bool) -> Evaluated:
    import asyncio

    from llmops.usecases.evaluate import recording, run

    desk = world.desk(branch) if record else None
    if desk:
        desk.read().person(desk.signing)  # a key that may not sign is found out before the work, not after it

    async def work() -> tuple[Evaluated, Mapping[str, Any]]:
        async with world.door(offline=offline) as door:
            _, result = await run.run(subject, door, world.build_retriever, world.progress)
            return result, door.identity(subject.release.model)

    result, generator = asyncio.run(work())
    return recording.record(desk, subject, result, generator) if desk else result


def _preview(world: Context, name: str, env: str, branch: str, *, offline: bool) -> Gated:
    from llmops.usecases.evaluate import gate as usecase
    from llmops.usecases.records import ledgers

    prompt, version = split_name(name)
    if version:
        raise CannotAsk(
            "USAGE", "--preview judges the working files, which are no version", hint=f"llmops gate {prompt} --preview"
        )
    records = ledgers.read(world.repository, world.records(branch))
    subject = world.subject(prompt)
    result = _run(world, subject, record=False, branch=branch, offline=offline)
    return usecase.preview(usecase.Place(records=records, environment=env, now=world.now), subject, result)


def _decide(world: Context, name: str, env: str, branch: str, *, run_missing: bool, offline: bool) -> Gated:
    from llmops.usecases.evaluate import gate as usecase

    if not env:
        raise CannotAsk("USAGE", "which environment?", hint="--env NAME; `llmops policy show` lists them")
    desk = world.desk(branch, signs=run_missing)
    records = desk.read()
    subject = world.subject(name, is_locked=True, branch=branch)
    result = usecase.decide(
        usecase.Place(records=records, environment=env, now=world.now), subject.release, subject.evalset
    )
    if run_missing and not result.evidence:
        _run(world, subject, record=True, branch=branch, offline=offline)
        result = usecase.decide(
            usecase.Place(records=desk.read(), environment=env, now=world.now), subject.release, subject.evalset
        )
    return result
