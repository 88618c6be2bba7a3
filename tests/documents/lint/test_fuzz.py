"""Whatever stands in the files, checking them ends in findings and never in an exception."""

from __future__ import annotations

from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents import lint, project
from llmops.documents.trees import MemoryTree
from tests.documents.lint.builders import METRICS

FOLDER = Path(__file__).parents[2] / "examples" / "valid" / "everything"
FILES = {
    path.relative_to(FOLDER).as_posix(): path.read_bytes()
    for path in sorted(FOLDER.rglob("*"))
    if path.is_file() and path.name != "expected.txt"
}
WORDS = project.Vocabulary(metrics=METRICS)
ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "a",
        "{{ a }}",
        "{% if",
        "../..",
        "1.0.0",
        [],
        [None],
        ["a", "a"],
        {},
        {"a": None},
        {"a": {}},
    ]
)


def swapped(value: object, path: list[int], odd: object) -> object:
    """`value` with what stands at `path` (positions, taken modulo) replaced."""
    if not path or not value or not isinstance(value, dict | list):
        return odd
    if isinstance(value, list):
        index = path[0] % len(value)
        return [swapped(item, path[1:], odd) if place == index else item for place, item in enumerate(value)]
    chosen = sorted(value)[path[0] % len(value)]
    return {key: swapped(item, path[1:], odd) if key == chosen else item for key, item in value.items()}


def assert_told(files: dict[str, bytes]) -> None:
    for finding in lint.check(project.load(MemoryTree(files), WORDS)):
        assert finding.location.path
        assert finding.message
        assert finding.fix


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.integers(0, 2000), st.integers(0, 12), st.binary(max_size=6))
def test_bytes_exchanged_anywhere_end_in_findings(path: str, place: int, length: int, new: bytes) -> None:
    data = FILES[path]
    place %= len(data) + 1

    assert_told({**FILES, path: data[:place] + new + data[place + length :]})


@settings(max_examples=250, deadline=None)
@given(
    st.sampled_from([path for path in sorted(FILES) if path.endswith(".yaml")]),
    st.lists(st.tuples(st.lists(st.integers(0, 20), min_size=1, max_size=5), ODD), min_size=1, max_size=3),
)
def test_values_exchanged_anywhere_end_in_findings(path: str, swaps: list[tuple[list[int], object]]) -> None:
    value = yaml.safe_load(FILES[path])
    for place, odd in swaps:
        value = swapped(value, place, odd)

    assert_told({**FILES, path: yaml.safe_dump(value).encode()})


@settings(max_examples=50, deadline=None)
@given(st.sets(st.sampled_from(sorted(FILES))))
def test_files_that_are_gone_end_in_findings(gone: set[str]) -> None:
    assert_told({path: data for path, data in FILES.items() if path not in gone})
