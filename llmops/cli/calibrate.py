"""Evaluate, continued: calibrate, calibrate sample."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from llmops.cli.context import Context
from llmops.cli.options import (
    JudgeOpt,
    MaxCostOpt,
    NameArg,
    OfflineOpt,
    RecordsBranchOpt,
    asking,
)
from llmops.cli.outcome import Outcome
from llmops.cli.session import page_for
from llmops.errors import Answer, CannotAsk

if TYPE_CHECKING:
    from llmops.usecases.calibrate.labelling import Said, Shown
    from llmops.usecases.evaluate.subjects import Subject

GROUP = "Evaluate"
RUN, SAMPLE = "run", "sample"
COUNT = 100

MetricOpt = Annotated[str, typer.Option("--metric", metavar="METRIC", help="The judged metric that was labelled.")]
PassAtOpt = Annotated[
    float | None,
    typer.Option("--pass-at", metavar="X", help="The judge passes what scores at least X (the bars' own, else 0.5)."),
]
LabelsOpt = Annotated[
    Path | None, typer.Option("--labels", metavar="FILE", help="Where labels stand: evalsets/EVALSET/labels.jsonl.")
]
EvalsetOpt = Annotated[
    str, typer.Option("--evalset", metavar="EVALSET", help="Whose cases were labelled, if not those of the bars.")
]


class _NameFirst(TyperGroup):
    """`calibrate NAME` is `calibrate run NAME`: a first word that is no command is a prompt's name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [RUN, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add this topic's commands to the program."""
    group = typer.Typer(
        cls=_NameFirst,
        help="Is the judge right? Compare it with labels of people.",
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    group.command(RUN)(run)
    group.command(SAMPLE)(sample)
    app.add_typer(group, name="calibrate", rich_help_panel=GROUP)


def run(
    context: typer.Context,
    name: NameArg,
    metric: MetricOpt,
    pass_at: PassAtOpt = None,
    labels: LabelsOpt = None,
    evalset: EvalsetOpt = "",
    judge: JudgeOpt = "",
    record: Annotated[bool, typer.Option("--record", help="Write the calibration to the records branch.")] = False,
    max_cost: MaxCostOpt = None,
    offline: OfflineOpt = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Compare the judge with people on labelled answers.

    `llmops calibrate NAME` is short for it. Labels stand in evalsets/EVALSET/labels.jsonl, one a line.

    Example: llmops calibrate run mortgage-assistant --evalset mortgage-answers --metric groundedness
    """
    from llmops.render.text import calibrate as text
    from llmops.usecases.calibrate import calibrating
    from llmops.usecases.records import ledgers

    calibrating.check_line(pass_at)
    world = Context.of(context)
    subject = _subject(world, name, evalset, records_branch, is_locked=record)
    path, shown = _labels(world, subject, labels)
    if not path.is_file():
        hint = f"llmops calibrate sample {name} --metric {metric} draws answers and asks for labels"
        raise CannotAsk("LABELS_MISSING", "there are no labels", where=shown, hint=hint)
    asked = calibrating.Asked(
        subject=subject,
        metric=metric,
        labels=path.read_bytes(),
        path=shown,
        pass_at=pass_at,
        is_version="@" in name,
    )
    tools = world.tools(asking(offline=offline, judge=judge, max_cost=max_cost))
    desk = world.desk(records_branch) if record else None
    records = desk.read() if desk else ledgers.read(world.repository, world.records(records_branch))
    result = calibrating.calibrate(tools, asked, records, desk)
    return Outcome(
        result=result,
        show=lambda page: text.calibrated(page, result),
        answer=Answer.YES if result.is_calibrated else Answer.NO,
        findings=result.warnings,
    )


