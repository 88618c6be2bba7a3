"""Lines come back as they were written, and nothing is left on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.adapters import spool
from llmops.adapters.spool import FileSpool
from llmops.errors import CannotAsk


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotAsk) as error:
        FileSpool(tmp_path / "missing")
    assert error.value.code == "NOT_WRITABLE"
    assert "missing" in error.value.where


def test_a_place_behind_the_end_holds_no_line(tmp_path: Path) -> None:
    spooled = FileSpool(tmp_path)
    spooled.write(b"a\n")
    with pytest.raises(EOFError):
        spooled.read(2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 6), st.integers(1, 4))
def test_lines_of_any_length_come_back(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], read: int, gathered: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spool, "_READ", read)
        patched.setattr(spool, "_GATHERED", 5 * gathered)
        spooled = FileSpool(folder)
        lines = [f"{'x' * size}{at}\n".encode() for at, size in enumerate(sizes)]
        places = []
        for at, line in enumerate(lines):
            places.append(spooled.write(line))
            assert spooled.read(places[at // 2]) == lines[at // 2]
        assert [spooled.read(place) for place in places] == lines
    assert list(folder.iterdir()) == []
