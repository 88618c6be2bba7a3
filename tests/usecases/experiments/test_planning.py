"""The plan of an experiment: nothing is asked, and what arms share is counted once."""

from __future__ import annotations

from llmops.evaluation.judging.expectations import Range
from llmops.usecases.experiments import compare
from tests.usecases.experiments.builders import a_door, assembled, put, tools, two_versions
from tests.worlds import CASES, RAG

N = len(CASES)


def test_a_plan_asks_nothing_and_counts_requests_and_money() -> None:
    door = a_door(nano_usd=1000)
    planned = compare.plan(tools(door), assembled(put(two_versions())))
    assert door.requests == []
    assert [(arm.label, arm.requests, arm.kept) for arm in planned.arms] == [
        ("1.0.0", Range(low=N, high=N), 0),
        ("1.1.0", Range(low=N, high=N), 0),
    ]
    assert planned.requests == Range(low=2 * N, high=2 * N)
    assert 0 < planned.nano_usd.low < planned.nano_usd.high
    assert planned.nano_usd.low == sum(arm.nano_usd.low for arm in planned.arms if arm.nano_usd)


def test_what_an_arm_before_asks_alike_costs_nothing() -> None:
    world = put(two_versions(), versions=["1.0.0"], rag=["../prompts/support/rag.yaml", "../rag/hybrid.yaml"])
    world.put({"rag/hybrid.yaml": RAG.replace("strategy: sparse", "strategy: hybrid").encode()})
    planned = compare.plan(tools(a_door()), assembled(world))
    assert [(arm.requests, arm.kept) for arm in planned.arms] == [(Range(low=N, high=N), 0), (Range(), N)]


def test_what_is_kept_costs_nothing_and_the_run_asks_what_the_plan_said() -> None:
    world, door = put(two_versions(), versions=["1.0.0"]), a_door()
    compare.compare(tools(door), assembled(world))
    planned = compare.plan(tools(door), assembled(put(world)))
    assert [(arm.requests, arm.kept) for arm in planned.arms] == [(Range(), N), (Range(low=N, high=N), 0)]
    before = len(door.requests)
    compare.compare(tools(door), assembled(world))
    assert len(door.requests) - before == planned.requests.low


def test_an_arm_that_cannot_be_asked_is_named_in_the_plan() -> None:
    world = put(two_versions(), versions=["1.0.0", "9.0.0"], models=["fake", "elsewhere"])
    planned = compare.plan(tools(a_door()), assembled(world))
    assert [(arm.label, arm.failure.code) for arm in planned.failed if arm.failure] == [
        ("1.0.0 / elsewhere", "MODEL_UNKNOWN"),
        ("9.0.0 / fake", "RELEASE_MISSING"),
        ("9.0.0 / elsewhere", "RELEASE_MISSING"),
    ]


def test_a_price_that_nobody_knows_is_said() -> None:
    world = put(two_versions(), versions=["1.0.0"], models=["unpriced"])
    planned = compare.plan(tools(a_door(models=None)), assembled(world))
    assert planned.arms[0].unpriced == ("unpriced",)
