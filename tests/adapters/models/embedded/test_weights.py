import hashlib
import json
import os

import pytest

from llmops.adapters.models.embedded import weights
from llmops.adapters.models.embedded.weights import State, Weight
from llmops.errors import CannotAsk

CONTENT = b"weights"


@pytest.fixture
def carrier(tmp_path, monkeypatch):
    """A package that carries a file and must not be imported."""
    folder = tmp_path / "site" / "carrier_of_weights"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise AssertionError('imported')")
    (folder / "model.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return folder


def a_weight(**changes):
    values = {
        "name": "a model",
        "module": "carrier_of_weights",
        "distribution": "carrier-of-weights",
        "version": "1.2.3",
        "file": "model.bin",
        "bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }
    return Weight(**{**values, **changes})


def test_a_package_that_is_not_there_is_missing_and_the_hint_is_setup():
    with pytest.raises(CannotAsk) as caught:
        weights.locate(a_weight(module="no_such_package_anywhere"))
    assert caught.value.code == "WEIGHTS_MISSING"
    assert "carrier-of-weights==1.2.3" in caught.value.what
    assert caught.value.hint == "run `llmops setup embedded`"


def test_a_package_without_the_file_is_missing(carrier):
    assert weights.status(a_weight(file="other.bin")).state is State.MISSING


def test_other_bytes_are_refused_with_both_digests(carrier):
    (carrier / "model.bin").write_bytes(b"something else")
    with pytest.raises(CannotAsk) as caught:
        weights.locate(a_weight())
    assert caught.value.code == "WEIGHTS_CHANGED"
    assert hashlib.sha256(b"something else").hexdigest() in caught.value.what
    assert a_weight().sha256 in caught.value.what
    assert caught.value.where == str(carrier / "model.bin")


def test_the_right_file_is_found_without_importing_its_package(carrier):
    assert weights.locate(a_weight()) == carrier / "model.bin"


def test_a_digest_is_remembered_until_the_file_changes(carrier, tmp_path):
    memory = tmp_path / "memory" / "weights.json"
    assert weights.status(a_weight(), memory).is_ok
    value = json.loads(memory.read_text())
    value[str(carrier / "model.bin")]["sha256"] = "0" * 64
    memory.write_text(json.dumps(value))
    assert weights.status(a_weight(), memory).state is State.CHANGED  # so the memory was used
    os.utime(carrier / "model.bin", ns=(1, 1))
    assert weights.status(a_weight(), memory).is_ok


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b'{"x": 1}'])
def test_a_broken_memory_is_no_obstacle(carrier, tmp_path, content):
    (tmp_path / "memory").write_bytes(content)
    assert weights.status(a_weight(), tmp_path / "memory").is_ok


@pytest.mark.embedded
def test_the_pinned_weights_are_installed():
    assert [found.message for found in weights.check() if not found.is_ok] == []
    for weight in weights.ALL:
        assert weights.locate(weight).stat().st_size == weight.bytes
