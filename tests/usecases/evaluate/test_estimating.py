"""What an evaluation will ask and cost is said before, as a range, and asks nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.errors import CannotAsk
from llmops.evaluation.judging import expectations
from llmops.evaluation.judging.expectations import Range
from llmops.usecases.evaluate import evaluating, scorers, subjects
from tests.fakes_models import FakeDoor
from tests.usecases.evaluate.test_run import Judging, grounded, measured
from tests.worlds import BARS, PROMPT, Silent, World, a_world, build_retriever


def tools(door: FakeDoor, said: list[str], *, cap: int | None = None, judge: str = "") -> evaluating.Tools:
    found = scorers.assemble(Judging(measured(1.0)), model=judge) if judge else scorers.embedded(door, "")
    return evaluating.Tools(
        open_door=lambda _cap: door,
        build_retriever=build_retriever,
        progress=Silent(),
        scorers_for=lambda _door, _name: found,
        max_nano_usd=cap,
        say=said.append,
    )


def subject(world: World) -> subjects.Subject:
    return subjects.working(world.repository, PROMPT)


def test_an_estimate_asks_nothing_and_gives_a_range() -> None:
    door = FakeDoor(grounded, nano_usd=10)
    found = evaluating.estimate(tools(door, []), subject(a_world()))
    assert door.requests == []
    assert found.requests == Range(low=3, high=3)
    assert 0 < found.nano_usd.low < found.nano_usd.high


def test_kept_answers_cost_nothing() -> None:
    door = FakeDoor(grounded, nano_usd=10)
    evaluating.evaluate(tools(door, []), subject(a_world()))
    found = evaluating.estimate(tools(door, []), subject(a_world()))
    assert (found.requests, found.nano_usd, found.kept) == (Range(), Range(), 3)


def test_judging_is_part_of_it() -> None:
    door = FakeDoor(grounded, nano_usd=10)
    plain = evaluating.estimate(tools(door, []), subject(a_world()))
    judged = evaluating.estimate(tools(door, [], judge="m"), subject(a_world()))
    assert judged.requests.low >= plain.requests.low + 3 * (1 + expectations.CLAIMS[0])
    assert judged.nano_usd.high > plain.nano_usd.high


def test_every_judgement_of_an_answer_is_part_of_it() -> None:
    door, world = FakeDoor(grounded, nano_usd=10), a_world()
    once = evaluating.estimate(tools(door, [], judge="m"), subject(world))
    world.put({f"prompts/{PROMPT}/thresholds.yaml": BARS.encode() + b"judge_repeats: 3\n"})
    thrice = evaluating.estimate(tools(door, [], judge="m"), subject(world))
    assert thrice.requests.high - 3 == 3 * (once.requests.high - 3)
    assert evaluating.estimate(tools(door, []), subject(world)).requests == Range(low=3, high=3)


def test_a_model_without_a_price_is_named() -> None:
    door = FakeDoor(grounded, nano_usd=10)
    found = evaluating.estimate(tools(door, [], judge="unpriced"), subject(a_world()))
    assert found.unpriced == ("unpriced",)
    assert "nobody knows the price of unpriced" in found.sentence


def test_a_cap_below_the_least_that_it_costs_is_refused_before_anything_is_asked() -> None:
    door, said = FakeDoor(grounded, nano_usd=10), list[str]()
    with pytest.raises(CannotAsk) as caught:
        evaluating.evaluate(tools(door, said, cap=1), subject(a_world()))
    assert caught.value.code == "MAX_COST"
    assert door.requests == []
    assert said[0].startswith("support 1.0.0: 3 requests, $0.0000")


def test_with_room_enough_the_estimate_is_said_and_the_run_goes_on() -> None:
    door, said = FakeDoor(grounded, nano_usd=10), list[str]()
    result = evaluating.evaluate(tools(door, said, cap=10**9), subject(a_world()))
    assert len(result.rows) == 3
    assert said[0].endswith("; at most $1.0000")


def test_what_two_native_metrics_share_is_expected_once() -> None:
    both = expectations.calls("native", ("faithfulness", "groundedness"), 3)
    assert both == expectations.calls("native", ("faithfulness",), 3)
    assert expectations.calls("ragas", ("faithfulness", "groundedness"), 3).low == 4
    assert expectations.calls("embedded-lexical", ("faithfulness",), 3) == Range()
    assert replace(both, low=0) != both
