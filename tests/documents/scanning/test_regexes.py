"""No expression in an output schema may take exponential time on a model's answer."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.scanning.regexes import patterns, slow


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "(a*)*",
        "(?:(x{2,})y?)+",
        "((ab)+c?)*",
        "(a+?)*",
        "(?=(a+)+)b",
        "^(a|aa)+$",
        "(aa?)+",
        "(x+x+)+y",
        "(a?b?)*",
        "((|a)(|a))*$",
        "(?i)(a|AA)*b",
        "(a|aa){17}",
        "(((a|aa){4}){4}){4}",
        "(a{1,16}){1,16}",
        "(.*a){20}",
    ],
)
def test_a_loop_with_several_readings_is_found(pattern: str) -> None:
    assert "in several ways" in slow(pattern)


@pytest.mark.parametrize("pattern", ["a*a*a*a*b", "a*" * 30 + "b", ".*.*.*.*x", "a{0,99}a{0,99}a{0,99}a{0,99}b"])
def test_many_repeats_of_the_same_text_in_a_row_are_found(pattern: str) -> None:
    assert "in a row that take the same text" in slow(pattern)


@pytest.mark.parametrize("pattern", ["a?" * 30 + "a" * 30, "(a|aa)" * 30, "(.*?(a|ab|)(.b)?){1,3}b"])
def test_many_choices_in_a_row_are_found(pattern: str) -> None:
    assert "too many choices" in slow(pattern)


@pytest.mark.parametrize("pattern", ["(a(?!b){5,40})+", "((?=a)){3}", "(a?){2,}", "(^|b)*"])
def test_a_repeat_of_nothing_is_found(pattern: str) -> None:
    assert "no text at all" in slow(pattern)


def test_what_is_too_large_to_be_judged_is_refused() -> None:
    assert "too large" in slow("".join(f"(a{at}b|c)" for at in range(2000)))


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{3}-[0-9]+$",
        "(ab)+",
        "(?=a){1,}b",
        "a+b+",
        "([0-9]{3}-){2}[0-9]{4}",
        "(a|b)*",
        "(",
        "",
        r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
        "^[a-z0-9]+(-[a-z0-9]+)*$",
        "^.{1,500}$",
        "^([0-9a-f]{2}){32}$",
        "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$",
        r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?$",
        r"^(?=.*[A-Z])(?=.*\d).{8,}$",
        "^(jan|feb|jun|jul)(,(jan|feb|jun|jul))*$",
        r"^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$",
        "^([A-Z][a-z]*)+$",
        r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9a-z-]+(\.[0-9a-z-]+)*)?$",
        r"^\w+(\s\w+)*$",
        "|".join(f"item-{at}" for at in range(60)),
    ],
)
def test_what_takes_little_time_is_let_pass(pattern: str) -> None:
    assert slow(pattern) == ""


_ATOMS = st.sampled_from(["a", "b", "[ab]", ".", "aa", "ab", r"\w", "(?=a)", "(?!b)"])
_REPEATS = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,20}", "*?", "{2,}", "{5,40}", "*+"])
_EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner, st.sampled_from(["", "|"])).map(lambda each: f"(?:{each[0]}|{each[1]}{each[2]})"),
        st.tuples(inner, _REPEATS).map(lambda each: f"(?:{each[0]}){each[1]}"),
    ),
    max_leaves=8,
)


@contextlib.contextmanager
def _ends(expression: str) -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise AssertionError(f"{expression} does not end")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(30)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@settings(max_examples=300, deadline=None)
@given(_EXPRESSIONS, st.text("ab", max_size=40))
def test_what_is_let_pass_ends_on_every_text(expression: str, text: str) -> None:
    if slow(expression):
        return
    for answer in ("a" * 40 + "!", "ab" * 20 + "!", text + "!"):
        with _ends(expression):
            re.search(f"^(?:{expression})$", answer)


@given(st.text("ab|()[]{}*+?\\d^$.,=!:<>0-9", max_size=20))
def test_whatever_is_written_is_judged(pattern: str) -> None:
    assert isinstance(slow(pattern), str)


def test_every_expression_of_a_schema_is_found_with_its_place() -> None:
    schema = {
        "properties": {"a": {"pattern": "x"}, "pattern": {"type": "string"}},
        "anyOf": [{"patternProperties": {"^y": {"pattern": "z"}}}],
    }
    assert sorted(text for _, text in patterns(schema)) == ["^y", "x", "z"]
    assert (("properties", "a", "pattern"), "x") in list(patterns(schema))
