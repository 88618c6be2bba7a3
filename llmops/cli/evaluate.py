"""Evaluate: eval, gate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.options import (
    Asking,
    EnvironmentOpt,
    JudgeOpt,
    MaxCostOpt,
    MetricsOpt,
    NameArg,
    OfflineOpt,
    RecordsBranchOpt,
    ReplayOpt,
    Runner,
    RunnerOpt,
    SaveRepliesOpt,
    TargetOpt,
    asking,
    split_name,
)
from llmops.cli.outcome import Outcome
from llmops.cli.session import collect_rarely
from llmops.errors import Answer, CannotAsk

if TYPE_CHECKING:
    from llmops.usecases.evaluate.evaluating import Tools
    from llmops.usecases.evaluate.gate import Place
    from llmops.usecases.evaluate.subjects import Subject
    from llmops.usecases.records.ledgers import Desk
    from llmops.usecases.results.evaluating import Gated

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
    target: TargetOpt = "",
    metrics: MetricsOpt = "",
    judge: JudgeOpt = "",
    max_cost: MaxCostOpt = None,
    save_replies: SaveRepliesOpt = None,
    replay: ReplayOpt = None,
    runner: RunnerOpt = Runner.LOCAL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked and cost; ask nothing.")] = False,
    until_decided: Annotated[
        bool, typer.Option("--until-decided", help="Stop as soon as the gate's verdict (for --env) is certain.")
    ] = False,
    env: EnvironmentOpt = "",
    offline: OfflineOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Score one behaviour on its evalset; resumes where it was.

    Example: llmops eval mortgage-assistant@1.2.0 --record --max-cost 2
    """
    from llmops.render.text import evaluate as text
    from llmops.usecases.evaluate import evaluating

    collect_rarely()
    world = Context.of(context)
    if record and working:
        raise CannotAsk("USAGE", "working files are never evidence", hint="`llmops lock` them, then eval --record")
    if record and replay:
        what = "replayed answers were given elsewhere, perhaps by nobody: they are never evidence"
        raise CannotAsk("USAGE", what, hint="leave --record out, or evaluate without --replay")
    if working and "@" in name:
        raise CannotAsk("USAGE", "working files have no version", hint=f"llmops eval {split_name(name)[0]} --working")
    if env and not until_decided:
        raise CannotAsk(
            "USAGE", "--env says whose gate --until-decided asks", hint="add --until-decided, or drop --env"
        )
    how = asking(
        offline=offline,
        target=target,
        metrics=metrics,
        judge=judge,
        max_cost=max_cost,
        save_replies=save_replies,
        replay=replay,
        runner=runner,
    )
    subject = world.subject(name, is_locked=not working, branch=records_branch)
    if dry_run:
        expected = evaluating.estimate(world.tools(how), subject)
        return Outcome(result=expected, show=lambda page: text.expected(page, expected))
    desk = world.desk(records_branch) if record else None
    if until_decided:
        return _until_decided(world, subject, _place(world, env, records_branch), how, desk)
    result = evaluating.evaluate(world.tools(how), subject, desk)
    return Outcome(
        result=result,
        show=lambda page: text.evaluated(page, result),
        answer=Answer.YES if result.is_measured else Answer.UNDECIDED,
    )


def _until_decided(world: Context, subject: Subject, place: Place, how: Asking, desk: Desk | None) -> Outcome:
    from llmops.render.text import until_decided as text
    from llmops.usecases.evaluate import until_decided

    result = until_decided.evaluate(world.tools(how), subject, place, desk)
    return Outcome(
        result=result,
        show=lambda page: text.until_decided(page, result),
        answer=Answer.YES if result.is_decided else Answer.UNDECIDED,
    )


def gate(
    context: typer.Context,
    name: NameArg,
    env: EnvironmentOpt = "",
    run_missing: Annotated[bool, typer.Option("--eval", help="Evaluate and record first what is missing.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Judge the working files; marked as no evidence.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="List what changed against what serves.")] = False,
    max_cost: MaxCostOpt = None,
    offline: OfflineOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Decide from stored evidence whether a release may serve.

    Example: llmops gate mortgage-assistant@1.2.0 --env staging
    """
    from llmops.render.text import gate as text

    world = Context.of(context)
    how = asking(offline=offline, max_cost=max_cost)
    if preview:
        result = _preview(world, name, env, records_branch, how)
    else:
        result = _decide(world, name, env, records_branch, world.tools(how) if run_missing else None)
    if explain:
        result = _explained(world, name, env, records_branch, result)
    answers = {"PASS": Answer.YES, "FAIL": Answer.NO}
    return Outcome(
        result=result,
        show=lambda page: text.gated(page, result),
        answer=answers.get(result.decision.verdict.value, Answer.UNDECIDED),
    )


def _preview(world: Context, name: str, env: str, branch: str, how: Asking) -> Gated:
    from llmops.usecases.evaluate import evaluating

    prompt, version = split_name(name)
    if version:
        what = "--preview judges the working files, which are no version"
        raise CannotAsk("USAGE", what, hint=f"llmops gate {prompt} --preview")
    return evaluating.preview(world.tools(how), world.subject(prompt), _place(world, env, branch))


def _decide(world: Context, name: str, env: str, branch: str, tools: Tools | None) -> Gated:
    if not env:
        raise CannotAsk("USAGE", "which environment?", hint="--env NAME; `llmops policy show` lists them")
    desk = world.desk(branch, signs=tools is not None)
    subject = world.subject(name, is_locked=True, branch=branch)
    if tools is None:
        # Deciding needs nothing that evaluating brings along: event loops, engines, scorers.
        from llmops.usecases.evaluate import gate

        return gate.decide(gate.place_of(desk, desk.read(), env), subject.release, subject.evalset)
    from llmops.usecases.evaluate import evaluating

    return evaluating.decide(desk, subject, env, tools)


def _explained(world: Context, name: str, env: str, branch: str, gated: Gated) -> Gated:
    from llmops.usecases.evaluate import explaining

    subject = world.subject(name, is_locked=gated.is_evidence, branch=branch)
    found = explaining.explain(_place(world, env, branch), subject.release, subject.evalset, gated)
    return replace(gated, explained=found)


def _place(world: Context, env: str, branch: str) -> Place:
    from llmops.usecases.evaluate.gate import Place
    from llmops.usecases.records import ledgers

    records = ledgers.read(world.repository, world.records(branch))
    return Place(records=records, environment=env, now=world.now, panel_of=world.panel, repository=world.repository)
