"""Help: one worked example a command, nothing heavy at start, and the README says the same."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from llmops import __version__
from llmops.cli import topics
from tests.cli.commands import ANYWHERE, IN_A_REPOSITORY, every_command
from tests.cli.conftest import PROJECT, Cli

COMMANDS = [words for words, _ in every_command()]
HEAVY = [
    "numpy",
    "openai",
    "onnxruntime",
    "git",
    "jsonschema",
    "rich",
    "yaml",
    "jinja2",
    "cryptography",
    "asyncio",
    "sqlite3",
    "httpx",
    "pydantic",
    "bm25s",
    "Stemmer",
    "ir_measures",
    "xllamacpp",
    "tokenizers",
    "ragas",
    "unittest",
    "http.client",
    "ssl",
    "llmops.adapters",
    "llmops.usecases",
    "llmops.evaluation",
    "llmops.governance",
    "llmops.documents",
]


def test_there_are_commands() -> None:
    assert ("audit", "verify") in COMMANDS
    assert len(COMMANDS) >= 19


def test_every_command_is_tried_by_these_tests() -> None:
    tried = {
        words[:2] if words[0] in ("policy", "audit", "setup", "evalset", "calibrate") else words[:1]
        for words in IN_A_REPOSITORY + ANYWHERE
    }
    assert set(COMMANDS) - {("init",)} == tried


@pytest.mark.parametrize(
    ("words", "command"), list(every_command()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_one_worked_example_of_its_own(words: tuple[str, ...], command: object) -> None:
    said = re.findall(r"Example: (.*)", getattr(command, "help", "") or "")
    assert len(said) == 1
    example = said[0].partition("llmops ")[2]
    assert tuple(shlex.split(example)[: len(words)]) == words


@pytest.mark.parametrize(
    ("words", "command"), list(every_command()), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_example_uses_options_that_exist(words: tuple[str, ...], command: object) -> None:
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}  # type: ignore[attr-defined]
    said = re.findall(r"Example: (.*)", command.help)  # type: ignore[attr-defined]
    used = {word for word in shlex.split(said[0].rpartition("llmops ")[2]) if word.startswith("-")}
    assert used <= known | {"--json", "-C"}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_is_shown(nowhere: Cli, words: tuple[str, ...]) -> None:
    done = nowhere(*words, "--help")
    assert (done.code, done.err) == (0, "")
    assert "Usage: llmops " + " ".join(words) in done.out


def test_the_help_lists_every_command_in_its_group(nowhere: Cli) -> None:
    shown = nowhere("--help").out
    for group in topics._GROUPS:
        assert f"{group}:" in shown
    for words in COMMANDS:
        assert re.search(rf"^  {words[0]} ", shown, re.MULTILINE), words


def test_the_help_fits_80_columns(nowhere: Cli) -> None:
    assert max(map(len, nowhere("--help").out.splitlines())) <= 80


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['llmops', '--help']\n"
        "from llmops.__main__ import main\n"
        "main()\n"
        "print('IMPORTED ' + ' '.join(sys.modules))"
    )
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=True, cwd=PROJECT)
    imported = set(done.stdout.rpartition("IMPORTED ")[2].split())
    assert "llmops.cli.topics" in imported
    assert sorted(name for name in HEAVY if name in imported) == []


def test_version_imports_no_command_line() -> None:
    program = (
        "import sys; sys.argv = ['llmops', '--version']\n"
        "from llmops.__main__ import main\n"
        "main()\n"
        "print('IMPORTED ' + ' '.join(sys.modules))"
    )
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=True, cwd=PROJECT)
    shown, _, imported = done.stdout.partition("IMPORTED ")
    assert shown.strip() == f"llmops {__version__}"
    assert not {"typer", "llmops.cli", "llmops.cli.app"} & set(imported.split())


def test_the_readme_shows_the_real_help(nowhere: Cli) -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    marked = re.search(r"<!-- help:start -->\n```\w*\n(.*?)```\n<!-- help:end -->", readme, re.DOTALL)
    assert marked is not None
    assert marked[1].strip() == nowhere("--help").out.strip()
