"""What experiments claim: a wrong one is void with its code and harms nobody; `why` cites the sound ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from llmops.documents import canonical
from llmops.errors import Refusal
from llmops.governance import predicates, provenance
from llmops.governance.predicates import Experiment, ExperimentArm, PredicateError
from llmops.governance.verification import Report
from tests.governance.builders import PROMPT, World, a_release, a_world, evaluation

FIRST, SECOND = a_release(), a_release("1.3.0", base="1.2.0")
SHARD = b'{"another":"model"}\n'


@dataclass(frozen=True)
class Computed:
    """What every shard gives, as the builders claim it."""

    means: dict[str, str] = field(default_factory=lambda: {"groundedness": "0.71"})
    must_pass_failed: tuple[str, ...] = ()
    cases: int = 30
    rows: int = 30
    judged: frozenset[str] = frozenset()


def an_arm(said: predicates.Evaluation, label: str, record: str = "", **changes: Any) -> ExperimentArm:
    arm = ExperimentArm(
        label=label,
        version="1.2.0",
        model="m",
        behaviour=said.behaviour,
        evaluation=record,
        generator=said.generator,
        index=said.index,
        metrics=said.metrics,
        results=said.results,
        counts=said.counts,
        means=said.means,
        must_pass_failed=said.must_pass_failed,
    )
    return replace(arm, **changes)


def evaluated() -> tuple[World, ExperimentArm]:
    """A world with one evaluated release, and the arm that says the same as its evaluation."""
    world = a_world()
    world.publish(FIRST)
    record = world.evaluate(FIRST)
    said = record.predicate()
    assert isinstance(said, predicates.Evaluation)
    return world, an_arm(said, "1.2.0", record.digest)


def other(**changes: Any) -> ExperimentArm:
    """An arm that is no release: it carries its evidence itself."""
    return an_arm(evaluation(SECOND, SHARD), "1.2.0 / other", behaviour="9" * 64, **changes)


def an_experiment(*arms: ExperimentArm, **changes: Any) -> Experiment:
    said = Experiment(
        name="models",
        experiment=canonical.sha256(b"the file"),
        prompt=PROMPT,
        evalset="short",
        evalset_digest=evaluation(FIRST, SHARD).evalset_digest,
        judge="embedded-lexical",
        judge_digest=canonical.sha256(b"judge"),
        objectives=("groundedness", "cost_usd"),
        arms=arms,
        front=(arms[0].label,) if arms else (),
    )
    return replace(said, **changes)


def forced(world: World, said: Experiment, computed: Computed | None = None) -> Report:
    """The report after an experiment was appended past all checks."""
    if any(canonical.sha256(SHARD) in arm.results for arm in said.arms):
        world.files[f"audit/evidence/{canonical.sha256(SHARD)}.jsonl"] = SHARD
    world.force("dana", said)
    return world.report(recompute=lambda _: computed or Computed())


def void(report: Report) -> tuple[str, str]:
    assert report.sound
    assert report.ledger.experiments == ()
    last = report.ledger.entries[-1]
    return last.code, last.reason


def test_an_experiment_that_evidence_and_records_bear_out_is_effective() -> None:
    world, arm = evaluated()
    world.write("dana", an_experiment(arm, other()), evidence=(SHARD,))
    report = world.report(recompute=lambda _: Computed())
    assert report.ok
    (found,) = report.ledger.experiments
    assert found.experiment == an_experiment(arm, other())
    assert found.entry.path.endswith(f"-experiment-{PROMPT}.json")
    assert report.ledger.experiments_of(FIRST.behaviour_digest) == (found,)
    assert report.ledger.experiments_of("9" * 64) == (found,)
    assert report.ledger.experiments_of("8" * 64) == ()


def test_only_an_evaluator_may_write_one() -> None:
    world, arm = evaluated()
    with pytest.raises(Refusal) as caught:
        world.write("ravi", an_experiment(arm))
    assert caught.value.code == "ROLE_MISSING"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"arms": (), "front": ()}, "it has no arm"),
        ({"arms": (other(), other()), "front": ()}, "two arms have one label"),
        ({"front": ("1.2.0 / other", "nobody")}, "its front names nobody, which is no arm"),
    ],
)
def test_one_that_contradicts_itself_is_void(changes: dict[str, Any], reason: str) -> None:
    world, arm = evaluated()
    assert void(forced(world, an_experiment(arm, other(), **changes))) == ("EXPERIMENT_MALFORMED", reason)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"means": {"groundedness": "0.99"}}, "means"),
        ({"results": (canonical.sha256(SHARD),)}, "evidence"),
        ({"index": ""}, "index"),
    ],
)
def test_an_arm_that_says_otherwise_than_its_evaluation_is_void(changes: dict[str, Any], name: str) -> None:
    world, arm = evaluated()
    code, reason = void(forced(world, an_experiment(replace(arm, **changes), other())))
    assert code == "EVALUATION_DIFFERS"
    assert f"has another {name} than the evaluation" in reason


@pytest.mark.parametrize(("key", "value"), [("judge_digest", "7" * 64), ("evalset_digest", "7" * 64)])
def test_another_yardstick_than_the_named_evaluation_is_void(key: str, value: str) -> None:
    world, arm = evaluated()
    assert void(forced(world, an_experiment(arm, other(), **{key: value})))[0] == "EVALUATION_DIFFERS"


def test_an_evaluation_that_is_not_there_or_of_another_behaviour_is_void() -> None:
    world, arm = evaluated()
    assert void(forced(world, an_experiment(replace(arm, evaluation="5" * 64), other())))[0] == "EVALUATION_DIFFERS"
    world, arm = evaluated()
    stranger = other(evaluation=arm.evaluation)
    assert void(forced(world, an_experiment(arm, stranger)))[0] == "EVALUATION_DIFFERS"


def test_an_arm_that_its_evidence_refutes_is_void_and_named() -> None:
    world, arm = evaluated()
    report = forced(world, an_experiment(arm, other(means={"groundedness": "0.99"})))
    assert void(report) == (
        "RECOMPUTED_DIFFERS",
        "arm 1.2.0 / other: groundedness: recorded 0.99, the evidence gives 0.71",
    )
    assert not report.ok


def test_evidence_of_an_arm_that_is_missing_is_a_fault() -> None:
    world, arm = evaluated()
    world.force("dana", an_experiment(arm, other()))
    faults = world.report().faults
    assert [(fault.code, fault.path) for fault in faults] == [
        ("MISSING", f"audit/evidence/{canonical.sha256(SHARD)}.jsonl")
    ]


def test_evidence_that_no_arm_names_is_a_stray() -> None:
    world, arm = evaluated()
    world.write("dana", an_experiment(arm))
    world.files[f"audit/evidence/{canonical.sha256(SHARD)}.jsonl"] = SHARD
    assert [fault.code for fault in world.report().faults] == ["STRAY"]


def test_an_arm_is_read_as_strictly_as_a_record() -> None:
    written = predicates.write(an_experiment(other()))
    assert predicates.read("experiment", written) == an_experiment(other())
    for arms in ([{**written["arms"][0], "more": 1}], [{"label": "a"}], ["a"], {"a": 1}):
        with pytest.raises(PredicateError):
            predicates.read("experiment", {**written, "arms": arms})


def cited(world: World) -> Iterable[provenance.Link]:
    found = provenance.why(world.report(), world.tree, PROMPT, "staging")
    return [link for link in found if link.what == "experiment"]


def test_why_cites_the_experiments_in_which_the_serving_behaviour_took_part() -> None:
    world, arm = evaluated()
    world.approve("ravi", FIRST)
    world.promote(FIRST)
    assert cited(world) == []
    record = world.write("dana", an_experiment(arm, other()), evidence=(SHARD,))
    world.write("dana", an_experiment(other(), name="strangers"))
    (link,) = cited(world)
    assert (link.name, link.path, link.digest) == ("models on short", record.path, record.digest)
    assert link.ok
    assert link.who == "dana"
    assert link.detail == "2 arms by groundedness, cost_usd: 1.2.0 on the front (1.2.0)"


def test_why_says_where_an_experiment_preferred_another() -> None:
    world, arm = evaluated()
    world.approve("ravi", FIRST)
    world.promote(FIRST)
    world.write("dana", an_experiment(arm, other(), front=("1.2.0 / other",)), evidence=(SHARD,))
    (link,) = cited(world)
    assert link.detail == "2 arms by groundedness, cost_usd: 1.2.0 not on the front (1.2.0 / other)"
    world.files[f"audit/evidence/{canonical.sha256(SHARD)}.jsonl"] += b" "
    (broken,) = cited(world)
    assert not broken.ok


def test_an_experiment_opens_nothing() -> None:
    world = a_world()
    world.publish(FIRST)
    world.write("dana", an_experiment(other()), evidence=(SHARD,))
    assert world.ledger.evaluations == ()
    assert world.ledger.evaluations_of("9" * 64) == ()
