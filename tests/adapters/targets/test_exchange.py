"""What an application is handed, and how its answer is read."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.targets import exchange
from llmops.documents.chat import ToolCall
from llmops.documents.targets import Answered
from llmops.errors import InputRefused
from tests.adapters.targets.questions import a_question


def read(value: Any) -> Answered:
    return exchange.read(value, case="bulb", digest="d", latency_ms=7)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (None, "nothing (None)"),
        (7, "int 7"),
        (["a"], "list"),
        (b"bytes", "bytes"),
        ({}, "without 'answer'"),
        ({"reply": "a"}, "it has: reply"),
        ({"answer": None}, "without 'answer'"),
        ({"answer": 7}, "'answer' is no text"),
        ({"answer": "a", "text": "b"}, "differ"),
        ({"answer": "a", "contexts": "page"}, "'contexts' is no list of texts, str 'page' came"),
        ({"answer": "a", "contexts": [1]}, "'contexts' 1 is no text"),
        ({"answer": "a", "context": ["x"]}, "did you mean 'contexts'?"),
        ({"answer": "a", "anwser": "x"}, "did you mean 'answer'?"),
        ({"answer": "a", "context_ids": ["x"]}, "1 context_ids came with 0 contexts"),
        ({"answer": "a", "contexts": ["x"], "context_ids": ["1", "2"]}, "2 context_ids came with 1"),
        ({"answer": "a", "tool_calls": {}}, "'tool_calls' is no list"),
        ({"answer": "a", "tool_calls": ["f"]}, "a tool call has a name"),
        ({"answer": "a", "tool_calls": [{"arguments": "{}"}]}, "a tool call has a name"),
        ({"answer": "a", "tool_calls": [{"name": "f", "arguments": {"a": {1}}}]}, "no JSON"),
        ({"answer": "a", "input_tokens": -1}, "'input_tokens' is a whole number"),
        ({"answer": "a", "input_tokens": True}, "bool True"),
        ({"answer": "a", "output_tokens": 1.5}, "'output_tokens' is a whole number"),
        ({"answer": "a", "cost_usd": float("nan")}, "'cost_usd'"),
        ({"answer": "a", "cost_usd": -0.1}, "'cost_usd'"),
        ({"answer": "a", "cost_usd": "0.1"}, "'cost_usd'"),
        ("a" * (exchange.LARGEST_ANSWER + 1), "at most"),
    ],
)
def test_what_is_no_answer_is_refused_and_named(value, what):
    with pytest.raises(InputRefused) as caught:
        read(value)
    assert caught.value.code == "TARGET_ANSWER"
    assert caught.value.where == "case bulb"
    assert what in caught.value.what


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(exchange.FIELDS) | st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=8,
    )
)
def test_whatever_comes_is_an_answer_or_this_case_refused(value):
    with contextlib.suppress(InputRefused):
        answer = read(value)
        json.dumps(answer.text).encode()
        assert isinstance(value, str | dict)


def test_a_text_is_an_answer():
    assert read("40 watts") == Answered(
        text="40 watts", request_digest="d", latency_ms=7, is_priced=False, is_counted=False
    )


@pytest.mark.parametrize(
    ("said", "unknown"),
    [
        ({}, ("cost_usd", "tokens")),
        ({"cost_usd": 0}, ("tokens",)),
        ({"input_tokens": 0, "output_tokens": 0}, ("cost_usd",)),
        ({"input_tokens": 9}, ("cost_usd", "tokens")),
    ],
)
def test_what_an_application_does_not_say_is_unknown(said, unknown):
    assert read({"answer": "a", **said}).unknown == unknown


def test_an_empty_text_is_an_answer_too():
    assert read({"answer": ""}).text == ""


def test_half_of_a_surrogate_pair_becomes_an_unknown_character():
    assert read("a\ud800b").text == "a\ufffdb"


def test_a_mapping_may_say_all_of_it():
    answer = read(
        {
            "text": "40 watts",
            "contexts": ["The lamp takes 40 watts."],
            "context_ids": ["lamp#bulb"],
            "tool_calls": [{"name": "look", "arguments": {"b": 1, "a": 2}}, {"function": {"name": "f"}}],
            "input_tokens": 12,
            "output_tokens": 3,
            "cost_usd": 0.0000015,
            "trace": "its own business",
        }
    )
    assert answer == Answered(
        text="40 watts",
        request_digest="d",
        contexts=("The lamp takes 40 watts.",),
        context_ids=("lamp#bulb",),
        tool_calls=(ToolCall(name="look", arguments='{"a": 2, "b": 1}'), ToolCall(name="f")),
        input_tokens=12,
        output_tokens=3,
        nano_usd=1500,
        latency_ms=7,
    )


def test_contexts_that_nobody_named_are_those_of_the_question():
    assert read({"answer": "a"}).contexts is None
    assert read({"answer": "a", "contexts": []}).contexts == ()


def test_an_answer_that_only_calls_tools_is_the_calls():
    answer = read({"answer": "", "tool_calls": [{"name": "look", "arguments": "{}"}]})
    assert json.loads(answer.text) == [{"name": "look", "arguments": "{}"}]


@pytest.mark.parametrize(("usd", "nano"), [(0, 0), (0.1, 100_000_000), (3e-10, 1), (1, 10**9), (0.07, 70_000_000)])
def test_money_is_whole_nano_dollars_rounded_up(usd, nano):
    assert read({"answer": "a", "cost_usd": usd}).nano_usd == nano


def test_a_question_is_plain_json_and_the_applications_own():
    question = a_question(variables={"tags": ["a"]}, turns=({"role": "user", "content": "Hello"},))
    asked = exchange.asked(question)
    assert json.loads(json.dumps(asked)) == asked
    assert asked["question"] == "Which bulb?"
    assert asked["messages"] == [{"role": "user", "content": "Which bulb?"}]
    asked["variables"]["tags"].append("b")
    asked["messages"][0]["content"] = "changed"
    assert exchange.asked(question)["variables"] == {"tags": ["a"]}
    assert exchange.asked(question)["messages"] == [{"role": "user", "content": "Which bulb?"}]


def test_what_differs_in_the_question_or_the_application_has_another_digest():
    first = exchange.digest_of({"kind": "http"}, a_question())
    others = [
        exchange.digest_of({"kind": "python"}, a_question()),
        exchange.digest_of({"kind": "http"}, a_question(repeat=1)),
        exchange.digest_of({"kind": "http"}, a_question(contexts=())),
        exchange.digest_of({"kind": "http"}, a_question(behaviour="c" * 64)),
    ]
    assert len({first, *others}) == 5
    assert exchange.digest_of({"kind": "http"}, a_question()) == first
