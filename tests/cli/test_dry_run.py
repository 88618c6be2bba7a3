"""`--dry-run` of every writing command: says what would be written, and writes nothing."""

from __future__ import annotations

import inspect

import pytest

from tests.cli.commands import WRITING, every_command
from tests.cli.conftest import Cli
from tests.worlds import PROMPT, alone, configuration

FILE = f"prompts/{PROMPT}/prompt.yaml"


def prepare(cli: Cli, words: tuple[str, ...]) -> None:
    """Something to do for each command."""
    if words[0] == "lock":
        data = (cli.folder / FILE).read_bytes()
        cli.write({FILE: data.replace(b"1.1.0", b"1.2.0").replace(b"Reply", b"Speak")})
        cli.git("add", "-A")
    if words[0] == "policy":
        rules = {**alone(), "exclusive": [["author", "relay"]]}
        cli.write({"llmops.yaml": configuration(rules)})


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_a_dry_run_shows_and_writes_nothing(cli: Cli, words: tuple[str, ...]) -> None:
    prepare(cli, words)
    before = cli.snapshot()
    done = cli(*words, "--dry-run")
    assert done.code == 0, done.err
    assert "would" in done.out
    assert cli.snapshot() == before


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_the_same_command_without_it_does_write(cli: Cli, words: tuple[str, ...]) -> None:
    prepare(cli, words)
    before = cli.snapshot()
    done = cli(*words)
    assert done.code == 0, done.err
    assert "would" not in done.out
    assert cli.snapshot() != before
    assert cli("audit", "verify").code == 0


def test_init_dry_run_lists_and_writes_nothing(nowhere: Cli) -> None:
    nowhere.git("init", "-q")
    before = nowhere.snapshot()
    done = nowhere("init", "--dry-run")
    assert done.code == 0
    assert "would write llmops.yaml" in done.out
    assert nowhere.snapshot() == before


def test_init_dry_run_makes_no_key(nowhere: Cli) -> None:
    nowhere.git("init", "-q")
    (nowhere.home / ".ssh" / "id_ed25519").unlink()
    assert nowhere("init", "--dry-run").code == 0
    assert list((nowhere.home / ".ssh").iterdir()) == []


def test_every_command_with_a_dry_run_is_tried_here() -> None:
    having = {words[0] for words, command in every_command() if "dry_run" in {item.name for item in command.params}}
    # eval is tried in test_interrupted, compare in test_compare, each beside its endpoint.
    assert having == {words[0] for words in WRITING} | {"init", "eval", "compare"}
    assert inspect.getdoc(prepare)
