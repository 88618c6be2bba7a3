"""render: the messages as they would be sent."""

from __future__ import annotations

import pytest

from llmops.documents import config
from llmops.errors import CannotAsk
from llmops.usecases.author import messages
from llmops.usecases.evaluate import subjects
from tests.fakes_models import FakeDoor
from tests.worlds import PROMPT, a_world, build_retriever


class CountingDoor(FakeDoor):
    """Counts words as tokens."""

    async def count_tokens(self, model: str, text: str) -> int:  # noqa: ARG002
        return len(text.split())


async def render(**request: object) -> object:
    subject = subjects.working(a_world().repository, PROMPT)
    settings = config.parse({"models": {"fake": {"provider": "openai", "prices": {"input": 2.5, "output": 10}}}})
    return await messages.run(
        subject,
        messages.Request(**request),
        settings,
        CountingDoor(),
        build_retriever,  # type: ignore[arg-type]
    )


async def test_question_passages_and_variables_are_in_the_messages() -> None:
    found = await render(question="How long is the cord?", variables={"tone": "warm"})
    assert "The cord is 2 metres long." in found.messages[0]["content"]
    assert found.messages[1]["content"] == "warm: How long is the cord?"
    assert found.passages == ("lamp#cord",)
    assert found.nano_usd == found.tokens * 2500


async def test_a_case_brings_its_question() -> None:
    assert "Where is the switch?" in (await render(case="switch")).messages[1]["content"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [({"case": "nobody"}, "CASE_UNKNOWN"), ({"question": "?", "variables": {"tune": "x"}}, "VARIABLE_UNKNOWN")],
)
async def test_what_does_not_exist_is_refused(request_: dict[str, object], code: str) -> None:
    with pytest.raises(CannotAsk) as caught:
        await render(**request_)
    assert caught.value.code == code
