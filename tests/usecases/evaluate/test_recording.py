"""Recorded evidence: one key is pooled, another key is not looked at."""

from __future__ import annotations

import pytest

from llmops.errors import Refusal
from llmops.usecases.evaluate import recording
from tests.worlds import GENERATOR, GOOD, POOR, World, a_world, an_evaluation


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().lock()


def find(world: World, version: str = "1.0.0") -> recording.Found | None:
    release = world.subject(version).release
    return recording.find(world.records(), behaviour=release.behaviour_digest, evalset_digest=release.evalset_digest)


def test_nothing_recorded_is_nothing_found(world: World) -> None:
    assert find(world) is None


def test_what_was_recorded_is_found_with_its_record(world: World) -> None:
    subject = world.subject()
    evaluated = recording.record(world.desk(), subject, an_evaluation(subject, GOOD), GENERATOR)
    found = find(world)
    assert found is not None
    assert evaluated.record is not None
    assert found.records == (evaluated.record.digest,)
    assert found.pool.rows == evaluated.rows


def test_two_runs_of_one_key_are_pooled_and_the_first_counts(world: World) -> None:
    world.record(groundedness={"bulb": 0.9}).record(groundedness=POOR)
    found = find(world)
    assert found is not None
    assert len(found.records) == 2
    scores = {row.case: row.scores["groundedness"].value for row in found.pool.rows}
    assert scores == {"bulb": 0.9, "cord": 0.1, "switch": 0.2}


def test_another_generator_is_another_key(world: World) -> None:
    world.record()
    subject = world.subject()
    other = {**GENERATOR, "model": "fake-2"}
    recording.record(world.desk(), subject, an_evaluation(subject, POOR), other)
    found = find(world)
    assert found is not None
    assert len(found.records) == 1
    assert {row.scores["groundedness"].value for row in found.pool.rows} == set(POOR.values())


def test_another_behaviour_has_no_evidence_of_this_one(world: World) -> None:
    world.record().lock("1.1.0", text="Other words.")
    assert find(world, "1.1.0") is None


def test_a_version_with_the_same_behaviour_needs_no_new_evidence(world: World) -> None:
    world.record().lock("1.0.1", changelog="Only the changelog.")
    assert find(world, "1.0.1") is not None


def test_only_an_evaluator_records(world: World) -> None:
    subject = world.subject()
    before = world.refs
    with pytest.raises(Refusal) as caught:
        recording.record(world.desk("ravi"), subject, an_evaluation(subject, GOOD), GENERATOR)
    assert "evaluator" in caught.value.what
    assert world.refs == before
