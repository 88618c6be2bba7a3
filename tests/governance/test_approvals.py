"""Who counts for a rollout: every rule refuses before it lets pass, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from llmops.errors import Refusal
from llmops.governance import approvals, drafting, predicates
from llmops.governance.approvals import Tally
from tests.governance.builders import (
    NOW,
    PROMPT,
    World,
    a_key,
    a_person,
    a_policy,
    a_release,
    a_world,
    codes,
    with_environments,
)

FIRST, SECOND = a_release(), a_release("1.3.0", base="1.2.0")


def tally(world: World, version: str = "1.2.0", environment: str = "staging", percent: int = 100) -> Tally:
    published = world.ledger.published(PROMPT, version)
    assert published is not None
    return approvals.tally(world.ledger, published, environment, percent=percent, at=world.ledger.issue_at(world.now))


def missing(world: World, *place: object) -> str:
    found = tally(world, *place).missing  # type: ignore[arg-type]
    assert codes(found) == ["APPROVAL_MISSING"]
    return found[0].text


def refusals(world: World, who: str, said: predicates.Approval) -> list[str]:
    policy = world.ledger.policy
    assert policy is not None
    return codes(approvals.refusals_to_approve(world.ledger, said, person=policy.person(who), at=world.now))


def void(world: World, path: str) -> str:
    return next(entry.code for entry in world.report().ledger.entries if entry.path == path)


def staged(**policy_changes: object) -> World:
    world = a_world(**policy_changes)
    world.publish(FIRST)
    world.evaluate(FIRST)
    return world


def test_nobody_approved_is_said_with_role_and_count() -> None:
    assert missing(staged()) == "needs 1 more approval of role reviewer (has 0)"


def test_one_approval_of_the_role_is_enough() -> None:
    world = staged()
    world.approve("ravi", FIRST)
    assert tally(world).is_complete
    assert [item.approval.approver for item in tally(world).counted] == ["ravi"]


def test_an_approval_for_another_environment_does_not_count() -> None:
    world = staged()
    world.approve("ravi", FIRST, "production")
    assert "ravi's does not count: is for production" in missing(world)


def test_an_approval_of_another_release_does_not_count() -> None:
    world = staged()
    world.publish(SECOND)
    world.approve("ravi", SECOND)
    assert "ravi's does not count: is for 1.3.0" in missing(world)


def test_an_approval_that_replaces_another_stable_is_void() -> None:
    world = staged()
    said = world.approval("ravi", FIRST, stable="d" * 64)
    assert refusals(world, "ravi", said) == ["OTHER_STABLE"]
    assert void(world, world.force("ravi", said)) == "OTHER_STABLE"


def test_an_approval_ends_when_another_stable_serves() -> None:
    world = staged()
    third = a_release("1.4.0")
    world.approve("ravi", FIRST)
    world.ready(third).promote(third)
    assert "ravi's does not count: ended (STABLE_CHANGED)" in missing(world)


def test_an_approval_of_another_repository_is_void() -> None:
    world = staged()
    said = world.approval("ravi", FIRST)
    path = world.force("ravi", said, repository="00000000-0000-4000-8000-000000000000")
    assert void(world, path) == "OTHER_REPOSITORY"


def test_an_expired_approval_does_not_count() -> None:
    world = staged()
    world.approve("ravi", FIRST, finish_by=NOW + timedelta(hours=1))
    assert tally(world).is_complete
    world.now += timedelta(hours=2)
    assert "was to be finished by 2026-03-02T10:00:00.000Z" in missing(world)


def test_an_approval_that_is_expired_when_written_is_void() -> None:
    world = staged()
    said = world.approval("ravi", FIRST, finish_by=NOW - timedelta(hours=1))
    assert refusals(world, "ravi", said) == ["EXPIRED"]
    assert void(world, world.force("ravi", said)) == "EXPIRED"


def test_an_approval_ends_with_its_ramp() -> None:
    world = staged()
    world.approve("ravi", FIRST)
    world.promote(FIRST)
    assert [item.ended for item in world.ledger.approvals] == ["COMPLETED"]


def test_an_approval_does_not_come_back_after_a_rollback() -> None:
    world = a_world().serve(FIRST)
    world.publish(SECOND)
    world.evaluate(SECOND)
    world.approve("ravi", SECOND, ramp=(10, 100))
    world.promote(SECOND, percent=10)
    world.roll_back()
    assert [item.ended for item in world.ledger.approvals] == ["COMPLETED", "ROLLED_BACK"]
    assert "ended (ROLLED_BACK)" in missing(world, "1.3.0")


def test_the_author_may_not_approve() -> None:
    world = a_world()
    world.publish(FIRST, authors=("ravi",))
    said = world.approval("ravi", FIRST)
    assert refusals(world, "ravi", said) == ["SEPARATION_OF_DUTIES"]
    world.approve("ravi", FIRST)
    assert "ravi's does not count: contributed to the release" in missing(world)
    world.approve("mina", FIRST)
    assert [item.approval.approver for item in tally(world).counted] == ["mina"]


def test_the_evaluator_and_the_publisher_may_not_approve() -> None:
    people = {**a_policy()["principals"], "dana": a_person("dana", "root", "publisher", "evaluator", "reviewer")}  # type: ignore[dict-item]
    world = a_world(principals=people)
    world.publish(FIRST, authors=("somebody",))
    world.approve("dana", FIRST)
    assert "published the release" in missing(world)
    world.evaluate(FIRST)
    assert "evaluated the release" in missing(world)


def test_a_publisher_that_is_a_machine_stands_in_nobodys_way() -> None:
    people = {
        **a_policy()["principals"],  # type: ignore[dict-item]
        "robot": a_person("robot", "publisher", "reviewer", machine=True),
    }
    world = a_world(principals=people)
    world.publish(FIRST, who="robot", authors=())
    world.approve("robot", FIRST)
    assert "robot's does not count: is a machine" in missing(world)


def test_self_approval_counts_where_it_is_allowed_and_is_marked() -> None:
    solo = {
        **with_environments(demo={"self_approval": "allowed"}),
        "principals": {"dana": a_person("dana", "root", "publisher", "evaluator", "reviewer", "operator")},
    }
    world = World(mapping=solo).found()
    world.publish(FIRST)
    world.evaluate(FIRST)
    world.approve("dana", FIRST, "demo")
    assert tally(world, "1.2.0", "demo").self_approved == ("dana",)
    assert [mark.name for mark in world.report().marks] == ["SELF-APPROVED"]
    planned = world.plan(FIRST, "demo", actor="dana")
    assert (planned.refusals, planned.marks) == ((), ("SELF-APPROVED",))


def test_two_keys_of_one_person_count_once() -> None:
    people = dict(a_policy()["principals"])  # type: ignore[call-overload]
    people["ravi"] = {**people["ravi"], "keys": [a_key("ravi").public, a_key("ravi-2").public]}
    world = staged(
        principals=people,
        environments=with_environments(staging={"approvals": [{"role": "reviewer", "count": 2}]})["environments"],
    )
    world.approve("ravi", FIRST)
    world.write("ravi-2", world.approval("ravi", FIRST))
    assert missing(world) == "needs 1 more approval of role reviewer (has 1: ravi)"
    world.approve("mina", FIRST)
    assert tally(world).is_complete


def test_one_person_in_two_roles_is_not_two_persons() -> None:
    rules = {"approvals": [{"role": "reviewer"}, {"role": "compliance"}], "min_distinct": 2}
    world = staged(environments=with_environments(staging=rules)["environments"])
    world.approve("ravi", FIRST)
    world.approve("ravi", FIRST, role="compliance")
    assert codes(tally(world).missing) == ["NOT_DISTINCT"]
    world.approve("mina", FIRST)
    assert tally(world).is_complete


def test_system_prompts_need_compliance_whatever_they_are_called() -> None:
    mapping = a_policy()
    del mapping["classes"]
    world = World(mapping=mapping).found()
    release = a_release(role="system")
    world.publish(release)
    world.approve("ravi", release)
    assert missing(world) == "needs 1 more approval of role compliance (has 0)"
    world.approve("mina", release, role="compliance")
    assert tally(world).is_complete


def test_a_role_that_was_taken_away_does_not_count_any_more() -> None:
    world = staged()
    world.approve("ravi", FIRST)
    people = {**a_policy()["principals"], "ravi": a_person("ravi", "rollback")}  # type: ignore[dict-item]
    world.set_policy(a_policy(principals=people))
    assert "does not hold the role reviewer today" in missing(world)


def test_a_role_nobody_gave_is_void() -> None:
    world = staged()
    said = world.approval("otto", FIRST)
    assert refusals(world, "otto", said) == ["ROLE_MISSING"]
    assert void(world, world.force("otto", said)) == "ROLE_MISSING"


def test_an_approval_in_the_name_of_another_is_void() -> None:
    world = staged()
    assert void(world, world.force("mina", world.approval("ravi", FIRST))) == "OTHER_APPROVER"


def test_an_approval_of_what_is_not_published_is_void() -> None:
    world = staged()
    said = world.approval("ravi", SECOND)
    assert refusals(world, "ravi", said) == ["UNPUBLISHED"]
    assert void(world, world.force("ravi", said)) == "UNPUBLISHED"


def test_an_approval_under_another_version_is_void() -> None:
    world = staged()
    assert void(world, world.force("ravi", world.approval("ravi", FIRST, version="1.2.1"))) == "UNPUBLISHED"


def test_an_approval_for_an_unknown_environment_is_void() -> None:
    world = staged()
    assert void(world, world.force("ravi", world.approval("ravi", FIRST, "nowhere"))) == "UNKNOWN_ENVIRONMENT"


@pytest.mark.parametrize("ramp", [(), (100, 10), (10, 10)])
def test_a_ramp_that_does_not_rise_is_void(ramp: tuple[int, ...]) -> None:
    world = staged()
    assert void(world, world.force("ravi", world.approval("ravi", FIRST, ramp=ramp))) == "RAMP"


def test_an_approval_covers_its_steps_only() -> None:
    world = a_world().serve(FIRST)
    world.publish(SECOND)
    world.evaluate(SECOND)
    world.approve("ravi", SECOND, ramp=(10, 100))
    assert "agrees to 10 % → 100 %, not to 100 % next" in missing(world, "1.3.0")
    assert tally(world, "1.3.0", percent=10).is_complete
    world.promote(SECOND, percent=10)
    assert tally(world, "1.3.0", percent=100).is_complete
    assert tally(world, "1.3.0", percent=5).is_complete
    assert not tally(world, "1.3.0", percent=50).is_complete


def test_a_rejection_withdraws_the_same_persons_approval() -> None:
    world = staged()
    world.approve("ravi", FIRST)
    said = world.approval("ravi", FIRST)
    rejection = predicates.Rejection(
        prompt=PROMPT,
        version=said.version,
        release=said.release,
        environment=said.environment,
        stable=said.stable,
        role="reviewer",
        method="key",
        approver="mina",
        reason="the citations are gone",
    )
    world.write("mina", rejection)
    assert tally(world).is_complete
    world.write("ravi", replace(rejection, approver="ravi"))
    assert "ended (WITHDRAWN)" in missing(world)


def test_a_forge_approval_counts_only_where_the_role_accepts_it() -> None:
    people = {
        **a_policy()["principals"],  # type: ignore[dict-item]
        "nora": {"forge": "nora-hub", "roles": ["reviewer"]},
        "relay": a_person("relay", "relay", machine=True),
    }
    world = staged(principals=people)
    said = world.approval("nora", FIRST, method="forge")
    assert void(world, world.force("ravi", said)) == "ROLE_MISSING"
    world.write("relay", said)
    assert "was given by forge, accepted: key" in missing(world)
    rules = {"approvals": [{"role": "reviewer", "accept": ["key", "forge"]}]}
    world.set_policy(a_policy(principals=people, environments=with_environments(staging=rules)["environments"]))
    assert tally(world).is_complete
    assert [mark.name for mark in world.report().marks] == ["FORGE-ATTESTED"]


def test_a_signature_moved_to_another_kind_is_void() -> None:
    world = staged()
    said = world.approval("ravi", FIRST)
    ledger = world.ledger
    draft = drafting.draft(ledger, said, issued_at=world.now, op_id="op")
    with pytest.raises(Refusal) as caught:
        drafting.seal(draft, a_key("ravi").sign(draft.message, "llmops-rejection"))
    assert caught.value.code == "WRONG_NAMESPACE"


def test_an_approver_who_has_left_does_not_count() -> None:
    world = staged()
    world.approve("ravi", FIRST)
    people = {name: person for name, person in a_policy()["principals"].items() if name != "ravi"}  # type: ignore[attr-defined]
    world.set_policy(a_policy(principals=people))
    assert "does not hold the role reviewer today" in missing(world)
    assert world.report().ok


def test_a_forge_approval_of_somebody_without_a_login_is_void() -> None:
    people = {**a_policy()["principals"], "relay": a_person("relay", "relay", machine=True)}  # type: ignore[dict-item]
    world = staged(principals=people)
    assert void(world, world.force("relay", world.approval("ravi", FIRST, method="forge"))) == "ROLE_MISSING"


LOOSER = ("groundedness.min:0.6>0.5",)


def accepted(world: World, version: str = "1.2.0") -> frozenset[str]:
    published = world.ledger.published(PROMPT, version)
    assert published is not None
    return approvals.accepted_bars(world.ledger, published, "staging", at=world.ledger.issue_at(world.now))


def a_world_with_quality() -> World:
    people = {**a_policy()["principals"], "quinn": a_person("quinn", "quality")}  # type: ignore[dict-item]
    return a_world(principals=people).ready(FIRST, SECOND)


def test_looser_bars_that_nobody_of_the_quality_role_named_are_not_accepted() -> None:
    world = a_world_with_quality()
    world.approve("ravi", FIRST)
    assert accepted(world) == frozenset()


def test_looser_bars_count_for_the_release_and_the_time_they_were_accepted_for() -> None:
    world = a_world_with_quality()
    world.approve("quinn", FIRST, role="quality", bars=LOOSER)
    assert accepted(world) == frozenset(LOOSER)
    assert accepted(world, "1.3.0") == frozenset()
    world.now += timedelta(days=8)
    published = world.ledger.published(PROMPT, "1.2.0")
    assert published is not None
    assert approvals.accepted_bars(world.ledger, published, "staging", at=world.now) == frozenset()
