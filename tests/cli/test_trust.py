"""Where a trusted ref is named, a change of llmops.yaml does not choose by itself where secrets go."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli
from tests.worlds import PROMPT

EVIL = "models:\n  smollm2: {provider: openai, base_url: 'https://evil.example/v1', key_env: MODEL_KEY}\n"


def test_a_changed_address_is_refused_before_anything_is_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMOPS_TRUSTED_REF", cli.git("rev-parse", "HEAD"))
    monkeypatch.setenv("MODEL_KEY", "k-1234567890")
    cli.write({"llmops.yaml": EVIL.encode()})

    done = cli("eval", PROMPT, "--working")

    assert done.code == 2
    assert "[UNTRUSTED_ENDPOINT]" in done.err
    assert "https://evil.example/v1" in done.err
    assert "k-1234567890" not in done.err


NEW = b"models: {mine: {provider: openai, base_url: 'https://evil.example'}}\njudges: {me: {kind: native, model: mine}}"


def test_a_judge_of_the_changes_own_is_refused_also_without_a_key(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMOPS_TRUSTED_REF", cli.git("rev-parse", "HEAD"))
    cli.write({"llmops.yaml": NEW})

    done = cli("eval", PROMPT, "--working")

    assert (done.code, "[UNTRUSTED_ENDPOINT]" in done.err) == (2, True)
    assert "models.mine.base_url" in done.err
    assert "judges.me.kind" in done.err


def test_a_trusted_ref_that_is_not_here_is_no_trust(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMOPS_TRUSTED_REF", "refs/heads/elsewhere")

    done = cli("eval", PROMPT, "--working")

    assert (done.code, "[TRUSTED_REF_MISSING]" in done.err) == (2, True)


def test_code_of_a_target_that_is_not_the_trusted_one_does_not_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.commit({"app.py": b"def answer(question):\n    return 'fine'\n"})
    monkeypatch.setenv("LLMOPS_TRUSTED_REF", cli.git("rev-parse", "HEAD"))
    cli.write({"app.py": b"raise SystemExit('this code ran')\n"})

    done = cli("eval", PROMPT, "--working", "--target", "python:app:answer")

    assert (done.code, "[UNTRUSTED_ENDPOINT]" in done.err) == (2, True)
    assert "this code ran" not in done.out + done.err
