"""What people meet on the first day: a second repository, a clone without records, a typo, an empty acceptance."""

from __future__ import annotations

import json

from tests.cli.conftest import Cli
from tests.worlds import PROMPT


def test_the_key_that_init_made_is_found_again(nowhere: Cli) -> None:
    nowhere.git("init", "-q")
    (nowhere.home / ".ssh" / "id_ed25519").unlink()
    assert nowhere("init").code == 0
    nowhere.git("config", "--unset", "user.signingkey")
    assert "signing key: ssh-ed25519" in nowhere("doctor").out


def test_the_policy_in_force_is_called_so(cli: Cli) -> None:
    assert "  in force" in cli("policy", "check").out
    assert cli("policy", "check", "--json").json["result"]["is_in_force"]


def test_a_clone_without_records_says_what_to_fetch(cli: Cli) -> None:
    for words in (("status",), ("why", PROMPT, "--env", "staging"), ("audit", "log")):
        done = cli(*words, "--records-branch", "elsewhere")
        assert (done.code, "RECORDS_MISSING" in done.err) == (2, True), done.err
        assert "git fetch origin elsewhere" in done.err


def test_a_missing_option_is_named(cli: Cli) -> None:
    done = cli("promote", f"{PROMPT}@1.0.0")
    assert (done.code, "--to" in done.err) == (2, True), done.err


def test_accepting_what_is_not_loosened_signs_nothing(cli: Cli) -> None:
    assert cli("publish", f"{PROMPT}@1.1.0").code == 0
    before = cli.snapshot()
    done = cli("approve", f"{PROMPT}@1.1.0", "--env", "demo", "--accept", "nothing.min:1>0", "--yes")
    assert done.code == 1
    assert "NO_SUCH_CHANGE" in done.err
    assert cli.snapshot() == before


def test_a_ramp_that_does_not_rise_is_refused(cli: Cli) -> None:
    for ramp in ("0,5", "50,10", "10,10", "10,101"):
        done = cli("approve", f"{PROMPT}@1.1.0", "--env", "staging", "--ramp", ramp, "--yes")
        assert (done.code, "does not rise" in done.err) == (2, True), done.err


def test_a_finding_in_the_policy_names_its_own_line(cli: Cli) -> None:
    text = (cli.folder / "llmops.yaml").read_bytes().decode()
    value = json.loads(text)
    value["governance"]["environments"]["demo"]["soak"] = "2h"
    lines = json.dumps(value, indent=1).splitlines()
    cli.write({"llmops.yaml": "\n".join(lines).encode()})
    line = next(number for number, row in enumerate(lines, 1) if '"soak"' in row)
    done = cli("policy", "check", "--json")
    assert [(found["rule"], found["line"]) for found in done.json["findings"]] == [("policy-unsupported", line)]


def test_a_release_that_is_not_there_names_what_is(cli: Cli) -> None:
    assert "there is: 1.0.0, 1.1.0" in cli("eval", f"{PROMPT}@9.9.9").err
    assert f"did you mean {PROMPT}?" in cli("eval", f"{PROMPT[:-1]}@1.0.0").err
