"""The real command line in a real repository: a HOME of its own, a key, and a release that serves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from llmops.cli.app import run
from tests import worlds
from tests.worlds import GOOD, PROMPT

PROJECT = Path(__file__).resolve().parents[2]
HERE = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2026-03-01T12:00:00Z",
    "GIT_COMMITTER_DATE": "2026-03-01T12:00:00Z",
    "COLUMNS": "80",
    "PYTHONPATH": str(PROJECT),
}


def environment(home: Path) -> dict[str, str]:
    """This process's environment without anything of git, SSH or llmops, and with a HOME of its own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "XDG_", "SSH_", "LLMOPS_"))
    }
    kept.pop("NO_COLOR", None)
    return {**kept, **HERE, "HOME": str(home)}


def write_key(path: Path, seed: str) -> None:
    """The private key whose public half `FakeSigner(seed)` shows."""
    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)


def make_home(folder: Path) -> Path:
    folder.mkdir(parents=True)
    write_key(folder / ".ssh" / "id_ed25519", "dana")
    (folder / ".gitconfig").write_text(
        "[user]\nname = Dana\nemail = dana@example.org\n[init]\ndefaultBranch = main\n"
        '[protocol "file"]\nallow = always\n'
    )
    return folder


@dataclass(frozen=True)
class Done:
    """What one command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        return json.loads(self.out)


@dataclass
class Cli:
    """A repository and the command line in it."""

    folder: Path
    home: Path
    capsys: Any = None

    def __call__(self, *words: str) -> Done:
        """Run in this process."""
        self.capsys.readouterr()
        code = run(words)
        shown = self.capsys.readouterr()
        return Done(int(code), shown.out, shown.err)

    def popen(self, *words: str, env: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen[str]:
        """Start the real console entry."""
        return subprocess.Popen(
            (sys.executable, "-m", "llmops", *words),
            cwd=self.folder,
            env={**environment(self.home), **(env or {})},
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **more},
        )

    def process(self, *words: str, **more: Any) -> Done:
        """Run the real console entry to its end."""
        process = self.popen(*words, **more)
        out, err = process.communicate(timeout=60)
        return Done(process.returncode, out or "", err or "")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ("git", *words), cwd=self.folder, env=environment(self.home), capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, bytes]) -> None:
        for path, data in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)

    def commit(self, files: Mapping[str, bytes], message: str = "edit") -> None:
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def snapshot(self) -> tuple[object, ...]:
        """Everything that a command could have written: refs, index, HEAD, and every file that is not ignored."""
        files = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and not {".git", ".llmops"} & set(path.relative_to(self.folder).parts)
        }
        if not (self.folder / ".git").is_dir():
            return (files,)
        return files, self.git("for-each-ref"), self.git("status", "--porcelain"), self.git("ls-files", "--stage")


def _template(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A solo repository: 1.0.0 serves in dev, 1.1.0 is evaluated and waits."""
    from llmops.cli.context import Context
    from llmops.cli.session import Globals
    from llmops.usecases.evaluate import recording, subjects
    from llmops.usecases.records import ledgers

    home = make_home(root / "home")
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    folder = root / "repository"
    folder.mkdir()
    cli = Cli(folder, home)
    cli.git("init", "-q", "-b", "main")
    monkeypatch.chdir(folder)

    def said(*words: str) -> None:
        assert run(words) == 0, words

    def record(version: str) -> None:
        world = Context(Globals())
        subject = subjects.locked(
            world.repository, ledgers.read(world.repository, world.records()).tree, PROMPT, version
        )
        recording.record(world.desk(), subject, worlds.an_evaluation(subject, GOOD))

    cli.commit(worlds.documents(worlds.alone()))
    said("lock", PROMPT)
    cli.git("commit", "-q", "-m", "lock")
    said("policy", "apply")
    record("1.0.0")
    said("promote", f"{PROMPT}@1.0.0", "--to", "dev")
    cli.write({f"prompts/{PROMPT}/prompt.yaml": worlds.a_prompt_file("1.1.0", text="Reply from the page.")})
    cli.git("add", "-A")
    said("lock", PROMPT)
    cli.git("commit", "-q", "-m", "lock 1.1.0")
    record("1.1.0")
    return root


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return _template(tmp_path_factory.mktemp("template") / "it", monkeypatch)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """An empty folder that is no repository, and a HOME with an identity and a key."""
    home = make_home(tmp_path / "home")
    folder = tmp_path / "folder"
    folder.mkdir()
    return _enter(Cli(folder, home, capsys), monkeypatch)


@pytest.fixture
def cli(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """A copy of the template."""
    shutil.copytree(template / "home", tmp_path / "home")
    shutil.copytree(template / "repository", tmp_path / "repository")
    return _enter(Cli(tmp_path / "repository", tmp_path / "home", capsys), monkeypatch)


def _enter(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "SSH_", "LLMOPS_"))]:
        monkeypatch.delenv(name)
    for name, value in environment(cli.home).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(cli.folder)
    return cli
