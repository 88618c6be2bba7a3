"""How often the intervals of a calibration hold the truth, on simulated cases, people and judges.

Cases have a truth (what people say), correlated within clusters; the judge errs by its sensitivity and specificity,
its errors correlated within clusters too. `python -m benchmarks.simulation.calibration` prints the table; coverage is
of the intervals that were given, refusals stand beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING

from llmops.evaluation.calibration import agreement, correcting, drawing
from llmops.evaluation.calibration.calibrations import Calibration, Judged, Labelled
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.proportions import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
TRUTH_CORRELATION, ERROR_CORRELATION = 0.3, 0.2
# People label a mix of good and bad answers; the pass rate of what is corrected later is another.
LABELLED_RATE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One world. `kappa` is the judge's at `LABELLED_RATE`; `lenient`: its errors are mostly passes."""

    cases: int
    labelled: int
    cluster: int
    rate: float
    kappa: float
    lenient: bool = True
    broken: float = 0.1

    def __str__(self) -> str:
        return (
            f"n={self.cases} labelled={self.labelled} clusters of {self.cluster} rate={self.rate} kappa={self.kappa} "
            f"{'lenient' if self.lenient else 'strict'}, {self.broken:.0%} broken"
        )


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many intervals were given, how many held the truth, how wide they were, how many were refused."""

    given: int = 0
    held: int = 0
    width: float = 0.0
    refused: int = 0

    def add(self, interval: Interval | None, truth: float) -> None:
        if interval is None:
            self.refused += 1
            return
        self.given += 1
        self.held += interval.low - 1e-9 <= truth <= interval.high + 1e-9
        self.width += interval.high - interval.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One estimator in one world; `coverage` is None where every interval was refused."""

    setting: Setting
    estimator: str
    coverage: float | None
    width: float
    refused: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What there is to draw from."""

    setting: Setting
    sensitivity: float
    specificity: float
    random: np.random.Generator = field(repr=False)

    def people(self, count: int, rate: float) -> NDArray[np.bool_]:
        return self._marked(count, rate, TRUTH_CORRELATION)

    def judge(self, people: NDArray[np.bool_]) -> NDArray[np.bool_]:
        import numpy as np

        right = self._marked(len(people), self.sensitivity, ERROR_CORRELATION)
        wary = self._marked(len(people), self.specificity, ERROR_CORRELATION)
        return np.where(people, right, ~wary)

    def _marked(self, count: int, rate: float, correlation: float) -> NDArray[np.bool_]:
        """Ones with this chance, correlated (on the normal scale) within clusters."""
        import numpy as np

        size = self.setting.cluster
        own = self.random.standard_normal(count)
        if size > 1:
            shared = np.repeat(self.random.standard_normal(-(-count // size)), size)[:count]
            own = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
        return np.asarray(own < NormalDist().inv_cdf(rate))


def judge_of(kappa: float, *, lenient: bool, rate: float = LABELLED_RATE) -> tuple[float, float]:
    """A sensitivity and specificity with this kappa where `rate` passes, by bisection."""
    weights = (0.3, 1.0) if lenient else (1.0, 0.3)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        right, wary = 1 - weights[0] * middle, 1 - weights[1] * middle
        cells = (rate * right, (1 - rate) * (1 - wary), rate * (1 - right), (1 - rate) * wary)
        low, high = (middle, high) if (agreement.kappa_of(cells) or 0.0) > kappa else (low, middle)
    return 1 - weights[0] * low, 1 - weights[1] * low


def world(setting: Setting, seed: int) -> World:
    import numpy as np

    right, wary = judge_of(setting.kappa, lenient=setting.lenient)
    return World(setting=setting, sensitivity=right, specificity=wary, random=np.random.default_rng(seed))


def calibration_of(people: Sequence[bool], judge: Sequence[bool], cluster: int) -> Calibration:
    """Labels on answers as they come, no draw."""
    rows = tuple(
        Labelled(case=f"l{place}", answer="", label=int(one), score=float(other), group=_group("l", place, cluster))
        for place, (one, other) in enumerate(zip(people, judge, strict=True))
    )
    return _calibration(rows)


def drawn_run(
    people: Sequence[bool], judge: Sequence[bool], cluster: int, labelled: int, seed: str
) -> correcting.Drawn:
    """A run with labels drawn from it by the judge's verdict."""
    answers = [
        Judged(case=f"c{place}", answer="", score=float(verdict), group=_group("c", place, cluster))
        for place, verdict in enumerate(judge)
    ]
    draw = drawing.draw(answers, seed, 1.0)
    rows = tuple(
        Labelled(case=row.case, answer="", label=int(people[int(row.case[1:])]), score=row.score, group=row.group)
        for row in draw.first(labelled)
    )
    return correcting.Drawn(answers=answers, calibration=_calibration(rows, draw.frame))


