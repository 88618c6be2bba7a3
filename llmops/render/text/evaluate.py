"""What eval and gate show: a table of figures with their intervals, then the reasons with the worst cases."""

from __future__ import annotations

from collections.abc import Sequence

from llmops.documents.bars import PROMPT, answered_by
from llmops.documents.chat import Stage
from llmops.documents.spending import StageSpend
from llmops.evaluation.evidence import COST, TOKENS
from llmops.evaluation.metrics import OPERATIONAL
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.summary import MetricSummary, Summary
from llmops.render import show
from llmops.render.page import Cell, Page
from llmops.usecases.results.evaluating import Estimate, Evaluated

_WORST = 3


def evaluated(page: Page, result: Evaluated) -> None:
    """One evaluation: what was scored, the figures, what it took."""
    summary = result.summary
    page.line(Cell(f"{result.prompt} {result.version}", "bold"), f" on {result.evalset}: {summary.cases} cases")
    page.paragraph(f"judge {result.judge}; behaviour {result.behaviour[:16]}", indent=2, style="dim")
    page.blank()
    page.table(
        ("metric", "mean", "95 % interval", "measured"),
        [_metric(item) for item in summary.metrics if not item.slice],
        right=(1, 3),
    )
    _cut_off(page, summary)
    _missing(page, result)
    _failing(page, result)
    _slices(page, result)
    page.blank()
    _spend(page, result)
    if result.record:
        verb = "would record" if result.record.is_dry_run else "recorded"
        page.line(f"{verb} {result.record.path}")
    elif result.is_frozen:
        page.paragraph("not recorded, so the gate will not count it: --record writes it", indent=2, style="dim")
    else:
        page.paragraph("working files: not evidence", indent=2, style="warn")


def expected(page: Page, estimate: Estimate) -> None:
    """What an evaluation would ask and cost; nothing was asked."""
    page.line(Cell(f"{estimate.prompt} {estimate.version}", "bold"), ": would ask, and has asked nothing")
    page.paragraph(estimate.sentence, indent=2)


def _spend(page: Page, result: Evaluated) -> None:
    """What the answers took when they were asked for; then what this run asked for anew, stage by stage."""
    summary = result.summary
    parts = [_tokens(summary), _cost(result), _times("latency", summary.latency_p50_ms, summary.latency_p95_ms)]
    if summary.ttft_p50_ms is not None:
        parts.append(_times("first token", summary.ttft_p50_ms, summary.ttft_p95_ms))
    page.paragraph(f"answers: {'; '.join(parts)}", indent=2, hanging=4, style="dim")
    stages = ", ".join(_stage(stage, spend) for stage, spend in result.ledger.stages.items() if spend.sent)
    asked = f"asked now: {stages}" if stages else "asked now: nothing, every answer was kept"
    page.paragraph(f"{asked}; ${result.ledger.nano_usd / 1e9:.4f}", indent=2, style="dim")


def _tokens(summary: Summary) -> str:
    if summary.input_tokens is None:
        return "tokens unknown"
    return f"{summary.input_tokens} + {summary.output_tokens} tokens{_but(summary, TOKENS)}"


def _cost(result: Evaluated) -> str:
    """What the answers cost; where nobody knows, whose word is missing."""
    summary, generator = result.summary, result.generator
    if summary.nano_usd is not None:
        return f"${summary.nano_usd / 1e9:.4f}{_but(summary, COST)}"
    target = answered_by(generator)
    if target == PROMPT:
        return f"cost unknown (no price for {generator.get('model', 'the model')}: add `prices`)"
    return "cost unknown" if target == "answers" else f"cost unknown ({target} did not say `cost_usd`)"


def _but(summary: Summary, name: str) -> str:
    count = summary.unknown.get(name, 0)
    return f" (unknown of {count} of {summary.rows} answers)" if count else ""


def _times(what: str, half: int | None, most: int | None) -> str:
    return f"{what} unknown" if half is None else f"{what} p50 {_ms(half)}, p95 {_ms(most)}"