def sample(
    context: typer.Context,
    name: NameArg,
    metric: MetricOpt,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, help="How many answers to label.")] = COUNT,
    pass_at: PassAtOpt = None,
    labels: LabelsOpt = None,
    evalset: EvalsetOpt = "",
    judge: JudgeOpt = "",
    annotator: Annotated[
        str, typer.Option("--annotator", metavar="NAME", help="Who labels, as it stands in the file (git's user.name).")
    ] = "",
    no_loop: Annotated[bool, typer.Option("--no-loop", help="Only list the cases; ask for no labels.")] = False,
    records_branch: RecordsBranchOpt = "",
) -> Outcome:
    """Draw recorded answers and label them, blind; resumes.

    Keys: p pass, f fail, s skip, u undo, q quit; from a pipe, one a line.

    Example: llmops calibrate sample mortgage-assistant@1.3.1 --metric groundedness --count 60
    """
    from llmops.adapters import notebook
    from llmops.render.text import calibrate as text
    from llmops.usecases.calibrate import calibrating, labelling
    from llmops.usecases.evaluate import gate
    from llmops.usecases.records import ledgers

    calibrating.check_line(pass_at)
    world = Context.of(context)
    subject = _subject(world, name, evalset, records_branch, is_locked=True)
    path, shown = _labels(world, subject, labels)
    wanted = labelling.Wanted(
        metric=metric, count=count, annotator=_annotator(world, annotator), path=shown, pass_at=pass_at
    )
    records = ledgers.read(world.repository, world.records(records_branch))
    scorers = world.scorers(world.door(), judge or gate.judge_of(subject.release))
    asked = labelling.sample(records, subject, scorers, wanted)
    if no_loop:
        result = labelling.listed(asked, notebook.kept(path))
    else:
        with notebook.FileNotebook(path) as book:
            result = labelling.label(asked, book, _Person())
    same = _given({"--pass-at": pass_at, "--labels": labels, "--evalset": evalset, "--judge": judge})
    same += _given({"--records-branch": records_branch})
    mine = _given({"--count": count if count != COUNT else None, "--annotator": annotator})
    return Outcome(result=result, show=lambda page: text.sampled(page, result, same=same, mine=mine))


def _given(options: dict[str, object]) -> str:
    """The options that were given, to be written after a command."""
    found = {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in options.items() if value}
    return "".join(f" {name} {shlex.quote(value)}" for name, value in found.items())


def _subject(world: Context, name: str, evalset: str, branch: str, *, is_locked: bool) -> Subject:
    """What NAME means, on another evalset where one is named. Raises: CannotAsk EVALSET_MISSING."""
    from llmops.documents import project
    from llmops.usecases.frozen import evalset_named

    subject = world.subject(name, is_locked=is_locked, branch=branch)
    if not evalset or evalset == subject.evalset.name:
        return subject
    tree = world.repository.index_tree() if is_locked or "@" in name else world.repository.work_tree()
    return replace(subject, evalset=evalset_named(project.load(tree), evalset))


def _labels(world: Context, subject: Subject, given: Path | None) -> tuple[Path, str]:
    """The file that labels stand in, and how it is called."""
    root = Path(world.repository.root).resolve()
    default = root / "evalsets" / subject.evalset.name / "labels.jsonl"
    path = (Path(world.options.folder) / given).resolve() if given else default
    return path, path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _annotator(world: Context, given: str) -> str:
    """Who labels. Raises: CannotAsk USAGE."""
    found = given.strip() or world.repository.config("user.name") or ""
    if not found:
        raise CannotAsk("USAGE", "who labels?", hint="--annotator NAME, or git config user.name")
    return found


class _Person:
    """Somebody at the keyboard, or at the other end of a pipe. What they are shown goes to standard error."""

    def __init__(self) -> None:
        self._has_answered = False

    def ask(self, shown: Shown) -> Said:
        from llmops.adapters import terminal
        from llmops.render.text import calibrate as text
        from llmops.usecases.calibrate.labelling import Said

        terminal.forget()
        page = page_for(sys.stderr)
        page.line(f"{shown.number} of {shown.total}")
        text.question(page, shown.metric, shown.known.case, shown.known.contexts, shown.known.text)
        sys.stderr.write(f"\n{page}")
        sys.stderr.flush()
        keys = {said.value[0]: said for said in Said} | {said.value: said for said in Said}
        while True:
            key = terminal.read_key().lower()
            if not key:
                return self._left()
            said = keys.get(key)
            if said is not None and not (said is Said.UNDO and not shown.can_undo):
                self._has_answered = True
                return said
            sys.stderr.write("nothing to undo\n" if said else f"{text.KEYS}\n")
            sys.stderr.flush()

    def _left(self) -> Said:
        """The end of input. Raises: CannotAsk NO_TERMINAL where nothing was ever said."""
        from llmops.adapters import terminal
        from llmops.usecases.calibrate.labelling import Said

        if not self._has_answered and not terminal.is_terminal():
            what = "nobody is there to label: standard input is no terminal, and it is empty"
            raise CannotAsk(
                "NO_TERMINAL", what, hint="run it in a terminal, pipe in p, f, s, u, q a line each, or --no-loop"
            )
        return Said.QUIT
