"""What an experiment claims, against the records and the evidence that it names.

An experiment opens nothing, so a wrong one is void and harms nobody; but `why` cites it. Rules, in order:

1. It has arms, no two of one label, and its front names some of them: else EXPERIMENT_MALFORMED.
2. An arm that names an evaluation names an effective one that says the same: behaviour, evalset, judge, evidence and
   means. Else EVALUATION_DIFFERS.
3. Where the evidence is at hand, each arm's counts and means are what it gives (`claims`). Which arms make the front is
   the evaluator's word: it follows from figures over cases, in `evaluation.comparison`.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmops.governance.checks.claims import AtHand, claim_faults
from llmops.governance.ledger import Ledger, Reason
from llmops.governance.predicates import Experiment, ExperimentArm

MALFORMED, DIFFERS = "EXPERIMENT_MALFORMED", "EVALUATION_DIFFERS"


def comparison_faults(ledger: Ledger, said: Experiment, evidence: AtHand | None) -> tuple[Reason, ...]:
    """Everything that records and evidence have against what `said` claims."""
    shape = tuple(_shape(said))
    if shape:
        return shape
    named = tuple(reason for arm in said.arms if arm.evaluation for reason in _named(ledger, said, arm))
    return named or (tuple(_recomputed(said, evidence)) if evidence else ())


def _shape(said: Experiment) -> Iterator[Reason]:
    labels = [arm.label for arm in said.arms]
    if not labels:
        yield Reason(code=MALFORMED, text="it has no arm")
    if len(set(labels)) < len(labels):
        yield Reason(code=MALFORMED, text="two arms have one label")
    strangers = sorted(set(said.front) - set(labels))
    if strangers:
        yield Reason(code=MALFORMED, text=f"its front names {', '.join(strangers)}, which is no arm")


def _named(ledger: Ledger, said: Experiment, arm: ExperimentArm) -> Iterator[Reason]:
    found = next((item for item in ledger.evaluations_of(arm.behaviour) if item.entry.digest == arm.evaluation), None)
    if found is None:
        text = f"arm {arm.label} names evaluation {arm.evaluation[:12]}, which is no effective one of its behaviour"
        yield Reason(code=DIFFERS, text=text)
        return
    evaluation = found.evaluation
    sides = {
        "prompt": (said.prompt, evaluation.prompt),
        "evalset": (said.evalset_digest, evaluation.evalset_digest),
        "judge": (said.judge_digest, evaluation.judge_digest),
        "index": (arm.index, evaluation.index),
        "evidence": (arm.results, evaluation.results),
        "means": (dict(arm.means), dict(evaluation.means)),
    }
    for name, (own, theirs) in sides.items():
        if own != theirs:
            text = f"arm {arm.label} has another {name} than the evaluation {arm.evaluation[:12]} that it names"
            yield Reason(code=DIFFERS, text=text)


def _recomputed(said: Experiment, evidence: AtHand) -> Iterator[Reason]:
    for arm in said.arms:
        for reason in claim_faults(arm, evidence):
            yield Reason(code=reason.code, text=f"arm {arm.label}: {reason.text}")
