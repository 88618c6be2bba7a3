"""The page: width, colour, and text that others wrote."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import CannotAsk, Finding, Location, Refusal, Severity
from llmops.render import messages
from llmops.render.page import Cell, Page

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@given(st.text(), st.integers(40, 160))
def test_no_text_reaches_the_screen_raw(text: str, width: int) -> None:
    page = Page(width=width)
    page.line(text)
    page.paragraph(text, indent=2, hanging=4)
    page.bullets([text])
    page.fields([(text, text)])
    page.table(("a", "b"), [(text, text)])
    page.sentence(Cell("error", "bad"), text, hanging=2)
    messages.error(page, Refusal("CODE", text, where=text, hint=text, details=(text,)))
    assert CONTROL.search(str(page)) is None


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    page = Page()
    page.line(text)
    assert len(page.lines) == 1
    assert "\n" not in page.lines[0]


@given(st.lists(st.text(alphabet="abc ", max_size=12), max_size=40), st.integers(40, 100))
def test_paragraphs_of_short_words_fit_the_width(words: list[str], width: int) -> None:
    page = Page(width=width)
    page.paragraph(" ".join(words), indent=2, hanging=6)
    assert all(len(line) <= width for line in page.lines)


def test_colours_stand_only_where_they_are_asked_for() -> None:
    plain, coloured = Page(), Page(is_coloured=True)
    for page in (plain, coloured):
        messages.error(page, CannotAsk("CODE", "it went wrong", hint="mend it"))
    assert "\x1b" not in str(plain)
    assert str(coloured).startswith("\x1b[31merror\x1b[0m: it went wrong")
    assert re.sub(r"\x1b\[\d*m", "", str(coloured)) == str(plain)


def test_columns_are_aligned_and_the_last_one_wraps_into_its_own() -> None:
    page = Page(width=40)
    page.table(
        ("name", "no", "text"), [("a", "1", "one two three four five six seven eight"), ("bb", "22", "x")], right=(1,)
    )
    assert page.lines[1].startswith("  a      1  one")
    assert page.lines[2].startswith("            ")
    assert page.lines[-1] == "  bb    22  x"
    assert all(len(line.rstrip()) <= 40 for line in page.lines)


def test_a_finding_is_one_line_that_editors_can_follow_and_its_fix() -> None:
    page = Page()
    place = Location(path="prompts/x/prompt.yaml", line=3, column=5)
    messages.findings(
        page, [Finding(rule="a-rule", severity=Severity.ERROR, location=place, message="wrong " * 20, fix="mend it")]
    )
    assert page.lines[0].startswith("prompts/x/prompt.yaml:3:5: error: wrong")
    assert page.lines[0].endswith("[a-rule]")
    assert page.lines[1] == "  fix: mend it"


def test_an_error_does_not_name_its_place_twice() -> None:
    page = Page()
    messages.error(page, CannotAsk("CODE", "a/b is broken", where="a/b"))
    assert str(page) == "error: a/b is broken  [CODE]\n"


def test_blank_lines_never_come_in_pairs() -> None:
    page = Page()
    page.blank()
    page.line("a")
    page.blank()
    page.blank()
    page.line("b")
    assert str(page) == "a\n\nb\n"
