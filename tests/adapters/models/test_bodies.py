import json

import pytest

from llmops.adapters.models import bodies
from llmops.documents.chat import ChatRequest
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
