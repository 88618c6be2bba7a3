"""Killed at every step, killed at random moments, and raced by other processes: all of a plan is there, or nothing.

`LLMOPS_TEST_KILLS` raises the number of random kills.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llmops.adapters.git.repository import open_repository
from tests.adapters.git.conftest import RealWorld

CHECKOUT = Path(__file__).resolve().parents[4]
OURS = {
    "audit/records/0000/000001-policy.json": b"{}\n",
    "src/app.py": b"changed\n",
    "environments/p/a.yaml": b"v: 1\n",
}
STEPS = (
    "locked",
    "recovered",
    "blobs",
    "trees",
    "commit",
    "journal",
    "ref",
    "index",
    "file",
    "refreshed",
    "dropped",
)
COMMITTED = STEPS[STEPS.index("ref") :]

WRITER = """
import os, sys
from llmops.adapters.git.repository import open_repository
from llmops.documents.trees import FileChange, Plan
folder, old, step = sys.argv[1:4]
files = {path: data.encode() for path, data in __import__("json").loads(sys.argv[4]).items()}
def die(now):
    if now == step:
        os._exit(9)
changes = tuple(FileChange(path=path, content=data) for path, data in files.items())
plan = Plan(files=changes, message="m", ref="refs/heads/main", old=old)
open_repository(folder, fault=die).apply(plan)
"""

RACER = """
import sys
from llmops.adapters.clock import SystemClock
from llmops.adapters.git.repository import open_repository
from llmops.documents.trees import FileChange, Plan
from llmops.errors import LostRace
folder, name = sys.argv[1:3]
repository, clock = open_repository(folder), SystemClock()
for number in range(5):
    for attempt in range(100):
        tip = repository.records_tip("main")
        count = len(repository.tree_at(tip).entries("audit"))
        change = FileChange(path=f"audit/{count:03}-{name}-{number}.json", content=b"{}")
        try:
            repository.apply(Plan(files=(change,), message=f"{name} {number}", ref="refs/heads/main", old=tip))
            break
        except LostRace:
            clock.pause(min(attempt, 3))
    else:
        sys.exit("never got through")
"""


def start_writer(world: RealWorld, step: str = "") -> subprocess.Popen[bytes]:
    old = world.git("rev-parse", "refs/heads/main")
    files = json.dumps({path: data.decode() for path, data in OURS.items()})
    return subprocess.Popen(
        (sys.executable, "-c", WRITER, str(world.folder), old, step, files),
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        start_new_session=True,
    )


def assert_all_or_nothing(world: RealWorld, before: str) -> bool:
    """Recover, then: branch, index and folder agree, on all of the plan or on nothing. Returns whether it was all."""
    repository = open_repository(str(world.folder))
    repository.recover()
    repository.close()
    tip = world.git("rev-parse", "refs/heads/main")
    assert world.git("status", "--porcelain") == ""
    assert world.git("fsck", "--strict", "--no-dangling") == ""
    assert not list((world.folder / ".git/llmops").glob("journal*"))
    if tip == before:
        return False
    assert world.git("rev-parse", f"{tip}^") == before
    assert {path: (world.folder / path).read_bytes() for path in OURS} == OURS
    return True


@pytest.mark.parametrize("step", STEPS)
def test_a_writer_killed_at_a_step_leaves_all_or_nothing(world: RealWorld, step: str) -> None:
    before = world.git("rev-parse", "HEAD")
    assert start_writer(world, step).wait() == 9
    assert assert_all_or_nothing(world, before) is (step in COMMITTED)


def test_a_writer_killed_at_random_moments_leaves_all_or_nothing(world: RealWorld) -> None:
    before = world.git("rev-parse", "HEAD")
    started = time.monotonic()
    assert start_writer(world).wait() == 0
    whole = time.monotonic() - started
    for seed in range(int(os.environ.get("LLMOPS_TEST_KILLS", "25"))):
        world.git("reset", "-q", "--hard", before)
        writer = start_writer(world)
        time.sleep(random.Random(seed).uniform(0.3, 1.1) * whole)
        os.killpg(writer.pid, 9)
        writer.wait()
        _remove_locks_of_the_dead(world)
        assert_all_or_nothing(world, before)


def test_twenty_commits_of_four_racing_processes_are_all_there(world: RealWorld) -> None:
    racers = [
        subprocess.Popen(
            (sys.executable, "-c", RACER, str(world.folder), name), env={**os.environ, "PYTHONPATH": str(CHECKOUT)}
        )
        for name in ("a", "b", "c", "d")
    ]
    assert [racer.wait() for racer in racers] == [0, 0, 0, 0]
    names = world.git("ls-tree", "--name-only", "HEAD", "audit/").split()
    assert [name[6:9] for name in names] == [f"{count:03}" for count in range(20)]
    assert {name[10:13] for name in names} == {f"{racer}-{number}" for racer in "abcd" for number in range(5)}
    assert world.git("rev-list", "--count", "HEAD") == "21"
    assert world.git("status", "--porcelain") == ""


def _remove_locks_of_the_dead(world: RealWorld) -> None:
    """git's own locks outlive a killed git; `doctor` names them, and a person removes them."""
    for lock in world.repository.stale_locks():
        Path(lock.path).unlink(missing_ok=True)
