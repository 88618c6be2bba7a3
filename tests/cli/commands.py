"""Every command with the fewest words that it takes, and which of them write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from llmops.cli import topics
from tests.worlds import PROMPT

NEXT = f"{PROMPT}@1.1.0"
FIRST = f"{PROMPT}@1.0.0"

IN_A_REPOSITORY = (
    ("validate",),
    ("diff",),
    ("render", PROMPT),
    ("lock", PROMPT),
    ("restore", FIRST),
    ("evalset", "import", "evalsets/lamp/cases.jsonl", "copied"),
    ("evalset", "check", "lamp", "--similar", "0"),
    ("eval", PROMPT, "--offline"),
    ("compare", "experiments/versions.yaml", "--dry-run", "--offline"),
    ("calibrate", "run", PROMPT, "--metric", "groundedness"),
    ("calibrate", "sample", PROMPT, "--metric", "groundedness", "--no-loop"),
    ("gate", PROMPT, "--env", "dev"),
    ("plan", PROMPT),
    ("policy", "check"),
    ("policy", "apply"),
    ("policy", "show"),
    ("publish", NEXT),
    ("approve", FIRST, "--env", "demo", "--yes"),
    ("promote", NEXT, "--to", "dev"),
    ("rollback", PROMPT, "--env", "dev"),
    ("status",),
    ("why", PROMPT, "--env", "dev"),
    ("audit", "log"),
    ("audit", "verify"),
    ("doctor",),
)
ANYWHERE = (("schema",), ("schema", "prompt"), ("setup", "embedded", "--check"))
WRITING = (
    ("lock", PROMPT),
    ("restore", FIRST),
    ("evalset", "import", "evalsets/lamp/cases.jsonl", "copied"),
    ("policy", "apply"),
    ("publish", NEXT),
    ("approve", FIRST, "--env", "demo", "--yes"),
    ("promote", NEXT, "--to", "dev"),
    ("rollback", PROMPT, "--env", "dev", "--to", "off"),
)


def every_command() -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words and the command object of each command there is."""
    yield from _below((), typer.main.get_command(topics._app()))


def _below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        yield from _below((*words, name), child)
