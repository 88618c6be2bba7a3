"""Recorded evidence: one key is pooled; another key gives no figure, and its failures count."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from llmops.errors import Refusal
from llmops.evaluation import evidence
from llmops.evaluation.panels import EMBEDDED_PANEL
from llmops.evaluation.pooling import pool
from llmops.evaluation.summary import summarise
from llmops.governance import predicates
from llmops.usecases.evaluate import gate, recording
from tests.worlds import GENERATOR, GOOD, POOR, World, a_world, an_evaluation


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().lock()


def find(world: World, version: str = "1.0.0") -> recording.Found | None:
    release = world.subject(version).release
    return recording.find(
        world.records(),
        behaviour=release.behaviour_digest,
        evalset_digest=release.evalset_digest,
        panel=EMBEDDED_PANEL,
    )


def test_nothing_recorded_is_nothing_found(world: World) -> None:
    assert find(world) is None


def test_what_was_recorded_is_found_with_its_record(world: World) -> None:
    subject = world.subject()
    evaluated = recording.record(world.desk(), subject, an_evaluation(subject, GOOD))
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


def other_generator(world: World, groundedness: dict[str, float], **more: Any) -> None:
    subject = world.subject()
    other = more.pop("generator", {**GENERATOR, "model": "fake-2"})
    evaluated = replace(an_evaluation(subject, groundedness, **more), generator=other)
    recording.record(world.desk(), subject, evaluated)


def test_figures_come_from_the_newest_key_and_all_records_count(world: World) -> None:
    world.record()
    other_generator(world, POOR)
    found = find(world)
    assert found is not None
    assert len(found.records) == 2
    assert {row.scores["groundedness"].value for row in found.pool.rows} == set(POOR.values())


def test_a_case_that_failed_under_another_key_has_failed(world: World) -> None:
    world.record(contains={"bulb": 0.0})
    other_generator(world, GOOD)
    found = find(world)
    assert found is not None
    assert {row.scores["contains"].value for row in found.pool.rows} == {1.0}
    subject = world.subject()
    place = gate.Place(records=world.records(), environment="staging", now=world.clock.now())
    decision = gate.decide(place, subject.release, subject.evalset).decision
    assert (decision.verdict, decision.codes) == ("FAIL", ("MUST_PASS_FAILED",))


def test_the_key_is_read_from_the_record(world: World) -> None:
    world.record()
    other_generator(world, GOOD)
    first, second = (recording.key_of(entry.evaluation) for entry in world.records().ledger.evaluations)
    assert first != second
    assert first == replace(second, generator=first.generator)
    assert first.behaviour == world.subject().release.behaviour_digest


def yardstick(world: World, **changes: Any) -> recording.Yardstick:
    return replace(recording.yardstick_of(find(world), EMBEDDED_PANEL), **changes)


def baseline(world: World, found: recording.Yardstick) -> recording.Found | None:
    release = world.subject().release
    return recording.baseline(
        world.records(), behaviour=release.behaviour_digest, evalset_digest=release.evalset_digest, yardstick=found
    )


def test_what_another_judge_measured_is_no_baseline(world: World) -> None:
    world.record()
    assert baseline(world, yardstick(world, judge="d" * 64)) is None
    assert baseline(world, yardstick(world)) is not None


def test_a_score_by_another_scorer_is_taken_out_of_the_baseline(world: World) -> None:
    world.record()
    mine = yardstick(world)
    found = baseline(world, replace(mine, scorers={**mine.scorers, "groundedness": "0"}))
    assert found is not None
    assert not any("groundedness" in row.scores for row in found.pool.rows)
    assert all("contains" in row.scores for row in found.pool.rows)
    same = baseline(world, mine)
    assert same is not None
    assert all("groundedness" in row.scores for row in same.pool.rows)


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
        recording.record(world.desk("ravi"), subject, an_evaluation(subject, GOOD))
    assert "evaluator" in caught.value.what
    assert world.refs == before


def test_what_an_evalset_or_an_application_answered_says_nothing_of_the_prompts_own_model(world: World) -> None:
    other_generator(world, GOOD, generator={"target": "answers"})
    assert find(world) is None
    other_generator(world, GOOD)
    found = find(world)
    assert found is not None
    assert len(found.records) == 1


def recorded(world: World, evaluated: Any) -> dict[str, Any]:
    return predicates.write(recording.predicate_of(world.subject(), evaluated, evidence.shards(evaluated.rows)))


def test_a_record_names_what_its_judge_is_made_of_and_is_as_before_without(world: World) -> None:
    evaluated = an_evaluation(world.subject(), GOOD)
    assert "judgeParts" not in recorded(world, evaluated)
    judge = replace(evaluated.judge_identity, parts={"kind": "native", "model": "gpt-4o"})
    said = recorded(world, replace(evaluated, judge_identity=judge))
    assert said["judgeParts"] == {"kind": "native", "model": "gpt-4o"}
    assert predicates.write(predicates.read("evaluation", said)) == said


def test_parts_that_are_empty_are_no_record(world: World) -> None:
    said = recorded(world, an_evaluation(world.subject(), GOOD))
    with pytest.raises(predicates.PredicateError, match="judgeParts"):
        predicates.read("evaluation", {**said, "judgeParts": {}})
    with pytest.raises(predicates.PredicateError, match="judgeParts"):
        predicates.read("evaluation", {**said, "judgeParts": {"model": 4}})


def test_what_nobody_said_is_not_in_the_cost(world: World) -> None:
    subject = world.subject()
    evaluated = an_evaluation(subject, GOOD)
    assert recorded(world, evaluated)["cost"]["nano_usd"] == 0
    rows = tuple(replace(row, unknown=("cost_usd",)) for row in evaluated.rows)
    found = replace(evaluated, rows=rows, summary=summarise(pool([rows]), subject.evalset))
    cost = recorded(world, found)["cost"]
    assert "nano_usd" not in cost
    assert (cost["unpriced_rows"], cost["input_tokens"]) == (3, 120)


@pytest.mark.parametrize(
    ("generator", "rule"),
    [
        ({"provider": "embedded", "model": "m"}, "0 + number of the repeat"),
        ({"provider": "vllm", "model": "m"}, None),
        ({"target": "support"}, None),
    ],
)
def test_the_seed_of_the_generator_is_recorded_where_it_is_given_one(
    world: World, generator: dict[str, str], rule: str | None
) -> None:
    seeds = recorded(world, replace(an_evaluation(world.subject(), GOOD), generator=generator))["seeds"]
    assert (seeds["resampling"], seeds.get("generator")) == ("digest of the pooled evidence", rule)
