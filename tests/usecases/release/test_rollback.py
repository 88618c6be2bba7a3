"""rollback: back to what served, by the rollback role, with a hold."""

from __future__ import annotations

import pytest

from llmops.errors import Refusal
from llmops.usecases.release import rollback
from llmops.usecases.results.releasing import Act
from tests.worlds import DANA, PROMPT, RAVI, World, a_person, a_team, a_world


@pytest.fixture
def world() -> World:
    world = a_world().apply_policy().ready()
    world.promote()
    return world


def roll(world: World, who: str = "ravi", **more: str) -> Act:
    return rollback.run(world.desk(who), rollback.Request(name=PROMPT, environment="staging", **more))


def refused(world: World, **more: str) -> Refusal:
    before = world.refs
    with pytest.raises(Refusal) as caught:
        roll(world, **more)
    assert world.refs == before
    return caught.value


def test_the_previous_version_serves_again_and_is_held(world: World) -> None:
    world.ready("1.1.0", text="Other words.").promote("1.1.0")
    act = roll(world, reason="wrong fees")
    assert act.pointer is not None
    assert (act.pointer.version, act.pointer.status, act.pointer.generation) == ("1.0.0", "held", 3)
    assert world.records().report.ok


def test_without_a_version_before_there_is_nothing_to_go_back_to(world: World) -> None:
    assert refused(world).code == "ROLLBACK_REFUSED"


def test_off_leaves_the_declared_fallback(world: World) -> None:
    act = roll(world, to="off")
    assert act.pointer is not None
    assert act.pointer.status == "off"
    assert ("serves", "the declared fallback") in act.facts


def test_a_version_that_never_served_is_no_target(world: World) -> None:
    world.ready("1.1.0", text="Other words.")
    assert refused(world, to="1.1.0").code == "ROLLBACK_REFUSED"


def test_neither_operator_nor_on_call_may_not_roll_back() -> None:
    people = {"dana": a_person("dana", DANA), "ravi": a_person("ravi", RAVI), "carl": a_person("carl", ["author"])}
    world = a_world(a_team(principals=people)).apply_policy().ready()
    world.promote()
    before = world.refs
    with pytest.raises(Refusal) as caught:
        roll(world, who="carl", to="off")
    assert any("rollback" in line for line in caught.value.details)
    assert world.refs == before


def test_where_nothing_serves_there_is_nothing_to_roll_back() -> None:
    assert refused(a_world().apply_policy()).code == "ROLLBACK_REFUSED"
