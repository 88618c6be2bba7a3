"""A candidate that brings its own yardstick: what the one of what serves says about it.

Whoever edits a prompt and its evalset together could make the evalset easier until the prompt passes. So, while no
counting approval of the `quality` role accepts the other evalset, both decide:

1. The cases that what serves was locked with are not found: undecided, YARDSTICK_UNKNOWN.
2. The candidate was not evaluated on them: undecided, YARDSTICK_UNMEASURED.
3. Cases that the candidate took out are listed (CASES_REMOVED). Where their evidence is absent they count as failed:
   with the worst score in every metric that the effective bars name, and against every rule of a case that must pass.
   What is unchanged in both evalsets is then taken from the evidence on the candidate's own.
4. The effective bars hold on the old cases as on the new ones. A failure there is a failure; no bar is looser there.

Another evalset that passes on both is still another one: that a person of the role `quality` has to agree to it is
the gate's rule 6. So it is with whoever measures: a judge of the same name but another digest, or a metric whose scorer
has another version than when what serves was promoted, is another yardstick (`other_measures`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from llmops.documents import evalset_changes
from llmops.documents.bars import Bars, Loosening, LooseningKind, loosened
from llmops.documents.evalset_changes import CaseChange, EvalsetChange
from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.evidence import UNKNOWABLE, EvidenceRow, measured
from llmops.evaluation.gating.decisions import GateQuestion, MetricDecision, Reason, Verdict
from llmops.evaluation.metrics import CASE_RULES, Catalogue, MetricInfo, applies
from llmops.evaluation.pooling import Pool, pool

SUBJECT = "evalset"
NAMED_CASES = 12
COUNTS_AS_FAILED = "removed from the evalset: it counts as failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OldYardstick:
    """The cases that what serves was locked with (`evalset` None: they were not found, `problem` says why), the
    candidate's evidence on them, and that of what serves."""

    evalset: Evalset | None
    problem: str = ""
    candidate: Pool | None = None
    baseline: Pool | None = None
    baseline_problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class YardstickOutcome:
    """What the old yardstick says: which cases differ, every reason against the candidate, and each bar's row."""

    changes: EvalsetChange | None
    reasons: tuple[Reason, ...]
    rows: tuple[MetricDecision, ...] = ()


class Outcome(Protocol):
    """What one set of bars says about one pool of evidence."""

    @property
    def reasons(self) -> tuple[Reason, ...]: ...
    @property
    def rows(self) -> tuple[MetricDecision, ...]: ...


