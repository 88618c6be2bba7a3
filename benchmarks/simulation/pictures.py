"""The pictures of docs/gate.md, drawn from what the gate and the simulations say; nothing in them is written by hand.

python -m benchmarks.simulation --pictures
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.simulation import coverage_pictures, gates, judge_pictures, saved_pictures
from benchmarks.simulation.deciding import Outcome, Rule, Setting, decide
from benchmarks.simulation.populations import Population, Scores
from benchmarks.simulation.svg import WIDTH, Drawing, Scale, percent
from llmops.evaluation.gating.decisions import MetricDecision, Verdict

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
BAR = 0.8
LOOKS = {Verdict.PASS: "good", Verdict.UNDECIDED: "open", Verdict.FAIL: "bad"}
# Passes of cases: small and large evalsets with equal shares, and one on each side of the bar.
SEEN = ((17, 20), (20, 20), (85, 100), (850, 1000), (80, 100), (66, 100), (760, 1000))
CURVES = {20: ("three", "2 4"), 100: ("two", "8 4"), 500: ("one", "")}
RULES = {
    Rule.INTERVAL: "one bar, on the interval",
    Rule.DROP: "largest drop (max_drop)",
    Rule.BOTH: "bar and largest drop",
    Rule.SLICES: "a bar in each of 3 slices",
}


def write(folder: Path = FOLDER) -> tuple[Path, ...]:
    """Draw every picture into the folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, drawing in drawings():
        path = folder / f"{name}.svg"
        path.write_text(str(drawing), encoding="utf-8", newline="\n")
        written.append(path)
    return tuple(written)


def drawings() -> Iterator[tuple[str, Drawing]]:
    """Every picture by its name."""
    yield "verdicts", verdicts()
    yield "pass-probability", chance_of_pass()
    yield "corrected", judge_pictures.corrected_rates()
    yield "coverage", coverage_pictures.covered()
    yield "false-pass", false_verdicts()
    yield "drops-let-through", chance_after_drop()
    yield "calls-saved", saved_pictures.saved()


# --- what a verdict means ---------------------------------------------------------------------------------------------


def verdicts() -> Drawing:
    """Intervals of several results against one bar, with the gate's verdicts."""
    rows = [_decided(passes, cases) for passes, cases in SEEN]
    told = "; ".join(
        f"{passes} of {cases}: {percent(row.interval.low, 1)} to {percent(row.interval.high, 1)}, {row.verdict}"
        for (passes, cases), row in zip(SEEN, rows, strict=True)
        if row.interval
    )
    drawing = Drawing(title=f"What a verdict means, bar {percent(BAR)}", told=told, height=110 + 44 * len(rows))
    top = drawing.heading("Passed cases and the 95 % interval of the true rate")
    x = Scale(low=0.5, high=1.0, start=122, end=372)
    bottom = top + 44 * len(rows) + 6
    for share in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        drawing.line((x(share), top), (x(share), bottom))
        drawing.text(x(share), bottom + 18, percent(share), "soft", "middle")
    drawing.line((x(BAR), top), (x(BAR), bottom), "ink", 2)
    for number, ((passes, cases), row) in enumerate(zip(SEEN, rows, strict=True)):
        _verdict_row(drawing, x, top + 26 + 44 * number, f"{passes} of {cases}", row)
    return drawing


def _decided(passes: int, cases: int) -> MetricDecision:
    import numpy as np

    scores = (np.arange(cases) < passes).astype(np.float64).reshape(1, cases, 1)
    population = Population(scores=Scores.BINARY, mean=BAR, cases=cases)
    return decide(Setting(rule=Rule.INTERVAL, population=population, bar=BAR), scores).rows[0]


def _verdict_row(drawing: Drawing, x: Scale, y: float, label: str, row: MetricDecision) -> None:
    look = LOOKS[row.verdict]
    drawing.text(16, y - 3, label)
    drawing.text(16, y + 14, percent(row.figure or 0.0), "soft")
    if row.interval:
        drawing.interval(x(row.interval.low), x(row.interval.high), y, look)
    drawing.dot(x(row.figure or 0.0), y, look)
    drawing.text(WIDTH - 10, y + 5, row.verdict, f"{look} bold", "end")


# --- how pass follows the truth ---------------------------------------------------------------------------------------


def chance_of_pass() -> Drawing:
    """The chance of a PASS by the true rate, exact for verdicts."""
    at_bar = {cases: gates.chance_of_pass(cases, BAR, BAR) for cases in CURVES}
    told = "; ".join(
        f"{cases} cases: {percent(share, 1)} at the bar, {percent(gates.chance_of_pass(cases, BAR, 0.9))} at 90 %"
        for cases, share in at_bar.items()
    )
    drawing = Drawing(title="How often the gate says PASS", told=told, height=404)
    top = drawing.heading(f"decide_on: interval, bar {percent(BAR)}, by the true pass rate")
    x = Scale(low=0.7, high=1.0, start=58, end=WIDTH - 32)
    y = Scale(low=0, high=1, start=top + 262, end=top + 12)
    _axes(drawing, x, y, [0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0])
    drawing.line((x(BAR), y(0)), (x(BAR), y(1)), "ink", 2)
    drawing.text(x(BAR) - 6, y(0.9), "the bar", "ink", "end")
    for cases, (look, dash) in CURVES.items():
        qualities = [0.7 + at / 200 for at in range(61)]
        points = [(x(true), y(gates.chance_of_pass(cases, BAR, true))) for true in qualities]
        drawing.curve(points, look, 3, dash)
    _keys(drawing, y(0) + 46)
    worst = max(at_bar.values())
    drawing.text(16, y(0) + 72, f"Exactly at the bar it says PASS in at most {percent(worst, 1)} of runs.", "soft")
    return drawing


