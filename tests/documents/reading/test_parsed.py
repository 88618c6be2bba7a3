from __future__ import annotations

import pytest

from llmops.documents.reading import parsed
from llmops.errors import Location


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"12345", "document-too-large"),
        (b"\xff", "document-not-utf8"),
        (b"a\0", "document-control-character"),
        (b"\x7f", "document-control-character"),
        ("\u0080".encode(), "document-control-character"),
        ("\ufffe".encode(), "document-control-character"),
        ("\ud800".encode("utf-8", "surrogatepass"), "document-not-utf8"),
    ],
)
def test_bytes_that_are_no_plain_text_are_refused(data: bytes, rule: str) -> None:
    text, findings = parsed.read_text(data, "a.yaml", 4)

    assert text is None
    assert [finding.rule for finding in findings] == [rule]


def test_tabs_line_ends_and_every_script_are_plain_text() -> None:
    text = "\t\r\nå漢\U0001f600"

    assert parsed.read_text(text.encode("utf-8-sig"), "a.yaml", 100) == (text, ())


def test_the_first_byte_that_is_no_utf8_is_named() -> None:
    _text, findings = parsed.read_text("a: é\nb: ".encode() + b"\xe9", "a.yaml", 100)

    assert findings[0].message == "not UTF-8: byte 0xe9 at byte offset 9"
    assert findings[0].location == Location(path="a.yaml", line=2, column=4)


def test_an_unknown_place_is_the_file() -> None:
    assert parsed.Parsed(path="a.yaml", value=None).at(("a", 0)) == Location(path="a.yaml")
