"""What gate shows: the table of bars with their intervals, why, what to do, and what changed case by case."""

from __future__ import annotations

from collections.abc import Sequence

from llmops.documents.bars import PROMPT
from llmops.evaluation.gating.decisions import GateDecision, MetricDecision, Verdict, WorstCase
from llmops.render import show
from llmops.render.page import Cell, Page
from llmops.render.text.evaluate import because, figure, interval_text
from llmops.usecases.results.evaluating import Explained, FlippedCase, FlippedMetric, Gated

_STYLES = {Verdict.PASS: "good", Verdict.FAIL: "bad", Verdict.UNDECIDED: "warn", Verdict.NOT_RUN: "warn"}
_KINDS = {"broken": "bad", "fixed": "good", "noisy": "warn"}
_CALIBRATED, _ADVISORY = " (calibrated)", " (advisory)"
_WORST = 3
_SHOWN = {"broken": 10, "fixed": 5, "noisy": 3}  # cases by name; the others by number
_QUOTED = 200


def gated(page: Page, result: Gated) -> None:
    """A decision: verdict, the table of bars, why, and what to do."""
    decision = result.decision
    where = f" for {result.environment}" if result.environment else ""
    page.line(
        Cell(f"{result.prompt} {result.version}", "bold"),
        f"{where}: ",
        Cell(decision.verdict.value.replace("_", " "), _STYLES[decision.verdict]),
    )
    records = "1 evaluation record" if len(result.evidence) == 1 else f"{len(result.evidence)} evaluation records"
    source = records if result.is_evidence else "working files, NOT EVIDENCE"
    page.paragraph(f"{result.evalset}; judge {_judge(result)}{_target(decision)}; {source}", indent=2, style="dim")
    page.blank()
    _table(page, decision.rows)
    _corrections(page, decision)
    _other_cases(page, decision)
    _reasons(page, decision)
    if result.explained is not None:
        _explained(page, result.explained)


def _table(page: Page, rows: Sequence[MetricDecision]) -> None:
    if rows:
        header = ("metric", "figure", "bar", "95 % interval", "cases", "verdict")
        page.table(header, [_row(row) for row in rows], right=(1, 4))


def _other_cases(page: Page, decision: GateDecision) -> None:
    """The same bars on the cases that what serves was measured with, where the candidate brings others."""
    found = decision.yardstick
    if found is None or found.changes is None:
        return
    parts = (("added", found.changes.added), ("removed", found.changes.removed), ("changed", found.changes.changed))
    counts = ", ".join(f"{len(cases)} {word}" for word, cases in parts)
    page.blank()
    page.paragraph(
        f"the cases are others than those of what serves ({counts}); on {found.changes.before}:", indent=2, style="warn"
    )
    page.blank()
    _table(page, found.rows)


def _target(decision: GateDecision) -> str:
    """Who answered, where that is not the prompt's own model."""
    target = decision.effective.target
    if target == PROMPT:
        return ""
    return "; the evalset's own answers, no model was asked" if target == "answers" else f"; answered by {target}"


def _judge(result: Gated) -> str:
    """The judge with its standing here: by metric, where people's labels bear it out."""
    known = dict.fromkeys(row.quality or row.metric for row in result.decision.rows if row.judge.endswith(_CALIBRATED))
    return f"{result.judge.removesuffix(_ADVISORY)} (calibrated: {', '.join(known)})" if known else result.judge


def _corrections(page: Page, decision: GateDecision) -> None:
    """How rates were corrected for the judge's errors, each metric once."""
    found = {(row.metric, row.slice): row for row in decision.rows if row.corrected is not None}
    if found:
        page.blank()
    for row in found.values():
        if row.corrected is not None:
            page.paragraph(f"{_name(row)}: {row.corrected.sentence}", indent=2, hanging=4, style="dim")


def _row(row: MetricDecision) -> tuple[str | Cell, ...]:
    name = _name(row)
    sign = {"min": ">=", "max": "<=", "require": "all >=", "max_drop": "drop <="}[row.rule]
    return (
        name,
        figure(row.figure, row.metric),
        f"{sign} {figure(row.bar, row.metric)}",
        interval_text(row.interval, row.metric),
        f"{row.measured}/{row.expected}",
        Cell(row.verdict.value.lower(), _STYLES[row.verdict]),
    )