def measure(setting: Setting, runs: int, seed: int = 1) -> list[Coverage]:
    """Every estimator in one world."""
    here = world(setting, seed)
    tallies: dict[str, Tally] = {}
    for run_ in range(runs):
        for one in (_carried, _drawn, _differences):
            one(here, lambda name: tallies.setdefault(name, Tally()), f"{seed}-{run_}")
    return [
        Coverage(
            setting=setting,
            estimator=name,
            coverage=tally.held / tally.given if tally.given else None,
            width=tally.width / max(tally.given, 1),
            refused=tally.refused / runs,
            runs=tally.given,
        )
        for name, tally in tallies.items()
    ]


_Tallies = Callable[[str], Tally]


def _carried(here: World, tally: _Tallies, _seed: str) -> None:
    """Labels from an older run; then another run by the judge alone."""
    setting = here.setting
    people = here.people(setting.labelled, LABELLED_RATE)
    calibration = calibration_of(people.tolist(), here.judge(people).tolist(), setting.cluster)
    verdicts = here.judge(here.people(setting.cases, setting.rate)).astype(float).tolist()
    found = correcting.corrected(_clusters(verdicts, setting.cluster), calibration, LEVEL)
    tally("carried: Rogan-Gladen").add(_interval(found), setting.rate)
    tally("naive: the judge's own rate").add(wilson(sum(verdicts), len(verdicts), LEVEL), setting.rate)
    _agreement(here, calibration, tally, LABELLED_RATE, "")


def _agreement(here: World, calibration: Calibration, tally: _Tallies, rate: float, suffix: str) -> None:
    seen = agreement.agreement(calibration, LEVEL)
    right, wary = here.sensitivity, here.specificity
    cells = (rate * right, (1 - rate) * (1 - wary), rate * (1 - right), (1 - rate) * wary)
    truths = {
        "sensitivity": (seen.sensitivity, right),
        "specificity": (seen.specificity, wary),
        "youden": (seen.youden, right + wary - 1),
        "kappa": (seen.kappa, agreement.kappa_of(cells) or 0.0),
    }
    for name, (estimate, truth) in truths.items():
        tally(f"{name}{suffix}").add(estimate.interval, truth)


def _drawn(here: World, tally: _Tallies, seed: str) -> None:
    """Labels drawn from the run itself."""
    setting = here.setting
    people = here.people(setting.cases, setting.rate)
    judge = here.judge(people)
    run_ = drawn_run(people.tolist(), judge.tolist(), setting.cluster, setting.labelled, seed)
    clusters = _clusters(judge.astype(float).tolist(), setting.cluster)
    found = correcting.corrected(clusters, run_.calibration, LEVEL, run_.answers)
    is_drawn = isinstance(found, correcting.Corrected) and found.method is correcting.Method.DRAWN
    tally("drawn: PPI++").add(_interval(found) if is_drawn else None, setting.rate)
    _agreement(here, run_.calibration, tally, setting.rate, " (drawn)")


