"""eval: every case becomes rows, problems are found before money is spent, and a failure keeps what was answered."""

from __future__ import annotations

import pytest

from llmops.documents.chat import ChatReply, ChatRequest
from llmops.errors import CannotAsk
from llmops.usecases.evaluate import run, subjects
from llmops.usecases.results import Evaluated
from tests.fakes_models import FakeDoor
from tests.worlds import CASES, PROMPT, Silent, World, a_world, build_retriever, cases_file

FILE = f"prompts/{PROMPT}/prompt.yaml"


def grounded(request: ChatRequest) -> str:
    """Copies what the page says."""
    return request.messages[0]["content"].partition("[1] ")[2].strip()


class FailingDoor(FakeDoor):
    """Answers `good` requests, then the endpoint is down."""

    good = 1

    async def chat(self, request: ChatRequest) -> ChatReply:
        if len(self.requests) >= self.good:
            raise CannotAsk("MODEL_UNAVAILABLE", "fake gave no answer", where="fake", hint="start it")
        return await super().chat(request)


async def score(world: World, door: FakeDoor, progress: Silent | None = None) -> Evaluated:
    subject = subjects.working(world.repository, PROMPT)
    return await run.run(subject, door, build_retriever, progress or Silent())


async def test_every_case_is_a_row_with_its_passage_and_scores() -> None:
    progress = Silent()
    result = await score(a_world(), FakeDoor(grounded), progress)
    assert [row.case for row in result.rows] == [case["id"] for case in CASES]
    assert [row.retrieved for row in result.rows] == [("lamp#bulb",), ("lamp#cord",), ("lamp#switch",)]
    assert {row.scores["groundedness"].value for row in result.rows} == {1.0}
    assert {row.scores["recall_at_k"].value for row in result.rows} == {1.0}
    assert result.rows[0].must_pass
    assert result.rows[0].slices == ("numeric",)
    assert progress.last == (3, 3, 0)


async def test_an_invention_is_scored_as_one_and_the_sentence_is_kept() -> None:
    result = await score(a_world(), FakeDoor("Whales sing in the deep ocean all winter long."))
    assert all(row.scores["groundedness"].value < 0.1 for row in result.rows)  # type: ignore[operator]
    assert "Whales" in result.rows[0].scores["groundedness"].reason


async def test_a_missing_variable_names_the_case_before_any_call() -> None:
    world = a_world()
    data = world.repository.folder[FILE].replace(b", default: plain", b"")
    world.put(
        {FILE: data, "evalsets/lamp/cases.jsonl": cases_file([{**CASES[0], "variables": {"tone": "x"}}, CASES[1]])}
    )
    door = FakeDoor()
    with pytest.raises(CannotAsk) as caught:
        await score(world, door)
    assert caught.value.code == "VARIABLE_MISSING"
    assert caught.value.where.startswith("case cord")
    assert door.requests == []


async def test_an_endpoint_that_fails_says_how_many_answers_are_kept() -> None:
    with pytest.raises(CannotAsk) as caught:
        await score(a_world(), FailingDoor(grounded))
    assert (caught.value.code, caught.value.where) == ("MODEL_UNAVAILABLE", "fake")
    assert caught.value.hint == "start it; 1 of 3 answers are kept, the same command continues; missing: cord, switch"


async def test_repeats_ask_again_and_are_rows_of_their_own() -> None:
    world = a_world()
    world.put({f"prompts/{PROMPT}/thresholds.yaml": b"repeats: 2\nrelease:\n  groundedness: {min: 0.6}\n"})
    door = FakeDoor(grounded)
    result = await score(world, door)
    assert [(row.case, row.repeat) for row in result.rows[:2]] == [("bulb", 0), ("bulb", 1)]
    assert len(door.requests) == 6


async def test_an_unchanged_run_asks_no_model() -> None:
    door = FakeDoor(grounded)
    first = await score(a_world(), door)
    asked = door.calls
    again = await score(a_world(), door)
    assert door.calls == asked
    assert again.rows == first.rows


async def test_what_is_spent_is_shown_and_cached_answers_cost_nothing() -> None:
    door, progress = FakeDoor(grounded, nano_usd=7), Silent()
    await score(a_world(), door, progress)
    assert progress.last == (3, 3, 21)
    await score(a_world(), door, progress)
    assert progress.last == (3, 3, 0)