def _name(row: MetricDecision) -> str:
    """The metric, what it is counted by, and the slice."""
    name = row.metric if row.pass_at is None else f"{row.metric} >= {row.pass_at:g}"
    name = f"{name}/{row.quality}" if row.quality else name
    return f"{name} [{row.slice}]" if row.slice else name


def _reasons(page: Page, decision: GateDecision) -> None:
    if decision.reasons:
        page.blank()
    for reason in decision.reasons:
        page.paragraph(f"{reason.message}  [{reason.code}]", indent=2, hanging=4, style=_STYLES[reason.verdict])
        if reason.hint:
            page.paragraph(f"fix: {reason.hint}", indent=4, hanging=9)
    shown: set[tuple[str, str]] = set()
    for row in decision.rows:
        is_new = row.verdict is Verdict.FAIL and (row.metric, row.slice) not in shown
        worst = [case for case in row.worst[:_WORST] if _is_short(case, row)] if is_new else []
        if worst:
            shown.add((row.metric, row.slice))
            page.blank()
            page.line(f"  worst of {row.metric}{f' [{row.slice}]' if row.slice else ''}:")
        for case in worst:
            said = f"{figure(case.value, row.metric)}  {because(case.case, case.reason, 300)}"
            page.paragraph(said, indent=4, hanging=10)
    for failure in decision.must_pass:
        said = f"must pass: {because(failure.case, failure.reason, 200)}"
        page.paragraph(said, indent=2, hanging=4, style="bad")


def _is_short(case: WorstCase, row: MetricDecision) -> bool:
    """Whether the case itself is below a lower bar: the others only show that there were not enough bad ones."""
    return row.rule != "min" or case.value is None or case.value < row.bar


def _explained(page: Page, found: Explained) -> None:
    """The cases that changed against what serves, the gravest first, with both answers of the broken ones."""
    counts = ", ".join(f"{count} {kind}" for kind, count in found.counts.items())
    page.blank()
    if found.problem:
        page.paragraph(f"what changed cannot be told: {found.problem}", style="warn")
        return
    page.line(Cell(f"against {found.serving}, which serves: ", "bold"), counts)
    if found.unknown_noise:
        names = ", ".join(found.unknown_noise)
        page.paragraph(
            f"nobody knows how far a case moves by itself in {names}: changes under 0.1 are taken for noise, and some "
            "of the others are chance too; `repeats: 3` in thresholds.yaml tells them apart",
            indent=2,
            style="dim",
        )
    for kind, most in _SHOWN.items():
        cases = [case for case in found.cases if case.kind == kind]
        for case in cases[:most]:
            _flipped(page, case)
        if len(cases) > most:
            page.paragraph(f"and {len(cases) - most} more {kind} (--json lists them)", indent=4, style="dim")
    if found.unpaired:
        named = ", ".join(dict.fromkeys(case for case, _, _ in found.unpaired[:8]))
        page.paragraph(f"measured on one side only: {named}", indent=2, hanging=4, style="warn")


def _flipped(page: Page, case: FlippedCase) -> None:
    worst, *_ = case.metrics
    must = ", must pass" if case.must_pass else ""
    moves = "; ".join(_move(metric) for metric in case.metrics)
    head = Cell(f"  {case.kind:<7}", _KINDS[case.kind])
    page.sentence(head, f"{show.one_line(case.case, 60)}{must}: {moves}", hanging=11)
    if case.kind != "broken":
        return
    if worst.reason:
        page.paragraph(show.one_line(worst.reason, _QUOTED), indent=11, style="dim")
    if worst.answer_before != worst.answer_after:
        page.paragraph(f"was: {show.one_line(worst.answer_before, _QUOTED)}", indent=11, hanging=16)
        page.paragraph(f"now: {show.one_line(worst.answer_after, _QUOTED)}", indent=11, hanging=16)


def _move(metric: FlippedMetric) -> str:
    return f"{metric.metric} {figure(metric.before, metric.metric)} -> {figure(metric.after, metric.metric)}"
