"""Replay: what makes a record void, and that a void record changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from llmops.documents import canonical
from llmops.governance import policy, predicates, records, sshsig
from llmops.governance.predicates import PolicyChange
from tests.governance.builders import (
    PROMPT,
    World,
    a_key,
    a_person,
    a_policy,
    a_release,
    a_world,
    an_environment,
    evaluation,
    published,
)

FIRST, SECOND = a_release(), a_release("1.3.0", base="1.2.0")


def code(world: World, path: str) -> str:
    report = world.report()
    assert report.faults == ()
    return next(entry.code for entry in report.ledger.entries if entry.path == path)


def raw(world: World, kind: str, predicate: dict[str, Any], *, who: str = "dana", signed: bool = True) -> str:
    """Append a record of any kind that says anything; returns its path."""
    ledger = world.ledger
    place = {
        "repository": ledger.repository,
        "sequence": ledger.next_sequence,
        "previous": ledger.head,
        "issuedAt": predicates.time_text(ledger.issue_at(world.now)),
        "opId": "raw",
    }
    payload = {
        "_type": records.STATEMENT_TYPE,
        "subject": [{"name": "x", "digest": {"sha256": "a" * 64}}],
        "predicateType": f"https://llmops.dev/{kind}/v1",
        "predicate": {**predicate, **place},
    }
    path = records.path_of(ledger.next_sequence, kind, predicate.get("prompt", ""))
    blob = a_key(who).blob(records.signing_bytes(payload), f"llmops-{kind}")
    keyid = sshsig.parse_public_key(a_key(who).public).keyid
    data = records.envelope(payload, keyid=keyid, signature=blob)
    if not signed:
        data = canonical.record_bytes({**json.loads(data), "signatures": []})
    world.files[path] = data
    return path


def test_an_unknown_kind_is_void_and_the_log_goes_on() -> None:
    world = a_world()
    path = raw(world, "trigger", {"prompt": PROMPT, "anything": [1]})
    assert code(world, path) == "UNKNOWN_KIND"
    world.serve(FIRST)
    assert world.report().ok


def test_a_statement_that_says_nothing_of_its_kind_is_void() -> None:
    world = a_world()
    assert code(world, raw(world, "approval", {"prompt": PROMPT})) == "MALFORMED_STATEMENT"


def test_an_unsigned_record_is_void() -> None:
    world = a_world()
    path = raw(world, "release", predicates.write(published(FIRST)), signed=False)
    assert code(world, path) == "UNSIGNED"


def test_a_signature_with_another_keyid_is_void() -> None:
    world = a_world()
    path = raw(world, "release", predicates.write(published(FIRST)))
    value = json.loads(world.files[path])
    value["signatures"][0]["keyid"] = sshsig.parse_public_key(a_key("ravi").public).keyid
    world.files[path] = canonical.record_bytes(value)
    assert code(world, path) == "BAD_SIGNATURE"


def test_a_signature_taken_from_another_record_is_void() -> None:
    world = a_world()
    world.publish(FIRST)
    other = json.loads(world.files["audit/records/0000/000002-release-mortgage-assistant.json"])["signatures"]
    path = raw(world, "release", predicates.write(published(SECOND)))
    value = json.loads(world.files[path])
    world.files[path] = canonical.record_bytes({**value, "signatures": other})
    assert code(world, path) == "BAD_SIGNATURE"


def test_a_signature_taken_from_a_commit_is_void() -> None:
    world = a_world()
    path = raw(world, "release", predicates.write(published(FIRST)))
    value = json.loads(world.files[path])
    blob = a_key("dana").blob(records.signing_bytes(value["payload"]), "git")
    value["signatures"][0]["sig"] = sshsig.base64_text(blob)
    world.files[path] = canonical.record_bytes(value)
    assert code(world, path) == "WRONG_NAMESPACE"


def test_a_key_that_nobody_has_is_void() -> None:
    world = a_world()
    assert code(world, world.force("stranger", evaluation(FIRST, b"x"))) == "KEY_UNKNOWN"


@pytest.mark.parametrize("who", ["ravi", "opal", "otto"])
def test_only_a_publisher_publishes_and_only_an_evaluator_evaluates(who: str) -> None:
    world = a_world()
    world.files["releases/mortgage-assistant/1.2.0.json"] = FIRST.data
    assert code(world, world.force(who, published(FIRST))) == "ROLE_MISSING"
    assert code(world, world.force(who, evaluation(FIRST, b"x"))) == "ROLE_MISSING"


def test_a_version_is_published_once() -> None:
    world = a_world()
    world.publish(FIRST)
    other = replace(published(FIRST), release="d" * 64)
    assert code(world, world.force("dana", other)) == "VERSION_TAKEN"


def test_a_release_record_that_lies_about_the_behaviour_is_void() -> None:
    world = a_world()
    world.files["releases/mortgage-assistant/1.2.0.json"] = FIRST.data
    path = world.force("dana", replace(published(FIRST), behaviour="d" * 64))
    assert code(world, path) == "RELEASE_DIFFERS"


def test_a_policy_by_somebody_who_is_not_root_is_void() -> None:
    world = a_world()
    mine = policy.freeze(a_policy(principals={"ravi": a_person("ravi", "root")}))
    previous = world.ledger.policy_record
    path = world.force("ravi", PolicyChange(governance=mine, previous_policy=previous))
    assert code(world, path) == "ROLE_MISSING"
    assert world.ledger.policy_record == previous


def test_a_policy_that_follows_another_is_void() -> None:
    world = a_world()
    path = world.force("dana", PolicyChange(governance=policy.freeze(a_policy()), previous_policy="d" * 64))
    assert code(world, path) == "POLICY_CHAIN"


def test_a_policy_with_findings_is_void() -> None:
    world = a_world()
    mapping = policy.freeze(a_policy(root_threshold=2))
    path = world.force("dana", PolicyChange(governance=mapping, previous_policy=world.ledger.policy_record))
    assert code(world, path) == "POLICY_INVALID"


def test_a_new_policy_of_the_root_person_takes_effect() -> None:
    world = a_world()
    world.set_policy(a_policy(environments={"demo": an_environment()}))
    in_force = world.ledger.policy
    assert in_force is not None
    assert [rules.name for rules in in_force.environments] == ["demo"]


def test_evidence_may_come_before_its_release() -> None:
    world = a_world()
    world.evaluate(FIRST)
    world.publish(FIRST)
    assert len(world.ledger.evaluations_of(FIRST.behaviour_digest)) == 1


def test_a_void_record_changes_nothing() -> None:
    world = a_world().serve(FIRST)
    before = world.ledger
    world.force("stranger", evaluation(FIRST, b"x"))
    after = world.ledger
    assert (after.states, after.approvals, after.evaluations, after.log_time, after.policy) == (
        before.states,
        before.approvals,
        before.evaluations,
        before.log_time,
        before.policy,
    )


def test_names_of_records_of_a_world_are_numbered_without_gap() -> None:
    world = a_world().serve(FIRST)
    assert [entry.sequence for entry in world.ledger.entries] == [1, 2, 3, 4, 5]


def test_without_a_policy_everything_is_void() -> None:
    world = World()
    first = world.force("dana", evaluation(FIRST, b"x"))
    second = world.force("dana", evaluation(FIRST, b"y"))
    report = world.report()
    assert [(fault.code, fault.path) for fault in report.faults] == [("NO_POLICY", first)]
    assert [entry.code for entry in report.ledger.entries] == ["NO_POLICY", "NO_POLICY"]
    assert [entry.path for entry in report.suspects] == [first, second]


def test_a_policy_signed_by_a_machine_is_void() -> None:
    people = {**a_policy()["principals"], "robot": a_person("robot", "root", machine=True)}  # type: ignore[dict-item]
    world = a_world(principals=people)
    mapping = policy.freeze(a_policy(principals=people, environments={"demo": an_environment()}))
    path = world.force("robot", PolicyChange(governance=mapping, previous_policy=world.ledger.policy_record))
    assert code(world, path) == "ROLE_MISSING"


def test_a_published_file_that_is_no_release_is_malformed() -> None:
    world = a_world()
    path = "releases/mortgage-assistant/1.2.0.json"
    world.files[path] = b"{}\n"
    world.force("dana", replace(published(FIRST), release=canonical.sha256(b"{}\n")))
    report = world.report()
    assert [(fault.code, fault.path) for fault in report.faults] == [("MALFORMED", path)]
    assert report.ledger.entries[-1].code == "RELEASE_ABSENT"