def chance_after_drop() -> Drawing:
    """The chance of a PASS by the true drop against what serves, simulated."""
    found = {cases: gates.passing_drops(cases) for cases in CURVES}
    told = "; ".join(
        f"{cases} cases: "
        + ", ".join(f"{percent(one.pass_rate)} at {percent(one.setting.population.drop)}" for one in outcomes)
        for cases, outcomes in found.items()
    )
    drawing = Drawing(title="How often a drop gets through", told=told, height=404)
    top = drawing.heading(f"max_drop {percent(gates.MARGIN)}: share of PASS by the true drop")
    x = Scale(low=0, high=0.08, start=58, end=WIDTH - 32)
    y = Scale(low=0, high=1, start=top + 262, end=top + 12)
    _axes(drawing, x, y, [0, 0.02, 0.04, 0.06, 0.08])
    drawing.line((x(gates.MARGIN), y(0)), (x(gates.MARGIN), y(1)), "ink", 2)
    drawing.text(x(gates.MARGIN) + 6, y(0.9), "max_drop")
    for cases, (look, dash) in CURVES.items():
        points = [(x(one.setting.population.drop), y(one.pass_rate)) for one in found[cases]]
        drawing.curve(points, look, 3, dash)
        for at in points:
            drawing.dot(*at, look, 3)
    _keys(drawing, y(0) + 46)
    words = f"{gates.POWER_GATES} simulated gates a point; what serves passes 90 %"
    drawing.text(16, y(0) + 72, words, "soft")
    return drawing


def _axes(drawing: Drawing, x: Scale, y: Scale, marks: Sequence[float]) -> None:
    for share in (0, 0.25, 0.5, 0.75, 1):
        drawing.line((x.start, y(share)), (x.end, y(share)))
        drawing.text(x.start - 8, y(share) + 5, percent(share), "soft", "end")
    for mark in marks:
        drawing.text(x(mark), y(0) + 20, percent(mark), "soft", "middle")


def _keys(drawing: Drawing, y: float) -> None:
    for number, (cases, (look, dash)) in enumerate(CURVES.items()):
        x = 58 + 140 * number
        drawing.curve([(x, y - 5), (x + 30, y - 5)], look, 3, dash)
        drawing.text(x + 38, y, f"{cases} cases")


# --- false verdicts ---------------------------------------------------------------------------------------------------


def false_verdicts() -> Drawing:
    """False passes by rule, the mean over settings and the worst, and what happens where nothing changed."""
    found = {rule: gates.at_the_bar(rule) for rule in Rule}
    calm = gates.without_change()
    told = "; ".join(
        f"{RULES[rule]}: false pass {percent(_mean(outcomes), 1)} on average, {percent(_worst(outcomes), 1)} at worst"
        for rule, outcomes in found.items()
    )
    told += "; without change: " + "; ".join(
        f"{_label(one)}: {percent(one.fail_rate, 1)} FAIL, {percent(one.undecided_rate)} UNDECIDED" for one in calm
    )
    height = 150 + 48 * len(found) + 48 * len(calm)
    drawing = Drawing(title="How often the gate is wrong", told=told, height=height)
    top = drawing.heading(
        "PASS of a candidate exactly at its bar: average of the",
        "simulated settings (bar) and the worst (dot)",
    )
    y = _false_passes(drawing, top, found)
    drawing.text(16, y + 30, "Nothing changed: PASS, UNDECIDED, FAIL", "ink bold")
    _without_change(drawing, y + 44, calm)
    return drawing


def _false_passes(drawing: Drawing, top: float, found: dict[Rule, tuple[Outcome, ...]]) -> float:
    x = Scale(low=0, high=0.06, start=16, end=380)
    bottom = top + 48 * len(found)
    goal = x(gates.MOST)
    drawing.line((goal, top), (goal, bottom), "ink", 2)
    drawing.text(goal + 6, top + 12, "goal 5 %", "ink")
    for number, (rule, outcomes) in enumerate(found.items()):
        y = top + 48 * number
        mean, worst = _mean(outcomes), _worst(outcomes)
        drawing.text(16, y + 16, RULES[rule])
        drawing.box(16, y + 22, x(mean) - 16, 14, "one")
        drawing.dot(x(worst), y + 29, "good" if worst <= gates.MOST else "bad")
        drawing.text(WIDTH - 10, y + 34, f"{percent(mean, 1)}, {percent(worst, 1)}", "soft", "end")
    return bottom


def _without_change(drawing: Drawing, top: float, outcomes: Sequence[Outcome]) -> None:
    x = Scale(low=0, high=1, start=16, end=WIDTH - 16)
    for number, one in enumerate(outcomes):
        y, start = top + 48 * number, 0.0
        drawing.text(16, y + 16, _label(one))
        for share, look in ((one.pass_rate, "good"), (one.undecided_rate, "open"), (one.fail_rate, "bad")):
            drawing.box(x(start), y + 22, x(start + share) - x(start), 14, look)
            start += share
        shares = " / ".join(percent(share) for share in (one.pass_rate, one.undecided_rate))
        drawing.text(WIDTH - 16, y + 16, f"{shares} / {percent(one.fail_rate, 1)}", "soft", "end")


def _label(outcome: Outcome) -> str:
    return f"{outcome.setting.population.scores}, {outcome.setting.population.cases} cases"


def _mean(outcomes: Sequence[Outcome]) -> float:
    return sum(one.pass_rate for one in outcomes) / len(outcomes)


def _worst(outcomes: Sequence[Outcome]) -> float:
    return max(one.pass_rate for one in outcomes)
