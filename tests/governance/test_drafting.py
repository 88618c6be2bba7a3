"""Drafting: nothing void is written, and two records can go into one commit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.documents.trees import FileChange, MemoryTree
from llmops.errors import Refusal
from llmops.governance import drafting, verification
from llmops.governance.predicates import Predicate
from tests.governance.builders import PROMPT, World, a_key, a_release, a_world, evaluation, published

FIRST = a_release()


def sealed(world: World, who: str, said: Predicate) -> drafting.Sealed:
    ledger = world.ledger
    draft = drafting.draft(ledger, said, issued_at=ledger.issue_at(world.now), op_id="op")
    return drafting.seal(draft, a_key(who).sign(draft.message, draft.namespace))


def refusal(world: World, record: drafting.Sealed, **more: object) -> str:
    with pytest.raises(Refusal) as caught:
        drafting.changes(world.tree, record, **more)  # type: ignore[arg-type]
    return caught.value.code


def test_a_record_that_would_be_void_is_not_written() -> None:
    world = a_world()
    assert refusal(world, sealed(world, "ravi", published(FIRST)), release=FIRST) == "ROLE_MISSING"
    assert refusal(world, sealed(world, "stranger", published(FIRST)), release=FIRST) == "KEY_UNKNOWN"


def test_a_release_record_without_its_file_is_not_written() -> None:
    world = a_world()
    record = sealed(world, "dana", published(FIRST))
    assert refusal(world, record) == "RELEASE_ABSENT"
    world.files["releases/mortgage-assistant/1.2.0.json"] = FIRST.data.replace(b"You answer", b"You guess")
    assert refusal(world, record) == "RELEASE_ABSENT"


def test_a_signature_over_something_else_is_not_sealed() -> None:
    world = a_world()
    draft = drafting.draft(world.ledger, published(FIRST), issued_at=world.now, op_id="op")
    with pytest.raises(Refusal) as caught:
        drafting.seal(draft, a_key("dana").sign(b"something else", draft.namespace))
    assert caught.value.code == "BAD_SIGNATURE"


def test_a_pointer_that_the_record_does_not_give_is_not_written() -> None:
    world = a_world().ready(FIRST)
    planned = world.plan(FIRST)
    assert planned.predicate is not None
    assert planned.pointer is not None
    record = sealed(world, "opal", planned.predicate)
    assert refusal(world, record, pointer=replace(planned.pointer, generation=9)) == "POINTER_MISMATCH"


def test_a_record_brings_its_evidence_and_its_release() -> None:
    world = a_world()
    shard = b"{}\n"
    first = drafting.changes(world.tree, sealed(world, "dana", evaluation(FIRST, shard)), evidence=(shard,))
    assert [change.path.split("/")[1] for change in first] == ["records", "evidence"]
    second = drafting.changes(world.tree, sealed(world, "dana", published(FIRST)), release=FIRST)
    assert [change.path for change in second] == [
        "audit/records/0000/000002-release-mortgage-assistant.json",
        "releases/mortgage-assistant/1.2.0.json",
    ]


def test_two_records_go_into_one_commit() -> None:
    world = a_world()
    one = drafting.changes(world.tree, sealed(world, "dana", published(FIRST)), release=FIRST)
    tree = drafting.overlay(world.tree, one)
    ledger = verification.verify(tree).ledger
    assert ledger.published(PROMPT, "1.2.0") is not None
    shard = b"{}\n"
    draft = drafting.draft(ledger, evaluation(FIRST, shard), issued_at=ledger.issue_at(world.now), op_id="op")
    record = drafting.seal(draft, a_key("dana").sign(draft.message, draft.namespace))
    two = drafting.changes(tree, record, evidence=(shard,))
    world.apply(one + two)
    assert world.report().ok
    assert len(world.ledger.entries) == 3


def test_an_overlay_shows_changes_over_what_is_below() -> None:
    below = MemoryTree({"a/x": b"1", "a/y": b"2"})
    tree = drafting.overlay(
        below,
        [FileChange(path="a/x", content=None), FileChange(path="a/z", content=b"3"), FileChange(path="b", content=b"")],
    )
    assert [entry.path for entry in tree.entries("a")] == ["a/y", "a/z"]
    assert (tree.read("a/x"), tree.read("a/z"), tree.read("a/y")) == (None, b"3", b"2")
    assert tree.read_many(["a/x", "a/y", "a/z", "none"]) == {"a/y": b"2", "a/z": b"3"}
