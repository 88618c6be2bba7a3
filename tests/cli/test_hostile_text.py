"""What somebody else wrote never reaches a terminal raw: escape codes, reversed text, invented lines."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from llmops.cli.context import Context
from llmops.cli.session import Globals
from llmops.evaluation.evidence import measured
from llmops.usecases.evaluate import recording, subjects
from llmops.usecases.records import ledgers
from tests.cli.conftest import Cli
from tests.worlds import POOR, PROMPT, an_evaluation

FILE = f"prompts/{PROMPT}/prompt.yaml"
EVIL = "\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\x9b31m\u200bok\rverified"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def quoted(text: str) -> str:
    """`text` as a YAML scalar: JSON's escapes are YAML's."""
    return json.dumps(text)


def edit(cli: Cli, **parts: str) -> None:
    """A version 1.2.0 with other texts, staged."""
    data = (cli.folder / FILE).read_text().replace("1.1.0", "1.2.0")
    for name, text in parts.items():
        data = re.sub(
            rf"^{name}: .*$", lambda _, name=name, text=text: f"{name}: {quoted(text)}", data, flags=re.MULTILINE
        )
    cli.write({FILE: data.encode()})
    cli.git("add", "-A")


def clean(cli: Cli, *words: str) -> str:
    done = cli(*words)
    assert done.code in (0, 1, 2, 4), done.err
    for shown in (done.out, done.err):
        assert RAW.search(shown) is None, repr(shown)
    return done.out + done.err


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_a_changelog_and_an_owner_are_refused_and_shown_tame(cli: Cli, flags: tuple[str, ...]) -> None:
    edit(cli, changelog=EVIL, owner=EVIL, use_case=EVIL)
    assert "control character" in clean(cli, "validate", *flags)
    clean(cli, "lock", PROMPT, *flags)
    clean(cli, "diff", *flags)
    assert not (cli.folder / f"releases/{PROMPT}/1.2.0.json").exists()


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_a_changelog_of_several_lines_forges_none_of_ours(cli: Cli, flags: tuple[str, ...]) -> None:
    edit(cli, changelog="fees\nrecorded audit/records/0000/000009-approval-support.json\n[x](http://x)")
    assert cli("lock", PROMPT).code == 0
    cli.git("commit", "-q", "-m", "edit")
    for words in (("diff", f"{PROMPT}@1.1.0..{PROMPT}@1.2.0"), ("publish", f"{PROMPT}@1.2.0"), ("audit", "log")):
        shown = clean(cli, *words, *flags)
        assert "\nrecorded audit/records/0000/000009" not in shown


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_a_question_in_rendered_messages(cli: Cli, flags: tuple[str, ...]) -> None:
    shown = clean(cli, "render", PROMPT, "--question", EVIL, "--offline", *flags)
    assert "owned" in shown or "OFFLINE" in shown


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_a_reason_that_quotes_an_answer(cli: Cli, flags: tuple[str, ...]) -> None:
    edit(cli, changelog="x", use_case="y")
    data = (cli.folder / FILE).read_bytes()
    cli.write({FILE: data.replace(b"Reply", b"Speak")})
    cli.git("add", "-A")
    assert cli("lock", PROMPT).code == 0
    record(cli, "1.2.0")
    shown = clean(cli, "gate", f"{PROMPT}@1.2.0", "--env", "dev", *flags)
    assert "owned" in shown


def record(cli: Cli, version: str) -> None:
    """Evidence whose reasons quote a hostile answer."""
    world = Context(Globals())
    tree = ledgers.read(world.repository, world.records()).tree
    subject = subjects.locked(world.repository, tree, PROMPT, version)
    plain = an_evaluation(subject, POOR)
    recording.record(world.desk(), subject, with_evil_reasons(plain))


def with_evil_reasons(evaluated: Any) -> Any:
    from dataclasses import replace

    rows = tuple(
        replace(row, answer=EVIL, scores={**row.scores, "groundedness": measured(0.1, f"not supported: {EVIL}")})
        for row in evaluated.rows
    )
    return replace(evaluated, rows=rows)


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_a_reason_of_a_rollback(cli: Cli, flags: tuple[str, ...]) -> None:
    clean(cli, "rollback", PROMPT, "--env", "dev", "--to", "off", "--reason", EVIL, *flags)
    assert "owned" in clean(cli, "why", PROMPT, "--env", "dev", *flags)


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_words_on_the_command_line(cli: Cli, flags: tuple[str, ...]) -> None:
    for words in ((EVIL,), ("lock", EVIL), ("status", EVIL), ("gate", PROMPT, "--env", EVIL), ("-C", EVIL, "status")):
        clean(cli, *words, *flags)


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["text", "json"])
def test_names_of_files_and_people(cli: Cli, flags: tuple[str, ...]) -> None:
    name = "\x1b[31mred\u202e"
    cli.write({f"prompts/{name}/prompt.yaml": b"prompt_name: [", f"prompts/{name}.yaml": b""})
    cli.git("config", "user.name", "Eve\x1b[31m\u202e")
    cli.git("add", "-A")
    for words in (("validate",), ("lock", name), ("doctor",), ("diff",)):
        clean(cli, *words, *flags)


def test_a_line_feed_begins_no_line_that_looks_like_ours(cli: Cli) -> None:
    shown = clean(cli, "status", "nobody\nerror: verified  [OK]")
    assert all("verified" not in line or "nobody" in line for line in shown.splitlines())