def _stage(stage: Stage, spend: StageSpend) -> str:
    again = f", {spend.retries} of them again" if spend.retries else ""
    hedged = f", {spend.hedges} hedged" if spend.hedges else ""
    tokens = f", {spend.input_tokens} + {spend.output_tokens} tokens" if spend.input_tokens else ""
    unpriced = f", {spend.unpriced} without a known price" if spend.unpriced else ""
    return f"{stage} {spend.sent} requests{again}{hedged}{tokens}{unpriced}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"


def _metric(item: MetricSummary) -> tuple[str | Cell, ...]:
    measured = f"{item.measured}/{item.expected}"
    style = "" if item.measured == item.expected else "warn"
    return (
        item.metric,
        figure(item.figure, item.metric),
        interval_text(item.interval, item.metric),
        Cell(measured, style),
    )


def _cut_off(page: Page, summary: Summary) -> None:
    found = summary.cut_off
    if found.answers:
        said = "answer was" if found.answers == 1 else "answers were"
        page.blank()
        page.paragraph(
            f"{found.answers} {said} cut off by max_tokens: {_named(found.named, found.cases)}",
            indent=2,
            hanging=4,
            style="warn",
        )


def _named(first: Sequence[str], count: int) -> str:
    shown = ", ".join(show.one_line(case, 60) for case in first)
    return f"{shown} and {count - len(first)} more" if count > len(first) else shown


def _failing(page: Page, result: Evaluated) -> None:
    """The first cases that fail what is passed or failed, each with the rule that hit."""
    items = [item for item in result.summary.metrics if item.is_binary and not item.slice]
    failing = [(item, case) for item in items for case in item.worst if case.value < 1]
    if failing:
        page.blank()
    for item, case in failing:
        said = f"{item.metric} fails on {because(case.case, case.reason, 160)}"
        page.paragraph(said, indent=2, hanging=4, style="bad")


def _missing(page: Page, result: Evaluated) -> None:
    """Why cases have no figure: each reason once, with its first cases, the most frequent first."""
    items = [item for item in result.summary.metrics if item.missing and not item.slice]
    if items:
        page.blank()
    for item in items:
        for reason, count in item.missing[:_WORST]:
            cases = f"{count} case{'s' if count > 1 else ''}"
            names = item.missing_cases.get(reason, ())
            which = f" ({_named(names, count)})" if names else ""
            said = f"{item.metric} is missing on {cases}{which}: {show.one_line(reason, 160)}"
            page.paragraph(said, indent=2, hanging=4, style="warn")
        others = sum(count for _, count in item.missing[_WORST:])
        if others:
            page.paragraph(f"and on {others} more for other reasons (--json lists them)", indent=4, style="dim")


def _slices(page: Page, result: Evaluated) -> None:
    """Slices by the graded metrics that the bars name, as many as fit: the means, and how many cases there are."""
    by_place = {(item.slice, item.metric): item for item in result.summary.metrics if item.slice and item.measured}
    slices = list(dict.fromkeys(name for name, _ in by_place))
    metrics = [name for name in result.barred if any((part, name) in by_place for part in slices)]
    room = page.width - 2 - max((len(name) for name in slices), default=0) - len("  cases")
    fitting = [name for at, name in enumerate(metrics) if sum(len(one) + 2 for one in metrics[: at + 1]) <= room]
    if not fitting:
        return
    page.blank()
    rows = []
    for part in slices:
        cells = [by_place.get((part, name)) for name in fitting]
        cases = max(item.expected for (place, _), item in by_place.items() if place == part)
        rows.append((part, str(cases), *(figure(cell.figure, cell.metric) if cell else "-" for cell in cells)))
    page.table(("slice", "cases", *fitting), rows, right=range(1, len(fitting) + 2))


def because(case: str, reason: str, limit: int) -> str:
    """A case with the reason that was said of it, if any."""
    return f"{case}: {show.one_line(reason, limit)}" if reason else case


def figure(value: float | None, metric: str) -> str:
    """A figure of this metric, in as many digits as it deserves; "-" where there is none."""
    if value is None:
        return "-"
    if metric == "cost_usd":
        return f"{value:.6f}"
    return f"{value:.0f}" if metric in OPERATIONAL else f"{value:.3f}"


def interval_text(interval: Interval | None, metric: str) -> str:
    """An interval of this metric, "" where there is none."""
    return f"{figure(interval.low, metric)} .. {figure(interval.high, metric)}" if interval else ""
