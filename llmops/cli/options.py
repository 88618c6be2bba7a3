"""Arguments and options that several commands share, declared once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from llmops.errors import CannotAsk

NameArg = Annotated[str, typer.Argument(metavar="NAME", help="A prompt, or NAME@VERSION for one of its releases.")]
EnvironmentOpt = Annotated[str, typer.Option("--env", metavar="ENV", help="An environment of the policy.")]
DryRunOpt = Annotated[bool, typer.Option("--dry-run", help="Show what would be written, and write nothing.")]
RecordsBranchOpt = Annotated[
    str, typer.Option("--records-branch", metavar="BRANCH", help="Where records stand, if not where the policy says.")
]
OfflineOpt = Annotated[bool, typer.Option("--offline", help="Refuse every network address; embedded models only.")]


TargetOpt = Annotated[
    str,
    typer.Option(
        "--target",
        metavar="TARGET",
        help="Who answers: prompt, answers (the evalset's), a name of `targets`, python:MODULE:FUNCTION, or a URL.",
    ),
]
MetricsOpt = Annotated[
    str, typer.Option("--metrics", metavar="A,B", help="Judged metrics to measure beside those that the bars name.")
]
JudgeOpt = Annotated[
    str, typer.Option("--judge", metavar="JUDGE", help="Ask this judge of llmops.yaml in place of the bars' own.")
]
MaxCostOpt = Annotated[
    float | None,
    typer.Option("--max-cost", metavar="USD", min=0, help="Stop before more is spent; what was answered is kept."),
]
SaveRepliesOpt = Annotated[
    Path | None,
    typer.Option("--save-replies", metavar="FILE", help="Write every model reply of this run, to replay it elsewhere."),
]
ReplayOpt = Annotated[
    Path | None,
    typer.Option("--replay", metavar="FILE", help="Answer from saved replies alone: no network, no model, no cache."),
]


class Runner(StrEnum):
    """Where cases are worked on."""

    LOCAL = "local"
    RAY = "ray"


RunnerOpt = Annotated[
    Runner, typer.Option("--runner", help="Work here, or on a Ray cluster, 5,000 cases a task (extra `ray`).")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How one command asks models: who answers, what is scored, and what it may cost."""

    is_offline: bool = False
    target: str = ""
    metrics: tuple[str, ...] = ()
    judge: str = ""
    max_nano_usd: int | None = None
    save_replies: Path | None = None
    replay: Path | None = None
    runner: Runner = Runner.LOCAL


def asking(
    *,
    offline: bool,
    target: str = "",
    metrics: str = "",
    judge: str = "",
    max_cost: float | None = None,
    save_replies: Path | None = None,
    replay: Path | None = None,
    runner: Runner = Runner.LOCAL,
) -> Asking:
    """The options as one value. Raises: CannotAsk USAGE."""
    is_application = target not in ("", "prompt", "answers")
    if is_application and (save_replies or replay):
        what = f"saved replies are those of models, and {target} is an application"
        raise CannotAsk("USAGE", what, hint="leave --target out, or --save-replies and --replay")
    if save_replies and replay:
        what = "--replay answers from a file that is there, --save-replies writes a new one"
        raise CannotAsk("USAGE", what, hint="give one of the two")
    if save_replies and runner is Runner.RAY:
        what = "--save-replies writes one file, and with --runner ray several processes are answered"
        raise CannotAsk("USAGE", what, hint="run the same command with --runner local: kept answers cost nothing")
    return Asking(
        is_offline=offline,
        target=target,
        judge=judge,
        metrics=tuple(name.strip() for name in metrics.split(",") if name.strip()),
        max_nano_usd=None if max_cost is None else round(max_cost * 1e9),
        save_replies=save_replies,
        replay=replay.absolute() if replay else None,
        runner=runner,
    )


def split_name(name: str) -> tuple[str, str]:
    """`prompt@1.2.0` as (prompt, 1.2.0); without a version the second part is empty."""
    prompt, _, version = name.partition("@")
    return prompt, version
