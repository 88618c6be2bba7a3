"""The gate: may this behaviour serve, by what was measured?

Rules, in order:

1. No evidence: NOT_RUN. Evidence of another evalset than the bars name: UNDECIDED.
2. Quarantined cases do not count before their date; from that date on they do.
3. The effective bar is the strictest of policy floors, the candidate's own bars, and those of what serves, less what
   an approval of the `quality` role accepts. Each threshold gives its rows (`thresholds`).
4. `must_pass` cases block alone: by their own rules (`contains`, `excludes`, `safety`) and by every pass-or-fail
   metric that the bars name, in any recorded run. One whose rules were not measured leaves the gate undecided.
5. One FAIL is a FAIL; else one open question is UNDECIDED; else PASS.
6. Where what serves was locked with other cases, the candidate answers to those as well (`yardsticks`).
7. Whoever passes floors and own bars and misses only an unapproved looser bar, or passes by another yardstick than
   what serves, is UNDECIDED with NEEDS_QUALITY: a person has to agree.

The verdict is recomputed from evidence wherever it matters, and is never stored in place of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmops.documents.bars import Bars, Loosening, loosened, strictest, with_accepted
from llmops.documents.evalsets import Case
from llmops.evaluation.gating import must_pass, thresholds, yardsticks
from llmops.evaluation.gating.decisions import (
    CaseFailure,
    GateDecision,
    GateQuestion,
    MetricDecision,
    Reason,
    Verdict,
    overall,
)
from llmops.evaluation.gating.early import samples
from llmops.evaluation.gating.ground import Ground
from llmops.evaluation.gating.yardsticks import YardstickOutcome
from llmops.evaluation.metrics import CASE_RULES
from llmops.evaluation.pooling import Pool

_NOTHING = Pool(rows=())


def decide(question: GateQuestion) -> GateDecision:
    """The verdict on `question.candidate` with all its reasons. Raises: CannotAsk METRIC_UNKNOWN."""
    own = strictest(question.bars, floors=question.floors)
    effective = _effective(question, own)
    early = _cannot_decide(question, effective)
    if question.candidate is None or early:
        reason = early or _no_evidence(question)
        return _decision(question, effective, _Outcome(reasons=(reason,)), (), reason.verdict)
    looser = (
        *(loosened(question.bars, question.serving_bars) if question.serving_bars else ()),
        *question.other_measures,
    )
    outcome = _outcome(question, question.candidate, effective)
    other = _by_old_yardstick(question, effective)
    verdict = overall(tuple(reason.verdict for reason in outcome.reasons))
    needed = _needs_quality(question, outcome, verdict, own, looser)
    reasons = (*(needed or outcome.reasons), *(other.reasons if other else ()))
    verdict = overall(tuple(reason.verdict for reason in reasons))
    decided = _decision(question, effective, replace(outcome, reasons=reasons), looser, verdict)
    return replace(decided, yardstick=other)


def _by_old_yardstick(question: GateQuestion, effective: Bars) -> YardstickOutcome | None:
    """What the cases say that what serves was measured with, where they are others and nobody agreed to leave them."""
    if question.old is None or not yardsticks.is_needed(question.bars, question.serving_bars, question.accepted):
        return None
    return yardsticks.judge(
        question, question.old, effective, lambda asked: _outcome(asked, asked.candidate or _NOTHING, effective)
    )


def _cannot_decide(question: GateQuestion, effective: Bars) -> Reason | None:
    if question.candidate is None or not question.candidate.rows:
        return _no_evidence(question)
    if question.evalsets and question.bars.evalset not in question.evalsets:
        message = f"measured on {question.bars.evalset}, this environment decides on {', '.join(question.evalsets)}"
        hint = "name one of these as `evalset:` in prompt.yaml, lock a new version and evaluate it"
        return Reason(code="OTHER_EVALSET", verdict=Verdict.UNDECIDED, message=message, hint=hint)
    cases = _evaluated(question, question.candidate, effective) if question.min_cases else 0
    if cases < question.min_cases:
        message = f"{cases} cases that count were evaluated, this environment asks for at least {question.min_cases}"
        hint = "add labelled cases to the evalset, lock a new version and evaluate it"
        return Reason(code="TOO_FEW_CASES", verdict=Verdict.UNDECIDED, message=message, hint=hint)
    if question.evalset.digest != question.bars.evalset_digest:
        message = (
            f"the evalset {question.evalset.name} at hand has digest {question.evalset.digest[:12]}, "
            f"the bars name {question.bars.evalset_digest[:12]}"
        )
        hint = "restore the evalset that the release was locked with, or lock again"
        return Reason(code="EVALSET_MISMATCH", verdict=Verdict.UNDECIDED, message=message, hint=hint)
    return None


def _evaluated(question: GateQuestion, candidate: Pool, effective: Bars) -> int:
    """How many cases the evaluation is worth: not in quarantine, and measured by something that a bar is on."""
    named = {name for threshold in effective.thresholds for name in (threshold.metric, threshold.quality) if name}
    spent = {info.spend for name in named if (info := question.catalogue.infos.get(name)) and info.spend}
    deciding = (named | spent | set(CASE_RULES)) & (question.catalogue.infos.keys())
    known = candidate.measured(deciding)
    return sum(case.id in known for case in counting(question, effective))


def _no_evidence(question: GateQuestion) -> Reason:
    message = question.no_evidence or (
        f"nothing was evaluated on {question.evalset.name} with judge {question.bars.judge}"
    )
    hint = "run this with --eval, or `llmops eval NAME@VERSION --record` first"
    return Reason(code="NO_EVIDENCE", verdict=Verdict.NOT_RUN, message=message, hint=hint)


def _effective(question: GateQuestion, own: Bars) -> Bars:
    if question.serving_bars is None:
        return own
    serving = with_accepted(question.serving_bars, question.bars, question.accepted)
    return strictest(question.bars, floors=question.floors, serving=serving)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What one set of bars says about the candidate."""

    reasons: tuple[Reason, ...]
    rows: tuple[MetricDecision, ...] = ()
    must_pass: tuple[CaseFailure, ...] = ()


