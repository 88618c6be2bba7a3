"""Without Ray, the option says what to install."""

from __future__ import annotations

import sys

import pytest

from llmops.adapters.ray import cluster
from llmops.cli.options import Runner, asking
from llmops.errors import CannotAsk


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CannotAsk) as error, cluster.opened(print, str, lambda processors: processors):
        pass
    assert (error.value.code, error.value.hint) == ("EXTRA_MISSING", "pip install 'llmops[ray]'")


def test_several_processes_cannot_write_one_file_of_replies(tmp_path) -> None:
    with pytest.raises(CannotAsk) as error:
        asking(offline=False, save_replies=tmp_path / "replies", runner=Runner.RAY)
    assert error.value.code == "USAGE"
