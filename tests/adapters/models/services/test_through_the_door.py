"""The model door in front of every service: what a run gets to see."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest, ToolCall
from llmops.documents.config import Prices
from llmops.errors import CannotAsk, InputRefused
from tests.adapters.models.services.profiles import HUGGINGFACE, OPENAI, PROFILES
from tests.adapters.models.services.servers import Said, Situation, openai_error, serving

KEY = "sk-test-0123456789abcdef"
CODES = {
    Situation.WRONG_KEY: "KEY_REFUSED",
    Situation.WRONG_MODEL: "MODEL_NOT_FOUND",
    Situation.WRONG_PATH: "MODEL_ADDRESS",
    Situation.TOO_LONG: "INPUT_REFUSED",
    Situation.INVALID: "INPUT_REFUSED",
}
PRICES = Prices(input=1.0, output=2.0, cached_input=0.5)


@pytest.fixture(params=PROFILES.values(), ids=PROFILES.keys())
def profile(request):
    return request.param


def a_request(text="Hello", **changes):
    return ChatRequest(model="big", messages=({"role": "user", "content": text},), **changes)


def a_door(tmp_path, profile, server, *, key=KEY, elsewhere="", **changes):
    config = profile.model_config(server.address + elsewhere, prices=PRICES, **changes)
    return open_door(tmp_path / "cache", {"big": config}, environ={"BIG_KEY": key})


@pytest.mark.parametrize("situation", CODES, ids=lambda situation: situation.name)
async def test_a_complaint_ends_in_a_code_and_a_word_on_what_to_do(tmp_path, profile, situation):
    changes = {"model": "x"} if situation is Situation.WRONG_MODEL else {}
    if changes and profile.provider == "azure":
        changes["deployment"] = "x"
    key = KEY + "-wrong" if situation is Situation.WRONG_KEY else KEY
    elsewhere = "/elsewhere" if situation is Situation.WRONG_PATH else ""
    with serving(profile, KEY) as server:
        async with a_door(tmp_path, profile, server, key=key, elsewhere=elsewhere, **changes) as door:
            with pytest.raises(CannotAsk) as caught:
                await door.chat(a_request(situation.value))
    assert (caught.value.code, bool(caught.value.hint)) == (CODES[situation], True)
    assert isinstance(caught.value, InputRefused) is (CODES[situation] == "INPUT_REFUSED")
    assert len(server.bodies) == 1


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if Situation.FILTERED in profile.says])
async def test_a_content_filter_gives_an_answer_that_is_a_refusal(tmp_path, name):
    with serving(PROFILES[name], KEY) as server:
        async with a_door(tmp_path, PROFILES[name], server) as door:
            reply = await door.chat(a_request(Situation.FILTERED))
            again = await door.chat(a_request(Situation.FILTERED))
    assert (reply.is_refusal, reply.finish_reason, reply.nano_usd) == (True, "content_filter", 0)
    assert (again.is_cached, again.text, len(server.bodies)) == (True, reply.text, 1)
    assert "violence: medium" in reply.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "in pieces"])
async def test_an_answer_comes_with_what_it_took(tmp_path, profile, stream):
    with serving(profile, KEY) as server:
        async with a_door(tmp_path, profile, server, stream=stream) as door:
            reply = await door.chat(a_request())
    assert (reply.text, reply.finish_reason) == ("echo: Hello", "stop")
    assert (reply.input_tokens, reply.cached_tokens, reply.output_tokens) == (11, 5, 7)
    assert reply.nano_usd == (6 * 1000) + (5 * 500) + (7 * 2000)
    assert (reply.ttft_ms is not None) is stream


async def test_tool_calls_come_as_the_model_wrote_them(tmp_path, profile):
    tools = ({"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}},)
    with serving(profile, KEY) as server:
        async with a_door(tmp_path, profile, server) as door:
            reply = await door.chat(a_request(tools=tools))
    assert reply.tool_calls == (ToolCall(name="weather", arguments='{"city": "Bonn"}'),)


@pytest.mark.parametrize("situation", [Situation.LIMITED, Situation.OVERLOADED], ids=lambda situation: situation.name)
async def test_what_passes_is_waited_for(tmp_path, profile, situation):
    quick = replace(profile.says[situation], headers={"retry-after-ms": "2"})
    with serving(replace(profile, says={**profile.says, situation: quick}), KEY, recovers=True) as server:
        async with a_door(tmp_path, profile, server) as door:
            reply = await door.chat(a_request(situation.value))
    assert (reply.text, len(server.bodies)) == (f"echo: {situation.value}", 2)


async def test_a_name_that_the_model_does_not_know_is_learned_once(tmp_path):
    words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    error = openai_error(words, "invalid_request_error", "unsupported_parameter", "max_tokens")
    profile = replace(OPENAI, refuses={'"max_tokens"': Said(status=400, value=error)})
    with serving(profile, KEY) as server:
        async with a_door(tmp_path, profile, server) as door:
            for text in ("one", "two"):
                assert (await door.chat(a_request(text, parameters={"max_tokens": 5}))).text == f"echo: {text}"
    assert ["max_completion_tokens" in body for body in server.bodies] == [False, True, True]


async def test_an_older_tgi_gets_its_own_form_of_a_schema(tmp_path):
    words = "Failed to deserialize the JSON body into the target type: response_format: missing field `value`"
    profile = replace(HUGGINGFACE, refuses={'"json_schema"': Said(status=422, value=words)})
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    with serving(profile, KEY) as server:
        async with a_door(tmp_path, profile, server) as door:
            await door.chat(a_request(response_schema=schema))
    assert server.bodies[-1]["response_format"] == {"type": "json_object", "value": schema}


ANY_KEY = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=60).map("~&".__add__)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=ANY_KEY, padding=st.integers(0, 400))
async def test_a_quoted_key_is_in_no_message_answer_or_cache(tmp_path_factory, profile, key, padding):
    tmp_path = tmp_path_factory.mktemp("quoting")
    said = profile.says[Situation.WRONG_KEY]
    quoting = replace(said, value=openai_error("x" * padding + "{key}", "invalid_request_error"))
    with serving(replace(profile, says={**profile.says, Situation.WRONG_KEY: quoting}), "right-key-0123") as server:
        async with a_door(tmp_path, profile, server, key=key) as door:
            with pytest.raises(CannotAsk) as caught:
                await door.chat(a_request())
    for shortest in (key[:12], key):
        assert shortest not in f"{caught.value.what}{caught.value.where}{caught.value.hint}"
    with serving(profile, key) as server:
        async with a_door(tmp_path, profile, server, key=key) as door:
            reply = await door.chat(a_request(f"My key is {key}!"))
    assert key not in f"{reply}"
    assert not any(key.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
