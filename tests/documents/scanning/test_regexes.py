"""No expression in an output schema may take exponential time on a model's answer."""

from __future__ import annotations

import pytest

from llmops.documents.scanning.regexes import nested_repeat, patterns


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a*)*", "(?:(x{2,})y?)+", "((ab)+c)*", "(a+?)*", "(?=(a+)+)b"])
def test_a_repeat_inside_a_repeat_is_found(pattern: str) -> None:
    assert nested_repeat(pattern)


@pytest.mark.parametrize("pattern", ["^[A-Z]{3}-[0-9]+$", "(ab)+", "a+b+", "([0-9]{3}-){2}[0-9]{4}", "(a|b)*", "(", ""])
def test_what_takes_linear_or_no_time_is_let_pass(pattern: str) -> None:
    assert not nested_repeat(pattern)


def test_every_expression_of_a_schema_is_found_with_its_place() -> None:
    schema = {
        "properties": {"a": {"pattern": "x"}, "pattern": {"type": "string"}},
        "anyOf": [{"patternProperties": {"^y": {"pattern": "z"}}}],
    }
    assert sorted(text for _, text in patterns(schema)) == ["^y", "x", "z"]
    assert (("properties", "a", "pattern"), "x") in list(patterns(schema))
