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


def test_a_trusted_ref_that_is_not_here_is_no_trust(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMOPS_TRUSTED_REF", "refs/heads/elsewhere")

    done = cli("eval", PROMPT, "--working")

    assert (done.code, "[TRUSTED_REF_MISSING]" in done.err) == (2, True)
