"""Rewrites the generated part of README.md: the help of the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

START, END = "<!-- help:start -->", "<!-- help:end -->"


def help_text() -> str:
    """`llmops --help` at 80 columns."""
    command = [sys.executable, "-m", "llmops", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"COLUMNS": "80", "PATH": ""})
    return done.stdout


def with_help(readme: str) -> str:
    """`readme` with the present help between its markers."""
    before, _, rest = readme.partition(START)
    after = rest.partition(END)[2]
    return f"{before}{START}\n```\n{help_text()}```\n{END}{after}"


if __name__ == "__main__":
    path = Path(__file__).resolve().parent.parent / "README.md"
    path.write_text(with_help(path.read_text(encoding="utf-8")), encoding="utf-8")
