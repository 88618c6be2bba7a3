"""What a prompt gives: messages that equal those of an evaluation, and copies that nobody can spoil."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical, rendering
from llmops.errors import CannotAsk
from llmops.retrieval.passages import Passage
from llmops.runtime.errors import RenderRefused
from llmops.runtime.prompt import prompt_of
from tests.documents.prompt_builders import TEXTS, a_release
from tests.runtime.checkouts import a_locked

PIECES = st.lists(
    TEXTS.map(lambda text: text.replace("{", "(").replace("}", ")"))
    | st.sampled_from(
        [
            "{{ question }}",
            "{{ tone }}",
            "{{ contexts }}",
            "{{ tone | upper }}",
            "{% for context in contexts %}[{{ context.number }}] {{ context.text }} ({{ context.id }}){% endfor %}",
            "{% if contexts %}Read.{% else %}Guess.{% endif %}",
            "{{ level + 1 }}",
        ]
    ),
    min_size=1,
    max_size=5,
).map("".join)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": PIECES}),
    min_size=1,
    max_size=4,
)
SHOTS = st.lists(st.fixed_dictionaries({"user": TEXTS, "assistant": TEXTS}), max_size=2)
PASSAGES = st.lists(st.builds(lambda name, text: Passage(id=name, text=text), TEXTS, TEXTS), max_size=3)
TURNS = st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": TEXTS}), max_size=3)
VARIABLES = {"tone": {"type": "string", "default": "plain"}, "level": {"type": "integer", "default": 1}}


@given(MESSAGES, SHOTS, TEXTS, PASSAGES, TURNS, st.none() | TEXTS, st.integers(-9, 9))
def test_a_service_sends_what_an_evaluation_sends(messages, shots, question, passages, turns, tone, level):
    release = a_release(messages=messages, few_shots=shots, variables=VARIABLES)
    variables = {"level": level} if tone is None else {"level": level, "tone": tone}

    evaluated = rendering.render_messages(release.behaviour, question, passages, variables, turns=turns)
    served = prompt_of(release).render(question=question, contexts=passages, turns=turns, **variables)

    assert canonical.dumps(served) == canonical.dumps(evaluated)
    as_mappings = [{"id": each.id, "text": each.text} for each in passages]
    assert prompt_of(release).render(question=question, contexts=as_mappings, turns=turns, **variables) == served


@given(MESSAGES, st.dictionaries(st.sampled_from(["tone", "level", "other"]), TEXTS | st.integers() | st.none()))
def test_a_service_is_refused_what_an_evaluation_is_refused(messages, variables):
    release = a_release(messages=messages, variables=VARIABLES)
    expected = outcome(lambda: list(rendering.render_messages(release.behaviour, "Why?", (), variables)))

    assert outcome(lambda: prompt_of(release).render(question="Why?", **variables)) == expected


def outcome(render):
    """The messages, or code and words of the refusal."""
    try:
        return render()
    except (CannotAsk, RenderRefused) as error:
        return error.code, error.what


def test_a_missing_variable_is_named_in_the_words_of_a_program():
    with pytest.raises(RenderRefused) as caught:
        prompt_of(a_locked()).render(question="Why?")
    assert caught.value.code == "VARIABLE_MISSING"
    assert "who" in str(caught.value)
    assert "--var" not in str(caught.value)
    assert "support@1.0.0#" in str(caught.value)


def test_a_prompt_that_asks_needs_a_question():
    with pytest.raises(RenderRefused) as caught:
        prompt_of(a_locked()).render(who="Ada")
    assert caught.value.code == "QUESTION_MISSING"


def test_a_prompt_that_never_asks_needs_none():
    release = a_release(messages=[{"role": "system", "content": "Say hello."}])
    assert prompt_of(release).render() == [{"role": "system", "content": "Say hello."}]


@pytest.mark.parametrize("context", [{"id": "a"}, {"text": 1}, 7, None, b"bytes"])
def test_a_context_without_a_text_is_refused(context):
    with pytest.raises(RenderRefused) as caught:
        prompt_of(a_locked()).render(question="Why?", contexts=["fine", context], who="Ada")
    assert caught.value.code == "CONTEXT_INVALID"
    assert "context 2" in caught.value.what


def test_text_in_a_context_is_never_a_template():
    served = prompt_of(a_locked()).render(question="{{ who }}", contexts=["{{ who }}"], who="Ada")
    assert served[0]["content"] == "You help Ada.\n[1] {{ who }}\n"
    assert served[1]["content"] == "{{ who }}"


def test_a_variable_may_have_any_name():
    release = a_release(template="{{ self_name }}{{ environment }}", variables=["self_name", "environment"])
    served = prompt_of(release).render(question="?", self_name="a", environment="b")
    assert served[0]["content"] == "ab"


def test_a_prompt_cannot_be_changed():
    prompt = prompt_of(a_locked(parameters={"stop": ["x"]}, tools=[{"type": "function"}], few_shots=[]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        prompt.version = "2.0.0"
    prompt.parameters["stop"].append("y")
    prompt.tools[0]["type"] = "other"
    prompt.variables["who"]["type"] = "integer"

    assert prompt.parameters == {"stop": ["x"]}
    assert prompt.tools == [{"type": "function"}]
    assert prompt.variables == {"who": {"type": "string"}}


def test_what_it_gives_goes_into_json_as_it_is():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    shots = [{"user": "Hi", "assistant": "Ho"}]
    prompt = prompt_of(a_locked(output_schema=schema, few_shots=shots, temperature=0.5))

    assert json.loads(json.dumps(prompt.output_schema)) == schema
    assert prompt.few_shots == shots
    assert prompt.parameters == {"temperature": 0.5}
    assert prompt.model == "gpt-4o"
    assert prompt.fallback is None
    json.dumps(prompt.render(question="Why?", who="Ada"))


def test_prompts_of_one_release_are_equal_and_can_be_keys():
    assert prompt_of(a_locked(), "staging") == prompt_of(a_locked(), "production")
    assert len({prompt_of(a_locked()), prompt_of(a_locked()), prompt_of(a_locked("1.1.0"))}) == 2
