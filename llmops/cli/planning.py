"""Evaluate, continued: plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from llmops.cli.context import Context
from llmops.cli.options import EnvironmentOpt, NameArg, RecordsBranchOpt
from llmops.cli.outcome import Outcome
from llmops.errors import Answer, CannotAsk

if TYPE_CHECKING:
    from llmops.evaluation.planning.known import Assumption

GROUP = "Evaluate"


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    app.command(rich_help_panel=GROUP)(plan)


def plan(
    context: typer.Context,
    name: NameArg,
    env: EnvironmentOpt = "",
    metric: Annotated[
        list[str] | None, typer.Option("--metric", metavar="METRIC", help="Only this metric; may be repeated.")
    ] = None,
    power: Annotated[
        float, typer.Option("--power", metavar="P", help="How often the verdict shall be the right one.")
    ] = 0.8,
    detect: Annotated[
        float | None,
        typer.Option("--detect", metavar="D", help="The difference to tell, in place of each rule's own."),
    ] = None,
    cases: Annotated[
        int | None, typer.Option("--cases", metavar="N", min=1, help="With so many cases (default: the evalset's).")
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option("--repeats", metavar="K", min=1, help="With so many answers a case (default: the bars')."),
    ] = None,
    judge_repeats: Annotated[
        int | None, typer.Option("--judge-repeats", metavar="J", min=1, help="With so many judgements an answer.")
    ] = None,
    case_cost: Annotated[
        float, typer.Option("--case-cost", metavar="USD", help="What writing and labelling a new case costs.")
    ] = 0.0,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            "--assume",
            metavar="'METRIC: {mean: M, sd: S}'",
            help="State a metric in place of evidence (also: within, judge, paired, correlation, steps).",
        ),
    ] = None,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Say what a gate can tell, and what certainty would cost.

    Example: llmops plan mortgage-assistant@1.2.0 --env staging --detect 0.05
    """
    from llmops.render.text import planning as text
    from llmops.usecases.evaluate import gate
    from llmops.usecases.evaluate import plan as usecase

    request = usecase.Request(
        metrics=tuple(metric or ()),
        power=power,
        detect=detect,
        cases=cases or 0,
        repeats=repeats or 0,
        judge_repeats=judge_repeats or 0,
        case_usd=case_cost,
        assumptions=_assumptions(assume or ()),
    )
    request.check()
    world = Context.of(context)
    subject = world.subject(name, branch=records_branch)
    desk = world.desk(records_branch, signs=False)
    result = usecase.run(gate.place_of(desk, desk.read(), env), subject, request)
    return Outcome(
        result=result,
        show=lambda page: text.planned(page, result),
        answer=Answer.UNDECIDED if result.is_open else Answer.YES,
    )


def _assumptions(texts: Sequence[str]) -> dict[str, Assumption]:
    """What is stated, by metric. Raises: CannotAsk USAGE."""
    from llmops.documents.reading import yaml_door
    from llmops.evaluation.planning import known

    found: dict[str, Assumption] = {}
    for text in texts:
        parsed = yaml_door.parse(text.encode("utf-8", "replace"), "--assume")
        value = parsed.value
        if not isinstance(value, dict) or not all(isinstance(fields, dict) for fields in value.values()):
            said = parsed.findings[0].message if parsed.findings else "expected METRIC: {mean: …, sd: …}"
            raise CannotAsk("USAGE", f"--assume {text!r}: {said}", hint=known.example("groundedness"))
        found.update({str(name): known.stated(str(name), fields) for name, fields in value.items()})
    return found
