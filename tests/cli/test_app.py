"""The boundary: exit codes, one object for `--json`, and what goes to which stream."""

from __future__ import annotations

import errno
import re

import pytest

from llmops.usecases.author import validate
from llmops.usecases.release import status
from tests.cli.commands import ANYWHERE, IN_A_REPOSITORY, NEXT
from tests.cli.conftest import Cli
from tests.worlds import PROMPT

FILE = f"prompts/{PROMPT}/prompt.yaml"
KEYS = ["schema", "command", "ok", "exit_code", "result", "findings", "error"]


def raising(error: BaseException) -> object:
    def never(*_: object, **__: object) -> None:
        raise error

    return never


def test_yes_is_0(cli: Cli) -> None:
    done = cli("validate")
    assert (done.code, done.err) == (0, "")
    assert "0 errors" in done.out


def test_no_is_1_for_findings(cli: Cli) -> None:
    cli.write({FILE: b"prompt_name: support\n"})
    done = cli("validate")
    assert done.code == 1
    assert f"{FILE}:1:1: error: " in done.out


def test_no_is_1_for_a_refusal_and_nothing_is_on_stdout(cli: Cli) -> None:
    done = cli("promote", NEXT, "--to", "demo")
    assert (done.code, done.out) == (1, "")
    assert "[PROMOTION_REFUSED]" in done.err


def test_warnings_answer_no_under_strict(cli: Cli) -> None:
    data = (cli.folder / FILE).read_bytes().replace(b"1.1.0", b"1.2.0")
    cli.write({FILE: data.replace(b"default: plain}", b"default: plain}\n  unused: {type: string}")})
    assert cli("validate").code == 0
    assert cli("validate", "--strict").code == 1


def test_could_not_ask_is_2(nowhere: Cli) -> None:
    done = nowhere("status")
    assert (done.code, done.out) == (2, "")
    assert "[NOT_A_REPOSITORY]" in done.err
    assert "fix: " in done.err


def test_our_bug_is_3_and_asks_to_be_reported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "status", raising(ZeroDivisionError("over\x1b[31m there")))
    done = cli("status")
    assert (done.code, done.out) == (3, "")
    assert "ZeroDivisionError" in done.err
    assert "report" in done.err
    assert "\x1b" not in done.err


def test_undecided_is_4(cli: Cli) -> None:
    cli.write({FILE: (cli.folder / FILE).read_bytes().replace(b"1.1.0", b"1.2.0").replace(b"Reply", b"Speak")})
    cli.git("add", "-A")
    assert cli("lock", PROMPT).code == 0
    done = cli("gate", PROMPT, "--env", "dev")
    assert done.code == 4
    assert "NO_EVIDENCE" in done.out


def test_interrupted_is_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate, "run", raising(KeyboardInterrupt()))
    done = cli("validate")
    assert (done.code, done.out) == (130, "")
    assert "[INTERRUPTED]" in done.err


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "make room"), (errno.EACCES, "permissions"), (errno.EROFS, "read-only"), (errno.EIO, "mend")],
)
def test_a_system_error_names_its_file_and_a_remedy(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    monkeypatch.setattr(validate, "run", raising(OSError(number, "it went wrong", "/some/file")))
    done = cli("validate")
    assert done.code == 2
    assert "/some/file: it went wrong" in done.err
    assert remedy in done.err


@pytest.mark.parametrize("words", IN_A_REPOSITORY + ANYWHERE, ids=" ".join)
def test_json_is_one_object_with_the_same_keys(cli: Cli, words: tuple[str, ...]) -> None:
    if words == ("schema", "prompt"):
        assert cli(*words, "--json").json["$schema"]
        return
    done = cli(*words, "--json")
    assert list(done.json) == KEYS
    assert done.json["exit_code"] == done.code
    assert done.json["ok"] == (done.code == 0)
    assert done.code in (0, 1, 2, 4)
    # `calibrate` is a command of its own that has another one below it.
    is_below = words[0] in ("policy", "audit", "setup") or words[:2] == ("calibrate", "sample")
    assert done.json["command"] == " ".join(words[: 2 if is_below else 1])


def test_json_of_findings_has_their_places(cli: Cli) -> None:
    cli.write({FILE: b"prompt_name: support\n"})
    found = cli("validate", "--json").json["findings"]
    assert {finding["path"] for finding in found} == {FILE}
    assert all(finding["rule"] and finding["message"] and finding["line"] for finding in found)


def test_json_of_documents_that_stop_a_command_has_findings_and_an_error(cli: Cli) -> None:
    cli.write({FILE: b"prompt_name: support\n"})
    said = cli("lock", PROMPT, "--worktree", "--json").json
    assert said["error"]["code"] == "INVALID_DOCUMENTS"
    assert said["findings"]
    assert said["result"] is None


def test_json_of_a_refusal_has_every_detail(cli: Cli) -> None:
    error = cli("promote", NEXT, "--to", "demo", "--json").json["error"]
    assert error["code"] == "PROMOTION_REFUSED"
    assert any("[APPROVAL_MISSING]" in line for line in error["details"])
    assert error["hint"]


def test_json_of_a_bug_is_an_object_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "status", raising(ZeroDivisionError("over there")))
    done = cli("status", "--json")
    assert (done.code, done.json["exit_code"], done.json["error"]["code"]) == (3, 3, "BUG")


