"""Real repositories in a folder of their own, with their own HOME, author and time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.adapters.git.repository import GitRepository, open_repository

AUTHOR = ("Ada", "ada@example.org")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HOME with an identity and nothing else; no git variable of the machine comes through."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / ".gitconfig").write_text(
        '[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n[protocol "file"]\nallow = always\n'
    )
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "SSH_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": "2026-03-01T12:00:00Z",
        "GIT_COMMITTER_DATE": "2026-03-01T12:00:00Z",
    }.items():
        monkeypatch.setenv(name, value)
    return folder


class RealWorld:
    """A repository on disk, driven as a person would: with an editor and with git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: GitRepository | None = None

    def git(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            ("git", *arguments), cwd=self.folder, input=stdin, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    @property
    def repository(self) -> GitRepository:
        self._opened = self._opened or open_repository(str(self.folder))
        return self._opened

    def write(self, path: str, data: bytes | None) -> None:
        target = self.folder / path
        if data is None:
            target.unlink()
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def stage(self, *paths: str) -> None:
        self.git("add", "--", *paths)

    def commit(self, message: str, author: tuple[str, str] = AUTHOR) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", message, f"--author={author[0]} <{author[1]}>")
        return self.git("rev-parse", "HEAD")

    def set_remote(self, branch: str, commit: str) -> None:
        if "origin" not in self.git("remote").split():
            self.git("remote", "add", "origin", str(self.folder.parent / "nowhere.git"))
        self.git("update-ref", f"refs/remotes/origin/{branch}", commit)

    def set_head(self, ref: str) -> None:
        self.git("symbolic-ref", "HEAD", ref)

    def forget_identity(self) -> None:
        self.git("config", "--global", "--remove-section", "user")

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


def a_repository(folder: Path, files: dict[str, bytes] | None = None) -> RealWorld:
    """A repository with one commit that holds `files`; without files it has no commit."""
    folder.mkdir(parents=True, exist_ok=True)
    world = RealWorld(folder)
    world.git("init", "-q")
    if files:
        for path, data in files.items():
            world.write(path, data)
        world.stage(*files)
        world.commit("first")
    return world


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[RealWorld]:
    """A repository without any commit."""
    world = a_repository(tmp_path / "repo")
    yield world
    world.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RealWorld]:
    """A repository with one commit: a prompt, and a file that is none of ours."""
    world = a_repository(tmp_path / "repo", {"prompts/a/prompt.yaml": b"a: 1\n", "src/app.py": b"pass\n"})
    yield world
    world.close()
