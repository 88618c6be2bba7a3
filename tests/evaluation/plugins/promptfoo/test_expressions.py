"""Expressions held against JavaScript: `expressions.jsonl` says which of TEXTS each one matches in Node 20."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.plugins.promptfoo.rules import expressions

TEXTS = (
    "", "a", "ab", "abc 019", "aé b", "A_z\n", "a.b/c$", "a\u2028b", "\u00a0a", "{,2}", "aa", "bb a-b", "\u0661", "-",
    "]",
)  # fmt: skip
ROWS = [json.loads(line) for line in (Path(__file__).parent / "expressions.jsonl").read_text().splitlines()]


def test_every_expression_matches_what_it_matches_in_javascript() -> None:
    assert len(ROWS) > 300
    odd = []
    for row in ROWS:
        spelled = expressions.to_python(row["expression"])
        found = [text for text in TEXTS if re.search(spelled, text, re.ASCII)]
        odd += [(row["expression"], found)] if found != row["matches"] else []
    assert odd == []


@pytest.mark.parametrize(
    "pattern",
    [
        "(?i)a",
        "(?P<n>a)",
        "(?#note)a",
        "a++",
        "a{2}+",
        r"\Aa",
        r"a\Z",
        r"\p{L}",
        r"\cA",
        r"\u00",
        r"[\B]",
        "[]",
        "[a",
        "\\",
    ],
)
def test_what_one_of_the_languages_does_not_have_is_refused(pattern: str) -> None:
    with pytest.raises(expressions.Refused):
        expressions.to_python(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a*)*", "([a-z]+[0-9]*)+x"])
def test_a_repeat_with_several_readings_is_refused(pattern: str) -> None:
    with pytest.raises(expressions.Refused, match="in several ways"):
        expressions.to_python(pattern)


@given(st.text(max_size=30) | st.text(r"ab\[](){}?*+.^$|<>:=!dswk0-", max_size=12))
def test_an_expression_is_refused_or_reads_in_python(pattern: str) -> None:
    try:
        spelled = expressions.to_python(pattern)
    except expressions.Refused:
        spelled = ""
    assert re.compile(spelled, re.ASCII).pattern == spelled
