from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai import APIConnectionError, BadRequestError, NotFoundError

from llmops.adapters.ragas.transport import DoorTransport, client
from llmops.documents.chat import Stage
from llmops.errors import CannotAsk
from tests.adapters.ragas import scripts
from tests.adapters.ragas.doors import ScriptedDoor, a_call

MESSAGES: Any = [{"role": "user", "content": "how much?"}]
TOOLS: Any = [{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]


def answering(text: str = "four percent", **reply: Any) -> ScriptedDoor:
    return ScriptedDoor(lambda _: text, **reply)


async def test_streaming_and_other_addresses_are_refused_not_ignored() -> None:
    asking = client(answering())
    with pytest.raises(BadRequestError, match="leave `stream` out"):
        await asking.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    with pytest.raises(NotFoundError, match="the model door has no /moderations"):
        await asking.moderations.create(input="x")
    with pytest.raises(BadRequestError, match="give strings, not tokens"):
        await asking.embeddings.create(model="m", input=[[1, 2, 3]])


async def test_what_the_door_raises_is_the_cause_of_the_clients_error() -> None:
    problem = CannotAsk("OFFLINE", "no network")

    def refuse(_body: object) -> str:
        raise problem

    door = ScriptedDoor(refuse)
    with pytest.raises(APIConnectionError) as caught:
        await client(door).chat.completions.create(model="m", messages=MESSAGES)
    assert caught.value.__cause__ is problem
    assert len(door.requests) == 1  # the client does not try again: the door did


async def test_the_rest_of_the_body_goes_as_it_stands() -> None:
    door = answering()
    await client(door, model="named").chat.completions.create(
        model="m",
        messages=MESSAGES,
        temperature=0.3,
        tools=TOOLS,
        tool_choice="auto",
        response_format={"type": "json_object"},
        extra_body={"guided_json": {"type": "object"}},
    )
    (request,) = door.requests
    assert (request.model, request.stage, request.repeat) == ("named", Stage.JUDGE, 0)
    assert list(request.messages) == MESSAGES
    assert request.parameters == {
        "temperature": 0.3,
        "tools": TOOLS,
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "guided_json": {"type": "object"},
    }


async def test_without_a_name_of_ours_the_body_names_the_model() -> None:
    door = answering()
    await client(door).chat.completions.create(model="m", messages=MESSAGES)
    await client(door).embeddings.create(model="e", input="x")
    assert door.requests[0].model == "m"
    assert door.encoders == {"e"}


async def test_a_reply_becomes_a_completion() -> None:
    made = await client(answering(finish_reason="length")).chat.completions.create(model="m", messages=MESSAGES)
    assert made.choices[0].message.content == "four percent"
    assert made.choices[0].finish_reason == "length"
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (100, 10, 110)


async def test_a_refusal_stands_in_its_own_field() -> None:
    made = await client(answering("I will not.", is_refusal=True)).chat.completions.create(model="m", messages=MESSAGES)
    assert made.choices[0].message.content is None
    assert made.choices[0].message.refusal == "I will not."


@pytest.mark.parametrize(
    ("text", "content"),
    [('[{"arguments": "{}", "name": "search"}]', None), ("let me look", "let me look"), ("[" * 100_000, "[" * 100_000)],
)
async def test_tool_calls_have_ids_and_their_json_is_no_text(text: str, content: str | None) -> None:
    door = answering(text, tool_calls=(a_call(), a_call("rate", "{}")), finish_reason="tool_calls")
    made = await client(door).chat.completions.create(model="m", messages=MESSAGES, tools=TOOLS)
    message = made.choices[0].message
    assert message.content == content
    calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()]  # type: ignore[union-attr]
    assert calls == [("call_0", "search", '{"q": 1}'), ("call_1", "rate", "{}")]


async def test_half_a_surrogate_pair_is_read_as_a_broken_character() -> None:
    door = answering("a \ud83d b", tool_calls=(a_call(arguments="\udc00"),))
    made = await client(door).chat.completions.create(model="m", messages=MESSAGES)
    assert made.choices[0].message.content == "a \ufffd b"


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_vectors_come_in_the_form_that_was_asked_for(encoding: Any) -> None:
    made = await client(answering(), embeddings="ours").embeddings.create(
        model="e", input=["one text", "another"], encoding_format=encoding
    )
    transport = DoorTransport(answering())
    body = json.dumps({"input": "one text", "model": "e", "encoding_format": encoding})
    raw = await transport.handle_async_request(httpx.Request("POST", "http://d/v1/embeddings", content=body))
    assert isinstance(json.loads(await raw.aread())["data"][0]["embedding"], str if encoding == "base64" else list)
    if encoding == "float":
        assert [item.embedding for item in made.data] == [scripts.vector("one text"), scripts.vector("another")]
