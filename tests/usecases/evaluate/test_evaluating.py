"""The order of events around evaluations: what the gate lacks is measured on both sides, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from llmops.documents.chat import ChatRequest
from llmops.errors import Refusal
from llmops.evaluation.evidence import measured
from llmops.usecases.evaluate import evaluating, scorers
from llmops.usecases.evaluate.gate import Place
from tests.fakes_models import FakeDoor
from tests.usecases.evaluate.test_run import Judging
from tests.worlds import BARS, CASES, PROMPT, Silent, World, a_world, build_retriever, cases_file


def from_the_passage(request: ChatRequest) -> str:
    """The first sentence of the passage that the message carries: supported by it, word for word."""
    return request.messages[-1]["content"].split(". ")[0]


@dataclass
class Doors:
    """Opens fake doors and keeps them, so that a test can count what was asked."""

    opened: list[FakeDoor] = field(default_factory=list)
    caps: list[int | None] = field(default_factory=list)
    nano_usd: int = 0

    def __call__(self, cap: int | None) -> FakeDoor:
        self.opened.append(FakeDoor(from_the_passage, nano_usd=self.nano_usd))
        self.caps.append(cap)
        return self.opened[-1]

    @property
    def asked(self) -> int:
        return sum(len(door.requests) for door in self.opened)


def tools(doors: Doors) -> evaluating.Tools:
    return evaluating.Tools(open_door=doors, build_retriever=build_retriever, progress=Silent())


def test_a_key_that_may_not_record_is_found_out_before_the_work() -> None:
    world, doors = a_world().apply_policy().lock(), Doors()
    with pytest.raises(Refusal) as caught:
        evaluating.evaluate(tools(doors), world.subject(), world.desk("eve"))
    assert caught.value.code == "UNKNOWN_KEY"
    assert doors.opened == []


def test_without_being_asked_to_the_gate_evaluates_nothing() -> None:
    world = a_world().apply_policy().lock()
    assert evaluating.decide(world.desk(), world.subject(), "staging").decision.codes == ("NO_EVIDENCE",)


def test_what_the_candidate_lacks_is_evaluated_recorded_and_decided_on() -> None:
    world, doors = a_world().apply_policy().lock(), Doors()
    gated = evaluating.decide(world.desk(), world.subject(), "staging", tools(doors))
    assert doors.asked == len(CASES)
    assert gated.evidence == (world.records().ledger.evaluations[0].entry.digest,)
    again = evaluating.decide(world.desk(), world.subject(), "staging", tools(doors))
    assert (again.evidence, doors.asked) == (gated.evidence, len(CASES))


def test_what_serves_is_measured_on_the_candidates_yardstick() -> None:
    world, doors = a_world().apply_policy().ready(), Doors()
    world.promote()
    served = world.subject("1.0.0").release.behaviour_digest
    more = [*CASES, {**CASES[0], "id": "bulb-again"}]
    dropping = BARS.replace("{min: 0.6}", "{min: 0.6, max_drop: 0.5}")
    world.put({f"prompts/{PROMPT}/thresholds.yaml": dropping.encode(), "evalsets/lamp/cases.jsonl": cases_file(more)})
    world.lock("1.1.0", text="Answer from the page, briefly.")
    gated = evaluating.decide(world.desk(), world.subject("1.1.0"), "staging", tools(doors))
    assert "BASELINE_MISSING" not in gated.decision.codes
    assert {row.rule for row in gated.decision.rows if row.figure is not None} >= {"max_drop"}
    # The candidate on its own cases and on those of what serves, what serves on the candidate's; the added case asks
    # what another asks: sent once.
    assert doors.asked == 3 * len(CASES)
    behaviours = [item.evaluation.behaviour for item in world.records().ledger.evaluations[-3:]]
    candidate = world.subject("1.1.0").release.behaviour_digest
    assert sorted(behaviours) == sorted([candidate, candidate, served])


def test_what_serves_is_measured_for_what_the_candidate_left_of_the_cap() -> None:
    world, doors = a_world().apply_policy().ready(), Doors(nano_usd=7)
    world.promote()
    dropping = BARS.replace("{min: 0.6}", "{min: 0.6, max_drop: 0.5}")
    more = [*CASES, {**CASES[0], "id": "bulb-again"}]
    world.put({f"prompts/{PROMPT}/thresholds.yaml": dropping.encode(), "evalsets/lamp/cases.jsonl": cases_file(more)})
    world.lock("1.1.0", text="Answer from the page, briefly.")
    capped = replace(tools(doors), max_nano_usd=10**6)
    evaluating.decide(world.desk(), world.subject("1.1.0"), "staging", capped)
    assert doors.caps == [10**6, 10**6 - 7 * len(CASES), 10**6 - 14 * len(CASES)]


def test_a_bar_that_the_candidate_dropped_is_measured_where_it_still_counts() -> None:
    world, doors = a_world().apply_policy().ready(), Doors()
    world.promote()
    world.put({f"prompts/{PROMPT}/thresholds.yaml": b"release:\n  contains: {min: 0.1}\n"})
    world.lock("1.1.0", text="Answer from the page, briefly.")
    found = scorers.assemble(Judging(measured(0.9, judge="stern")), model="m")
    asking = replace(tools(doors), scorers_for=lambda _door, _judge: found)
    desk = replace(world.desk(), panel_of=lambda _judge: found.panel)
    gated = evaluating.decide(desk, world.subject("1.1.0"), "staging", asking)
    assert "groundedness" in {row.metric for row in gated.decision.rows if row.figure is not None}


def test_a_preview_is_never_evidence() -> None:
    world, doors = a_world().apply_policy(), Doors()
    before = world.refs
    place = Place(records=world.records(), environment="staging", now=world.clock.now())
    gated = evaluating.preview(tools(doors), working(world), place)
    assert not gated.is_evidence
    assert world.refs == before


def working(world: World) -> evaluating.Subject:
    return evaluating.subjects.working(world.repository, PROMPT)