Decide = Callable[[GateQuestion], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Who measured: the judge's name and digest ("" for none), and the version of each metric's scorer."""

    judge: str
    judge_digest: str
    scorers: Mapping[str, str]


def other_measures(candidate: Measures, serving: Measures, metrics: Collection[str]) -> tuple[Loosening, ...]:
    """In which respects the candidate is measured otherwise than what serves was, under the same names. `metrics` are
    those that the bars name. Another name of a judge is for `loosened` to report."""
    found = []
    judges = (serving.judge_digest, candidate.judge_digest)
    if candidate.judge == serving.judge and all(judges) and judges[0] != judges[1]:
        found.append(_another("judge.digest", *judges))
    for metric in sorted(metrics):
        versions = (serving.scorers.get(metric, ""), candidate.scorers.get(metric, ""))
        if all(versions) and versions[0] != versions[1]:
            found.append(_another(f"scorer.{metric}", *versions))
    return tuple(found)


def _another(subject: str, before: str, after: str) -> Loosening:
    return Loosening(kind=LooseningKind.YARDSTICK, subject=subject, before=before, after=after)


def is_needed(bars: Bars, serving: Bars | None, accepted: Collection[str]) -> bool:
    """True where the candidate is locked with other cases than what serves, and nobody of `quality` has agreed."""
    if serving is None or bars.evalset_digest == serving.evalset_digest:
        return False
    return any(item.subject == SUBJECT and item.id not in accepted for item in loosened(bars, serving))


def judge(question: GateQuestion, old: OldYardstick, effective: Bars, decide: Decide) -> YardstickOutcome:
    """What the old cases say about the candidate. `decide` holds the effective bars against the question that it is
    given, whose `candidate` is the evidence on the old cases."""
    if old.evalset is None:
        return YardstickOutcome(changes=None, reasons=(_unknown(old),))
    changes = evalset_changes.compare(old.evalset, question.evalset)
    removed = _absent(old, changes)
    if old.candidate is None or not old.candidate.rows:
        outcome = decide(_asked(question, old, old.evalset, _carried(question, effective, old.evalset, changes)))
        reasons = (_unmeasured(old.evalset, changes), *_removed(changes, outcome.reasons, is_measured=False))
        return YardstickOutcome(changes=changes, reasons=reasons, rows=outcome.rows)
    failed = _failed(removed, effective, question.catalogue)
    outcome = decide(_asked(question, old, old.evalset, _with(old.candidate, failed)))
    there = tuple(replace(reason, message=f"{_place(old.evalset)}: {reason.message}") for reason in outcome.reasons)
    reasons = (*_removed(changes, outcome.reasons, is_measured=not removed), *there)
    return YardstickOutcome(changes=changes, reasons=reasons, rows=outcome.rows)


def _asked(question: GateQuestion, old: OldYardstick, evalset: Evalset, candidate: Pool) -> GateQuestion:
    """The same question on the old cases."""
    return replace(
        question,
        bars=replace(question.bars, evalset=evalset.name, evalset_digest=evalset.digest),
        evalset=evalset,
        candidate=candidate,
        baseline=old.baseline,
        baseline_problem=old.baseline_problem,
    )


def _absent(old: OldYardstick, changes: EvalsetChange) -> tuple[Case, ...]:
    """The removed cases on which the candidate was not measured."""
    known = old.candidate.cases if old.candidate else frozenset()
    return _cases(old.evalset, {change.case for change in changes.removed} - known)


def _cases(evalset: Evalset | None, ids: Collection[str]) -> tuple[Case, ...]:
    return tuple(case for case in evalset.cases if case.id in ids) if evalset and ids else ()


def _carried(question: GateQuestion, effective: Bars, evalset: Evalset, changes: EvalsetChange) -> Pool:
    """The evidence on the candidate's own cases as far as they are the old ones, removed cases as failed."""
    other = {change.case for change in changes.cases}
    own = question.candidate or Pool(rows=())
    removed = _cases(evalset, {change.case for change in changes.removed})
    kept = Pool(
        rows=tuple(row for row in own.rows if row.case not in other),
        repeated=tuple(row for row in own.repeated if row.case not in other),
    )
    return _with(kept, _failed(removed, effective, question.catalogue))


def _with(found: Pool, failed: Sequence[EvidenceRow]) -> Pool:
    return pool([(*found.rows, *failed)], aside=found.repeated) if failed else found


def _failed(cases: Iterable[Case], bars: Bars, catalogue: Catalogue) -> tuple[EvidenceRow, ...]:
    """Rows that say the worst of `cases`, for as many repeats as the bars ask for."""
    names = dict.fromkeys((*(threshold.metric for threshold in bars.thresholds), *CASE_RULES))
    infos = [catalogue.metric(name) for name in names]
    return tuple(_worst(case, infos, repeat) for case in cases for repeat in range(bars.repeats))


def _worst(case: Case, infos: Iterable[MetricInfo], repeat: int) -> EvidenceRow:
    """Spend and speed have no worst value: they stay unknown, and count against coverage."""
    found = {info.name: info.worst for info in infos if applies(info, case)}
    return EvidenceRow(
        case=case.id,
        group=case.group,
        must_pass=case.must_pass,
        input_digest="",
        request_digest="",
        answer="",
        repeat=repeat,
        scores={name: measured(worst, COUNTS_AS_FAILED) for name, worst in found.items() if worst is not None},
        unknown=UNKNOWABLE,
    )


def _unknown(old: OldYardstick) -> Reason:
    return Reason(
        code="YARDSTICK_UNKNOWN",
        verdict=Verdict.UNDECIDED,
        message=f"what serves was measured on other cases, and they are not here: {old.problem or 'not found'}",
        hint="fetch the history of the base branch, or ask the role `quality` for an approval that names the evalset",
    )


def _unmeasured(evalset: Evalset, changes: EvalsetChange) -> Reason:
    return Reason(
        code="YARDSTICK_UNMEASURED",
        verdict=Verdict.UNDECIDED,
        message=f"the evalset changed together with the prompt ({summary(changes)}), and the candidate was not "
        f"evaluated {_place(evalset)}",
        hint="run `llmops gate` with --eval: it evaluates on both; or lock with the evalset that what serves has",
    )


def _removed(changes: EvalsetChange, found: Sequence[Reason], *, is_measured: bool) -> tuple[Reason, ...]:
    """The cases that were taken out, listed; a failure where they are what makes the candidate fail."""
    if not changes.removed:
        return ()
    failures = [reason for reason in found if reason.verdict is Verdict.FAIL] if not is_measured else []
    count = len(changes.removed)
    what = f"{count} {'case was' if count == 1 else 'cases were'} removed: {named(changes.removed)}"
    if not is_measured:
        what = f"{what}; not measured, {'it counts' if count == 1 else 'they count'} as failed"
    if failures:
        what = f"{what}, and so {failures[0].message}"
    return (
        Reason(
            code="CASES_REMOVED",
            verdict=Verdict.FAIL if failures else Verdict.UNDECIDED,
            message=what,
            hint="bring the cases back, or ask the role `quality` for an approval that names the new evalset",
        ),
    )


def summary(changes: EvalsetChange) -> str:
    """How many cases differ, in words: `2 removed, 1 changed in ground_truth`."""
    fields = sorted({field.name for change in changes.changed for field in change.fields})
    parts = [
        f"{len(changes.removed)} removed" if changes.removed else "",
        f"{len(changes.changed)} changed in {', '.join(fields)}" if changes.changed else "",
        f"{len(changes.added)} added" if changes.added else "",
        f"slices dropped: {', '.join(changes.slices_removed)}" if changes.slices_removed else "",
        f"slices added: {', '.join(changes.slices_added)}" if changes.slices_added else "",
    ]
    return ", ".join(part for part in parts if part) or "the same cases under another name"


def named(changes: Sequence[CaseChange]) -> str:
    """The ids, those that had to pass marked."""
    shown = ", ".join(f"{item.case}{' (must pass)' if item.is_must_pass else ''}" for item in changes[:NAMED_CASES])
    return f"{shown} and {len(changes) - NAMED_CASES} more" if len(changes) > NAMED_CASES else shown


def _place(evalset: Evalset) -> str:
    return f"on the cases that what serves was measured with ({evalset.name} {evalset.digest[:12]})"
