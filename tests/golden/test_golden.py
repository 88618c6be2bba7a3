"""What users see, byte by byte: text at 80 columns and JSON, from fixed evidence, clock, ids and keys.

`LLMOPS_GOLDEN=rewrite pytest tests/golden` (or `make golden`) rewrites the files; review the diff.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from llmops.adapters.clock import SystemClock
from llmops.cli.app import run
from llmops.cli.context import Context
from llmops.documents import releases
from llmops.usecases.release import rollback
from tests.fakes import FakeSigner
from tests.worlds import GOOD, POOR, PROMPT, World, a_prompt_file, a_world

FILES = Path(__file__).parent / "files"
IS_REWRITING = os.environ.get("LLMOPS_GOLDEN") == "rewrite"


def locked() -> World:
    return a_world().apply_policy().lock()


def evaluated() -> World:
    return locked().record()


def failed() -> World:
    return locked().record(groundedness=POOR, contains={"bulb": 0.0})


def published() -> World:
    return evaluated().publish()


def serving() -> World:
    world = published().approve()
    world.promote()
    return world


def next_one() -> World:
    """1.0.0 serves, 1.1.0 is evaluated and published."""
    world = serving()
    return world.lock("1.1.0", text="Answer in one sentence, from the page.").record("1.1.0", GOOD).publish("1.1.0")


def worse() -> World:
    """1.0.0 serves, 1.1.0 broke two answers and mended none."""
    world = serving().lock("1.1.0", text="Answer in one sentence, from the page.")
    return world.record("1.1.0", groundedness=POOR, contains={"bulb": 0.0})


def rolled_back() -> World:
    world = next_one().approve("1.1.0")
    world.promote("1.1.0")
    rollback.run(
        world.desk("ravi"), rollback.Request(name=PROMPT, environment="staging", reason="wrong fees", incident="INC-7")
    )
    return world


def tampered() -> World:
    """One byte of a release that was approved."""
    return rewritten(releases.path_of(PROMPT, "1.0.0"), b"from the page", b"from the Page")


def repointed() -> World:
    """A pointer that somebody edited."""
    return rewritten(f"environments/staging/{PROMPT}.yaml", b"generation: 1", b"generation: 2")


def rewritten(path: str, old: bytes, new: bytes) -> World:
    world = serving()
    assert old in world.repository.index[path]
    world.put({path: world.repository.index[path].replace(old, new)})
    return world


def broken() -> World:
    world = a_world()
    data = a_prompt_file().replace(b"temperature: 0", b"temperatur: hot").replace(b"question }}", b"qestion }}")
    world.put({f"prompts/{PROMPT}/prompt.yaml": data, "evalsets/lamp/cases.jsonl": b'{"id": "a"}\nno json\n'})
    return world


def edited() -> World:
    world = serving()
    world.repository.write(f"prompts/{PROMPT}/prompt.yaml", a_prompt_file("1.1.0", text="Answer in one sentence."))
    world.repository.stage(f"prompts/{PROMPT}/prompt.yaml")
    return world


FIRST, SECOND = f"{PROMPT}@1.0.0", f"{PROMPT}@1.1.0"
CASES: dict[str, tuple[Callable[[], World], str, tuple[str, ...], int]] = {
    "validate": (locked, "dana", ("validate",), 0),
    "validate-findings": (broken, "dana", ("validate",), 1),
    "diff": (edited, "dana", ("diff",), 0),
    "lock": (edited, "dana", ("lock", PROMPT), 0),
    "lock-invalid": (broken, "dana", ("lock", PROMPT), 1),
    "gate-pass": (evaluated, "dana", ("gate", FIRST, "--env", "staging"), 0),
    "gate-fail": (failed, "dana", ("gate", FIRST, "--env", "staging"), 1),
    "gate-undecided": (evaluated, "dana", ("gate", FIRST, "--env", "production"), 4),
    "gate-explain": (worse, "dana", ("gate", SECOND, "--env", "staging", "--explain"), 1),
    "gate-explain-nothing-serves": (evaluated, "dana", ("gate", FIRST, "--env", "staging", "--explain"), 0),
    "gate-not-run": (locked, "dana", ("gate", FIRST, "--env", "staging"), 4),
    "plan": (evaluated, "dana", ("plan", FIRST, "--env", "staging"), 0),
    "plan-no-evidence": (locked, "dana", ("plan", FIRST), 2),
    "policy-show": (locked, "dana", ("policy", "show"), 0),
    "publish": (evaluated, "dana", ("publish", FIRST), 0),
    "approve-first": (published, "ravi", ("approve", FIRST, "--env", "staging", "--yes"), 0),
    "approve-next": (next_one, "ravi", ("approve", SECOND, "--env", "staging", "--yes"), 0),
    "approve-refused": (published, "dana", ("approve", FIRST, "--env", "staging", "--role", "reviewer", "--yes"), 1),
    "promote": (lambda: published().approve(), "dana", ("promote", FIRST, "--to", "staging"), 0),
    "promote-dry-run": (lambda: published().approve(), "dana", ("promote", FIRST, "--to", "staging", "--dry-run"), 0),
    "promote-refused": (lambda: locked().publish(), "dana", ("promote", FIRST, "--to", "production"), 1),
    "promote-stale": (tampered, "dana", ("promote", FIRST, "--to", "staging"), 1),
    "rollback": (next_one, "ravi", ("rollback", PROMPT, "--env", "staging", "--to", "off", "--reason", "fees"), 0),
    "status": (next_one, "dana", ("status",), 0),
    "status-held": (rolled_back, "dana", ("status",), 0),
    "why": (serving, "dana", ("why", PROMPT, "--env", "staging"), 0),
    "why-rolled-back": (rolled_back, "dana", ("why", PROMPT, "--env", "staging"), 0),
    "audit-log": (rolled_back, "dana", ("audit", "log"), 0),
    "audit-verify": (serving, "dana", ("audit", "verify"), 0),
    "audit-verify-faults": (tampered, "dana", ("audit", "verify"), 1),
    "audit-verify-pointer": (repointed, "dana", ("audit", "verify"), 1),
}


def enter(monkeypatch: pytest.MonkeyPatch, world: World, who: str, root: Path) -> None:
    """Let the command line work in this world, as this person."""
    world.clock.advance(minutes=1)
    world.repository.root = str(root)
    for name in ("NO_COLOR", "LLMOPS_ROOT", "LLMOPS_RECORDS_BRANCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(Context, "repository", world.repository)
    monkeypatch.setattr(Context, "signer", FakeSigner(who))
    monkeypatch.setattr(SystemClock, "now", lambda _: world.clock.now())
    monkeypatch.setattr(uuid, "uuid4", world.new_id)


def shown(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code, and both streams as a terminal would show them."""
    code = run(words)
    streams = capsys.readouterr()
    return code, f"$ llmops {' '.join(words)}\n{streams.err}{streams.out}"


def compare(path: Path, text: str) -> None:
    if IS_REWRITING:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_golden_file(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    begin, who, words, code = CASES[name]
    enter(monkeypatch, begin(), who, tmp_path)
    answered, text = shown(words, capsys)
    assert answered == code, text
    compare(FILES / f"{name}.txt", text)


@pytest.mark.parametrize("name", CASES)
def test_the_json_is_the_golden_file(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    begin, who, words, code = CASES[name]
    enter(monkeypatch, begin(), who, tmp_path)
    assert run((*words, "--json")) == code
    out = capsys.readouterr().out
    assert json.loads(out)["exit_code"] == code
    compare(FILES / f"{name}.json", out)


@pytest.mark.parametrize("name", CASES)
def test_every_line_fits_80_columns_or_holds_one_long_word(name: str) -> None:
    for line in (FILES / f"{name}.txt").read_text(encoding="utf-8").splitlines()[1:]:
        is_finding = re.match(r"[\w/.-]+:\d+:\d+: (error|warning): ", line)  # one line each, for grep and editors
        assert len(line) <= 80 or is_finding, line


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in FILES.iterdir()} == set(CASES)
