"""Pointers have one spelling, and any YAML reader takes it for the same."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import CannotAsk
from llmops.governance import pointers
from tests.governance.builders import a_pointer


def refusal(data: bytes, path: str = "environments/production/mortgage-assistant.yaml") -> str:
    with pytest.raises(CannotAsk) as caught:
        pointers.parse(data, path)
    return caught.value.code


def test_a_pointer_at_another_path_is_refused() -> None:
    assert refusal(pointers.render(a_pointer()), "environments/staging/mortgage-assistant.yaml") == "POINTER_INVALID"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"percent: 90", b"percent: 090"),
        (b'"canary"', b"canary"),
        (b"generation: 4", b"generation:  4"),
        (b"generation: 4\n", b""),
        (b"generation: 4", b"generation: 4\ngeneration: 5"),
        (b"generation: 4", b"generation: 4\nextra: 5"),
        (b"\n", b"\r\n"),
        (b"weights:", b"# weights:\nweights:"),
    ],
)
def test_another_spelling_is_refused(old: bytes, new: bytes) -> None:
    assert refusal(pointers.render(a_pointer()).replace(old, new)) == "POINTER_INVALID"


def test_a_huge_pointer_is_refused() -> None:
    assert refusal(b"a" * 10_000) == "POINTER_INVALID"


def test_what_is_written_reads_back() -> None:
    pointer = a_pointer()
    assert pointers.parse(pointers.render(pointer), pointer.path) == pointer


@pytest.mark.parametrize("status", pointers.STATUSES)
def test_a_yaml_reader_sees_the_same(status: str) -> None:
    pointer = a_pointer(status=status, digest="1" * 64)
    assert yaml.safe_load(pointers.render(pointer)) == asdict(pointer) | {
        "weights": [asdict(weight) for weight in pointer.weights]
    }


def test_lines_are_adjacent() -> None:
    assert b"\n\n" not in pointers.render(a_pointer())


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    assert refusal(data) == "POINTER_INVALID"


def test_candidate_and_stable_are_told_apart() -> None:
    pointer = a_pointer()
    assert (pointer.stable.version, pointer.candidate.version if pointer.candidate else "") == ("1.2.0", "1.3.0")
    assert replace(pointer, weights=(pointer.stable,)).candidate is None