def _differences(here: World, tally: _Tallies, _seed: str) -> None:
    """Two runs on the same cases: some of the answers are broken, one in twenty mended."""
    import numpy as np

    setting = here.setting
    before = here.people(setting.cases, setting.rate)
    broken, mended = here._marked(setting.cases, setting.broken, 0.3), here._marked(setting.cases, 0.05, 0.3)
    after = np.where(before, ~broken, mended)
    truth = setting.rate - (setting.rate * (1 - setting.broken) + (1 - setting.rate) * 0.05)
    judged = here.judge(before), here.judge(after)
    people = here.people(setting.labelled, LABELLED_RATE)
    calibration = calibration_of(people.tolist(), here.judge(people).tolist(), setting.cluster)
    drops = (judged[0].astype(float) - judged[1].astype(float)).tolist()
    found = correcting.corrected_difference(_clusters(drops, setting.cluster), calibration, LEVEL)
    tally("drop, carried").add(_interval(found), truth)


def _interval(found: correcting.Corrected | correcting.Uncorrected) -> Interval | None:
    return found.interval if isinstance(found, correcting.Corrected) else None


def _clusters(values: Sequence[float], size: int) -> list[Sequence[float]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def _group(letter: str, place: int, size: int) -> str:
    return f"{letter}{place // size}" if size > 1 else ""


def _calibration(rows: tuple[Labelled, ...], frame: tuple[int, int] = (0, 0)) -> Calibration:
    return Calibration(
        judge="j",
        metric="m",
        metric_version="1",
        pass_at=1.0,
        rows=rows,
        labels="",
        is_drawn=any(frame),
        frame=frame,
    )


def _line(found: Coverage) -> str:
    shown = "   - " if found.coverage is None else f"{100 * found.coverage:5.1f}"
    return (
        f"{shown} %  width {found.width:.3f}  refused {100 * found.refused:5.1f} %  {found.estimator:<28} "
        f"{found.setting}"
    )


SETTINGS = (
    Setting(cases=20, labelled=30, cluster=1, rate=0.5, kappa=0.6),
    Setting(cases=20, labelled=100, cluster=1, rate=0.8, kappa=0.9),
    Setting(cases=50, labelled=50, cluster=1, rate=0.9, kappa=0.5),
    Setting(cases=100, labelled=60, cluster=1, rate=0.9, kappa=0.6, lenient=False),
    Setting(cases=100, labelled=100, cluster=1, rate=0.8, kappa=0.3),
    Setting(cases=200, labelled=60, cluster=1, rate=0.95, kappa=0.6),
    Setting(cases=200, labelled=100, cluster=1, rate=0.99, kappa=0.9),
    Setting(cases=500, labelled=30, cluster=1, rate=0.7, kappa=0.7),
    Setting(cases=500, labelled=200, cluster=1, rate=0.95, kappa=0.46),
    Setting(cases=2000, labelled=500, cluster=1, rate=0.9, kappa=0.46),
    Setting(cases=2000, labelled=100, cluster=1, rate=0.99, kappa=0.8, lenient=False),
    Setting(cases=100, labelled=60, cluster=2, rate=0.8, kappa=0.6),
    Setting(cases=200, labelled=120, cluster=5, rate=0.8, kappa=0.6),
    Setting(cases=400, labelled=200, cluster=10, rate=0.9, kappa=0.5),
    Setting(cases=2000, labelled=500, cluster=10, rate=0.95, kappa=0.46),
    Setting(cases=2000, labelled=500, cluster=10, rate=0.5, kappa=0.3),
    Setting(cases=1000, labelled=60, cluster=1, rate=0.8, kappa=0.3, broken=0.4),
)


def run(runs: int = 400, settings: Sequence[Setting] = SETTINGS) -> list[Coverage]:
    """Every estimator in every world."""
    return [found for setting in settings for found in measure(setting, runs)]


def main(arguments: Sequence[str]) -> int:
    runs = int(arguments[0]) if arguments else 400
    for setting in SETTINGS:
        sys.stdout.writelines(f"{_line(found)}\n" for found in measure(setting, runs))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
