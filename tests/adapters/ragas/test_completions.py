from __future__ import annotations

from typing import Any

import pytest

from llmops.adapters.ragas import calls
from llmops.adapters.ragas.completions import Completions
from llmops.documents.chat import Stage
from llmops.errors import CannotAsk
from tests.adapters.ragas.doors import ScriptedDoor

MESSAGES: Any = [{"role": "user", "content": "how much?"}]


def answering(text: str = "four percent", **reply: Any) -> ScriptedDoor:
    return ScriptedDoor(lambda _: text, **reply)


async def test_what_the_door_raises_goes_up_and_is_kept_in_the_score() -> None:
    problem = CannotAsk("OFFLINE", "no network")

    def refuse(_body: object) -> str:
        raise problem

    asking = Completions(ScriptedDoor(refuse), "named")
    with calls.opened(varies=False) as call:
        for _ in range(2):
            with pytest.raises(CannotAsk) as caught:
                await asking.create(model="m", messages=MESSAGES)
            assert caught.value is problem
        assert call.problem is problem


async def test_the_rest_of_the_body_goes_as_it_stands_to_the_model_of_that_name() -> None:
    door = answering()
    await Completions(door, "named").create(
        model="m", messages=MESSAGES, temperature=0.3, response_format={"type": "json_object"}, guided_json={"a": 1}
    )
    (request,) = door.requests
    assert (request.model, request.stage, request.repeat) == ("named", Stage.JUDGE, 0)
    assert list(request.messages) == MESSAGES
    assert request.parameters == {
        "temperature": 0.3,
        "response_format": {"type": "json_object"},
        "guided_json": {"a": 1},
    }


@pytest.mark.parametrize("reason", ["length", "stop", "a reason of the endpoint's own"])
async def test_a_reply_becomes_a_completion(reason: str) -> None:
    made = await Completions(answering(finish_reason=reason), "named").create(model="m", messages=MESSAGES)
    assert made.model == "m"
    assert made.choices[0].message.content == "four percent"
    assert made.choices[0].message.refusal is None
    assert made.choices[0].finish_reason == reason
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (100, 10, 110)


async def test_a_refusal_stands_in_its_own_field() -> None:
    made = await Completions(answering("I will not.", is_refusal=True), "named").create(model="m", messages=MESSAGES)
    assert made.choices[0].message.content is None
    assert made.choices[0].message.refusal == "I will not."


async def test_half_a_surrogate_pair_is_read_as_a_broken_character() -> None:
    made = await Completions(answering("a \ud83d b"), "named").create(model="m", messages=MESSAGES)
    assert made.choices[0].message.content == "a \ufffd b"
