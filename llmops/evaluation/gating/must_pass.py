"""Cases that must pass: they block alone, by their own rules and by every pass-or-fail metric that the bars name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmops.documents.bars import Bars
from llmops.documents.evalsets import Case
from llmops.evaluation.gating.decisions import CaseFailure, Reason, Verdict
from llmops.evaluation.metrics import CASE_RULES, Catalogue, Kind, MetricInfo, applies
from llmops.evaluation.pooling import Pool, must_pass_failures, score_of


def deciding(bars: Bars, catalogue: Catalogue) -> tuple[str, ...]:
    """The metrics that decide about a single case: its own rules, and pass-or-fail metrics that the bars name."""
    named = (threshold.metric for threshold in bars.thresholds)
    return tuple(dict.fromkeys((*CASE_RULES, *(name for name in named if catalogue.metric(name).kind is Kind.BINARY))))


def failed_cases(candidate: Pool, cases: Sequence[Case], deciding: Sequence[str]) -> tuple[CaseFailure, ...]:
    """The failures of cases that must pass, in any recorded run."""
    blocking = {case.id for case in cases if case.must_pass}
    rows = [replace(row, must_pass=True) for row in candidate.rows_of(blocking)]
    found: dict[tuple[str, str], CaseFailure] = {}
    for row, name in must_pass_failures(rows, deciding):
        failure = CaseFailure(case=row.case, metric=name, reason=row.scores[name].reason, answer=row.answer)
        found.setdefault((row.case, name), failure)
    return tuple(found[key] for key in sorted(found))


def failure_reason(failure: CaseFailure) -> Reason:
    """One of them as a reason."""
    because = f": {failure.reason}" if failure.reason else ""
    message = f"case {failure.case} must pass and fails {failure.metric}{because}"
    hint = f"read the answer of {failure.case}, then mend the prompt; no average makes up for this case"
    return Reason(code="MUST_PASS_FAILED", verdict=Verdict.FAIL, message=message, hint=hint)


def unmeasured(candidate: Pool, cases: Sequence[Case], bars: Bars, rules: Sequence[MetricInfo]) -> tuple[Reason, ...]:
    """Cases that must pass and of which that cannot be told."""
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
