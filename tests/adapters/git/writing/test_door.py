"""The write door on real repositories: what it refuses, what it leaves alone, and where the branch is checked out."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from llmops.adapters.git.repository import open_repository
from llmops.adapters.git.writing import checkouts, journal
from llmops.documents.trees import FileChange, Plan
from llmops.errors import CannotAsk, LostRace
from tests.adapters.git.conftest import RealWorld

RECORD = "audit/records/0000/000001-policy.json"
MAIN = "refs/heads/main"


def a_plan(world: RealWorld, path: str = RECORD, content: bytes | None = b"{}\n", **more: Any) -> Plan:
    old = world.git("rev-parse", MAIN)
    return Plan(files=(FileChange(path=path, content=content),), message="record", **{"ref": MAIN, "old": old, **more})


def refusal_of(world: RealWorld, plan: Plan) -> CannotAsk:
    before = world.git("for-each-ref")
    with pytest.raises(CannotAsk) as refused:
        world.repository.apply(plan)
    assert world.git("for-each-ref") == before
    assert journal.read(world.repository.common_dir) is None
    return refused.value


def test_git_sees_a_clean_work_tree_after_a_commit(world: RealWorld) -> None:
    commit = world.repository.apply(a_plan(world))
    assert world.git("status", "--porcelain") == ""
    assert world.git("diff-files", "--name-only") == ""
    assert world.git("log", "-1", "--format=%H %an <%ae> %s") == f"{commit} Ada <ada@example.org> record"
    assert world.git("fsck", "--strict") == ""
    assert world.git("reflog", "-1", "--format=%gs") == "llmops: record"


def test_the_first_commit_of_a_repository_can_be_a_plan(empty: RealWorld) -> None:
    plan = Plan(files=(FileChange(path=RECORD, content=b"{}\n"),), message="first", ref=MAIN, old="")
    commit = empty.repository.apply(plan)
    assert empty.git("rev-list", "HEAD") == commit
    assert empty.git("status", "--porcelain") == ""


def test_many_files_in_many_folders_are_one_commit(world: RealWorld) -> None:
    files = {f"audit/records/{number % 3:04}/{number:06}.json": f"{number}\n".encode() for number in range(20)}
    changes = tuple(FileChange(path=path, content=data) for path, data in files.items())
    commit = world.repository.apply(Plan(files=changes, message="m", ref=MAIN, old=world.git("rev-parse", "HEAD")))
    tree = world.repository.tree_at(commit)
    assert tree.read_many(files) == files
    assert tree.read("src/app.py") == b"pass\n"
    assert world.git("status", "--porcelain") == ""


def test_attributes_do_not_change_the_bytes_of_a_record(world: RealWorld) -> None:
    world.write(".gitattributes", b"* text=auto eol=lf\n")
    world.stage(".gitattributes")
    world.commit("attributes")
    commit = world.repository.apply(a_plan(world, content=b"a\r\nb\r\n"))
    assert world.repository.tree_at(commit).read(RECORD) == b"a\r\nb\r\n"


def test_removing_the_last_file_of_a_folder_removes_the_folder(world: RealWorld) -> None:
    world.repository.apply(a_plan(world, "src/app.py", None))
    assert not (world.folder / "src").exists()
    assert world.git("ls-tree", "--name-only", "HEAD") == "prompts"


def test_an_executable_of_that_name_becomes_a_regular_file(world: RealWorld) -> None:
    world.git("update-index", "--chmod=+x", "src/app.py")
    world.commit("exec")
    (world.folder / "src/app.py").chmod(0o755)
    commit = world.repository.apply(a_plan(world, "src/app.py", b"new\n"))
    assert [entry.mode for entry in world.repository.tree_at(commit).entries("src")] == ["100644"]


def test_a_deleted_file_of_ours_is_somebodys_work(world: RealWorld) -> None:
    world.write("src/app.py", None)
    assert refusal_of(world, a_plan(world, "src/app.py", b"new\n")).code == "DIRTY_PATHS"
    assert not (world.folder / "src/app.py").exists()


@pytest.mark.parametrize("path", [RECORD, "audit", "audit/records/0000"])
def test_what_stands_in_the_way_of_our_file_is_somebodys_work(world: RealWorld, path: str) -> None:
    (world.folder / path).parent.mkdir(parents=True, exist_ok=True)
    if path == RECORD:
        (world.folder / path).mkdir()
    else:
        (world.folder / path).write_bytes(b"a file\n")
    assert refusal_of(world, a_plan(world)).code == "DIRTY_PATHS"


@pytest.mark.parametrize("link", ["audit", RECORD])
def test_a_symlink_at_or_above_our_path_is_refused(world: RealWorld, tmp_path: Path, link: str) -> None:
    target = world.folder / link
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(tmp_path / "outside")
    refused = refusal_of(world, a_plan(world))
    assert refused.code == "UNSAFE_PATH"
    assert link in refused.what
    assert not (tmp_path / "outside").exists()


def test_a_symlink_committed_at_our_path_is_replaced_on_another_branch(world: RealWorld) -> None:
    (world.folder / "link").symlink_to("src/app.py")
    world.stage("link")
    world.commit("link")
    world.git("checkout", "-q", "-b", "elsewhere")
    commit = world.repository.apply(a_plan(world, "link", b"text\n"))
    assert [entry.mode for entry in world.repository.tree_at(commit).entries("link")] == ["100644"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../outside", "UNSAFE_PATH"),
        (".git/config", "UNSAFE_PATH"),
        ("src", "PATH_CONFLICT"),
        ("src/app.py/below", "PATH_CONFLICT"),
        ("SRC/app.py", "PATH_CONFLICT"),
        ("src/APP.py", "PATH_CONFLICT"),
    ],
)
def test_a_path_that_cannot_be_written_is_refused(world: RealWorld, path: str, code: str) -> None:
    world.git("checkout", "-q", "--detach")
    assert refusal_of(world, a_plan(world, path)).code == code


def test_a_path_twice_in_a_plan_is_our_bug(world: RealWorld) -> None:
    change = FileChange(path=RECORD, content=b"")
    with pytest.raises(ValueError, match="twice"):
        world.repository.apply(Plan(files=(change, change), ref=MAIN, old=world.git("rev-parse", "HEAD")))


@pytest.mark.parametrize("ref", ["main", "refs/heads/a..b", "refs/heads/-x y", "--force"])
def test_a_bad_ref_name_is_refused(world: RealWorld, ref: str) -> None:
    assert refusal_of(world, a_plan(world, ref=ref)).code == "BAD_REF_NAME"


def test_a_ref_below_another_ref_is_refused(world: RealWorld) -> None:
    refused = refusal_of(world, a_plan(world, ref="refs/heads/main/records", old=""))
    assert refused.code == "REF_REFUSED"
    assert "refs/heads/main" in refused.what


def test_a_rewound_branch_is_a_lost_race_and_not_brought_back(world: RealWorld) -> None:
    first = world.git("rev-parse", "HEAD")
    second = world.commit("second")
    world.git("reset", "-q", "--hard", first)
    with pytest.raises(LostRace):
        world.repository.apply(a_plan(world, old=second))
    assert world.git("rev-parse", "HEAD") == first


def test_a_stale_index_lock_is_named_before_anything_is_written(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts, "_LOCK_PATIENCE_S", 0.05)
    lock = world.folder / ".git/index.lock"
    lock.touch()
    refused = refusal_of(world, a_plan(world))
    assert refused.code == "GIT_LOCKED"
    assert refused.where == str(lock)
    assert [found.path for found in world.repository.stale_locks()] == [str(lock)]


def test_a_stale_ref_lock_is_named_before_anything_is_written(world: RealWorld) -> None:
    lock = world.folder / ".git/refs/heads/main.lock"
    lock.touch()
    refused = refusal_of(world, a_plan(world))
    assert refused.code == "GIT_LOCKED"
    assert str(lock) in refused.what
    assert [found.path for found in world.repository.stale_locks()] == [str(lock)]


def test_an_index_lock_that_goes_away_is_waited_for(world: RealWorld) -> None:
    lock = world.folder / ".git/index.lock"
    lock.touch()
    remove = f"import time, os; time.sleep(0.3); os.unlink({str(lock)!r})"
    with subprocess.Popen((sys.executable, "-c", remove)):
        commit = world.repository.apply(a_plan(world))
    assert world.git("rev-parse", "HEAD") == commit


def test_a_writer_that_never_ends_is_named(world: RealWorld) -> None:
    common = world.repository.common_dir
    with (
        journal.writers_lock(common),
        pytest.raises(CannotAsk) as refused,
        journal.writers_lock(common, patience_s=0.05),
    ):
        pass
    assert refused.value.code == "WRITE_LOCKED"


def test_a_repository_that_may_not_be_written_is_named(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    (world.folder / ".git/llmops").write_bytes(b"a file where the folder should be")
    with pytest.raises(CannotAsk) as refused:
        world.repository.apply(a_plan(world))
    assert refused.value.code == "NOT_WRITABLE"
    assert ".git/llmops" in refused.value.where


def test_a_work_tree_that_cannot_follow_is_told_and_finished_by_the_next_write(
    world: RealWorld, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkouts, "_LOCK_PATIENCE_S", 0.05)
    lock = world.folder / ".git/index.lock"
    slow = open_repository(str(world.folder), fault=lambda step: lock.touch() if step == "ref" else None)
    with caplog.at_level(logging.WARNING):
        commit = slow.apply(a_plan(world))
    slow.close()
    assert "did not follow" in caplog.text
    assert world.git("rev-parse", "HEAD") == commit
    assert [left.new for left in world.repository.unfinished_journals()] == [commit]
    lock.unlink()
    world.repository.recover()
    assert world.git("status", "--porcelain") == ""
    assert world.repository.unfinished_journals() == ()


def test_recovery_leaves_alone_what_somebody_wrote_in_the_meantime(world: RealWorld) -> None:
    plan = a_plan(world)
    dying = open_repository(str(world.folder), fault=_stop_at("ref"))
    with pytest.raises(KeyboardInterrupt):
        dying.apply(plan)
    dying.close()
    world.write(RECORD, b"mine\n")
    world.repository.recover()
    assert (world.folder / RECORD).read_bytes() == b"mine\n"
    assert world.repository.index_tree().read(RECORD) == b"{}\n"
    assert world.repository.unfinished_journals() == ()


def test_recovery_after_others_committed_follows_the_branch(world: RealWorld) -> None:
    dying = open_repository(str(world.folder), fault=_stop_at("ref"))
    with pytest.raises(KeyboardInterrupt):
        dying.apply(a_plan(world))
    dying.close()
    tree = world.git("rev-parse", "HEAD^{tree}")
    later = world.git("commit-tree", tree, "-p", "HEAD", "-m", "later")
    world.git("update-ref", MAIN, later)
    world.repository.recover()
    assert world.git("status", "--porcelain") == ""


def test_recovery_drops_what_was_never_committed(world: RealWorld) -> None:
    before = world.git("rev-parse", "HEAD")
    dying = open_repository(str(world.folder), fault=_stop_at("journal"))
    with pytest.raises(KeyboardInterrupt):
        dying.apply(a_plan(world))
    dying.close()
    assert len(world.repository.unfinished_journals()) == 1
    world.repository.recover()
    assert world.repository.unfinished_journals() == ()
    assert world.git("rev-parse", "HEAD") == before
    assert world.git("status", "--porcelain") == ""


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"ref":"refs/heads/main","old":"","new":"x","paths":["../a"]}'])
def test_a_journal_that_is_not_ours_is_never_acted_on(world: RealWorld, raw: bytes) -> None:
    journal.folder(world.repository.common_dir).joinpath("journal.json").write_bytes(raw)
    with pytest.raises(CannotAsk) as refused:
        world.repository.apply(a_plan(world))
    assert refused.value.code == "JOURNAL_BROKEN"
    assert refused.value.where.endswith("llmops/journal.json")


def test_other_work_trees_with_the_branch_follow_too(world: RealWorld, tmp_path: Path) -> None:
    world.git("checkout", "-q", "-b", "feature")
    world.git("worktree", "add", "-q", str(tmp_path / "second"), "main")
    world.repository.apply(a_plan(world))
    second = RealWorld(tmp_path / "second")
    assert (tmp_path / "second" / RECORD).read_bytes() == b"{}\n"
    assert second.git("status", "--porcelain") == ""
    assert not (world.folder / RECORD).exists()
    assert world.git("status", "--porcelain") == ""


def test_work_in_another_work_tree_is_not_lost_either(world: RealWorld, tmp_path: Path) -> None:
    world.git("checkout", "-q", "-b", "feature")
    world.git("worktree", "add", "-q", str(tmp_path / "second"), "main")
    (tmp_path / "second/src/app.py").write_bytes(b"mine\n")
    refused = refusal_of(world, a_plan(world, "src/app.py", b"ours\n"))
    assert refused.code == "DIRTY_PATHS"
    assert str(tmp_path / "second") in refused.where


def test_a_plan_can_be_applied_from_a_linked_work_tree(world: RealWorld, tmp_path: Path) -> None:
    world.git("worktree", "add", "-q", "-b", "feature", str(tmp_path / "second"))
    second = RealWorld(tmp_path / "second")
    second.repository.apply(a_plan(world))
    second.close()
    assert (world.folder / RECORD).read_bytes() == b"{}\n"
    assert world.git("status", "--porcelain") == ""


def test_a_sparse_checkout_is_clean_and_gets_our_file(world: RealWorld) -> None:
    world.write("audit/old.json", b"old\n")
    world.stage("audit/old.json")
    world.commit("old")
    world.git("sparse-checkout", "set", "--no-cone", "/src/")
    assert not (world.folder / "audit/old.json").exists()
    world.repository.apply(a_plan(world, "audit/old.json", b"new\n"))
    assert (world.folder / "audit/old.json").read_bytes() == b"new\n"
    assert world.git("status", "--porcelain") == ""


def test_a_checked_out_branch_that_lags_is_brought_up_with_its_files(world: RealWorld) -> None:
    first = world.git("rev-parse", "HEAD")
    world.write("src/more.py", b"more\n")
    world.stage("src/more.py")
    ahead = world.commit("more")
    world.git("reset", "-q", "--hard", first)
    world.set_remote("main", ahead)
    world.repository.apply(a_plan(world, old=ahead))
    assert (world.folder / "src/more.py").read_bytes() == b"more\n"
    assert world.git("status", "--porcelain") == ""


def test_a_checked_out_branch_that_lags_is_left_where_changes_stand_in_the_way(world: RealWorld) -> None:
    first = world.git("rev-parse", "HEAD")
    world.write("src/app.py", b"theirs\n")
    world.stage("src/app.py")
    ahead = world.commit("theirs")
    world.git("reset", "-q", "--hard", first)
    world.set_remote("main", ahead)
    world.write("src/app.py", b"mine\n")
    assert refusal_of(world, a_plan(world, old=ahead)).code == "DIRTY_PATHS"
    assert (world.folder / "src/app.py").read_bytes() == b"mine\n"


def test_the_age_of_a_lock_is_told(world: RealWorld) -> None:
    lock = world.folder / ".git/HEAD.lock"
    lock.touch()
    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    assert world.repository.stale_locks()[0].age_s >= 3600


def _stop_at(step: str) -> Any:
    def stop(now: str) -> None:
        if now == step:
            raise KeyboardInterrupt

    return stop
