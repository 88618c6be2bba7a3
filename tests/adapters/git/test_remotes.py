"""Sending the records branch to a real bare remote: accepted, raced, refused, unreachable, and a lost reply."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.documents.trees import FileChange, Plan
from llmops.errors import CannotAsk, LostRace
from tests.adapters.git.conftest import RealWorld, a_repository

MAIN = "refs/heads/main"


def a_plan(old: str, name: str = "1.json", ref: str = MAIN) -> Plan:
    return Plan(files=(FileChange(path=f"audit/{name}", content=b"{}\n"),), message=name, ref=ref, old=old)


@pytest.fixture
def remote(world: RealWorld, tmp_path: Path) -> Path:
    """A bare remote that `world` was cloned to."""
    bare = tmp_path / "remote.git"
    subprocess.run(("git", "clone", "-q", "--bare", str(world.folder), str(bare)), check=True)
    world.git("remote", "add", "origin", str(bare))
    world.git("fetch", "-q")
    return bare


@pytest.fixture
def colleague(remote: Path, tmp_path: Path) -> Iterator[RealWorld]:
    """Somebody else's clone of the same remote."""
    subprocess.run(("git", "clone", "-q", str(remote), str(tmp_path / "colleague")), check=True)
    clone = RealWorld(tmp_path / "colleague")
    yield clone
    clone.close()


def record(world: RealWorld, name: str) -> tuple[str, str]:
    """Make one commit as a use case does. Returns (base, commit)."""
    base = world.repository.records_tip("main") or ""
    return base, world.repository.apply(a_plan(base, name))


def tip_of(remote: Path, ref: str = MAIN) -> str:
    command = ("git", "-C", str(remote), "rev-parse", ref)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def a_hook(remote: Path, name: str, script: str) -> None:
    hook = remote / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{script}\n")
    hook.chmod(0o755)


def test_a_push_publishes_the_commit_and_remembers_it(world: RealWorld, remote: Path) -> None:
    base, commit = record(world, "1.json")
    assert world.repository.push(MAIN, base=base) is True
    assert tip_of(remote) == commit
    assert world.git("rev-parse", "refs/remotes/origin/main") == commit
    assert world.repository.push(MAIN, base=base) is True


def test_a_push_of_a_new_branch_creates_it(world: RealWorld, remote: Path) -> None:
    commit = world.repository.apply(a_plan("", ref="refs/heads/llmops"))
    assert world.repository.push("refs/heads/llmops", base="") is True
    assert tip_of(remote, "refs/heads/llmops") == commit


def test_a_rejected_push_takes_our_commit_back_and_the_next_try_stands_on_theirs(
    world: RealWorld, colleague: RealWorld, remote: Path
) -> None:
    their_base, theirs = record(colleague, "theirs.json")
    assert colleague.repository.push(MAIN, base=their_base)
    base, _ = record(world, "ours.json")
    with pytest.raises(LostRace):
        world.repository.push(MAIN, base=base)
    assert world.git("rev-parse", MAIN) == base
    assert world.git("status", "--porcelain") == ""
    assert not (world.folder / "audit").exists()
    again, commit = record(world, "ours.json")
    assert again == theirs
    assert world.repository.push(MAIN, base=again)
    assert tip_of(remote) == commit
    assert sorted(path.name for path in (world.folder / "audit").iterdir()) == ["ours.json", "theirs.json"]
    assert world.git("status", "--porcelain") == ""


def test_older_unpublished_commits_are_never_thrown_away(world: RealWorld, colleague: RealWorld) -> None:
    record(world, "offline.json")
    base, commit = record(world, "ours.json")
    their_base, _ = record(colleague, "theirs.json")
    colleague.repository.push(MAIN, base=their_base)
    with pytest.raises(CannotAsk) as refused:
        world.repository.push(MAIN, base=base)
    assert refused.value.code == "RECORDS_DIVERGED"
    assert "main-unpushed" in refused.value.hint
    assert world.git("rev-parse", MAIN) == commit


def test_the_remedy_for_diverged_records_works_as_written(world: RealWorld, colleague: RealWorld) -> None:
    their_base, theirs = record(colleague, "theirs.json")
    colleague.repository.push(MAIN, base=their_base)
    _, ours = record(world, "ours.json")
    world.git("fetch", "-q")
    with pytest.raises(CannotAsk) as refused:
        world.repository.records_tip("main")
    commands = refused.value.hint.removeprefix("local commits hold records, and records are never merged: ")
    subprocess.run(commands.removesuffix(", then repeat the commands"), shell=True, cwd=world.folder, check=True)
    assert world.repository.records_tip("main") == theirs
    assert world.git("rev-parse", "main-unpushed") == ours


def test_diverged_branches_without_local_records_are_merged(world: RealWorld, colleague: RealWorld) -> None:
    their_base, _ = record(colleague, "theirs.json")
    colleague.repository.push(MAIN, base=their_base)
    world.commit("a source change")
    world.git("fetch", "-q")
    with pytest.raises(CannotAsk) as refused:
        world.repository.records_tip("main")
    subprocess.run(refused.value.hint, shell=True, cwd=world.folder, check=True, capture_output=True)
    assert world.repository.records_tip("main") == world.git("rev-parse", "HEAD")


