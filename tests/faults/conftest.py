"""A scene for each test, and pauses that no test has to wait for."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.adapters.models import engines
from llmops.adapters.models.asking.patience import Patience
from tests.faults.scene import KEY_ENV, Scene
from tests.servers.model_server import ModelServer, serving


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving() as found:
        yield found


@pytest.fixture
def scene(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Scene:
    """Attempts are as many as ever; only the pauses between them are short."""
    quick = functools.partial(Patience, first_pause_seconds=0.001, longest_pause_seconds=0.01)
    monkeypatch.setattr(engines, "Patience", quick)
    found = Scene(folder=tmp_path, server=server, capsys=capsys)
    monkeypatch.setenv(KEY_ENV, found.key)
    return found.write()
