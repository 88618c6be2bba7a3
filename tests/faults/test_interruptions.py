"""Runs that end too early: by Ctrl-C, by kill -9, by a full disk; and two runs at once on one cache."""

from __future__ import annotations

import random
import resource
import signal
import subprocess
import time

import pytest

from tests.faults.scene import Scene, complains, timeless
from tests.servers.model_server import ModelServer, serving

CASES = 12
CONCURRENCY = 4
SEED = 3


@pytest.fixture
def slow(scene: Scene, server: ModelServer) -> Scene:
    """A server that takes its time, so that a run can be met in its middle."""
    server.latency = 0.02
    return scene.write(cases=CASES, concurrency=CONCURRENCY)


def wait_for(server: ModelServer, requests: int, process: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if server.requests >= requests:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError(f"the endpoint saw {server.requests} requests, expected {requests}")


def test_ctrl_c_answers_130_and_the_same_command_continues(slow: Scene, server: ModelServer) -> None:
    process = slow.start()
    wait_for(server, 20, process)
    process.send_signal(signal.SIGINT)
    done = slow.finish(process)
    assert done.code == 130, done.err
    assert done.error["code"] == "INTERRUPTED"
    assert done.error["hint"] == "the same command continues"
    again = slow.eval()
    assert again.code == 0, again.err
    assert len(again.rows) == CASES
    assert server.requests - server.unique <= CONCURRENCY


def test_kill_at_random_moments_repeats_only_what_was_in_flight(slow: Scene, server: ModelServer) -> None:
    wanted = slow.finish(slow.start())
    total = server.requests
    server.reset()
    subprocess.run(("rm", "-rf", str(slow.folder / ".llmops")), check=True)
    repeated = []
    for moment in sorted(random.Random(SEED).sample(range(5, total - 5), 3)):
        before = server.requests - server.unique
        process = slow.start()
        wait_for(server, moment, process)
        process.kill()
        process.communicate(timeout=30)
        repeated.append(server.requests - server.unique - before)
    got = slow.finish(slow.start())
    assert got.code == 0, got.err
    assert server.unique == total
    assert max(repeated) <= CONCURRENCY
    assert server.requests - total <= 3 * CONCURRENCY
    assert timeless(got.rows) == timeless(wanted.rows)
    again = slow.eval("--save-replies", str(slow.folder / "replies.jsonl"))
    replayed = slow.eval("--replay", str(slow.folder / "replies.jsonl"))
    assert again.json["result"]["rows"] == replayed.json["result"]["rows"] == got.json["result"]["rows"]
    assert server.requests - total <= 3 * CONCURRENCY


def test_two_runs_at_once_pay_for_the_overlap_alone_and_tell_the_same(slow: Scene, server: ModelServer) -> None:
    first = slow.start()
    wait_for(server, 40, first)
    kept = server.requests - CONCURRENCY
    second = slow.start()
    one, other = slow.finish(first), slow.finish(second)
    assert (one.code, other.code) == (0, 0), one.err + other.err
    assert one.json["result"]["rows"] == other.json["result"]["rows"]
    assert server.requests <= server.unique + (server.unique - kept)
    asked = server.requests
    assert slow.eval().code == 0
    assert server.requests == asked


def small_disk() -> None:
    """No file of this process may grow beyond 64 KiB, as on a disk that is nearly full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))


def test_a_disk_that_fills_up_keeps_what_was_paid_for(slow: Scene, server: ModelServer) -> None:
    error = complains(slow.finish(slow.start(preexec_fn=small_disk)), "CACHE_UNWRITABLE", ".llmops", "make room")
    assert "the same command" in error["hint"]
    asked = server.requests
    assert asked > 0
    done = slow.eval()
    assert done.code == 0, done.err
    # What was in flight, and what had taken its lanes before the failure was known.
    assert server.requests - server.unique <= 2 * CONCURRENCY


@pytest.mark.parametrize("kind", ["native", "ragas"])
def test_limits_and_server_errors_lose_nothing(slow: Scene, kind: str) -> None:
    if kind == "ragas":
        pytest.importorskip("ragas")
    with serving(share_429=0.05, share_500=0.02, seed=7) as server:
        slow.write(cases=40, concurrency=16, base_url=server.address, kind=kind)
        done = slow.eval()
        assert done.code == 0, done.out + done.err
        assert len(done.rows) == 40
        assert all(score["value"] is not None for row in done.rows.values() for score in _judged(row))
        assert server.statuses[429] > 0
        assert server.statuses[500] > 0
        # Nothing but what failed is asked again.
        assert server.requests == server.unique + server.statuses[429] + server.statuses[500]
        assert server.requests <= 1.15 * server.unique


def _judged(row: dict[str, dict[str, dict[str, object]]]) -> list[dict[str, object]]:
    return [row["scores"][metric] for metric in ("faithfulness", "context_precision")]
