"""Evaluate, continued: compare."""

from __future__ import annotations

from typing import Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.options import MaxCostOpt, OfflineOpt, RecordsBranchOpt, asking
from llmops.cli.outcome import Outcome
from llmops.errors import Answer, CannotAsk

GROUP = "Evaluate"


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    app.command(rich_help_panel=GROUP)(compare)


def compare(
    context: typer.Context,
    experiment: Annotated[str, typer.Argument(metavar="FILE", help="An experiments/NAME.yaml.")],
    record: Annotated[
        bool, typer.Option("--record", help="Write evaluations and the comparison to the records branch.")
    ] = False,
    max_cost: MaxCostOpt = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show arms, requests and expected cost; ask and write nothing.")
    ] = False,
    offline: OfflineOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Compare versions, models and retrieval on one evalset.

    Example: llmops compare experiments/mortgage-assistant.yaml --max-cost 2
    """
    from llmops.render.text import compare as text
    from llmops.usecases.experiments import arms
    from llmops.usecases.experiments import compare as usecase
    from llmops.usecases.records import ledgers

    world = Context.of(context)
    paths = world.from_root([experiment])
    tree = ledgers.read(world.repository, world.records(records_branch)).tree
    sources = arms.sources(world.repository, tree, is_staged=record)
    try:
        assembled = arms.assemble(sources, paths[0])
    except CannotAsk as error:
        if not record or error.code != "EXPERIMENT_MISSING":
            raise
        what = f"{paths[0]} is not staged, and what is recorded is what git has"
        raise CannotAsk("EXPERIMENT_MISSING", what, where=paths[0], hint=f"git add {paths[0]}") from error
    tools = world.tools(asking(offline=offline, max_cost=max_cost))
    if dry_run:
        plan = usecase.plan(tools, assembled)
        answer = Answer.COULD_NOT_ASK if plan.failed else Answer.YES
        return Outcome(result=plan, show=lambda page: text.planned(page, plan), answer=answer)
    result = usecase.compare(tools, assembled, world.desk(records_branch) if record else None)
    answer = Answer.YES if result.is_measured else Answer.UNDECIDED
    return Outcome(
        result=result,
        show=lambda page: text.compared(page, result),
        answer=Answer.COULD_NOT_ASK if result.failed else answer,
    )
