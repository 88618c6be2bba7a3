"""policy apply: who may put a policy in force."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, InvalidDocuments, Refusal
from llmops.usecases.release import policy
from tests.worlds import DANA, RAVI, World, a_person, a_team, a_world, configuration


def apply(world: World, who: str = "dana") -> object:
    return policy.apply(world.desk(who), world.repository.work_tree())


def rewrite(world: World, governance: dict[str, object]) -> None:
    world.put({"llmops.yaml": configuration(governance)})


def test_nobody_but_root_may_begin() -> None:
    world = a_world()
    before = world.refs
    with pytest.raises(Refusal) as caught:
        apply(world, "ravi")
    assert caught.value.code == "NOT_ROOT"
    assert "dana" in caught.value.what
    assert world.refs == before


def test_root_of_the_policy_in_force_decides_not_root_of_the_new_one() -> None:
    world = a_world().apply_policy()
    people = {"dana": a_person("dana", DANA[1:]), "ravi": a_person("ravi", ("root", *RAVI))}
    rewrite(world, a_team(principals=people))
    with pytest.raises(Refusal) as caught:
        apply(world, "ravi")
    assert caught.value.code == "NOT_ROOT"
    assert apply(world, "dana").is_in_force


def test_a_stranger_is_told_that_the_key_is_nobodys() -> None:
    with pytest.raises(Refusal) as caught:
        apply(a_world(), "eve")
    assert "your key belongs to nobody" in caught.value.what


def test_the_same_policy_twice_is_refused() -> None:
    world = a_world().apply_policy()
    with pytest.raises(Refusal) as caught:
        apply(world)
    assert caught.value.code == "POLICY_UNCHANGED"


def test_the_first_record_is_the_root_to_pin() -> None:
    world = a_world()
    view = apply(world)
    assert policy.show(world.records()).root == view.root
    assert world.records().report.ok


def test_a_policy_with_errors_is_not_applied() -> None:
    world = a_world()
    rewrite(world, {**a_team(), "environments": {"staging": {"judges": ["advisory"]}}})
    before = world.refs
    with pytest.raises(InvalidDocuments):
        apply(world)
    assert world.refs == before


def test_without_a_policy_nothing_can_be_shown() -> None:
    with pytest.raises(CannotAsk) as caught:
        policy.show(a_world().records())
    assert caught.value.code == "NO_POLICY"


@pytest.mark.parametrize("data", [None, b"models: {}\n"])
def test_no_governance_is_missing(data: bytes | None) -> None:
    world = a_world()
    world.repository.write("llmops.yaml", data)
    with pytest.raises(CannotAsk) as caught:
        apply(world)
    assert (caught.value.code, caught.value.where) == ("POLICY_MISSING", "llmops.yaml")
