"""What evaluations claim: one that its evidence refutes is void with its code, opens nothing and stops nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from llmops.errors import CannotAsk
from llmops.governance import transitions
from llmops.governance.predicates import Promotion
from llmops.governance.verification import Report
from tests.governance.builders import PROMPT, World, a_release, a_world, codes, evaluation

FIRST, SECOND = a_release(), a_release("1.3.0", base="1.2.0")


@dataclass(frozen=True)
class Computed:
    """What the evidence gives; as the builders claim it unless a test says otherwise."""

    means: Mapping[str, str] = field(default_factory=lambda: {"groundedness": "0.71"})
    must_pass_failed: tuple[str, ...] = ()
    cases: int = 30
    rows: int = 30
    judged: frozenset[str] = frozenset()


def judged(world: World, found: Computed | None = None) -> Report:
    return world.report(recompute=lambda _: found or Computed())


def evaluated(**changes: object) -> World:
    world = a_world()
    world.publish(FIRST)
    world.evaluate(FIRST, **changes)
    return world


def void(world: World, found: Computed | None = None) -> tuple[str, str]:
    """Code and reason of the last record, in a log that stays sound."""
    report = judged(world, found)
    assert report.faults == ()
    assert report.sound
    assert report.ledger.evaluations == ()
    assert [entry.digest for entry in report.refuted] == [report.ledger.entries[-1].digest]
    assert not report.ok
    return report.ledger.entries[-1].code, report.ledger.entries[-1].reason


def test_a_claim_that_the_evidence_bears_out_is_effective() -> None:
    report = judged(evaluated(counts={"cases": 30, "rows": 30}))
    assert report.ok
    assert len(report.ledger.evaluations) == 1


@pytest.mark.parametrize(
    ("claimed", "reason"),
    [
        ({"means": {"groundedness": "0.91"}}, "groundedness: recorded 0.91, the evidence gives 0.71"),
        ({"means": {}}, "groundedness: recorded nothing, the evidence gives 0.71"),
        ({"means": {"groundedness": "0.71", "mrr": "1"}}, "mrr: recorded 1, the evidence gives nothing"),
        ({"counts": {"cases": 500}}, "cases: recorded 500, the evidence gives 30"),
        ({"counts": {}}, "cases: recorded 0, the evidence gives 30"),
        ({"counts": {"cases": 30, "rows": 90}}, "rows: recorded 90, the evidence gives 30"),
        ({"must_pass_failed": ("c-1",)}, "failed must_pass cases: recorded c-1, the evidence gives none"),
    ],
)
def test_a_claim_that_the_evidence_refutes_is_void(claimed: dict[str, object], reason: str) -> None:
    assert void(evaluated(**claimed)) == ("RECOMPUTED_DIFFERS", reason)


def test_failed_must_pass_cases_that_were_left_out_are_named() -> None:
    code, reason = void(evaluated(), Computed(must_pass_failed=("c-2", "c-1")))
    assert code == "RECOMPUTED_DIFFERS"
    assert reason == "failed must_pass cases: recorded none, the evidence gives c-1, c-2"


def test_claims_without_any_evidence_are_void() -> None:
    world = a_world()
    world.publish(FIRST)
    world.write("dana", evaluation(FIRST, b"", results=(), detached=True))
    assert void(world, Computed(means={}, cases=0, rows=0))[0] == "RECOMPUTED_DIFFERS"


def test_evidence_that_cannot_be_read_makes_its_evaluation_void() -> None:
    def fails(_: Iterable[bytes]) -> Computed:
        raise CannotAsk("EVIDENCE_INVALID", "not a canonical record", where="line 1")

    report = evaluated().report(recompute=fails)
    assert (report.faults, report.ok) == ((), False)
    last = report.ledger.entries[-1]
    assert (last.code, last.reason) == (
        "EVIDENCE_MALFORMED",
        "its evidence cannot be read: line 1: not a canonical record",
    )


def test_a_metric_that_came_later_says_nothing_about_an_old_record() -> None:
    assert judged(evaluated(), Computed(means={"groundedness": "0.71", "of_next_year": "0.5"})).ok


def test_evidence_that_is_kept_elsewhere_is_not_judged() -> None:
    world = a_world()
    world.publish(FIRST)
    world.write("dana", evaluation(FIRST, b"large", detached=True, counts={"cases": 500}))
    assert judged(world).ok


def test_evidence_with_other_bytes_is_a_fault_and_not_judged() -> None:
    world = evaluated(means={"groundedness": "0.91"})
    path = next(path for path in world.files if path.startswith("audit/evidence"))
    world.files[path] += b" "
    report = judged(world)
    assert [fault.code for fault in report.faults] == ["TAMPERED"]
    assert report.refuted == ()


def test_a_refuted_evaluation_opens_nothing_and_is_named() -> None:
    world = evaluated(means={"groundedness": "0.91"})
    world.approve("ravi", FIRST)
    refused = transitions.plan_promotion(judged(world).ledger, world.request(FIRST)).refusals
    assert codes(refused) == ["EVIDENCE_MISSING"]
    assert "record 3 is void: groundedness: recorded 0.91, the evidence gives 0.71" in refused[0].text


def test_a_refuted_evaluation_does_not_stop_a_rollback() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    world.evaluate(SECOND, means={"groundedness": "0.91"})
    ledger = judged(world).ledger
    asked = transitions.RollbackRequest(prompt=PROMPT, environment="staging", actor="otto", now=world.now)
    assert transitions.plan_rollback(ledger, asked).allowed


def cited(world: World) -> Report:
    """The report after a promotion by a tool that believes every claim."""
    world.approve("ravi", FIRST)
    planned = world.plan(FIRST)
    assert isinstance(planned.predicate, Promotion)
    world.carry_out("opal", planned)
    return judged(world)


def test_a_promotion_that_cites_a_refuted_evaluation_alone_is_void() -> None:
    report = cited(evaluated(means={"groundedness": "0.91"}))
    assert report.ledger.entries[-1].code == "EVIDENCE_MISSING"
    assert report.ledger.state("staging", PROMPT) is None


def test_a_promotion_stands_on_what_is_left_of_its_evidence() -> None:
    world = evaluated()
    world.evaluate(FIRST, counts={"cases": 500})
    report = cited(world)
    assert [entry.code for entry in report.voids] == ["RECOMPUTED_DIFFERS"]
    assert report.sound
    last = report.ledger.entries[-1].predicate
    assert isinstance(last, Promotion)
    assert len(last.evidence) == 2


def test_a_promotion_that_leaves_good_evidence_out_is_void_beside_a_refuted_one_as_well() -> None:
    world = evaluated()
    world.evaluate(FIRST, counts={"cases": 500})
    world.approve("ravi", FIRST)
    said = world.plan(FIRST).predicate
    assert isinstance(said, Promotion)
    path = world.force("opal", replace(said, evidence=said.evidence[1:]))
    entry = next(entry for entry in judged(world).ledger.entries if entry.path == path)
    assert entry.code == "EVIDENCE_DIFFERS"
