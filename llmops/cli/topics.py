"""The program: every topic's commands under one `llmops`, its grouped help, and what counts as wrong usage.

Only typer is imported here and in the topics; a command imports its use case when it runs.
"""

from __future__ import annotations

import difflib
from typing import Any

import typer
from typer.core import TyperGroup

from llmops import __version__
from llmops.cli import author, calibrate, compare, evalsets, evaluate, operate, planning, records, release
from llmops.cli.session import Globals

_GROUPS = ("Author", "Evaluate", "Release", "Records", "Operate")
_ABOUT = "GitOps for language-model applications: prompts, retrieval and release bars as versioned YAML in git."
_EPILOG = "Every command also takes --json (one object on standard output) and -C DIR (work in DIR)."


class _GroupedHelp(TyperGroup):
    """Lists commands by what people do with them, in the order of a release; plain text, so no rich at start."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer calls it by position
        for group in _GROUPS:
            rows = [
                (name, command.get_short_help_str(limit=60))
                for name, command in self.commands.items()
                if getattr(command, "rich_help_panel", None) == group and not command.hidden
            ]
            if rows:
                with formatter.section(group):
                    formatter.write_dl(rows)


def _app() -> typer.Typer:
    app = typer.Typer(
        name="llmops",
        cls=_GroupedHelp,
        help=_ABOUT,
        epilog=_EPILOG,
        add_completion=True,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit.", is_eager=True),
    ) -> None:
        if version:
            typer.echo(f"llmops {__version__}")
            raise typer.Exit

    for topic in (author, evalsets, evaluate, planning, compare, calibrate, release, records, operate):
        topic.register(app)
    return app


def program(options: Globals) -> Any:
    """The whole command line as a callable; commands find `options` in their context."""
    command = typer.main.get_command(_app())

    def call(**arguments: Any) -> Any:
        return command(obj=options, **arguments)

    return call


def usage_errors() -> type[Exception]:
    """The exception class that wrong usage raises (typer carries its own copy of click, so it is looked up)."""
    return next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def usage_problem(error: Exception) -> str:
    """What is wrong, without the help page or the guess that typer adds: the hint has them."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return "which command?"
    # A missing option has no message of its own, only a formatted one.
    message = str(getattr(error, "message", "") or getattr(error, "format_message", lambda: error)())
    return message.partition(" Did you mean ")[0].strip().rstrip(".")


def usage_hint(words: list[str]) -> str:
    """What to do about wrong usage: the nearest command, or where the help is."""
    command, path = typer.main.get_command(_app()), "llmops"
    for word in (word for word in words if not word.startswith("-")):
        known = getattr(command, "commands", None)
        if known is None:
            break
        if word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            return f"did you mean `{path} {near[0]}`?" if near else f"see `{path} --help`"
        command, path = known[word], f"{path} {word}"
    return f"see `{path} --help`"