def test_json_of_wrong_usage_is_an_object_too(nowhere: Cli) -> None:
    done = nowhere("--json", "nonsense")
    assert (done.code, done.json["error"]["code"]) == (2, "USAGE")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("validat",), "did you mean `llmops validate`?"),
        (("rolback", "x"), "did you mean `llmops rollback`?"),
        (("polcy", "apply"), "did you mean `llmops policy`?"),
        (("policy", "aply"), "did you mean `llmops policy apply`?"),
        (("audit", "verfy"), "did you mean `llmops audit verify`?"),
        (("gate",), "see `llmops gate --help`"),
        (("policy",), "see `llmops policy --help`"),
        (("gate", PROMPT, "--nonsense"), "see `llmops gate --help`"),
        (("xyzzy",), "see `llmops --help`"),
        (("promote", PROMPT, "--to", "dev"), "@VERSION"),
        (("restore", PROMPT), "@VERSION"),
        (("promote", NEXT, "--to", "dev", "--weights", "0"), "see `llmops promote --help`"),
        (("approve", NEXT, "--env", "demo", "--ramp", "ten"), "--ramp 10,50,100"),
        (("gate", PROMPT), "--env NAME"),
        (("lock",), PROMPT),
        (("schema", "promt"), "prompt"),
        (("eval", PROMPT, "--record", "--working"), "lock"),
        (("gate", NEXT, "--preview"), "--preview"),
        (("render", PROMPT, "--var", "tone"), "NAME=VALUE"),
        (("audit", "verify", "--at", "yesterday"), "ISO 8601"),
        (("audit", "verify", "--at", "2026-01-31T12:00"), "offset"),
        (("validate", "no/such/file"), "no/such/file"),
        (("-C",), "llmops -C DIR COMMAND"),
        (("-C", "no-such-folder", "status"), "-C names an existing folder"),
        (("approve", NEXT, "--env", "dev"), ""),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_with_what_to_write_instead(cli: Cli, words: tuple[str, ...], said: str) -> None:
    before = cli.snapshot()
    done = cli(*words)
    assert done.out == ""
    assert done.code == 2 or words[0] == "approve"
    assert said in re.sub(r"\s+", " ", done.err)
    assert cli.snapshot() == before


def test_nothing_is_signed_where_nobody_confirms(cli: Cli) -> None:
    before = cli.snapshot()
    done = cli.process("approve", f"{PROMPT}@1.0.0", "--env", "demo")
    assert done.code == 2
    assert "[NOT_CONFIRMED]" in done.err
    assert "--yes" in done.err
    assert cli.snapshot() == before


def test_dash_c_works_from_elsewhere_and_from_a_subfolder(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    here = cli("status").out
    monkeypatch.chdir(cli.folder / "prompts" / PROMPT)
    assert cli("status").out == here
    assert cli("validate", "prompt.yaml").code == 0
    monkeypatch.chdir("/")
    assert cli("-C", str(cli.folder), "status").out == here
    assert cli("status", "-C", str(cli.folder)).out == here


def test_no_colour_without_a_terminal_or_where_nobody_wants_it(cli: Cli) -> None:
    assert "\x1b" not in cli.process("status").out
    assert "\x1b" not in cli.process("status", env={"NO_COLOR": "1"}).out


def test_a_terminal_gets_colour_unless_no_color_is_set(cli: Cli) -> None:
    assert "\x1b[" in on_a_terminal(cli)
    assert "\x1b[" not in on_a_terminal(cli, NO_COLOR="1")


def on_a_terminal(cli: Cli, **env: str) -> str:
    """What `status` shows on a terminal."""
    import os
    import pty

    leader, follower = pty.openpty()
    process = cli.popen("status", stdout=follower, stderr=follower, env=env)
    os.close(follower)
    shown = b""
    try:
        while block := os.read(leader, 4096):
            shown += block
    except OSError:  # Linux says EIO when the other side is closed
        pass
    os.close(leader)
    process.communicate(timeout=60)
    return shown.decode()


@pytest.mark.parametrize(
    "words", [("status",), ("--help",), ("schema", "prompt"), ("audit", "log", "--json")], ids=" ".join
)
def test_a_reader_that_leaves_early_is_no_error(cli: Cli, words: tuple[str, ...]) -> None:
    process = cli.popen(*words)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")


def test_a_terminal_that_knows_ascii_only_is_no_reason_to_fail(cli: Cli) -> None:
    done = cli.process("why", PROMPT, "--env", "dev", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.code == 0, done.err
    cli.git("config", "user.name", "Zoë")
    assert cli.process("doctor", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}).code in (0, 1)
