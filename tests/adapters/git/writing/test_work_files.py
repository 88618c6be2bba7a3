"""Plans without a ref: files of the work tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmops.adapters.git.writing import checkouts
from llmops.documents.trees import FileChange, Plan
from llmops.errors import CannotAsk
from tests.adapters.git.conftest import RealWorld


def a_plan(*files: tuple[str, bytes | None], stage: bool = False) -> Plan:
    return Plan(files=tuple(FileChange(path=path, content=data) for path, data in files), stage=stage)


def refusal_of(world: RealWorld, plan: Plan) -> CannotAsk:
    before = (world.git("status", "--porcelain", "--ignored"), sorted(world.folder.rglob("*")))
    with pytest.raises(CannotAsk) as refused:
        world.repository.apply(plan)
    assert world.git("status", "--porcelain", "--ignored") == before[0]
    assert [
        path for path in sorted(world.folder.rglob("*")) if path not in before[1] and ".git" not in path.parts
    ] == []
    return refused.value


@pytest.mark.parametrize("path", ["../outside", "/etc/x", ".git/hooks/pre-commit", "a\\b"])
def test_one_bad_path_stops_the_whole_plan(world: RealWorld, path: str) -> None:
    assert refusal_of(world, a_plan(("good.txt", b"x"), (path, b"x"))).code == "UNSAFE_PATH"


def test_a_symlinked_folder_is_not_written_through(world: RealWorld, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (world.folder / "releases").symlink_to(tmp_path / "outside")
    assert refusal_of(world, a_plan(("releases/a.json", b"x"))).code == "UNSAFE_PATH"
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_refused(world: RealWorld) -> None:
    assert refusal_of(world, a_plan(("good/x.txt", b"x"), ("src", b"x"))).code == "PATH_CONFLICT"


def test_a_file_in_the_place_of_a_folder_is_refused(world: RealWorld) -> None:
    assert refusal_of(world, a_plan(("good/x.txt", b"x"), ("src/app.py/y", b"x"))).code == "PATH_CONFLICT"


def test_a_full_disk_leaves_nothing_behind(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full(descriptor: int, mode: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    refused = refusal_of(world, a_plan(("new/deep/a.txt", b"x"), ("new/deep/b.txt", b"x"), ("src/app.py", b"x")))
    assert refused.code == "DISK_FULL"
    assert refused.where.endswith("new/deep/b.txt")
    assert (world.folder / "src/app.py").read_bytes() == b"pass\n"


def test_a_held_index_leaves_nothing_behind(world: RealWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts, "_LOCK_PATIENCE_S", 0.05)
    (world.folder / ".git/index.lock").touch()
    refused = refusal_of(world, a_plan(("releases/a/1.0.0.json", b"x"), stage=True))
    assert refused.code == "GIT_LOCKED"
    assert refused.where.endswith("index.lock")


def test_files_are_written_replaced_and_removed_together(world: RealWorld) -> None:
    world.repository.apply(a_plan(("releases/a/1.0.0.json", b"{}\n"), ("src/app.py", None), ("llmops.yaml", b"x: 1\n")))
    assert (world.folder / "releases/a/1.0.0.json").read_bytes() == b"{}\n"
    assert not (world.folder / "src").exists()
    assert world.git("status", "--porcelain").split("\n") == ["D src/app.py", "?? llmops.yaml", "?? releases/"]


def test_what_is_staged_are_the_bytes_of_the_plan(world: RealWorld) -> None:
    world.write(".gitattributes", b"* text=auto\n")
    world.repository.apply(a_plan(("releases/a.json", b"a\r\n"), ("src/app.py", None), stage=True))
    assert world.repository.index_tree().read("releases/a.json") == b"a\r\n"
    assert world.git("diff", "--cached", "--name-status") == "A\treleases/a.json\nD\tsrc/app.py"


def test_a_staged_file_is_not_called_changed(world: RealWorld) -> None:
    world.repository.apply(a_plan(("src/app.py", b"new\n"), stage=True))
    assert world.git("status", "--porcelain") == "M  src/app.py"
    assert world.git("diff-files", "--name-only") == ""


def test_an_executable_stays_one(world: RealWorld) -> None:
    (world.folder / "src/app.py").chmod(0o755)
    world.repository.apply(a_plan(("src/app.py", b"new\n")))
    assert (world.folder / "src/app.py").stat().st_mode & 0o777 == 0o755


def test_what_a_killed_writer_left_is_swept_up(world: RealWorld) -> None:
    left = world.folder / "src/.llmops-abc123.tmp"
    left.touch()
    world.repository.apply(a_plan(("src/new.py", b"x")))
    assert not left.exists()


def test_removing_what_is_not_there_is_fine(world: RealWorld) -> None:
    world.repository.apply(a_plan(("absent/x.txt", None), stage=True))
    assert world.git("status", "--porcelain") == ""
