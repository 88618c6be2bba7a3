"""A prompt.yaml as a value."""

from __future__ import annotations

import pytest

from llmops.documents import prompts
from llmops.documents.prompts import FewShot, Message, Variable
from llmops.errors import CannotAsk


def parsed(**fields):
    value = {"prompt_name": "support", "version": "1.0.0", "model": "gpt-4o", "template": "Be kind.", **fields}
    return prompts.parse({key: item for key, item in value.items() if item is not None}, "prompts/support/prompt.yaml")


def test_template_is_a_system_message_followed_by_the_question():
    assert parsed(template="Be kind.").messages == (
        Message(role="system", content="Be kind."),
        Message(role="user", content="{{ question }}"),
    )


def test_template_that_uses_the_question_is_one_user_message():
    template = "{% if polite %}Please answer: {{ question }}{% endif %}"
    assert parsed(template=template).messages == (Message(role="user", content=template),)


def test_template_that_only_mentions_the_word_is_a_system_message():
    assert [each.role for each in parsed(template="Answer the question.").messages] == ["system", "user"]


def test_broken_template_is_kept_for_the_checks_to_report():
    assert parsed(template="{{ question").messages[0] == Message(role="system", content="{{ question")
    with pytest.raises(CannotAsk) as caught:
        prompts.used_variables(parsed(template="{{ question").messages)
    assert caught.value.code == "TEMPLATE_INVALID"


def test_messages_are_taken_as_they_are():
    messages = [{"role": "system", "content": "A"}, {"role": "user", "content": "{{ question }}"}]
    assert parsed(template=None, messages=messages).messages == tuple(Message(**each) for each in messages)


def test_list_of_variables_names_required_texts():
    assert parsed(variables=["role"]).variables == (Variable(name="role"),)


def test_map_of_variables_says_more():
    fields = {"type": "integer", "default": None, "enum": [1, 2], "max_length": 3, "description": "d"}
    assert parsed(variables={"age": fields, "role": None}).variables == (
        Variable(
            name="age",
            type="integer",
            default=None,
            has_default=True,
            enum=(1, 2),
            max_length=3,
            description="d",
        ),
        Variable(name="role"),
    )


def test_temperature_stands_among_the_parameters_and_wins():
    prompt = parsed(temperature=0.1, parameters={"temperature": 0.7, "seed": 1})
    assert prompt.parameters == {"temperature": 0.1, "seed": 1}


def test_everything_else_comes_along():
    prompt = parsed(
        few_shots=[{"user": "a", "assistant": "b"}],
        tools=[{"name": "t"}],
        output_schema={"type": "object"},
        fallback="Sorry.",
        rag="rag.yaml",
        evalset="cases",
        owner="team",
        labels={"a": "b"},
        use_case="help",
        changelog=["one", "two"],
        status="stable",
        environment="production",
        evaluation={"safety": "PASS"},
    )
    assert prompt.few_shots == (FewShot(user="a", assistant="b"),)
    assert (prompt.tools, prompt.output_schema, prompt.fallback) == (({"name": "t"},), {"type": "object"}, "Sorry.")
    assert (prompt.rag, prompt.evalset, prompt.owner, prompt.use_case) == ("rag.yaml", "cases", "team", "help")
    assert (prompt.labels, prompt.changelog) == ({"a": "b"}, "one\ntwo")
    assert (prompt.status, prompt.environment, prompt.evaluation) == ("stable", "production", {"safety": "PASS"})


def test_used_variables_are_those_of_all_messages():
    prompt = parsed(template="{{ user.name }}{% for c in contexts %}{{ c.text }}{% endfor %}")
    assert prompts.used_variables(prompt.messages) == {
        "contexts": ("", "[].text"),
        "question": ("",),
        "user": ("name",),
    }
