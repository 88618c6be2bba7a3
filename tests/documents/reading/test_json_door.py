from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.reading import json_door

PATH = "evalsets/loans/cases.jsonl"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b'{"a": 1, "a": 2}', "json-duplicate-key"),
        (b'{"b": {"a": 1, "a": 2}}', "json-duplicate-key"),
        (b'{"a": NaN}', "json-number"),
        (b"[-Infinity]", "json-number"),
        (b"1e999", "json-number"),
        (b"9007199254740993", "json-number"),
        (b"[" * 65 + b"]" * 65, "json-too-deep"),
        (b"[" * 100_000, "json-too-deep"),
        (b'"\\ud800"', "json-surrogate"),
        (b'{"a": 1} {}', "json-syntax"),
        (b"{'a': 1}", "json-syntax"),
        (b"{", "json-syntax"),
        (b"\xff", "document-not-utf8"),
        (b'"\x00"', "document-control-character"),
    ],
)
def test_json_that_could_be_read_two_ways_is_refused(text: bytes, rule: str) -> None:
    parsed = json_door.parse_jsonl(text, PATH)

    assert not parsed.value
    assert [finding.rule for finding in parsed.findings] == [rule]


def test_a_syntax_error_has_its_line_and_column() -> None:
    location = json_door.parse_jsonl(b'\n  {"a" 1}\n', PATH).findings[0].location

    assert (location.line, location.column) == (2, 8)


def test_every_broken_line_is_told_and_the_others_are_read() -> None:
    parsed = json_door.parse_jsonl(b'{"a": 1}\n\n{"b": NaN}\n{"c": 2}\n{"d"\n', PATH)

    assert parsed.value == [{"a": 1}, {"c": 2}]
    assert [parsed.at((index,)).line for index in range(2)] == [1, 4]
    assert [(finding.location.line, finding.rule) for finding in parsed.findings] == [
        (3, "json-number"),
        (5, "json-syntax"),
    ]


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert json_door.parse_jsonl(b'"\\ud83d\\ude00"', PATH).value == ["\U0001f600"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=100) | st.text('{}[]":,0123456789eE.-\\unta\n', max_size=60).map(str.encode))
def test_the_door_never_raises(data: bytes) -> None:
    parsed = json_door.parse_jsonl(data, PATH)
    assert all(finding.location.path == PATH and finding.fix for finding in parsed.findings)