def _outcome(question: GateQuestion, candidate: Pool, bars: Bars) -> _Outcome:
    cases = counting(question, bars)
    seed = candidate.digest
    ground = Ground(
        evalset=question.evalset,
        cases=cases,
        candidate=candidate,
        baseline=question.baseline,
        baseline_problem=question.baseline_problem,
        has_serving=question.serving_bars is not None,
        judge=bars.judge,
        calibrations=question.calibrations,
        accepted_judges=question.accepted_judges,
        min_coverage=bars.min_coverage,
        repeats=bars.repeats,
        judge_repeats=bars.judge_repeats,
        seed=seed,
        catalogue=question.catalogue,
        behaviour=question.behaviour,
        is_same_evidence=question.baseline is not None and question.baseline.digest == seed,
    )
    corrected = (threshold.key for threshold in bars.thresholds if ground.calibration(threshold) is not None)
    ground = replace(ground, sample=samples.sample_of(question, cases, bars, frozenset(corrected)))
    rows = tuple(row for threshold in bars.thresholds for row in thresholds.decide(threshold, ground))
    deciding = must_pass.deciding(bars, question.catalogue)
    failures = must_pass.failed_cases(candidate, cases, deciding)
    reasons = (
        *(must_pass.failure_reason(failure) for failure in failures),
        *must_pass.unmeasured(candidate, cases, bars, [question.catalogue.metric(name) for name in deciding]),
        *(_row_reason(row) for row in rows if row.verdict is not Verdict.PASS),
    )
    return _Outcome(reasons=reasons or _nothing_asked(rows, cases), rows=rows, must_pass=failures)


def _nothing_asked(rows: Sequence[MetricDecision], cases: Sequence[Case]) -> tuple[Reason, ...]:
    """Bars that ask for nothing let nothing pass."""
    if rows or any(case.must_pass for case in cases):
        return ()
    message = "neither the release nor the policy sets a bar, and no case must pass"
    hint = "write thresholds in thresholds.yaml, and lock again"
    return (Reason(code="NO_BARS", verdict=Verdict.UNDECIDED, message=message, hint=hint),)


def counting(question: GateQuestion, bars: Bars) -> tuple[Case, ...]:
    """The cases of the evalset that are not in quarantine today."""
    resting = set(_resting(question, bars))
    return tuple(case for case in question.evalset.cases if case.id not in resting)


def _resting(question: GateQuestion, bars: Bars) -> tuple[str, ...]:
    today = question.now.date().isoformat()
    resting = [item.case for item in bars.quarantine if today < item.until[:10]]
    # A large evalset is unpacked to be looked through: only where there is something to look for.
    known = {case.id for case in question.evalset.cases} if resting else set()
    return tuple(case for case in resting if case in known)


def _row_reason(row: MetricDecision) -> Reason:
    return Reason(
        code=row.code,
        verdict=row.verdict,
        message=row.message,
        hint=row.hint,
        metric=row.metric,
        rule=row.rule,
        slice=row.slice,
        direction=row.direction,
        figure=row.figure,
        bar=row.bar,
        interval=row.interval,
        worst=row.worst,
        to_decide=row.to_decide,
    )


def _needs_quality(
    question: GateQuestion, outcome: _Outcome, verdict: Verdict, own: Bars, looser: tuple[Loosening, ...]
) -> tuple[Reason, ...]:
    """Why a person of the role `quality` has to agree; () where that would change nothing.

    A looser bar needs the agreement even where the old one is met: it would be what the next version is held to.
    """
    open_ones = [item for item in looser if item.id not in question.accepted]
    if question.candidate is None or not open_ones:
        return ()
    if verdict is Verdict.PASS:
        return tuple(_quality(item) for item in open_ones)
    by_own = _outcome(question, question.candidate, own)
    if overall(tuple(reason.verdict for reason in by_own.reasons)) is not Verdict.PASS:
        return ()
    missed = [replace(reason, verdict=Verdict.UNDECIDED) for reason in outcome.reasons]
    return (*(_quality(item) for item in open_ones), *missed)


def _quality(loosening: Loosening) -> Reason:
    return Reason(
        code="NEEDS_QUALITY",
        verdict=Verdict.UNDECIDED,
        message=f"floors and own bars are met, but {loosening.sentence}",
        hint=f"ask the role `quality` for an approval that names `{loosening.id}`, or keep what serves asks for",
    )


def _decision(
    question: GateQuestion, effective: Bars, outcome: _Outcome, looser: tuple[Loosening, ...], verdict: Verdict
) -> GateDecision:
    return GateDecision(
        verdict=verdict,
        reasons=outcome.reasons,
        rows=outcome.rows,
        must_pass=outcome.must_pass,
        quarantined=_resting(question, effective),
        effective=effective,
        loosenings=looser,
    )
