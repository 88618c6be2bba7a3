"""gate --explain: what a candidate changes against what serves, case by case."""

from __future__ import annotations

from dataclasses import replace

from llmops.documents.evalsets import Evalset
from llmops.documents.releases import Release
from llmops.evaluation import pooling
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.changes import flips
from llmops.evaluation.gating.changes.flips import CaseFlips, Change, Flip, FlipQuestion
from llmops.evaluation.gating.decisions import GateQuestion
from llmops.evaluation.pooling import Pool
from llmops.usecases.evaluate.gate import Place, question_of, serving_release
from llmops.usecases.results.evaluating import Explained, FlippedCase, FlippedMetric, Gated


def explain(place: Place, release: Release, evalset: Evalset, gated: Gated) -> Explained:
    """The changes behind a decision, or why there is nothing to compare."""
    question = question_of(place, release, evalset)
    if gated.evaluated is not None:
        question = replace(question, candidate=pooling.pool([gated.evaluated.rows]))
    serving = serving_release(place, release.name)
    if serving is None:
        where = f"in {place.environment}" if place.environment else "without an environment (--env NAME)"
        return Explained(problem=f"nothing of {release.name} serves {where}, so there is nothing to compare with")
    if question.candidate is None:
        return Explained(serving=serving.version, problem=f"{release.name} {release.version} was not evaluated")
    if question.baseline is None:
        return Explained(serving=serving.version, problem=question.baseline_problem)
    return _explained(question, question.candidate, question.baseline, gated, serving.version)


def _explained(question: GateQuestion, candidate: Pool, baseline: Pool, gated: Gated, serving: str) -> Explained:
    effective = gated.decision.effective
    cases = gate.counting(question, effective)
    found = flips.flips(
        FlipQuestion(
            cases=cases,
            thresholds=effective.thresholds,
            candidate=candidate,
            baseline=baseline,
            catalogue=question.catalogue,
        )
    )
    counts = {kind.value: len(found.of(kind)) for kind in Change}
    counts[Change.UNCHANGED.value] = len(cases) - sum(counts.values())
    return Explained(
        serving=serving,
        counts=counts,
        cases=tuple(_case(item) for item in found.cases),
        unpaired=tuple((item.case, item.metric, item.reason) for item in found.unpaired),
        unknown_noise=found.unknown_noise,
    )


def _case(item: CaseFlips) -> FlippedCase:
    return FlippedCase(
        case=item.case,
        kind=item.kind.value,
        must_pass=item.must_pass,
        damage=item.damage,
        metrics=tuple(_metric(flip) for flip in item.flips if flip.kind is not Change.UNCHANGED),
    )


def _metric(flip: Flip) -> FlippedMetric:
    return FlippedMetric(
        metric=flip.key,
        kind=flip.kind.value,
        before=flip.before.value,
        after=flip.after.value,
        damage=flip.damage,
        noise=flip.noise.value,
        half=flip.half,
        reason=flip.after.reason,
        answer_before=flip.before.answer,
        answer_after=flip.after.answer,
    )
