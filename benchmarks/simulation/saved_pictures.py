"""The picture of evaluations that stop as soon as their verdict is certain: how many calls that saves."""

from __future__ import annotations

from benchmarks.simulation import sequential
from benchmarks.simulation.sequential import Outcome, Shape
from benchmarks.simulation.svg import WIDTH, Drawing, Scale, percent

ROW = 50
TRIALS = 300
WORDS = {
    Shape.BINARY: "pass or fail",
    Shape.GRADED: "graded",
    Shape.CLUSTERS: "clusters of 4",
    Shape.LEADING: "must pass first",
    Shape.DROP: "graded",
    Shape.FLIPS: "pass or fail, a tenth flip",
}


def saved() -> Drawing:
    """For each setting the mean share of the cases that was not run, and how many runs stopped early."""
    found = [sequential.simulate(setting, TRIALS) for setting in sequential.CLEAR]
    told = "; ".join(
        f"{one.setting.name}: {percent(one.saved)} saved, {percent(one.passed + one.failed)} of runs stopped early"
        for one in found
    )
    drawing = Drawing(title="Calls saved by stopping when it is certain", told=told, height=130 + ROW * len(found))
    top = drawing.heading(
        f"--until-decided: mean share of {sequential.CASES} cases that was",
        f"not run, over {TRIALS} runs each; none where it never stopped",
    )
    x = Scale(low=0, high=1, start=16, end=WIDTH - 16)
    bottom = top + ROW * len(found) + 4
    for share in (0, 0.25, 0.5, 0.75, 1):
        drawing.line((x(share), top), (x(share), bottom))
        drawing.text(x(share), bottom + 18, percent(share), "soft", _anchor(share))
    for number, one in enumerate(found):
        y = top + ROW * number
        drawing.text(16, y + 18, _label(one))
        drawing.text(WIDTH - 16, y + 18, percent(one.saved), "soft", "end")
        drawing.box(16, y + 25, x(one.saved) - 16, 14, "one")
    return drawing


def _label(one: Outcome) -> str:
    of = one.setting
    if of.shape in (Shape.DROP, Shape.FLIPS):
        return f"{WORDS[of.shape]}: drop {of.mean:g}, max_drop {of.bar:g}"
    about = "mean" if of.is_evalset else "interval"
    return f"{WORDS[of.shape]}, {about}: true {of.mean:g}, bar {of.bar:g}"


def _anchor(share: float) -> str:
    return "start" if share == 0 else "end" if share == 1 else "middle"