def test_a_refusal_names_ref_and_rule_and_keeps_the_commit(world: RealWorld, remote: Path) -> None:
    a_hook(remote, "pre-receive", 'echo "GH006: Protected branch update failed for main." >&2; exit 1')
    before = tip_of(remote)
    base, commit = record(world, "1.json")
    with pytest.raises(CannotAsk) as refused:
        world.repository.push(MAIN, base=base)
    assert refused.value.code == "PUSH_REFUSED"
    assert MAIN in refused.value.what
    assert "pre-receive hook declined" in refused.value.what
    assert "GH006" in refused.value.what
    assert tip_of(remote) == before
    assert world.git("rev-parse", MAIN) == commit


def test_a_remote_that_does_not_answer_is_named(world: RealWorld, remote: Path) -> None:
    base, commit = record(world, "1.json")
    remote.rename(remote.with_name("gone.git"))
    with pytest.raises(CannotAsk) as refused:
        world.repository.push(MAIN, base=base)
    assert refused.value.code == "REMOTE_UNREACHABLE"
    assert world.git("rev-parse", MAIN) == commit
    with pytest.raises(CannotAsk) as refused:
        world.repository.fetch("main")
    assert refused.value.code == "REMOTE_UNREACHABLE"


@pytest.mark.parametrize("arrives", [True, False])
def test_a_lost_reply_is_settled_by_asking_the_remote(
    world: RealWorld, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrives: bool
) -> None:
    real = subprocess.run(("which", "git"), capture_output=True, text=True, check=True).stdout.strip()
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    push = f'{real} "$@" >/dev/null 2>&1;' if arrives else ""
    script.write_text(
        f'#!/bin/sh\nif [ "$1" = push ]; then {push} echo "fatal: the remote end hung up" >&2; exit 128; fi\n'
        f'exec {real} "$@"\n'
    )
    script.chmod(0o755)
    base, commit = record(world, "1.json")
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    if arrives:
        assert world.repository.push(MAIN, base=base) is True
        assert tip_of(remote) == commit
        assert world.git("rev-parse", "refs/remotes/origin/main") == commit
    else:
        with pytest.raises(CannotAsk) as refused:
            world.repository.push(MAIN, base=base)
        assert refused.value.code == "REMOTE_UNREACHABLE"
        assert "hung up" in refused.value.what


def test_a_fetch_learns_of_theirs_and_of_a_missing_branch_nothing(world: RealWorld, colleague: RealWorld) -> None:
    their_base, theirs = record(colleague, "theirs.json")
    colleague.repository.push(MAIN, base=their_base)
    world.repository.fetch("main")
    assert world.repository.records_tip("main") == theirs
    world.repository.fetch("no-such-branch")
    assert world.repository.records_tip("no-such-branch") is None


def test_a_fresh_clone_writes_to_a_branch_that_it_has_only_as_remote_tracking(
    world: RealWorld, remote: Path, tmp_path: Path
) -> None:
    first = world.repository.apply(a_plan("", ref="refs/heads/llmops"))
    world.repository.push("refs/heads/llmops", base="")
    subprocess.run(("git", "clone", "-q", str(remote), str(tmp_path / "fresh")), check=True)
    fresh = RealWorld(tmp_path / "fresh")
    assert fresh.repository.records_tip("llmops") == first
    second = fresh.repository.apply(a_plan(first, "2.json", ref="refs/heads/llmops"))
    assert fresh.repository.push("refs/heads/llmops", base=first)
    assert tip_of(remote, "refs/heads/llmops") == second
    assert fresh.git("status", "--porcelain") == ""
    fresh.close()


def test_of_several_remotes_the_configured_one_counts_then_origin(world: RealWorld, tmp_path: Path) -> None:
    for name in ("alpha", "beta"):
        a_repository(tmp_path / name, {"x": b"x"})
        world.git("remote", "add", name, str(tmp_path / name))
        world.git("update-ref", f"refs/remotes/{name}/elsewhere", world.git("commit-tree", "HEAD^{tree}", "-m", name))
    with pytest.raises(CannotAsk) as refused:
        world.repository.records_tip("elsewhere")
    assert refused.value.code == "REMOTE_AMBIGUOUS"
    assert world.repository.remote_for("elsewhere") is None
    world.git("config", "branch.elsewhere.remote", "beta")
    assert world.repository.remote_for("elsewhere") == "beta"
    assert world.repository.records_tip("elsewhere") == world.git("rev-parse", "refs/remotes/beta/elsewhere")


def test_a_branch_below_ours_is_not_taken_for_ours(world: RealWorld) -> None:
    world.git("update-ref", "refs/heads/llmops/more", "HEAD")
    assert world.repository.records_tip("llmops") is None


@pytest.mark.parametrize("branch", ["", "a..b", "-x y"])
def test_a_bad_branch_name_is_refused(world: RealWorld, branch: str) -> None:
    with pytest.raises(CannotAsk) as refused:
        world.repository.records_tip(branch)
    assert refused.value.code == "BAD_REF_NAME"
