"""approve: what is shown is what is signed, by somebody who may."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, Refusal
from llmops.usecases.release import approve
from llmops.usecases.results.releasing import Act
from tests.worlds import PROMPT, World, a_world, alone


def request(**more: object) -> approve.Request:
    return approve.Request(name=PROMPT, version="1.0.0", environment="staging", **more)  # type: ignore[arg-type]


def agree(world: World, asked: approve.Request) -> Act:
    desk = world.desk("ravi")
    return approve.sign(desk, asked, approve.look(desk, asked))


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().lock().record().publish()


def test_all_roles_that_are_missing_are_signed_in_one_commit(world: World) -> None:
    act = agree(world, request())
    assert len({record.commit for record in act.records}) == 1
    assert {entry.approval.role for entry in world.records().ledger.approvals} == {"reviewer", "compliance"}
    assert world.records().report.ok


def test_an_approval_names_the_evidence_it_saw(world: World) -> None:
    world.approve()
    evaluation = world.records().ledger.evaluations[0].entry.digest
    assert {entry.approval.evidence for entry in world.records().ledger.approvals} == {(evaluation,)}


def test_an_author_cannot_approve_her_own_release() -> None:
    world = a_world().apply_policy().lock(author="ravi").record().publish()
    before = world.refs
    with pytest.raises(Refusal) as caught:
        approve.look(world.desk("ravi"), request())
    assert caught.value.code == "APPROVAL_REFUSED"
    assert [line.rpartition("  ")[2] for line in caught.value.details] == ["[SEPARATION_OF_DUTIES]"] * 2
    assert world.refs == before


def test_a_role_one_does_not_hold_is_refused(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        approve.look(world.desk("dana"), request(role="reviewer"))
    assert caught.value.code == "APPROVAL_REFUSED"


def test_nothing_is_left_to_sign(world: World) -> None:
    world.approve()
    with pytest.raises(Refusal) as caught:
        approve.look(world.desk("ravi"), request())
    assert caught.value.code == "NOTHING_TO_SIGN"
    assert any("has signed as reviewer" in line for line in caught.value.details)


def test_what_is_not_published_cannot_be_approved() -> None:
    with pytest.raises(CannotAsk) as caught:
        approve.look(a_world().apply_policy().lock().desk("ravi"), request())
    assert caught.value.code == "NOT_PUBLISHED"


def test_an_unknown_environment_is_named_with_the_known_ones(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        approve.look(world.desk("ravi"), approve.Request(name=PROMPT, version="1.0.0", environment="prod"))
    assert caught.value.code == "ENVIRONMENT_UNKNOWN"
    assert "staging, production" in caught.value.what


def test_a_rejection_withdraws_the_same_persons_approval(world: World) -> None:
    world.approve()
    act = agree(world, request(reject="wrong fees"))
    assert act.verb == "reject"
    with pytest.raises(Refusal) as caught:
        world.promote()
    assert any("reviewer" in line for line in caught.value.details)


def test_what_changed_after_it_was_shown_is_not_signed(world: World) -> None:
    desk = world.desk("ravi")
    shown = approve.look(desk, request())
    world.record()
    before = world.refs
    with pytest.raises(Refusal) as caught:
        approve.sign(desk, request(), shown)
    assert caught.value.code == "CHANGED_MEANWHILE"
    assert world.refs == before


def test_the_agreement_shows_what_serves_and_what_changes(world: World) -> None:
    world.approve()
    world.promote()
    world.lock("1.1.0", text="Other words.").record("1.1.0").publish("1.1.0")
    agreement = approve.look(world.desk("ravi"), approve.Request(name=PROMPT, version="1.1.0", environment="staging"))
    assert agreement.serving == f"{PROMPT} 1.0.0"
    assert any("messages" in change.path for change in agreement.changes)
    assert agreement.gated.decision.passed


def test_a_stranger_signs_nothing(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        approve.look(world.desk("eve"), request())
    assert caught.value.code == "UNKNOWN_KEY"


def test_a_solo_person_approves_alone_and_it_is_marked() -> None:
    world = a_world(alone()).apply_policy().lock().record().publish()
    world.promote(environment="dev")
    world.approve(environment="demo", who="dana")
    assert "SELF-APPROVED" in world.promote(environment="demo").marks
