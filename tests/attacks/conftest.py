"""The repository before any attack, made once and copied for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks import plans
from tests.attacks.plans import PROMPT
from tests.attacks.repository import Attacked
from tests.cli.conftest import _enter, environment, make_home, write_key
from tests.fakes import FakeSigner
from tests.servers.model_server import ModelServer, serving


@pytest.fixture(scope="session")
def server() -> Iterator[ModelServer]:
    with serving(mischief=plans.answer) as found:
        yield found


def _base(root: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """1.0.0 was evaluated, and serves in staging."""
    import json

    home = make_home(root / "home")
    for name, value in environment(home).items():
        monkeypatch.setenv(name, value)
    for person in plans.PEOPLE:
        write_key(home / ".ssh" / person, person)
    folder = root / "repository"
    folder.mkdir()
    base = Attacked(folder, home, _Quiet())
    base.git("init", "-q", "-b", "main")
    monkeypatch.chdir(folder)
    keys = {person: FakeSigner(person).public_key for person in plans.PEOPLE}
    base.sign_as("mia")
    base.prompt("1.0.0")
    base.bars()
    base.cases(plans.cases())
    base.commit(
        {
            "llmops.yaml": json.dumps(plans.configuration(server.address, keys), indent=1).encode(),
            ".gitignore": b".llmops/\n",
            plans.STYLE: plans.STYLE_FILE,
        }
    )
    base.ok("lock", PROMPT)
    base.git("commit", "-q", "-m", "first version")
    base.sign_as("rosa")
    base.ok("policy", "apply")
    base.sign_as("release-job")
    base.ok("publish", f"{PROMPT}@1.0.0")
    base.evaluate("1.0.0")
    for place in ("staging", "closed"):
        base.ok("promote", f"{PROMPT}@1.0.0", "--to", place)
    return root


class _Quiet:
    """Takes the place of pytest's capture while the base is made."""

    def readouterr(self) -> object:
        return type("Shown", (), {"out": "", "err": ""})()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, server: ModelServer) -> Path:
    with pytest.MonkeyPatch.context() as monkeypatch:
        return _base(tmp_path_factory.mktemp("attacked") / "it", server, monkeypatch)


@pytest.fixture
def repo(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Attacked:
    """A copy of the repository, with main checked out."""
    shutil.copytree(base / "home", tmp_path / "home")
    shutil.copytree(base / "repository", tmp_path / "repository")
    found = Attacked(tmp_path / "repository", tmp_path / "home", capsys)
    _enter(found, monkeypatch)
    found.sign_as("mia")
    return found
