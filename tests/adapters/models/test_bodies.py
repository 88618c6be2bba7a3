import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models import bodies
from llmops.documents.chat import ChatRequest, Stage, ToolCall
from llmops.documents.config import ModelConfig

ENDPOINT = ModelConfig(name="big", provider="openai", model="big-1", base_url="http://127.0.0.1:9/v1")
EMBEDDED = ModelConfig(name="small", provider="embedded", model="small")


def a_request(**changes):
    return ChatRequest(**{"model": "big", "messages": ({"role": "user", "content": "Hello"},), **changes})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>bad gateway</html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": "no usage"}}]}',
        b'{"choices": [{"message": {"content": null}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}',
        b'{"choices": [{"message": {"content": 5}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}',
        b'{"choices": [{"message": "text"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}',
        b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": null, "completion_tokens": 1}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": -1, "completion_tokens": 1}}',
        b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1e30}}',
        b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1e999}}',
        b'{"choices": [{"message": {"tool_calls": [1]}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}',
    ],
)
def test_a_reply_that_is_no_completion_is_malformed(data):
    with pytest.raises(bodies.MalformedReply):
        bodies.read_chat(data)


def reply_with(message):
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    return json.dumps({"choices": [{"message": message}], "usage": usage}).encode()


def test_a_reply_gives_text_and_tokens():
    assert bodies.read_chat(reply_with({"content": "yes"})) == bodies.Reading(
        text="yes", input_tokens=3, output_tokens=2
    )


def test_half_a_surrogate_pair_is_read_as_a_broken_character():
    assert bodies.read_chat(reply_with({"content": "cut \ud83d"})).text == "cut \ufffd"


def test_an_empty_answer_is_an_answer():
    assert bodies.read_chat(reply_with({"content": ""})).text == ""


def test_a_refusal_is_the_text():
    assert bodies.read_chat(reply_with({"content": None, "refusal": "I cannot"})).text == "I cannot"


def test_tool_calls_are_the_text_as_json():
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": '{"id": 4}'}}
    text = bodies.read_chat(reply_with({"content": None, "tool_calls": [call]})).text
    assert json.loads(text) == [{"name": "look_up", "arguments": '{"id": 4}'}]


def test_parameters_go_out_as_they_stand():
    body = bodies.chat_body(ENDPOINT, a_request(parameters={"temperature": 0.1, "made_up": [1]}))
    assert body == {
        "model": "big-1",
        "messages": [{"role": "user", "content": "Hello"}],
        "temperature": 0.1,
        "made_up": [1],
    }


def test_the_embedded_model_gets_a_seed_that_follows_the_repeat_and_a_limit():
    assert bodies.chat_body(EMBEDDED, a_request(repeat=3))["seed"] == 3
    assert bodies.chat_body(EMBEDDED, a_request())["max_tokens"] == bodies.EMBEDDED_MAX_TOKENS
    assert bodies.chat_body(EMBEDDED, a_request(parameters={"max_tokens": 5, "seed": 9}))["max_tokens"] == 5


@pytest.mark.parametrize("config", [EMBEDDED, ENDPOINT], ids=["embedded", "endpoint"])
def test_no_two_repeats_of_a_seeded_request_ask_the_same(config):
    seeds = [bodies.chat_body(config, a_request(parameters={"seed": 9}, repeat=at))["seed"] for at in range(3)]
    assert seeds == [9, 10, 11]


def test_an_endpoint_is_sent_no_seed_that_nobody_wrote():
    assert "seed" not in bodies.chat_body(ENDPOINT, a_request(repeat=2))


def test_an_output_schema_becomes_a_response_format():
    schema = {"type": "object"}
    found = bodies.chat_body(ENDPOINT, a_request(response_schema=schema))["response_format"]
    assert found["type"] == "json_schema"
    assert found["json_schema"]["schema"] == schema


@pytest.mark.parametrize(
    "changes",
    [
        {"messages": ({"role": "user", "content": "Hello!"},)},
        {"messages": ({"role": "system", "content": "Hello"},)},
        {"parameters": {"temperature": 0.2}},
        {"response_schema": {"type": "object"}},
        {"tools": ({"type": "function"},)},
        {"repeat": 1},
    ],
)
def test_whatever_could_change_the_answer_changes_the_digest(changes):
    def digest(request):
        return bodies.digest_of({"model": "big-1"}, bodies.chat_body(ENDPOINT, request), request.repeat)

    assert digest(a_request()) == digest(a_request())
    assert digest(a_request(**changes)) != digest(a_request())
    assert bodies.digest_of({"model": "x"}, {}, 0) != bodies.digest_of({"model": "y"}, {}, 0)


def a_reading(message, *, finish="stop", **usage):
    tokens = {"prompt_tokens": 30, "completion_tokens": 2, **usage}
    value = {"choices": [{"message": message, "finish_reason": finish}], "usage": tokens}
    return bodies.read_chat(json.dumps(value).encode())


def test_tool_calls_are_values_beside_the_text():
    calls = [{"function": {"name": "pay", "arguments": '{"id": 4}'}}, {"function": {"name": "ask", "arguments": {}}}]
    reading = a_reading({"content": "One moment.", "tool_calls": calls}, finish="tool_calls")
    assert reading.text == "One moment."
    assert reading.tool_calls == (ToolCall(name="pay", arguments='{"id": 4}'), ToolCall(name="ask"))
    assert reading.finish_reason == "tool_calls"


@pytest.mark.parametrize("function", [None, {}, {"name": 4}, {"name": "pay", "arguments": [1]}])
def test_a_tool_call_without_a_name_or_with_odd_arguments_is_malformed(function):
    with pytest.raises(bodies.MalformedReply):
        a_reading({"content": "", "tool_calls": [{"function": function}]})


def test_a_refusal_is_marked_and_a_filtered_answer_is_one():
    assert a_reading({"content": None, "refusal": "I cannot"}).is_refusal
    assert not a_reading({"content": "I can", "refusal": None}).is_refusal
    filtered = a_reading({}, finish="content_filter")
    assert (filtered.text, filtered.is_refusal, filtered.finish_reason) == ("", True, "content_filter")


def test_an_answer_that_was_stopped_before_its_first_word_is_empty_and_not_malformed():
    assert a_reading({"content": None}, finish="length").text == ""
    with pytest.raises(bodies.MalformedReply):
        a_reading({"content": None})


@pytest.mark.parametrize(("said", "cached"), [(12, 12), (99, 30), (-1, 0), ("x", 0), (None, 0)])
def test_cached_tokens_are_a_part_of_the_input(said, cached):
    assert a_reading({"content": "x"}, prompt_tokens_details={"cached_tokens": said}).cached_tokens == cached


def test_streaming_is_part_of_what_is_asked():
    streamed = ModelConfig(name="big", provider="openai", model="big-1", stream=True)
    assert bodies.chat_body(streamed, a_request())["stream"] is True
    assert "stream" not in bodies.chat_body(ENDPOINT, a_request())


def test_what_a_request_is_for_does_not_name_it():
    judge = a_request(stage=Stage.JUDGE)
    assert bodies.chat_body(ENDPOINT, judge) == bodies.chat_body(ENDPOINT, a_request())


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["choices", "message", "usage", "content", "tool_calls", "function"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_back_is_a_reading_or_malformed(data):
    try:
        assert isinstance(bodies.read_chat(data).text, str)
    except bodies.MalformedReply:
        return  # named; anything else that is raised fails here
