"""The pinned set imports, in silence, and not before it is needed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from llmops.adapters.ragas import loading
from llmops.errors import CannotAsk
from tests.adapters.ragas.doors import ScriptedDoor
from tests.adapters.ragas.observations import a_judge

ROOT = Path(__file__).parents[3]

# Every way out is shut before anything is imported; a use of it ends the process with another text on stderr.
SHUT = """
import socket, sys
def shut(*args, **kwargs):
    raise SystemExit(f"network: {args[1:]}")
socket.socket.connect = shut
socket.getaddrinfo = shut
"""


def run(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", SHUT + code],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=environ,
        check=False,
    )


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def extra() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [Requirement(text) for text in project["optional-dependencies"]["eval"]]


def test_the_extra_admits_the_pinned_versions_and_they_are_what_is_installed() -> None:
    pins = pinned()
    for requirement in extra():
        assert requirement.specifier.contains(pins[requirement.name]), requirement
        assert metadata.version(requirement.name) == pins[requirement.name]
    assert {"ragas", "instructor", "datasets"} <= {requirement.name for requirement in extra()}


def test_the_installed_set_fits_together() -> None:
    """What `pip check` asks, of ragas and everything below it."""
    waiting, seen, broken = ["ragas", "datasets", "instructor"], set[str](), list[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for text in metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            waiting.append(re.sub("[-_.]+", "-", requirement.name).lower())
            if not requirement.specifier.contains(metadata.version(requirement.name), prereleases=True):
                broken.append(f"{name} wants {requirement}")
    assert broken == []
    assert len(seen) > 20


def test_the_pinned_set_imports_without_network(tmp_path: Path) -> None:
    done = run("import ragas, ragas.metrics.collections, datasets; print(ragas.__version__)", tmp_path)
    assert (done.returncode, done.stdout) == (0, "0.4.3\n"), done.stderr


def test_a_judge_says_what_it_is_without_importing_ragas(tmp_path: Path) -> None:
    code = """
from tests.adapters.ragas.doors import ScriptedDoor
from tests.adapters.ragas.observations import a_judge
judge = a_judge(ScriptedDoor())
print(judge.identity.kind, len(judge.metrics), sorted({"ragas", "openai", "datasets", "instructor"} & set(sys.modules)))
"""
    done = run(code, tmp_path)
    assert done.stdout == "ragas 8 []\n", done.stderr


def test_scoring_uses_no_network_tells_nobody_and_writes_nothing(tmp_path: Path) -> None:
    code = """
import asyncio
from tests.adapters.ragas.doors import ScriptedDoor
from tests.adapters.ragas.observations import METRICS, a_judge, observed, score_of
judge = a_judge(ScriptedDoor())
bad = a_judge(ScriptedDoor(lambda body: "no JSON"))
async def main():
    return await judge.score(observed(), METRICS), await score_of(bad, observed(), "faithfulness")
good, unusable = asyncio.run(main())
print(sum(score.value is not None for score in good.values()), unusable.value)
"""
    done = run(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "8 None\n", "")
    assert list(tmp_path.rglob("*")) == []


def test_a_package_that_is_missing_is_named_with_the_command_that_brings_it() -> None:
    with pytest.raises(CannotAsk) as caught:
        loading.version_of("no-such-package")
    assert caught.value.code == "RAGAS_MISSING"
    assert "llmops[eval]" in caught.value.hint


def test_the_supported_version_is_the_one_that_the_extra_pins() -> None:
    (requirement,) = (found for found in extra() if found.name == "ragas")
    assert str(requirement.specifier) == f"=={loading.RAGAS}"


@pytest.mark.parametrize("installed", ["0.5.0", None])
def test_a_judge_is_named_whatever_is_installed_and_another_ragas_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch, installed: str | None
) -> None:
    before = a_judge(ScriptedDoor())

    def version(package: str) -> str:
        if installed is None:
            raise metadata.PackageNotFoundError(package)
        return installed

    monkeypatch.setattr(loading.metadata, "version", version)
    judge = a_judge(ScriptedDoor())
    assert judge.identity == before.identity
    assert judge.metrics == before.metrics
    with pytest.raises(CannotAsk) as caught:
        judge.load()
    assert caught.value.code == ("RAGAS_MISSING" if installed is None else "RAGAS_VERSION")
    if installed is not None:
        assert installed in caught.value.what
        assert loading.RAGAS in caught.value.what


def test_an_import_that_fails_is_named_with_its_cause() -> None:
    with pytest.raises(CannotAsk) as caught:
        loading.load("llmops.adapters.ragas.no_such_module")
    assert caught.value.code == "RAGAS_MISSING"
    assert "no_such_module" in caught.value.what
