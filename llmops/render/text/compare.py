"""What compare shows: all arms at a glance, each metric with differences, what failed, what it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from llmops.documents.chat import Stage
from llmops.documents.spending import Ledger, StageSpend
from llmops.evaluation.comparison import ArmResult, Comparison, Difference, Reading, Sign, Standing
from llmops.evaluation.judging.expectations import Range
from llmops.evaluation.metrics import Direction
from llmops.render.page import Cell, Page
from llmops.render.text.evaluate import figure, interval_text
from llmops.usecases.results.experiments import Compared, ComparedArm, Planned, PlannedArm

_MARKS = {Standing.FRONT: "*", Standing.NEAR: "~", Standing.BEHIND: "", Standing.UNPLACED: "?"}
_STYLES = {Standing.FRONT: "good", Standing.NEAR: "warn", Standing.BEHIND: "", Standing.UNPLACED: "warn"}
_WORDS = {Stage.GENERATOR: "answers", Stage.JUDGE: "judging"}
_SIGNS = {Sign.BETTER: "good", Sign.WORSE: "bad", Sign.UNCLEAR: ""}


def compared(page: Page, result: Compared) -> None:
    """An experiment that was run."""
    _head(page, result)
    names = _letters([arm.label for arm in result.arms])
    _overview(page, result.comparison, names)
    _legend(page, result.comparison)
    for metric in _metrics(result.comparison):
        _metric(page, result.comparison, metric, names)
    _failures(page, result.failed)
    _spent(page, result)
    for record in result.records:
        page.line(f"recorded {record.path}")


def planned(page: Page, result: Planned) -> None:
    """An experiment before it runs: what each arm will ask."""
    _head(page, result)
    rows = [
        (arm.label, _range(arm.requests), str(arm.kept), _money(arm.nano_usd), ", ".join(arm.unpriced))
        for arm in result.arms
        if not arm.failure
    ]
    page.blank()
    if rows:
        total = ("together", _range(result.requests), str(sum(arm.kept for arm in result.arms)))
        rows.append((*total, _money(result.nano_usd), ""))
        page.table(("arm", "requests", "kept or shared", "expected cost", "price unknown"), rows, right=(1, 2, 3))
    _failures(page, result.failed)
    page.blank()
    page.paragraph("nothing was asked; an answer that is kept, or that an arm before asks alike, costs nothing")


def _head(page: Page, result: Compared | Planned) -> None:
    repeats = f" x {result.repeats}" if result.repeats > 1 else ""
    page.sentence(
        Cell(result.experiment, "bold"),
        f": {len(result.arms)} arms of {result.prompt} on {result.evalset}, {result.cases} cases{repeats}",
        hanging=2,
    )
    page.paragraph(f"judge {result.judge}", indent=2, style="dim")


def _letters(labels: Sequence[str]) -> dict[str, str]:
    """A short name an arm, so that tables of figures stay narrow: A … Z, then A2, B2 …"""
    count = len(ascii_uppercase)
    return {
        label: ascii_uppercase[at % count] + (str(at // count + 1) if at >= count else "")
        for at, label in enumerate(labels)
    }


def _metrics(comparison: Comparison) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*comparison.metrics, *comparison.objectives)))


def _overview(page: Page, comparison: Comparison, names: dict[str, str]) -> None:
    """All arms with their figures, with intervals where the page is wide enough; as many metrics a table as fit."""
    metrics = _metrics(comparison)
    with_intervals = _cells(comparison, metrics, are_long=True)
    fixed = 2 + 2 * 3 + max(len(name) for name in names.values()) + 1 + max(len(arm.label) for arm in comparison.arms)
    widths = _widths(metrics, with_intervals)
    is_long = fixed + sum(width + 2 for width in widths) <= page.width
    cells = with_intervals if is_long else _cells(comparison, metrics, are_long=False)
    for part in _fitting(_widths(metrics, cells), page.width - fixed):
        page.blank()
        page.table(
            ("", "", "arm", *(metrics[at] for at in part)),
            [_row(arm, names[arm.label], [row[at] for at in part]) for arm, row in _paired(comparison, cells)],
            right=range(3, len(part) + 3),
        )


def _paired(comparison: Comparison, cells: list[list[str]]) -> Iterator[tuple[ArmResult, list[str]]]:
    return zip(comparison.arms, cells, strict=True)


def _row(arm: ArmResult, name: str, cells: Sequence[str]) -> tuple[str | Cell, ...]:
    return Cell(_MARKS[arm.standing], _STYLES[arm.standing]), name, arm.label, *cells


def _cells(comparison: Comparison, metrics: Sequence[str], *, are_long: bool) -> list[list[str]]:
    return [[_cell(arm.reading(metric), are_long=are_long) for metric in metrics] for arm in comparison.arms]


def _cell(reading: Reading | None, *, are_long: bool) -> str:
    if reading is None:
        return "-"
    value = figure(reading.figure, reading.metric)
    interval = interval_text(reading.interval, reading.metric)
    return f"{value} ({interval})" if are_long and interval else value


def _widths(metrics: Sequence[str], cells: list[list[str]]) -> list[int]:
    return [max(len(metric), *(len(row[at]) for row in cells)) for at, metric in enumerate(metrics)]


def _fitting(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    """The columns in parts that fit; a column wider than the page stands alone."""
    part: list[int] = []
    for at, width in enumerate(widths):
        if part and sum(widths[each] + 2 for each in part) + width + 2 > room:
            yield part
            part = []
        part.append(at)
    if part:
        yield part


def _legend(page: Page, comparison: Comparison) -> None:
    by = ", ".join(comparison.objectives)
    page.blank()
    said = {
        Standing.FRONT: f"* on the front by {by}: no other arm is as good in all of them and better in one",
        Standing.NEAR: "~ behind the front by its figures, but these cases do not settle it",
        Standing.UNPLACED: "? not placed: a figure is missing",
    }
    for standing in dict.fromkeys(arm.standing for arm in comparison.arms):
        if standing in said:
            page.paragraph(said[standing], indent=2, hanging=4, style="dim")
    for metric in comparison.left_out:
        page.paragraph(f"{metric} is not weighed: no arm has a figure", indent=2, hanging=4, style="warn")
    if not comparison.baseline:
        page.paragraph("no differences: the baseline could not be measured", indent=2, hanging=4, style="warn")


def _metric(page: Page, comparison: Comparison, metric: str, names: dict[str, str]) -> None:
    """One metric of all arms, with the difference against the baseline."""
    readings = [(arm, reading) for arm in comparison.arms if (reading := arm.reading(metric))]
    if all(reading.figure is None for _, reading in readings):
        return
    better = "higher" if readings[0][1].direction is Direction.HIGHER else "lower"
    page.blank()
    page.line(Cell(metric, "bold"), f": {better} is better")
    baseline = names.get(comparison.baseline, "baseline")
    page.table(
        ("", "figure", "95 % interval", f"vs {baseline}", "95 % interval", ""),
        [_detail(names[arm.label], reading) for arm, reading in readings],
        right=(1, 3),
    )
    for arm, reading in readings:
        if reading.measured < reading.expected:
            said = f"{names[arm.label]}: measured on {reading.measured} of {reading.expected}: {reading.reason}"
            page.paragraph(said, indent=2, hanging=5, style="warn")


def _detail(name: str, reading: Reading) -> tuple[str | Cell, ...]:
    metric = reading.metric
    row = (name, figure(reading.figure, metric), interval_text(reading.interval, metric))
    difference = reading.difference
    if difference is None:
        return (*row, "", "", "")
    sign = difference.sign
    word = Cell(sign.value if sign and sign is not Sign.UNCLEAR else "", _SIGNS[sign] if sign else "")
    return (*row, _difference(difference, metric), interval_text(difference.interval, metric), word)


def _difference(difference: Difference, metric: str) -> str:
    text = figure(abs(difference.figure), metric)
    return f"{'-' if difference.figure < 0 else '+'}{text}"


def _failures(page: Page, failed: Sequence[ComparedArm | PlannedArm]) -> None:
    for arm in failed:
        if arm.failure is None:
            continue
        found = arm.failure
        where = f" ({found.where})" if found.where else ""
        page.blank()
        page.paragraph(f"{arm.label}: {found.what}{where}  [{found.code}]", indent=2, hanging=4, style="bad")
        page.bullets(found.details, indent=4)
        if found.hint:
            page.paragraph(f"fix: {found.hint}", indent=4, hanging=9)


def _spent(page: Page, result: Compared) -> None:
    parts = [f"{_WORDS[stage]} {spend.sent} asked, {spend.cached} kept" for stage, spend in _stages(result.ledger)]
    page.blank()
    page.paragraph(
        f"this run: {'; '.join([*parts, f'${result.ledger.nano_usd / 1e9:.4f}'])}; figures are of every answer as it "
        "was when it was asked",
        indent=2,
        style="dim",
    )


def _stages(ledger: Ledger) -> Iterator[tuple[Stage, StageSpend]]:
    return ((stage, ledger.stages[stage]) for stage in _WORDS if stage in ledger.stages)


def _range(found: Range | None) -> str:
    if found is None:
        return "-"
    return str(found.low) if found.low == found.high else f"{found.low} .. {found.high}"


def _money(found: Range | None) -> str:
    if found is None:
        return "-"
    low, high = f"${found.low / 1e9:.4f}", f"${found.high / 1e9:.4f}"
    return low if low == high else f"{low} .. {high}"
