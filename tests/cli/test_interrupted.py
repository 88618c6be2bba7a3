"""Stopped in the middle: by Ctrl-C, by a full disk, by an endpoint that goes away; the same command then continues."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.models.endpoint_server import EndpointServer, Trouble, serving
from tests.cli.conftest import Cli
from tests.worlds import CASES, PROMPT, alone

pytestmark = pytest.mark.embedded  # answers are compared by the embedded encoder

EVAL = ("eval", PROMPT, "--working", "--json")


@pytest.fixture
def server() -> Iterator[EndpointServer]:
    with serving() as found:
        yield found


def use(cli: Cli, server: EndpointServer, **more: object) -> None:
    """Let the prompt's model be this endpoint, one request at a time."""
    model = {"provider": "openai", "model": "fake-1", "base_url": server.address, "concurrency": 1, **more}
    cli.write({"llmops.yaml": json.dumps({"governance": alone(), "models": {"fake": model}}).encode()})


def asked(server: EndpointServer) -> int:
    return len(server.bodies)


def wait_for(server: EndpointServer, requests: int) -> None:
    for _ in range(600):
        if asked(server) >= requests:
            return
        time.sleep(0.05)
    raise AssertionError(f"the endpoint saw {asked(server)} requests, expected {requests}")


def test_ctrl_c_answers_130_and_the_same_command_continues(cli: Cli, server: EndpointServer) -> None:
    use(cli, server)
    server.troubles = [Trouble(), Trouble(delay=5)]
    before = cli.snapshot()
    process = cli.popen(*EVAL)
    wait_for(server, 2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert json.loads(out)["error"]["code"] == "INTERRUPTED"
    assert "Traceback" not in err
    assert cli.snapshot() == before
    done = cli.process(*EVAL)
    assert done.code == 0, done.err
    assert len(done.json["result"]["rows"]) == len(CASES)
    answered = {body["messages"][-1]["content"] for body in server.bodies}
    assert len(answered) == len(CASES)
    assert asked(server) <= len(CASES) + 1


def test_killed_outright_the_same_command_continues(cli: Cli, server: EndpointServer) -> None:
    use(cli, server)
    server.troubles = [Trouble(), Trouble(delay=5)]
    process = cli.popen(*EVAL)
    wait_for(server, 2)
    process.kill()
    process.communicate(timeout=30)
    assert cli.process(*EVAL).code == 0
    assert asked(server) <= len(CASES) + 1


def test_an_unchanged_run_asks_nothing(cli: Cli, server: EndpointServer) -> None:
    use(cli, server)
    first = cli(*EVAL)
    assert (first.code, asked(server)) == (0, len(CASES))
    again = cli(*EVAL)
    assert asked(server) == len(CASES)
    assert again.json["result"]["model_calls"] == 0
    assert again.json["result"]["rows"] == first.json["result"]["rows"]


def test_an_endpoint_that_goes_away_keeps_what_was_answered(cli: Cli, server: EndpointServer) -> None:
    use(cli, server, timeout_seconds=2)
    server.troubles = [Trouble(), Trouble(status=404, body=b'{"error": {"message": "model gone not found"}}')]
    done = cli(*EVAL)
    assert done.code == 2
    assert "1 of 3 answers are kept, the same command continues" in done.json["error"]["hint"]
    assert "model gone not found" in done.json["error"]["what"]
    assert cli(*EVAL).code == 0
    # The refused one is asked again, and at most the one that was in flight beside it.
    assert asked(server) <= len(CASES) + 2


def small_disk() -> None:
    """No file of this process may grow beyond 16 KiB, as on a disk that is nearly full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 10, 16 << 10))


def test_a_disk_that_is_full_while_the_cache_is_written(cli: Cli, server: EndpointServer) -> None:
    use(cli, server)
    before = cli.snapshot()
    done = cli.process(*EVAL, preexec_fn=small_disk)
    assert done.code == 2, done.err
    assert "Traceback" not in done.err
    assert done.json["error"]["code"] in ("CACHE_UNWRITABLE", "DISK_FULL")
    assert ".llmops" in done.json["error"]["where"] + done.json["error"]["what"]
    assert done.json["error"]["hint"]
    assert cli.snapshot() == before
    assert cli.process(*EVAL).code == 0


@pytest.fixture
def tmpfs(cli: Cli) -> Iterator[Path]:
    """The state folder on a file system of 48 KiB, where this machine allows that."""
    folder = cli.folder / ".llmops"
    folder.mkdir(exist_ok=True)
    mount = ("mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(folder))
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(("umount", str(folder)), check=True)


def test_a_file_system_that_is_really_full(cli: Cli, server: EndpointServer, tmpfs: Path) -> None:
    use(cli, server)
    done: Any = cli.process(*EVAL)
    assert done.code == 2, done.err
    assert done.json["error"]["code"] in ("CACHE_UNWRITABLE", "DISK_FULL")
    assert cli.process("validate").code == 0, "a cache that cannot be written is no reason to fail"
    assert tmpfs.is_dir()


def test_a_dry_run_says_what_it_would_ask_and_asks_nothing(cli: Cli, server: EndpointServer) -> None:
    use(cli, server)
    cli.git("add", "-A")
    assert cli("lock", PROMPT).code == 0
    cli.git("commit", "-q", "-m", "another model")
    before = cli.snapshot()
    done = cli("eval", PROMPT, "--record", "--dry-run")
    assert done.code == 0, done.err
    assert "would ask, and has asked nothing" in done.out
    assert "3 requests" in done.out
    assert server.bodies == []
    assert cli.snapshot() == before
