"""The whole journey through the real command line, with the real embedded model on a tiny evalset."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.conftest import Cli, Done

pytestmark = pytest.mark.embedded

NAME = "kettle-help"
PROMPT = f"prompts/{NAME}/prompt.yaml"


def ok(cli: Cli, *words: str) -> Done:
    done = cli(*words)
    assert done.code == 0, (words, done.out, done.err)
    return done


def begin(cli: Cli) -> None:
    """A fresh repository with the scaffold, cut down to three questions."""
    cli.git("init", "-q", "-b", "main")
    ok(cli, "init", "--profile", "solo")
    cases = cli.folder / "evalsets" / NAME / "cases.jsonl"
    rows = cases.read_text().splitlines()
    cases.write_text(f"{rows[0]}\n{rows[7]}\n{rows[9]}\n")
    bars = cli.folder / "prompts" / NAME / "thresholds.yaml"
    bars.write_text("release:\n  context_recall: {min: 0.5}\n  safety: {min: 0.5}\n")


def next_version(cli: Cli) -> None:
    data = (cli.folder / PROMPT).read_text()
    data = data.replace("version: 0.1.0", "version: 0.2.0").replace("max_tokens: 80", "max_tokens: 24")
    cli.write({PROMPT: data.encode()})
    cli.git("add", "-A")


def test_from_init_to_rollback_and_verify(nowhere: Cli) -> None:
    begin(nowhere)
    nowhere.git("add", "-A")
    ok(nowhere, "validate", "--strict")
    ok(nowhere, "lock", NAME)
    nowhere.git("commit", "-q", "-m", "first prompt")
    ok(nowhere, "policy", "apply")
    root = ok(nowhere, "policy", "show", "--json").json["result"]["root"]
    assert nowhere("gate", f"{NAME}@0.1.0", "--env", "dev").code == 4
    assert "pass" in ok(nowhere, "gate", f"{NAME}@0.1.0", "--env", "dev", "--eval").out
    ok(nowhere, "promote", f"{NAME}@0.1.0", "--to", "dev")
    assert nowhere("promote", f"{NAME}@0.1.0", "--to", "demo").code == 1
    ok(nowhere, "approve", f"{NAME}@0.1.0", "--env", "demo", "--yes")
    assert "SELF-APPROVED" in ok(nowhere, "promote", f"{NAME}@0.1.0", "--to", "demo").out

    next_version(nowhere)
    assert "max_tokens" in ok(nowhere, "diff").out
    ok(nowhere, "lock", NAME)
    nowhere.git("commit", "-q", "-m", "second version")
    recorded = ok(nowhere, "eval", f"{NAME}@0.2.0", "--record", "--json").json["result"]
    assert recorded["record"]["commit"]
    again = ok(nowhere, "eval", f"{NAME}@0.2.0", "--json").json["result"]
    assert again["model_calls"] == 0
    ok(nowhere, "promote", f"{NAME}@0.2.0", "--to", "dev")
    ok(nowhere, "rollback", NAME, "--env", "dev", "--reason", "too short")
    status = ok(nowhere, "status", "--json").json["result"]
    serving = {row["environment"]: row["pointer"] for row in status["rows"]}
    assert (serving["dev"]["version"], serving["dev"]["status"]) == ("0.1.0", "held")
    assert "too short" in ok(nowhere, "why", NAME, "--env", "dev").out
    assert ok(nowhere, "audit", "verify", "--root", root, "--json").json["result"]["report"]["level"] == "SIGNED"
    assert nowhere.git("status", "--porcelain") == ""


def test_records_on_a_branch_of_their_own_while_another_is_checked_out(nowhere: Cli) -> None:
    begin(nowhere)
    config = nowhere.folder / "llmops.yaml"
    config.write_text(re.sub("records_branch: main", "records_branch: llmops", config.read_text()))
    nowhere.git("add", "-A")
    ok(nowhere, "lock", NAME)
    nowhere.git("commit", "-q", "-m", "first prompt")
    nowhere.git("checkout", "-q", "-b", "topic")
    nowhere.write({"notes.txt": b"half an idea\n"})
    head = nowhere.git("rev-parse", "HEAD")
    ok(nowhere, "policy", "apply")
    ok(nowhere, "eval", f"{NAME}@0.1.0", "--record")
    ok(nowhere, "promote", f"{NAME}@0.1.0", "--to", "dev")
    ok(nowhere, "audit", "verify")
    ok(nowhere, "why", NAME, "--env", "dev")

    assert nowhere.git("rev-parse", "HEAD") == head == nowhere.git("rev-parse", "main")
    assert nowhere.git("status", "--porcelain") == "?? notes.txt"
    assert not (nowhere.folder / "audit").exists()
    files = nowhere.git("ls-tree", "-r", "--name-only", "llmops").splitlines()
    assert f"environments/dev/{NAME}.yaml" in files
    assert f"releases/{NAME}/0.1.0.json" in files
    assert not any(path.startswith("prompts/") for path in files)
    record = nowhere.git("show", "llmops:audit/records/0000/000001-policy.json")
    assert json.loads(record)
