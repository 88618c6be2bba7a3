"""Every test starts with nothing kept, and outside of any configured checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.runtime import lookup
from llmops.runtime.checkout import ROOT_VARIABLE
from llmops.runtime.reading import BRANCH_VARIABLE


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    monkeypatch.delenv(BRANCH_VARIABLE, raising=False)
    lookup.forget()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "llmops.yaml").write_bytes(b"models: {}\n")
    return tmp_path


@pytest.fixture
def looks_each_time(monkeypatch):
    monkeypatch.setattr(lookup, "LOOK_AGAIN_SECONDS", -1.0)
