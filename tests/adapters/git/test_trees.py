"""Commit, index and folder as trees: modes, sizes, odd names, and what is never followed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from llmops.errors import CannotAsk
from tests.adapters.git.conftest import RealWorld


def test_modes_and_sizes_of_every_kind_are_told(world: RealWorld, tmp_path: Path) -> None:
    subprocess.run(("git", "init", "-q", str(tmp_path / "sub")), check=True)
    subprocess.run(("git", "-C", str(tmp_path / "sub"), "commit", "-q", "--allow-empty", "-m", "x"), check=True)
    world.git("submodule", "--quiet", "add", str(tmp_path / "sub"), "sub")
    (world.folder / "run.sh").write_bytes(b"#!/bin/sh\n")
    (world.folder / "run.sh").chmod(0o755)
    (world.folder / "link").symlink_to("/etc/passwd")
    world.stage("run.sh", "link")
    commit = world.commit("kinds")
    expected = {"link": ("120000", 11), "run.sh": ("100755", 10), "src/app.py": ("100644", 5), "sub": ("160000", -1)}
    trees = (world.repository.tree_at(commit), world.repository.index_tree(), world.repository.work_tree())
    for tree in trees:
        found = {entry.path: (entry.mode, entry.size) for entry in tree.entries()}
        assert {path: found[path] for path in expected} == expected
        assert tree.read("link") == b"/etc/passwd"
        assert tree.read("sub") is None


def test_listings_are_sorted_and_a_prefix_is_a_folder_not_a_beginning(world: RealWorld) -> None:
    for path in ("a/1", "a-b/1", "ab/1", "a.txt"):
        world.write(path, b"x")
    world.stage("a", "a-b", "ab", "a.txt")
    commit = world.commit("names")
    for tree in (world.repository.tree_at(commit), world.repository.index_tree(), world.repository.work_tree()):
        names = [entry.path for entry in tree.entries()]
        assert names == sorted(names)
        assert [entry.path for entry in tree.entries("a")] == ["a/1"]
        assert [entry.path for entry in tree.entries("a/")] == ["a/1"]
        assert [entry.path for entry in tree.entries("a.txt")] == ["a.txt"]
        assert tree.entries("absent") == ()


@pytest.mark.parametrize("name", ["with blank", "ünï", "*.json", "new\nline", ":(top)x", "tab\there", 'quo"te'])
def test_odd_names_are_read_like_others(world: RealWorld, name: str) -> None:
    world.write(f"odd/{name}", b"odd\n")
    world.git("add", "odd")
    commit = world.commit("odd")
    for tree in (world.repository.tree_at(commit), world.repository.index_tree(), world.repository.work_tree()):
        assert [entry.path for entry in tree.entries("odd")] == [f"odd/{name}"]
        assert tree.read(f"odd/{name}") == b"odd\n"


@pytest.mark.parametrize("path", ["", "./src/app.py", "../repo/src/app.py", "/etc/passwd", "src/", "src/../src/app.py"])
def test_a_path_that_is_no_name_in_the_tree_reads_nothing(world: RealWorld, path: str) -> None:
    commit = world.git("rev-parse", "HEAD")
    for tree in (world.repository.tree_at(commit), world.repository.index_tree(), world.repository.work_tree()):
        assert tree.read(path) is None


def test_reading_many_and_reading_one_by_one_agree(world: RealWorld) -> None:
    files = {f"many/{number % 7}/{number}.json": f"{number}".encode() for number in range(60)}
    for path, data in files.items():
        world.write(path, data)
    world.stage("many")
    tree = world.repository.tree_at(world.commit("many"))
    assert tree.read_many([*files, "absent", "many/1"]) == files
    assert {path: tree.read(path) for path in files} == files


def test_the_work_tree_leaves_out_what_git_ignores_and_what_is_gone(world: RealWorld) -> None:
    world.write(".gitignore", b"*.tmp\n")
    world.write("a.tmp", b"x")
    world.write("new.txt", b"x")
    world.write("src/app.py", None)
    tree = world.repository.work_tree()
    assert [entry.path for entry in tree.entries()] == [".gitignore", "new.txt", "prompts/a/prompt.yaml"]
    assert tree.read("a.tmp") is None
    assert tree.read("src/app.py") is None


def test_a_folder_replaced_by_a_symlink_leads_nowhere(world: RealWorld, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/app.py").write_bytes(b"secret\n")
    world.write("src/app.py", None)
    (world.folder / "src").rmdir()
    (world.folder / "src").symlink_to(tmp_path / "outside")
    tree = world.repository.work_tree()
    assert tree.read("src/app.py") is None
    assert [entry.path for entry in tree.entries("src")] == ["src"]


def test_a_tracked_file_replaced_by_a_pipe_is_not_opened(world: RealWorld) -> None:
    world.write("src/app.py", None)
    os.mkfifo(world.folder / "src/app.py")
    assert world.repository.work_tree().read("src/app.py") is None


def test_a_file_that_may_not_be_read_is_named(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:  # as the kernel does for anyone but root
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CannotAsk) as refused:
        world.repository.work_tree().read("src/app.py")
    assert (refused.value.code, refused.value.where) == ("NOT_READABLE", "src/app.py")


def test_a_conflict_in_the_index_is_refused_only_where_it_is_asked_for(world: RealWorld) -> None:
    base = world.git("rev-parse", "HEAD")
    world.write("src/app.py", b"ours\n")
    world.stage("src/app.py")
    world.commit("ours")
    world.git("checkout", "-q", "-b", "theirs", base)
    world.write("src/app.py", b"theirs\n")
    world.stage("src/app.py")
    world.commit("theirs")
    subprocess.run(("git", "merge", "-q", "main"), cwd=world.folder, capture_output=True, check=False)
    tree = world.repository.index_tree()
    assert tree.read("prompts/a/prompt.yaml") == b"a: 1\n"
    assert len(tree.entries("prompts")) == 1
    with pytest.raises(CannotAsk) as refused:
        tree.read("src/app.py")
    assert (refused.value.code, refused.value.where) == ("UNMERGED_PATHS", "src/app.py")
    with pytest.raises(CannotAsk):
        tree.entries()


def test_replace_refs_do_not_change_what_is_read(world: RealWorld) -> None:
    commit = world.git("rev-parse", "HEAD")
    real = world.git("rev-parse", "HEAD:src/app.py")
    fake = world.git("hash-object", "-w", "--stdin", stdin="forged\n")
    world.git("replace", real, fake)
    assert world.git("show", "HEAD:src/app.py") == "forged"
    assert world.repository.tree_at(commit).read("src/app.py") == b"pass\n"


def test_the_hook_of_a_partial_commit_sees_the_index_of_that_commit(
    world: RealWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.folder / ".git/next-index-7.lock"
    world.write("new.txt", b"x")
    subprocess.run(
        ("git", "add", "new.txt"), cwd=world.folder, env={**os.environ, "GIT_INDEX_FILE": str(other)}, check=True
    )
    assert world.repository.index_tree().read("new.txt") is None
    monkeypatch.setenv("GIT_INDEX_FILE", str(other))
    assert world.repository.index_tree().read("new.txt") == b"x"


def test_an_index_outside_the_repository_is_not_believed(
    world: RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index").write_bytes((world.folder / ".git/index").read_bytes())
    world.write("new.txt", b"x")
    world.stage("new.txt")
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert world.repository.index_tree().read("new.txt") == b"x"
