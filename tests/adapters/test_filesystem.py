"""Files outside git."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from pathlib import Path

import pytest

from llmops.adapters.filesystem import state_folder, write_atomically
from llmops.errors import CannotAsk


def test_a_missing_folder_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(CannotAsk) as refused:
        write_atomically(tmp_path / "absent/file", b"x")
    assert (refused.value.code, refused.value.where) == ("NOT_WRITABLE", str(tmp_path / "absent/file"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "DISK_FULL"), (errno.EACCES, "NOT_WRITABLE")])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_refused_write_keeps_the_old_file_and_leaves_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str, call: str
) -> None:
    (tmp_path / "file").write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(CannotAsk) as refused:
        write_atomically(tmp_path / "file", b"new", durable=True)
    assert refused.value.code == code
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"old"}


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_whole(tmp_path: Path, durable: bool) -> None:
    (tmp_path / "file").write_bytes(b"old and longer")
    write_atomically(tmp_path / "file", b"new", mode=0o640, durable=durable)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"file": b"new"}
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_the_umask_is_honoured(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_git_does_not_see_the_state_folder(tmp_path: Path) -> None:
    subprocess.run(("git", "init", "-q", str(tmp_path)), check=True)
    folder = state_folder(tmp_path, "runs", "1")
    (folder / "journal").write_text("x")
    assert folder == tmp_path / ".llmops/runs/1"
    assert state_folder(tmp_path, "runs", "1") == folder
    seen = subprocess.run(("git", "-C", str(tmp_path), "status", "--porcelain"), capture_output=True, check=True)
    assert seen.stdout == b""


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / ".llmops").touch()
    with pytest.raises(CannotAsk) as refused:
        state_folder(tmp_path, "runs")
    assert refused.value.code == "NOT_WRITABLE"
