"""The exact messages that a behaviour sends."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import prompts, rendering
from llmops.documents.freezing import freeze
from llmops.errors import CannotAsk


@dataclass(frozen=True)
class APassage:
    id: str
    text: str


def a_behaviour(**fields):
    value = {"prompt_name": "support", "version": "1.0.0", "model": "gpt-4o", "template": "Be kind.", **fields}
    value = {key: item for key, item in value.items() if item is not None}
    return freeze.behaviour_of(prompts.parse(value, "prompts/support/prompt.yaml"), None)


def refusal(behaviour, **variables):
    with pytest.raises(CannotAsk) as caught:
        rendering.render_messages(behaviour, "Why?", (), variables)
    return caught.value


def test_every_missing_variable_is_named_at_once():
    error = refusal(a_behaviour(template="{{ b }}{{ a }}{{ c }}", variables=["a", "b", "c"]), b="x")
    assert error.code == "VARIABLE_MISSING"
    assert error.what == "2 required variables have no value: a, c"
    assert "--var a=…" in error.hint


def test_value_of_another_type_is_refused_with_both_sides():
    error = refusal(a_behaviour(template="{{ age }}", variables={"age": {"type": "integer"}}), age="seven")
    assert (error.code, error.what) == ("VARIABLE_TYPE", "the variable 'age' is 'seven', its type is integer")


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("string", "x", True), ("string", 1, False), ("string", None, False),
        ("integer", 1, True), ("integer", 1.0, True), ("integer", 1.5, False), ("integer", True, False),
        ("number", 1, True), ("number", 1.5, True), ("number", False, False), ("number", "1", False),
        ("boolean", True, True), ("boolean", 1, False),
        ("array", [1], True), ("array", "x", False), ("object", {"a": 1}, True), ("object", [], False),
    ],
)  # fmt: skip
def test_types_are_those_of_json_schema(kind, value, fits):
    assert rendering.is_of_type(value, kind) == fits


def test_value_outside_its_enum_is_refused_with_both_sides():
    error = refusal(a_behaviour(template="{{ r }}", variables={"r": {"enum": ["b", "a"]}}), r="c")
    assert (error.code, error.what) == ("VARIABLE_ENUM", "the variable 'r' is 'c', allowed are 'a', 'b'")


def test_value_that_is_too_long_is_refused_with_both_sides():
    behaviour = a_behaviour(template="{{ n }}", variables={"n": {"max_length": 3}})
    error = refusal(behaviour, n="four")
    assert (error.code, error.what) == ("VARIABLE_TOO_LONG", "the variable 'n' has length 4, its max_length is 3")
    assert rendering.render_messages(behaviour, "Why?", (), {"n": "abc"})[0]["content"] == "abc"


@pytest.mark.parametrize("name", ["question", "contexts"])
def test_reserved_names_cannot_be_given(name):
    assert refusal(a_behaviour(), **{name: "x"}).code == "VARIABLE_RESERVED"


def test_undeclared_name_in_a_template_is_undefined_even_if_it_is_given():
    assert refusal(a_behaviour(template="{{ a }}"), a="x").code == "TEMPLATE_UNDEFINED"


def test_defaults_are_applied_and_given_values_win():
    behaviour = a_behaviour(template="{{ a }}{{ b }}", variables={"a": {"default": "x"}, "b": {"default": "y"}})
    assert rendering.render_messages(behaviour, "Why?", (), {"b": "z"})[0]["content"] == "xz"


def test_variable_that_no_message_uses_is_not_asked_for():
    behaviour = a_behaviour(template="Be kind.", variables=["role"])
    assert rendering.render_messages(behaviour, "Why?", (), {})[0]["content"] == "Be kind."


def test_template_gives_a_system_message_then_the_question():
    assert rendering.render_messages(a_behaviour(template="Be kind.\n"), "Why?", (), {}) == (
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Why?"},
    )


def test_few_shots_stand_before_the_last_user_turn_as_they_are():
    messages = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "First"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "{{ question }}"},
    ]
    behaviour = a_behaviour(template=None, messages=messages, few_shots=[{"user": "{{ a }}", "assistant": "{% b %}"}])
    rendered = rendering.render_messages(behaviour, "Why?", (), {})
    assert [each["content"] for each in rendered] == ["S", "First", "Yes?", "{{ a }}", "{% b %}", "Why?"]
    assert [each["role"] for each in rendered] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_few_shots_come_last_where_no_user_speaks():
    behaviour = a_behaviour(
        template=None, messages=[{"role": "system", "content": "S"}], few_shots=[{"user": "a", "assistant": "b"}]
    )
    assert [each["content"] for each in rendering.render_messages(behaviour, "Why?", (), {})] == ["S", "a", "b"]


def test_passages_are_numbered_in_their_order():
    behaviour = a_behaviour(template="{{ contexts }}|{{ contexts|length }}|{{ contexts[1].id }}")
    passages = (APassage("a#b", "One."), APassage("c#d", "Two."))
    (system, _) = rendering.render_messages(behaviour, "Why?", passages, {})
    assert system["content"] == "[1] One.\n\n[2] Two.|2|c#d"


@given(st.text(), st.text(), st.text())
def test_question_passages_and_variables_are_only_ever_text(question, passage, value):
    behaviour = a_behaviour(template="{{ question }}\x00{{ contexts[0].text }}\x00{{ a }}", variables=["a"])
    (message,) = rendering.render_messages(behaviour, question, (APassage("a#b", passage),), {"a": value})
    assert message["content"] == f"{question}\x00{passage}\x00{value}"


def test_unknown_variables_are_told():
    assert rendering.unknown_variables(a_behaviour(variables=["a"]), {"b": 1, "a": 1, "0": 1}) == ("0", "b")


def test_values_from_a_command_line_get_their_types():
    variables = {"n": {"type": "integer"}, "f": {"type": "boolean"}, "xs": {"type": "array"}, "t": None}
    behaviour = a_behaviour(variables=variables)
    texts = {"n": "7", "f": "true", "xs": "[1]", "t": "7", "undeclared": "x"}
    assert rendering.from_text(behaviour, texts) == {"n": 7, "f": True, "xs": [1], "t": "7", "undeclared": "x"}
    with pytest.raises(CannotAsk) as caught:
        rendering.from_text(behaviour, {"n": "seven"})
    assert (caught.value.code, caught.value.what) == (
        "VARIABLE_TYPE",
        "the variable 'n' is 'seven', its type is integer",
    )
