"""gate --explain: what a candidate changes against what serves, case by case."""

from __future__ import annotations

from llmops.documents.evalsets import Evalset
from llmops.documents.releases import Release
from llmops.evaluation import pooling
from llmops.evaluation.gating import flips, gate
from llmops.evaluation.gating.decisions import GateQuestion
from llmops.evaluation.gating.flips import CaseFlips, Change, Flip, FlipQuestion
from llmops.usecases.evaluate.gate import Place, question_of, serving_release
from llmops.usecases.results.evaluating import Explained, FlippedCase, FlippedMetric, Gated


def explain(place: Place, release: Release, evalset: Evalset, gated: Gated) -> Explained | None:
    """The changes behind a decision; None where nothing serves, or where one of the two was not evaluated."""
    question = question_of(place, release, evalset)
    if gated.evaluated is not None:
        question = gate.with_candidate(question, pooling.pool([gated.evaluated.rows]))
    serving = serving_release(place, release.name)
    if serving is None or question.candidate is None or question.baseline is None:
        return None
    return _explained(question, gated, serving.version)


def _explained(question: GateQuestion, gated: Gated, serving: str) -> Explained | None:
    if question.candidate is None or question.baseline is None:
        return None
    effective = gated.decision.effective
    cases = gate.counting(question, effective)
    found = flips.flips(
        FlipQuestion(
            cases=cases,
            thresholds=effective.thresholds,
            candidate=question.candidate,
            baseline=question.baseline,
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
