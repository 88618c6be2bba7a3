"""The picture of coverage: how often intervals at 95 % hold the truth, those of a textbook and those of the gate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.simulation import coverage, judges
from benchmarks.simulation.svg import WIDTH, Drawing, Scale, percent

SIZES, RATES = (20, 50, 100, 200), (0.5, 0.8, 0.95, 0.99)
ROW = 40
JUDGED = {
    judges.NAIVE: ("naive: rate by an uncorrected judge", "three"),
    judges.CARRIED: ("rate, judge corrected (older labels)", "one"),
    judges.DRAWN: ("rate, judge corrected (labels drawn)", "one"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One estimator: the lowest coverage of its places, and their mean."""

    label: str
    look: str
    lowest: float
    mean: float


def covered() -> Drawing:
    """Every estimator with its lowest and mean coverage."""
    bars = list(_bars())
    told = "; ".join(
        f"{one.label}: {percent(one.lowest, 1)} at the lowest, {percent(one.mean, 1)} mean" for one in bars
    )
    drawing = Drawing(title="How often a 95 % interval holds the truth", told=told, height=130 + ROW * len(bars))
    top = drawing.heading(
        "The mean over sizes, clusters and rates (dot)",
        f"and the lowest (mark), {coverage.FAST_RUNS} draws each (rate: exact)",
    )
    x = Scale(low=0, high=1, start=24, end=WIDTH - 24)
    bottom = top + ROW * len(bars) + 4
    drawing.line((x(0.95), top), (x(0.95), bottom), "ink", 2)
    for share in (0, 0.25, 0.5, 0.75, 0.95):
        drawing.text(x(share), bottom + 18, percent(share), "soft", "middle")
    for number, one in enumerate(bars):
        y = top + ROW * number
        drawing.text(16, y + 15, one.label)
        drawing.text(x(0.95) - 8, y + 15, f"{percent(one.lowest)}, {percent(one.mean)}", "soft", "end")
        drawing.line((x(0), y + 27), (x(1), y + 27))
        drawing.line((x(one.lowest), y + 27), (x(one.mean), y + 27), one.look, 3)
        drawing.line((x(one.lowest), y + 21), (x(one.lowest), y + 33), one.look, 3)
        drawing.dot(x(one.mean), y + 27, one.look)
    return drawing


def _bars() -> Iterator[Bar]:
    yield _bar("naive: rate ± 1.96 standard errors", "three", [_textbook(n, rate) for n in SIZES for rate in RATES])
    found = coverage.measure(fast=True)
    for name in dict.fromkeys(one.estimator for one in found):
        yield _bar(name, "one", [one.share for one in found if one.estimator == name])
    by_name: dict[str, list[float]] = {}
    for judged in judges.measure():
        by_name.setdefault(judged.estimator, []).append(judged.coverage or 0.0)
    for name, (label, look) in JUDGED.items():
        yield _bar(label, look, by_name[name])


def _bar(label: str, look: str, shares: list[float]) -> Bar:
    return Bar(label=label, look=look, lowest=min(shares), mean=math.fsum(shares) / len(shares))


def _textbook(n: int, rate: float) -> float:
    """The exact coverage of the rate ± 1.96 of its standard errors (the interval of A. Wald)."""
    return math.fsum(
        math.comb(n, passes) * rate**passes * (1 - rate) ** (n - passes)
        for passes in range(n + 1)
        if abs(passes / n - rate) <= 1.96 * math.sqrt(passes / n * (1 - passes / n) / n) + 1e-12
    )
