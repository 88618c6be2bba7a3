"""Promotion and rollback: each rule refuses with its code, in the plan and in the replay, before it lets pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from llmops.governance.ledger import State
from llmops.governance.pointers import NOTHING, Pointer
from llmops.governance.predicates import Promotion, Rollback
from llmops.governance.transitions import GateResult
from tests.governance.builders import (
    INDEX,
    PROMPT,
    World,
    a_person,
    a_policy,
    a_release,
    a_world,
    codes,
    with_environments,
)

FIRST, SECOND, THIRD = a_release(), a_release("1.3.0", base="1.2.0"), a_release("1.4.0", base="1.3.0")
OTHER_INDEX = "f" * 64


def ready(*releases: object) -> World:
    return a_world().ready(*(releases or (FIRST,)))  # type: ignore[arg-type]


def state(world: World, environment: str = "staging") -> State:
    found = world.ledger.state(environment, PROMPT)
    assert found is not None
    return found


def pointer(world: World, environment: str = "staging") -> Pointer:
    return state(world, environment).pointer


def promotion(world: World) -> Promotion:
    said = world.plan(FIRST).predicate
    assert isinstance(said, Promotion)
    return said


def forced(world: World, said: Promotion | Rollback, who: str = "opal", **place: object) -> str:
    path = world.force(who, said, **place)
    return next(entry.code for entry in world.report().ledger.entries if entry.path == path)


def test_everything_that_is_missing_is_listed_at_once() -> None:
    world = a_world()
    world.publish(FIRST)
    refused = world.plan(FIRST, "production", actor="ravi", gate=GateResult(passed=False, reasons=("below bar",)))
    assert not refused.allowed
    assert refused.predicate is None
    assert codes(refused.refusals) == ["ROLE_MISSING", "ORDER", "EVIDENCE_MISSING", "APPROVAL_MISSING", "GATE"]


def test_what_is_not_published_is_refused() -> None:
    assert codes(a_world().plan(FIRST).refusals) == ["UNPUBLISHED"]


def test_an_unknown_environment_is_refused() -> None:
    assert "UNKNOWN_ENVIRONMENT" in codes(ready().plan(FIRST, "nowhere").refusals)


@pytest.mark.parametrize("who", ["ravi", "otto", "nobody"])
def test_only_an_operator_promotes(who: str) -> None:
    assert codes(ready().plan(FIRST, actor=who).refusals) == ["ROLE_MISSING"]


def test_a_promotion_signed_by_somebody_else_is_void() -> None:
    world = ready()
    assert forced(world, promotion(world), "otto") == "ROLE_MISSING"


def test_a_gate_that_did_not_pass_refuses_with_its_reasons() -> None:
    refused = ready().plan(FIRST, gate=GateResult(passed=False, reasons=("groundedness 0.41, bar 0.60", "must_pass")))
    assert [(reason.code, reason.text) for reason in refused.refusals] == [
        ("GATE", "groundedness 0.41, bar 0.60"),
        ("GATE", "must_pass"),
    ]


def test_a_promotion_without_evidence_is_refused_and_stale_evidence_is_named() -> None:
    world = a_world()
    world.publish(FIRST)
    world.publish(SECOND)
    world.evaluate(SECOND)
    world.approve("ravi", FIRST)
    refused = world.plan(FIRST).refusals
    assert codes(refused) == ["EVIDENCE_MISSING"]
    assert f"record 4 is of behaviour {SECOND.behaviour_digest[:12]}" in refused[0].text


def test_a_promotion_that_leaves_evidence_out_is_void() -> None:
    world = ready()
    world.evaluate(FIRST, means={"groundedness": "0.41"})
    said = promotion(world)
    assert len(said.evidence) == 2
    assert forced(world, replace(said, evidence=said.evidence[:1])) == "EVIDENCE_DIFFERS"


def test_a_case_that_must_pass_and_failed_is_refused_and_void_whatever_the_gate_said() -> None:
    world = ready()
    said = promotion(world)
    failed = world.evaluate(FIRST, must_pass_failed=("c-2", "c-1"))
    refused = world.plan(FIRST).refusals
    assert codes(refused) == ["MUST_PASS_FAILED"]
    assert refused[0].text == "record 5 says that c-1, c-2 must pass and failed"
    assert forced(world, replace(said, evidence=(*said.evidence, failed.digest))) == "MUST_PASS_FAILED"
    assert world.ledger.state("staging", PROMPT) is None


def test_a_case_rests_in_the_release_s_own_quarantine_until_its_date() -> None:
    resting = {"case": "c-1", "reason": "the page changes", "until": "2026-03-03"}
    release = a_release(quarantine=(resting,))
    world = a_world()
    world.publish(release)
    world.evaluate(release, must_pass_failed=("c-1",))
    world.approve("ravi", release)
    assert world.plan(release).allowed
    world.now += timedelta(days=1)
    assert codes(world.plan(release).refusals) == ["MUST_PASS_FAILED"]


@pytest.mark.parametrize("odd", [{"case": "c-1"}, {"case": ["c-1"], "until": "2099-01-01"}, "c-1", None])
def test_an_odd_quarantine_lets_nothing_rest(odd: Any) -> None:
    release = a_release(quarantine=(odd,))
    world = a_world()
    world.publish(release)
    world.evaluate(release, must_pass_failed=("c-1",))
    world.approve("ravi", release)
    assert codes(world.plan(release).refusals) == ["MUST_PASS_FAILED"]


def test_an_advisory_judge_does_not_open_what_wants_a_calibrated_one() -> None:
    world = World(mapping=with_environments(staging={"judges": ["calibrated"]})).found().ready(FIRST)
    refused = world.plan(FIRST).refusals
    assert codes(refused) == ["ADVISORY_JUDGE"]
    assert "staging admits calibrated" in refused[0].text
    assert "calibrated judge, or let a root person add `advisory`" in refused[0].text


def test_scores_without_a_judge_open_what_wants_a_calibrated_one() -> None:
    world = World(mapping=with_environments(staging={"judges": ["calibrated"]})).found()
    world.publish(FIRST)
    world.evaluate(FIRST, judge="", judge_digest="")
    world.approve("ravi", FIRST)
    assert world.plan(FIRST).allowed


def test_another_evalset_than_the_environment_names_does_not_count() -> None:
    world = World(mapping=with_environments(staging={"evalsets": ["long"]})).found().ready(FIRST)
    assert codes(world.plan(FIRST).refusals) == ["OTHER_EVALSET"]


def test_another_evalset_than_the_release_names_does_not_count() -> None:
    world = a_world()
    world.publish(FIRST)
    world.evaluate(FIRST, evalset="easy")
    world.approve("ravi", FIRST)
    assert codes(world.plan(FIRST).refusals) == ["OTHER_EVALSET"]


def test_a_changed_evalset_does_not_count() -> None:
    world = a_world()
    world.publish(FIRST)
    world.evaluate(FIRST, evalset_digest="e" * 64)
    world.approve("ravi", FIRST)
    assert codes(world.plan(FIRST).refusals) == ["OTHER_EVALSET"]


def test_answers_of_another_target_than_the_bars_name_do_not_count() -> None:
    world = a_world()
    world.publish(FIRST)
    world.evaluate(FIRST, generator={"target": "answers"})
    world.approve("ravi", FIRST)
    assert codes(world.plan(FIRST).refusals) == ["OTHER_TARGET"]


def test_too_few_cases_are_refused() -> None:
    world = World(mapping=with_environments(staging={"min_cases": 31})).found().ready(FIRST)
    refused = world.plan(FIRST).refusals
    assert [str(reason) for reason in refused] == ["30 cases, staging requires 31 [TOO_FEW_CASES]"]


def test_the_same_cases_evaluated_twice_are_no_more_cases() -> None:
    world = World(mapping=with_environments(staging={"min_cases": 31})).found().ready(FIRST)
    world.evaluate(FIRST)
    assert "TOO_FEW_CASES" in codes(world.plan(FIRST).refusals)


def test_an_index_that_nothing_was_measured_on_is_refused() -> None:
    assert codes(ready().plan(FIRST, index="f" * 64).refusals) == ["INDEX_DIFFERS"]


def test_a_promotion_that_names_other_approvals_is_void() -> None:
    world = ready()
    assert forced(world, replace(promotion(world), approvals=())) == "APPROVALS_DIFFER"


def test_a_promotion_on_an_old_pointer_is_void() -> None:
    world = ready(FIRST)
    said = promotion(world)
    world.promote(FIRST)
    world.publish(SECOND)
    world.evaluate(SECOND)
    world.approve("ravi", SECOND)
    late = world.plan(SECOND).predicate
    assert isinstance(late, Promotion)
    assert said.from_record == NOTHING
    assert forced(world, replace(late, from_record=NOTHING)) == "STALE_POINTER"


def test_a_promotion_of_a_wrong_generation_is_void() -> None:
    world = ready()
    assert forced(world, replace(promotion(world), generation=7)) == "GENERATION"


def test_a_promotion_below_log_time_is_void() -> None:
    world = a_world().serve(FIRST)
    world.ready(SECOND)
    said = world.plan(SECOND).predicate
    assert isinstance(said, Promotion)
    early = world.ledger.log_time
    assert early is not None
    assert forced(world, said, issued_at=early - timedelta(seconds=1)) == "BEFORE_LOG_TIME"


def test_writers_with_a_slow_clock_stay_above_log_time() -> None:
    world = a_world().serve(FIRST)
    early = world.ledger.log_time
    assert early is not None
    assert world.ledger.issue_at(early - timedelta(days=1)) == early + timedelta(milliseconds=1)


@pytest.mark.parametrize("percent", [99, 1])
def test_weights_to_a_third_digest_are_void(percent: int) -> None:
    world = a_world().serve(FIRST)
    world.ready(SECOND)
    said = world.plan(SECOND).predicate
    assert isinstance(said, Promotion)
    other = replace(said.weights[0], digest="d" * 64, percent=percent)
    shared = (other, replace(said.weights[0], percent=100 - percent))
    assert forced(world, replace(said, weights=shared)) == "WEIGHTS"


def test_a_canary_needs_something_to_share_with() -> None:
    world = a_world()
    world.publish(FIRST)
    world.evaluate(FIRST)
    world.approve("ravi", FIRST, ramp=(10, 100))
    assert codes(world.plan(FIRST, percent=10).refusals) == ["WEIGHTS"]


def test_an_environment_is_not_skipped() -> None:
    world = ready()
    world.approve("ravi", FIRST, "production")
    refused = world.plan(FIRST, "production").refusals
    assert codes(refused) == ["ORDER"]
    assert "1.2.0 has not served everybody in staging, which comes before production" in refused[0].text


def test_a_canary_before_is_not_enough_and_a_rollback_there_is_none() -> None:
    world = a_world().serve(FIRST).serve(FIRST, "production")
    world.publish(SECOND)
    world.evaluate(SECOND)
    world.approve("ravi", SECOND, ramp=(10, 100))
    world.approve("ravi", SECOND, "production")
    world.promote(SECOND, percent=10)
    assert codes(world.plan(SECOND, "production").refusals) == ["ORDER"]
    world.promote(SECOND, percent=100)
    assert world.plan(SECOND, "production").allowed
    world.roll_back()
    assert codes(world.plan(SECOND, "production").refusals) == ["ORDER"]


def test_production_follows_when_staging_has_moved_on() -> None:
    world = a_world().serve(FIRST).serve(SECOND).serve(FIRST, "production")
    assert pointer(world, "production").version == "1.2.0"


def test_the_same_share_twice_is_refused() -> None:
    world = a_world().serve(FIRST)
    assert codes(world.plan(FIRST).refusals) == ["UNCHANGED"]


def a_canary() -> World:
    world = a_world().serve(FIRST)
    world.publish(SECOND)
    world.evaluate(SECOND)
    world.approve("ravi", SECOND, ramp=(10, 50, 100))
    world.promote(SECOND, percent=10)
    return world


def test_a_canary_shares_the_traffic_and_then_takes_it() -> None:
    world = a_canary()
    there = pointer(world)
    assert (there.status, there.version) == ("canary", "1.2.0")
    assert [(weight.version, weight.percent) for weight in there.weights] == [("1.2.0", 90), ("1.3.0", 10)]
    world.promote(SECOND, percent=50)
    world.promote(SECOND, percent=100)
    there = pointer(world)
    assert (there.status, there.version, there.generation) == ("stable", "1.3.0", 4)
    assert [weight.percent for weight in there.weights] == [100]


def test_a_step_of_the_ramp_is_not_skipped() -> None:
    assert codes(a_canary().plan(SECOND, percent=100).refusals) == ["APPROVAL_MISSING"]


def test_a_step_down_needs_neither_gate_nor_approval() -> None:
    world = a_canary()
    closed = GateResult(passed=False)
    assert codes(world.plan(SECOND, percent=50, gate=closed).refusals) == ["GATE"]
    world.promote(SECOND, percent=5, gate=closed)
    assert [weight.percent for weight in pointer(world).weights] == [95, 5]


def test_a_second_canary_waits_for_the_first() -> None:
    world = a_canary()
    world.publish(THIRD)
    world.evaluate(THIRD)
    world.approve("ravi", THIRD, ramp=(10, 100))
    assert codes(world.plan(THIRD, percent=10).refusals) == ["CANARY_RUNNING"]


def test_promoting_the_stable_release_ends_a_canary_without_a_hold() -> None:
    world = a_canary()
    world.promote(FIRST, gate=GateResult(passed=False))
    assert (pointer(world).status, state(world).is_held) == ("stable", False)


def test_the_stable_release_shares_with_nobody_but_a_candidate() -> None:
    assert codes(a_canary().plan(FIRST, percent=50).refusals) == ["WEIGHTS"]


def test_nothing_is_rolled_back_where_nothing_serves() -> None:
    assert codes(a_world().plan_rollback().refusals) == ["NOTHING_SERVES"]


@pytest.mark.parametrize("who", ["ravi", "dana", "nobody"])
def test_only_rollback_or_operator_rolls_back(who: str) -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    assert codes(world.plan_rollback(who=who).refusals) == ["ROLE_MISSING"]


@pytest.mark.parametrize("who", ["otto", "opal"])
def test_rollback_and_operator_roll_back(who: str) -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    world.roll_back(who=who, reason="wrong rates", incident="INC-7")
    there = pointer(world)
    assert (there.version, there.status, state(world).is_held) == ("1.2.0", "held", True)


def test_what_never_served_is_no_target() -> None:
    world = a_world().serve(FIRST).ready(SECOND)
    refused = world.plan_rollback(to="1.3.0").refusals
    assert codes(refused) == ["NEVER_SERVED"]
    assert "served: 1.2.0" in refused[0].text


def test_the_first_release_has_nothing_before_it() -> None:
    assert codes(a_world().serve(FIRST).plan_rollback().refusals) == ["NEVER_SERVED"]


def test_what_serves_is_no_target() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    assert codes(world.plan_rollback(to="1.3.0").refusals) == ["ALREADY_SERVES"]


def test_a_forged_rollback_to_what_never_served_is_void() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    world.ready(THIRD)
    said = world.plan_rollback().predicate
    assert isinstance(said, Rollback)
    weight = replace(said.weights[0], version="1.4.0", digest=THIRD.digest)
    forged = replace(said, target="1.4.0", release=THIRD.digest, weights=(weight,))
    assert forced(world, forged, "otto") == "NEVER_SERVED"


def test_a_rollback_to_another_index_or_weights_is_void() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    said = world.plan_rollback().predicate
    assert isinstance(said, Rollback)
    assert forced(world, replace(said, index="f" * 64), "otto") == "NEVER_SERVED"
    shared = (replace(said.weights[0], percent=50),)
    assert forced(world, replace(said, weights=shared), "otto") == "WEIGHTS"


def test_a_rollback_twice_goes_further_back() -> None:
    world = a_world().serve(FIRST).serve(SECOND).serve(THIRD)
    world.roll_back()
    world.roll_back()
    assert pointer(world).version == "1.2.0"
    assert codes(world.plan_rollback().refusals) == ["NEVER_SERVED"]


def test_a_rollback_during_a_canary_ends_the_canary() -> None:
    world = a_canary()
    world.roll_back()
    there = pointer(world)
    assert (there.version, there.status, there.candidate) == ("1.2.0", "held", None)
    assert [weight.percent for weight in there.weights] == [100]


def test_off_without_a_fallback_is_refused_and_void() -> None:
    bare = a_release(fallback=None)
    world = a_world().serve(bare)
    refused = world.plan_rollback(to="off").refusals
    assert codes(refused) == ["NO_FALLBACK"]
    assert "mortgage-assistant 1.2.0 declares no `fallback`" in refused[0].text
    there = pointer(world)
    said = Rollback(
        prompt=PROMPT,
        target="off",
        release=bare.digest,
        index=there.stable.index,
        environment="staging",
        from_record=there.record,
        generation=2,
        weights=there.weights,
        incident="",
        reason="",
        exceptions=(),
    )
    assert forced(world, said, "otto") == "NO_FALLBACK"


def test_off_serves_the_fallback_of_the_stable_release() -> None:
    world = a_world().serve(FIRST)
    world.roll_back(to="off")
    there = pointer(world)
    assert (there.status, there.version, state(world).is_held) == ("off", "1.2.0", True)
    assert codes(world.plan_rollback(to="off").refusals) == ["ALREADY_SERVES"]
    world.roll_back()
    assert pointer(world).status == "held"


def test_unmet_rules_of_today_become_exceptions_of_a_rollback() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    said = world.plan_rollback(exceptions=("remote index unchecked",)).predicate
    assert isinstance(said, Rollback)
    assert said.exceptions[0] == "remote index unchecked"
    assert any("APPROVAL_MISSING" in text for text in said.exceptions)


def test_a_hold_keeps_everything_out_until_it_is_released() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    world.roll_back()
    world.publish(THIRD)
    world.evaluate(THIRD)
    world.approve("ravi", THIRD)
    assert codes(world.plan(THIRD).refusals) == ["HELD"]
    world.promote(THIRD, release_hold=True)
    assert (pointer(world).version, state(world).is_held) == ("1.4.0", False)


def test_a_hold_that_is_not_there_cannot_be_released() -> None:
    world = a_world().serve(FIRST).ready(SECOND)
    assert codes(world.plan(SECOND, release_hold=True).refusals) == ["NOT_HELD"]


def test_a_hold_can_be_released_alone() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    world.roll_back()
    for who, expected in (("otto", ["ROLE_MISSING"]), ("opal", [])):
        planned = world.plan(FIRST, actor=who, release_hold=True, gate=GateResult(passed=False))
        assert codes(planned.refusals) == expected
    world.carry_out("opal", planned)
    assert (pointer(world).status, pointer(world).version, state(world).is_held) == ("stable", "1.2.0", False)


def test_bringing_back_what_is_off_needs_everything_again() -> None:
    world = a_world().serve(FIRST)
    world.roll_back(to="off")
    refused = world.plan(FIRST, release_hold=True, gate=GateResult(passed=False))
    assert codes(refused.refusals) == ["APPROVAL_MISSING", "GATE"]
    world.approve("mina", FIRST)
    world.promote(FIRST, release_hold=True)
    assert pointer(world).status == "stable"
    assert state(world).has_proven(FIRST.digest)


def reindexed(world: World) -> str:
    """An evaluation of what serves, on another index."""
    world.evaluate(FIRST, index=OTHER_INDEX)
    return OTHER_INDEX


def test_what_serves_on_another_index_needs_gate_and_approval() -> None:
    world = a_world().serve(FIRST)
    other = reindexed(world)
    closed = GateResult(passed=False)
    for asked in (None, other):
        assert codes(world.plan(FIRST, index=asked, gate=closed).refusals) == ["APPROVAL_MISSING", "GATE"]
    world.approve("mina", FIRST)
    world.promote(FIRST)
    assert pointer(world).stable.index == other


def test_a_promotion_of_what_serves_on_another_index_without_evidence_is_void() -> None:
    world = a_world().serve(FIRST)
    there = pointer(world)
    weight = replace(there.stable, index=OTHER_INDEX)
    served = next(entry.predicate for entry in world.ledger.entries if entry.kind == "promotion")
    assert isinstance(served, Promotion)
    said = replace(served, index=OTHER_INDEX, weights=(weight,), from_record=there.record, generation=2, approvals=())
    assert forced(world, said) == "INDEX_DIFFERS"
    assert forced(world, replace(said, evidence=())) == "EVIDENCE_DIFFERS"
    # The weight that would serve decides, not what the record says beside it.
    assert forced(world, replace(said, index=there.stable.index)) == "WEIGHTS"


def test_the_release_of_a_hold_keeps_the_index_that_serves() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    world.roll_back()
    other = reindexed(world)
    closed = GateResult(passed=False)
    moved = world.plan(FIRST, index=other, release_hold=True, gate=closed)
    assert codes(moved.refusals) == ["APPROVAL_MISSING", "GATE"]
    world.promote(FIRST, release_hold=True, gate=closed)
    assert pointer(world).stable.index == INDEX


def test_the_end_of_a_canary_and_a_step_down_keep_the_index_that_serves() -> None:
    world = a_canary()
    reindexed(world)
    world.evaluate(SECOND, index=OTHER_INDEX)
    closed = GateResult(passed=False)
    world.promote(SECOND, percent=5, gate=closed)
    assert [weight.index for weight in pointer(world).weights] == [INDEX, INDEX]
    assert "GATE" in codes(world.plan(SECOND, percent=4, index=OTHER_INDEX, gate=closed).refusals)
    world.promote(FIRST, gate=closed)
    assert pointer(world).stable.index == INDEX


def test_a_rollback_of_another_index_goes_back_to_the_one_before() -> None:
    world = a_world().serve(FIRST)
    other = reindexed(world)
    world.approve("mina", FIRST)
    world.promote(FIRST)
    world.roll_back()
    assert (pointer(world).stable.index, pointer(world).status) == (INDEX, "held")
    assert [served.index for served in state(world).history] == [INDEX, other, INDEX]
    assert codes(world.plan_rollback().refusals) == ["NEVER_SERVED"]


def test_a_release_hold_by_somebody_without_the_role_is_void() -> None:
    people = {**a_policy()["principals"], "opal": a_person("opal", "rollback")}  # type: ignore[dict-item]
    world = a_world().serve(FIRST).serve(SECOND)
    world.roll_back()
    planned = world.plan(FIRST, release_hold=True)
    world.set_policy(a_policy(principals=people))
    assert isinstance(planned.predicate, Promotion)
    assert forced(world, planned.predicate) == "ROLE_MISSING"


def test_a_forged_promotion_of_what_is_not_published_is_void() -> None:
    world = ready()
    said = promotion(world)
    renamed = replace(said, version="1.2.1", weights=(replace(said.weights[0], version="1.2.1"),))
    assert forced(world, renamed) == "UNPUBLISHED"
    stranger = replace(said, release="d" * 64, weights=(replace(said.weights[0], digest="d" * 64),))
    assert forced(world, stranger) == "UNPUBLISHED"


def test_a_forged_rollback_where_nothing_serves_is_void() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    said = world.plan_rollback().predicate
    assert isinstance(said, Rollback)
    assert forced(world, replace(said, environment="production"), "otto") == "NOTHING_SERVES"
