"""How a metric of one's own asks: with a limit on the reply, whatever its author leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.adapters.plugins.asking import Asking
from tests.fakes_models import FakeDoor


class Embedded(FakeDoor):
    def identity(self, model: str) -> dict[str, str]:
        return {"provider": "embedded", "model": model}


@pytest.mark.parametrize(
    ("door", "given", "sent"),
    [
        (FakeDoor, {}, {"temperature": 0, "max_tokens": 1024}),
        (FakeDoor, {"parameters": {"temperature": 1}}, {"temperature": 1, "max_tokens": 1024}),
        (FakeDoor, {"parameters": {"max_tokens": 9}}, {"max_tokens": 9}),
        (FakeDoor, {"parameters": {"max_completion_tokens": 9}}, {"max_completion_tokens": 9}),
        (Embedded, {}, {"temperature": 0, "max_tokens": 256}),
    ],
)
async def test_a_reply_has_a_limit(door: type[FakeDoor], given: dict[str, Any], sent: dict[str, Any]) -> None:
    asked = door("yes")
    asking = Asking(asked, name="kind", model="big", seconds=5, concurrency=1)
    assert await asking.text("Is it?", **given) == "yes"
    assert asked.requests[0].parameters == sent
