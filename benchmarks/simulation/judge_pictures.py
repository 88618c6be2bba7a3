"""Pictures of judges: what a judge's errors do to a rate, and how the correction holds the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.simulation import calibration, judges
from benchmarks.simulation.calibration import LEVEL
from benchmarks.simulation.judges import KAPPA, RUNS, WORLD
from benchmarks.simulation.svg import WIDTH, Drawing, Scale, percent
from llmops.evaluation.calibration import correcting
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.proportions import wilson

RATES = (0.6, 0.7, 0.8, 0.9, 0.95)
SEED = 3
ROW = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One run at a true rate: the judge's own interval, and that corrected by labels of an older run."""

    rate: float
    naive: Interval
    corrected: Interval | None


def corrected_rates() -> Drawing:
    """The judge's own pass rate and the corrected one beside the truth, at several true rates."""
    seen = [_seen(rate) for rate in RATES]
    naive, carried = (_held(name) for name in (judges.NAIVE, judges.CARRIED))
    told = "; ".join(
        f"truth {percent(one.rate)}: judge {_spelled(one.naive)}, corrected {_spelled(one.corrected)}" for one in seen
    )
    drawing = Drawing(
        title=f"A judge that agrees with people at kappa {KAPPA:g}", told=told, height=154 + ROW * len(seen)
    )
    top = drawing.heading(f"{WORLD.cases} cases, {WORLD.labelled} of an older run labelled by people")
    x = Scale(low=0.4, high=1.0, start=84, end=WIDTH - 32)
    bottom = top + ROW * len(seen)
    for share in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        drawing.line((x(share), top), (x(share), bottom))
        drawing.text(x(share), bottom + 18, percent(share), "soft", "middle")
    for number, one in enumerate(seen):
        y = top + ROW * number
        drawing.text(16, y + 26, "truth", "soft")
        drawing.text(16, y + 44, percent(one.rate))
        drawing.line((x(one.rate), y + 8), (x(one.rate), y + ROW - 8), "ink", 3)
        drawing.interval(x(one.naive.low), x(one.naive.high), y + 22, "three")
        if one.corrected:
            drawing.interval(x(one.corrected.low), x(one.corrected.high), y + 42, "one")
    _key(drawing, bottom + 46, "three", f"the judge's own rate: {percent(naive)} of its intervals hold the truth")
    _key(
        drawing,
        bottom + 68,
        "one",
        f"corrected: {percent(carried)} hold it ({len(judges.WORLDS)} rates of {RUNS} runs)",
    )
    return drawing


def _held(estimator: str) -> float:
    """How often its intervals held the truth, over the worlds."""
    shares = [one.coverage for one in judges.measure() if one.estimator == estimator and one.coverage is not None]
    return sum(shares) / len(shares)


def _key(drawing: Drawing, y: float, look: str, words: str) -> None:
    drawing.interval(18, 42, y - 5, look)
    drawing.text(52, y, words)


def _spelled(interval: Interval | None) -> str:
    return f"{percent(interval.low)} to {percent(interval.high)}" if interval else "refused"


def _seen(rate: float) -> Seen:
    """One run: labels at the rate of an older run, then the judge alone on cases of this rate."""
    here = calibration.world(replace(WORLD, rate=rate), SEED)
    people = here.people(WORLD.labelled, calibration.LABELLED_RATE)
    labels = calibration.calibration_of(people.tolist(), here.judge(people).tolist(), WORLD.cluster)
    verdicts = here.judge(here.people(WORLD.cases, rate)).astype(float).tolist()
    found = correcting.corrected([[value] for value in verdicts], labels, LEVEL)
    return Seen(
        rate=rate,
        naive=wilson(sum(verdicts), len(verdicts), LEVEL),
        corrected=found.interval if isinstance(found, correcting.Corrected) else None,
    )
