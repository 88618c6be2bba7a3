"""The gate: may this behaviour serve, by what was measured?

Rules, in order:

1. No evidence: NOT_RUN. Evidence of another evalset than the bars name: UNDECIDED.
2. Quarantined cases do not count before their date; from that date on they do.
3. The effective bar is the strictest of policy floors, the candidate's own bars, and those of what serves, less what
   an approval of the `quality` role accepts. Each threshold gives its rows (`thresholds`).
4. `must_pass` cases block alone: by their own rules (`contains`, `excludes`, `safety`) and by every pass-or-fail
   metric that the bars name, in any recorded run. One whose rules were not measured leaves the gate undecided.
5. One FAIL is a FAIL; else one open question is UNDECIDED; else PASS.
6. Whoever passes floors and own bars and misses only an unapproved looser bar, or passes by another yardstick than
   what serves, is UNDECIDED with NEEDS_QUALITY: a person has to agree.

The verdict is recomputed from evidence wherever it matters, and is never stored in place of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmops.documents.bars import Bars, Loosening, loosened, strictest, with_accepted
from llmops.documents.evalsets import Case
from llmops.evaluation.gating import thresholds
from llmops.evaluation.gating.decisions import (
    CaseFailure,
    GateDecision,
    GateQuestion,
    MetricDecision,
    Reason,
    Verdict,
    overall,
)
from llmops.evaluation.gating.thresholds import Ground
from llmops.evaluation.metrics import CASE_RULES, Catalogue, Kind, MetricInfo, applies
from llmops.evaluation.pooling import Pool, must_pass_failures, score_of


def decide(question: GateQuestion) -> GateDecision:
    """The verdict on `question.candidate` with all its reasons. Raises: CannotAsk METRIC_UNKNOWN."""
    own = strictest(question.bars, floors=question.floors)
    early = _cannot_decide(question)
    if question.candidate is None or early:
        reason = early or _no_evidence(question)
        return _decision(question, _effective(question, own), _Outcome(reasons=(reason,)), (), reason.verdict)
    looser = loosened(question.bars, question.serving_bars) if question.serving_bars else ()
    effective = _effective(question, own)
    outcome = _outcome(question, question.candidate, effective)
    verdict = overall(tuple(reason.verdict for reason in outcome.reasons))
    needed = _needs_quality(question, outcome, verdict, own, looser)
    if needed:
        return _decision(question, effective, replace(outcome, reasons=needed), looser, Verdict.UNDECIDED)
    return _decision(question, effective, outcome, looser, verdict)


def _cannot_decide(question: GateQuestion) -> Reason | None:
    if question.candidate is None or not question.candidate.rows:
        return _no_evidence(question)
    if question.evalsets and question.bars.evalset not in question.evalsets:
        message = f"measured on {question.bars.evalset}, this environment decides on {', '.join(question.evalsets)}"
        hint = "name one of these as `evalset:` in prompt.yaml, lock a new version and evaluate it"
        return Reason(code="OTHER_EVALSET", verdict=Verdict.UNDECIDED, message=message, hint=hint)
    cases = len({case.id for case in question.evalset.cases} & {row.case for row in question.candidate.rows})
    if cases < question.min_cases:
        message = f"{cases} cases were evaluated, this environment asks for at least {question.min_cases}"
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
        judge_standing=question.judge_standing,
        accepted_judges=question.accepted_judges,
        min_coverage=bars.min_coverage,
        repeats=bars.repeats,
        seed=seed,
        catalogue=question.catalogue,
        is_same_evidence=question.baseline is not None and question.baseline.digest == seed,
    )
    rows = tuple(row for threshold in bars.thresholds for row in thresholds.decide(threshold, ground))
    deciding = _deciding(bars, question.catalogue)
    failures = _failed_cases(candidate, cases, deciding)
    reasons = (
        *(_failure_reason(failure) for failure in failures),
        *_unmeasured_must_pass(candidate, cases, bars, [question.catalogue.metric(name) for name in deciding]),
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
    known = {case.id for case in question.evalset.cases}
    return tuple(item.case for item in bars.quarantine if item.case in known and today < item.until[:10])


def _row_reason(row: MetricDecision) -> Reason:
    return Reason(code=row.code, verdict=row.verdict, message=row.message, hint=row.hint)


def _deciding(bars: Bars, catalogue: Catalogue) -> tuple[str, ...]:
    """The metrics that decide about a single case: its own rules, and pass-or-fail metrics that the bars name."""
    named = (threshold.metric for threshold in bars.thresholds)
    return tuple(dict.fromkeys((*CASE_RULES, *(name for name in named if catalogue.metric(name).kind is Kind.BINARY))))


def _failed_cases(candidate: Pool, cases: Sequence[Case], deciding: Sequence[str]) -> tuple[CaseFailure, ...]:
    blocking = {case.id for case in cases if case.must_pass}
    everything = (*candidate.rows, *candidate.repeated)
    rows = [replace(row, must_pass=True) for row in everything if row.case in blocking]
    found: dict[tuple[str, str], CaseFailure] = {}
    for row, name in must_pass_failures(rows, deciding):
        failure = CaseFailure(case=row.case, metric=name, reason=row.scores[name].reason, answer=row.answer)
        found.setdefault((row.case, name), failure)
    return tuple(found[key] for key in sorted(found))


def _failure_reason(failure: CaseFailure) -> Reason:
    because = f": {failure.reason}" if failure.reason else ""
    message = f"case {failure.case} must pass and fails {failure.metric}{because}"
    hint = f"read the answer of {failure.case}, then mend the prompt; no average makes up for this case"
    return Reason(code="MUST_PASS_FAILED", verdict=Verdict.FAIL, message=message, hint=hint)


def _unmeasured_must_pass(
    candidate: Pool, cases: Sequence[Case], bars: Bars, rules: Sequence[MetricInfo]
) -> tuple[Reason, ...]:
    rows = candidate.by_case()
    reasons = []
    for case in (case for case in cases if case.must_pass):
        deciding = [info.name for info in rules if applies(info, case)]
        labelled = [name for name in deciding if name != "safety" or _is_named(name, bars)]
        scores = {name: [score_of(row, name) for row in rows.get(case.id, ())] for name in deciding}
        measured = {
            name
            for name, found in scores.items()
            if found and all(score and score.value is not None for score in found)
        }
        missing = [name for name in labelled if name not in measured]
        if missing or not measured:
            reasons.append(_must_pass_open(case.id, missing))
    return tuple(reasons)


def _is_named(name: str, bars: Bars) -> bool:
    return any(threshold.metric == name for threshold in bars.thresholds)


def _must_pass_open(case: str, missing: Sequence[str]) -> Reason:
    what = f"{', '.join(missing)} was not measured on it" if missing else "no pass-or-fail metric was measured on it"
    hint = "run `llmops eval` again" if missing else "give the case `contains` or `not_contains`, or measure `safety`"
    message = f"case {case} must pass, but {what}"
    return Reason(code="MUST_PASS_UNMEASURED", verdict=Verdict.UNDECIDED, message=message, hint=hint)


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
