"""An experiment as records: an evaluation for each arm that is a locked release, and one record for all together.

Rules, in order:

1. All in one commit. An evaluation that stands there already with the same evidence is named, not written again.
2. The experiment names each arm's evaluation, or carries its evidence itself where the behaviour is no release's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llmops.evaluation import evidence
from llmops.governance.predicates import Evaluation, Experiment, ExperimentArm
from llmops.usecases.evaluate.recording import predicate_of
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.experiments.arms import Arm, Assembled
from llmops.usecases.records.ledgers import Desk, Records, Step
from llmops.usecases.results.evaluating import Evaluated
from llmops.usecases.results.experiments import Compared, Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """An arm after its turn: its evaluation, or why there is none; `calls` went to a model for it."""

    arm: Arm
    evaluated: Evaluated | None = None
    failure: Failure | None = None
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a record says of one arm, with its evidence."""

    arm: Arm
    subject: Subject
    shards: tuple[bytes, ...]
    evaluation: Evaluation

    def recorded(self, records: Records) -> str:
        """The digest of the record that says the same, "" where there is none."""
        entries = records.ledger.evaluations_of(self.evaluation.behaviour)
        same = (item.entry.digest for item in entries if _evidence(item.evaluation) == _evidence(self.evaluation))
        return next(same, "")


def _evidence(said: Evaluation) -> tuple[object, ...]:
    """What makes two evaluations the same measurement; what it cost this time is no part of it."""
    return said.evalset_digest, said.judge_digest, said.index, said.results, said.generator, said.metrics


def record(desk: Desk, assembled: Assembled, ran: Sequence[Ran], compared: Compared) -> Compared:
    """Write the evaluations and the experiment; returns it with its records."""
    said = [_said(each.arm, each.arm.subject, each.evaluated) for each in ran if each.arm.subject and each.evaluated]
    known = desk.read()
    new = {each.evaluation.behaviour: each for each in said if each.arm.is_release and not each.recorded(known)}
    steps: list[Callable[[Records], Step]] = [_evaluation_step(each) for each in new.values()]
    steps.append(lambda records: _experiment_step(assembled, said, compared, records))
    written = desk.write(*steps)
    digests = {behaviour: one.digest for behaviour, one in zip(new, written, strict=False)}
    arms = tuple(
        replace(arm, evaluation=digests.get(each.evaluation.behaviour, each.recorded(known)) if arm.is_release else "")
        for arm, each in zip(compared.arms, said, strict=True)
    )
    return replace(compared, arms=arms, records=written)


def _said(arm: Arm, subject: Subject, evaluated: Evaluated) -> _Said:
    shards = evidence.shards(evaluated.rows)
    return _Said(arm=arm, subject=subject, shards=shards, evaluation=predicate_of(subject, evaluated, shards))


def _evaluation_step(said: _Said) -> Callable[[Records], Step]:
    release = said.subject.release
    summary = f"evaluate {release.name} {release.version} on {said.subject.evalset.name}"
    return lambda _: Step(predicate=said.evaluation, summary=summary, evidence=said.shards)


def _experiment_step(assembled: Assembled, said: Sequence[_Said], compared: Compared, records: Records) -> Step:
    experiment = assembled.experiment
    predicate = Experiment(
        name=experiment.name,
        experiment=experiment.digest,
        prompt=experiment.prompt,
        evalset=assembled.evalset.name,
        evalset_digest=assembled.evalset.digest,
        judge=said[0].evaluation.judge,
        judge_digest=said[0].evaluation.judge_digest,
        objectives=compared.comparison.objectives,
        arms=tuple(_arm(each, records) for each in said),
        front=compared.comparison.front,
    )
    own = dict.fromkeys(shard for each in said if not each.arm.is_release for shard in each.shards)
    return Step(predicate=predicate, summary=f"compare {experiment.name}", evidence=tuple(own))


def _arm(said: _Said, records: Records) -> ExperimentArm:
    evaluation = said.evaluation
    return ExperimentArm(
        label=said.arm.spec.label,
        version=said.arm.spec.version,
        model=said.subject.release.model,
        behaviour=evaluation.behaviour,
        evaluation=said.recorded(records) if said.arm.is_release else "",
        generator=evaluation.generator,
        index=evaluation.index,
        metrics=evaluation.metrics,
        results=evaluation.results,
        counts=evaluation.counts,
        means=evaluation.means,
        must_pass_failed=evaluation.must_pass_failed,
    )
