"""Finding the repository, and the message for each reason why there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llmops.adapters.git.opening import git_version
from llmops.adapters.git.repository import open_repository
from llmops.errors import CannotAsk
from tests.adapters.git.conftest import RealWorld


def refusal_at(folder: Path) -> CannotAsk:
    with pytest.raises(CannotAsk) as refused:
        open_repository(str(folder))
    return refused.value


def test_a_folder_outside_any_repository_is_told_to_git_init(tmp_path: Path) -> None:
    refused = refusal_at(tmp_path)
    assert (refused.code, refused.where) == ("NOT_A_REPOSITORY", str(tmp_path))
    assert "git init" in refused.hint


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert refusal_at(tmp_path / "absent").code == "NOT_A_FOLDER"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal_at(tmp_path / "file").code == "NOT_A_FOLDER"


def test_a_bare_repository_is_refused(tmp_path: Path) -> None:
    subprocess.run(("git", "init", "-q", "--bare", str(tmp_path / "bare.git")), check=True)
    refused = refusal_at(tmp_path / "bare.git")
    assert refused.code == "BARE_REPOSITORY"
    assert "clone" in refused.hint


def test_the_inside_of_the_git_folder_is_refused(world: RealWorld) -> None:
    refused = refusal_at(world.folder / ".git" / "refs")
    assert refused.code == "NOT_A_REPOSITORY"
    assert "inner folder" in refused.what


def test_a_machine_without_git_is_told_to_install_it(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(world.folder))
    refused = refusal_at(world.folder)
    assert refused.code == "NO_GIT"
    assert "install" in refused.hint


def test_an_old_git_is_named_with_its_version(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    old = world.folder.parent / "bin"
    old.mkdir()
    script = '#!/bin/sh\n[ "$1" = version ] && echo "git version 2.25.1" && exit\nshift; printf "%s\\n" "$@"\n'
    (old / "git").write_text(script)
    (old / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{old}:{os.environ['PATH']}")
    refused = refusal_at(world.folder)
    assert refused.code == "GIT_TOO_OLD"
    assert "2.25.1" in refused.what
    assert "2.31" in refused.what


def test_the_version_of_git_is_told() -> None:
    assert git_version().split(".")[0].isdigit()


def test_a_repository_of_another_owner_is_told_how_to_trust(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    refused = refusal_at(world.folder)
    assert refused.code == "REPOSITORY_NOT_TRUSTED"
    assert "safe.directory" in refused.hint


def test_any_sub_folder_opens_the_repository(world: RealWorld) -> None:
    repository = open_repository(str(world.folder / "prompts" / "a"))
    assert repository.root == str(world.folder)
    assert repository.git_dir == repository.common_dir == str(world.folder / ".git")


def test_a_repository_without_commits_opens_and_tells_its_unborn_branch(empty: RealWorld) -> None:
    assert empty.repository.branch() == "refs/heads/main"
    assert empty.repository.resolve("HEAD") is None
    assert empty.repository.records_tip("main") is None
    assert empty.repository.index_tree().entries() == ()


def test_a_detached_head_is_on_no_branch(world: RealWorld) -> None:
    world.git("checkout", "-q", "--detach")
    assert world.repository.branch() is None


def test_a_linked_work_tree_shares_the_common_folder(world: RealWorld, tmp_path: Path) -> None:
    world.git("worktree", "add", "-q", "-b", "feature", str(tmp_path / "second"))
    second = open_repository(str(tmp_path / "second"))
    assert second.root == str(tmp_path / "second")
    assert second.common_dir == world.repository.common_dir
    assert second.git_dir != second.common_dir
    assert second.branch() == "refs/heads/feature"


def test_a_hook_that_points_git_elsewhere_does_not_mislead_us(
    world: RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(("git", "init", "-q", str(tmp_path / "other")), check=True)
    tip = world.git("rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    repository = open_repository(str(world.folder))
    assert repository.root == str(world.folder)
    assert repository.resolve("HEAD") == tip
    assert [person.name for person in repository.contributors(["src"], since=None, until=tip)] == ["Ada"]
    repository.close()


def test_a_shallow_clone_reads_and_writes(world: RealWorld, tmp_path: Path) -> None:
    world.write("src/app.py", b"second\n")
    world.stage("src/app.py")
    tip = world.commit("second")
    clone = tmp_path / "clone"
    subprocess.run(("git", "clone", "-q", "--depth", "1", f"file://{world.folder}", str(clone)), check=True)
    repository = open_repository(str(clone))
    assert repository.records_tip("main") == tip
    assert repository.tree_at(tip).read("src/app.py") == b"second\n"
    assert [person.name for person in repository.contributors(["src"], since=None, until=tip)] == ["Ada"]
    repository.close()


def test_reading_needs_neither_gitpython_nor_the_write_door(world: RealWorld) -> None:
    reading = (
        "import sys; from llmops.adapters.git.repository import open_repository\n"
        "repository = open_repository(sys.argv[1])\n"
        "repository.work_tree().entries(), repository.index_tree().entries(), repository.tree_at('HEAD').entries()\n"
        "print([name for name in sys.modules if name == 'git' or name.endswith(('.writing', 'tempfile'))])\n"
    )
    done = subprocess.run(
        (sys.executable, "-c", reading, str(world.folder)), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
