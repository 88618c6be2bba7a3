"""What `eval` refuses before anything is asked: each by its own code, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.adapters.models.endpoint_server import EndpointServer, serving
from tests.cli.conftest import Cli
from tests.worlds import PROMPT


@pytest.fixture
def server() -> Iterator[EndpointServer]:
    with serving() as running:
        yield running


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--record", "--replay", "a.jsonl"), "never evidence"),
        (("--save-replies", "a", "--replay", "b"), "writes a new one"),
        (("--target", "python:app:answer", "--replay", "a"), "is an application"),
        (("--target", "http://127.0.0.1:9/a", "--save-replies", "a"), "is an application"),
    ],
)
def test_options_that_contradict_each_other_are_refused(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli("eval", PROMPT, *words)
    assert (done.code, "[USAGE]" in done.err) == (2, True)
    assert said in " ".join(done.err.split())


def test_an_application_on_the_network_is_not_asked_offline(cli: Cli, server: EndpointServer) -> None:
    done = cli("eval", PROMPT, "--offline", "--target", server.address)
    assert (done.code, "[OFFLINE]" in done.err) == (2, True)
    assert server.bodies == []


def test_a_target_nobody_configured_is_refused(cli: Cli) -> None:
    done = cli("eval", PROMPT, "--target", "aplication")
    assert (done.code, "[TARGET_UNKNOWN]" in done.err) == (2, True)


def test_an_address_in_a_release_file_chooses_no_code(cli: Cli) -> None:
    path = cli.folder / "releases" / PROMPT / "1.1.0.json"
    value = json.loads(path.read_bytes())
    value["about"]["version"] = "9.9.9"
    value["bars"]["target"] = "python:pwn:answer"
    (cli.folder / "pwn.py").write_text("raise SystemExit('this code ran')\n")
    cli.commit({f"releases/{PROMPT}/9.9.9.json": json.dumps(value).encode()})
    done = cli("eval", f"{PROMPT}@9.9.9")
    assert done.code != 0
    assert "this code ran" not in done.err + done.out


def test_a_cache_that_somebody_committed_answers_for_nobody(cli: Cli) -> None:
    (cli.folder / ".llmops" / "cache").mkdir(parents=True, exist_ok=True)
    (cli.folder / ".llmops" / "cache" / "models.sqlite").write_bytes(b"")
    cli.git("add", "-f", ".llmops/cache/models.sqlite")
    done = cli("eval", PROMPT)
    assert (done.code, "[STATE_COMMITTED]" in done.err) == (2, True)


def test_a_state_folder_that_leads_elsewhere_is_refused(cli: Cli) -> None:
    elsewhere = cli.folder.parent / "elsewhere"
    elsewhere.mkdir()
    state = cli.folder / ".llmops"
    if state.exists():
        state.rename(cli.folder.parent / "kept")
    state.symlink_to(elsewhere)
    done = cli("eval", PROMPT)
    assert (done.code, "[STATE_COMMITTED]" in done.err) == (2, True)
    assert list(elsewhere.iterdir()) == []


def test_a_broken_configuration_is_named_and_not_read_as_empty(cli: Cli) -> None:
    cli.write({"llmops.yaml": b"modles: {}\n"})
    done = cli("eval", PROMPT, "--working")
    assert (done.code, "[INVALID_DOCUMENTS]" in done.err) == (1, True)
    assert "modles" in done.err
