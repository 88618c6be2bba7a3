"""Stopping once it is certain: how often that is wrong, how often it agrees with all cases, and what it saves.

A verdict is looked for after every batch, as `eval --until-decided` does. About this very evalset a yes is wrong where
all cases together miss the bar (the evalset stands one case under it, or for a no at it); about the population where
cases are drawn from one that stands exactly at the bar. Units that must pass stand first and are easier: they must
not help.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.gating.early import prefixes
from llmops.evaluation.gating.early.prefixes import Prefix
from llmops.evaluation.planning.order import Order
from llmops.usecases.evaluate.until_decided import batches

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

ALPHA = 0.025
BAR = 0.85
CASES = 500
CLUSTER = 4
GRADES = 12.0  # how closely grades keep to their mean: the sum of both parameters of a beta distribution


class Shape(StrEnum):
    """What the scores are like."""

    BINARY = "pass or fail"
    GRADED = "graded"
    CLUSTERS = "pass or fail in clusters of 4"
    LEADING = "pass or fail, a tenth must pass and does"
    DROP = "graded, against what serves"
    FLIPS = "pass or fail, against what serves, a tenth of the cases flip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`mean` is the true one, of a drop too; `is_evalset`: the rule is about the evalset, which then has this mean."""

    shape: Shape
    mean: float
    bar: float = BAR
    cases: int = CASES
    is_evalset: bool = False

    @property
    def name(self) -> str:
        about = "mean" if self.is_evalset else "interval"
        return f"{self.shape}, {about}, {self.mean:g} against {self.bar:g}, {self.cases} cases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of `trials`: shares that passed and failed before the last case, of these how many agree with all
    cases (about the evalset), and the share of the cases that was not run."""

    setting: Setting
    trials: int
    passed: float
    failed: float
    agreed: float
    saved: float


@cache
def simulate(setting: Setting, trials: int = 1000, seed: int = 5) -> Outcome:
    """Run the setting so often."""
    import numpy as np

    generator = np.random.default_rng(seed)
    passed = failed = agreed = saved = 0.0
    for _ in range(trials):
        units, leading, bar = _drawn(setting, generator)
        verdict, run = _stopped(units, leading, bar, is_evalset=setting.is_evalset)
        values = [value for unit in units for value in unit]
        truth = Verdict.PASS if math.fsum(values) / len(values) >= bar - 1e-12 else Verdict.FAIL
        passed += verdict is Verdict.PASS
        failed += verdict is Verdict.FAIL
        agreed += verdict is truth
        saved += 1 - run / len(values)
    early = max(passed + failed, 1)
    return Outcome(
        setting=setting,
        trials=trials,
        passed=passed / trials,
        failed=failed / trials,
        agreed=agreed / early,
        saved=saved / trials,
    )


def _drawn(setting: Setting, generator: Generator) -> tuple[list[list[float]], list[int], float]:
    """The units in the order in which they were drawn, places of those that must pass, and the bar."""
    import numpy as np

    count, mean, leading = setting.cases, setting.mean, []
    size = CLUSTER if setting.shape is Shape.CLUSTERS else 1
    bar = setting.bar
    if setting.shape is Shape.LEADING:
        count_leading = generator.binomial(count, 0.1)
        leading = generator.permutation(count)[:count_leading].tolist()
        values = (generator.random(count) < (mean - 0.1) / 0.9).astype(float)
        values[leading] = 1.0
    elif setting.shape is Shape.DROP:
        before = generator.beta(GRADES * 0.8, GRADES * 0.2, count)
        noise = generator.normal(0, 0.1, count)
        after = before + np.clip(noise, -0.3, 0.3)
        # Both sides stay between 0 and 1, and the drop has exactly its mean over the population.
        width = np.minimum(before, 1 - before) * 0.9
        drop = mean + np.clip(after - before, -width, width) * 0.5
        values, bar = (1 - np.clip(drop, -1, 1)) / 2, (1 - bar) / 2
    elif setting.shape is Shape.FLIPS:
        drawn = generator.random(count)
        drop = (drawn < 0.05 + mean / 2).astype(float) - (drawn > 0.95 + mean / 2)
        values, bar = (1 - drop) / 2, (1 - bar) / 2
    elif setting.shape is Shape.GRADED:
        values = generator.beta(GRADES * mean, GRADES * (1 - mean), count)
    elif setting.shape is Shape.CLUSTERS:
        rates = generator.beta(GRADES * mean / 4, GRADES * (1 - mean) / 4, count // size)
        values = (generator.random(count) < np.repeat(rates, size)).astype(float)
    else:
        values = (generator.random(count) < mean).astype(float)
    if setting.is_evalset:
        values = _with_mean(values, mean, generator)
    return values.reshape(-1, size).tolist(), leading, bar


def _with_mean(values: NDArray[float64], mean: float, generator: Generator) -> NDArray[float64]:
    """The values, changed until their mean is this one as closely as they can say it, in a drawn order."""
    import numpy as np

    if set(np.unique(values)) <= {0.0, 1.0}:
        ones = round(mean * len(values))
        surplus = int(values.sum()) - ones
        changed = generator.permutation(np.flatnonzero(values == float(surplus > 0)))[: abs(surplus)]
        values[changed] = float(surplus < 0)
        return values
    for _ in range(20):
        values = np.clip(values + (mean - values.mean()), 0.0, 1.0)
    return values


def _stopped(
    units: Sequence[Sequence[float]], leading: Sequence[int], bar: float, *, is_evalset: bool
) -> tuple[Verdict, int]:
    """The first verdict, and how many cases were run until then. What is decided stays so: the batch is bisected."""
    first = set(leading)
    run = [*(at for at in range(len(units)) if at in first), *(at for at in range(len(units)) if at not in first)]
    places = {at: place for place, at in enumerate(run)}
    ids = [tuple(f"{at}.{case}" for case in range(len(unit))) for at, unit in enumerate(units)]
    order = Order(
        units=tuple(ids[at] for at in run), leading=len(first), drawn=tuple(places[at] for at in range(len(units)))
    )
    known = {name: value for at, unit in enumerate(units) for name, value in zip(ids[at], unit, strict=True)}
    ends = list(accumulate(len(batch) for batch in batches(order)))
    upto = [bisect_left(order.ends, end) + 1 for end in ends]
    asked = frozenset(known)

    def verdict(at: int) -> Verdict:
        inside = [name for unit in order.units[: upto[at]] for name in unit]
        values = {name: known[name] for name in inside}
        prefix = Prefix(order=order, run=upto[at], asked=asked, values=values, missing=frozenset(), bar=bar)
        about = prefixes.about_evalset if is_evalset else prefixes.about_population
        return about(prefix, (ALPHA, ALPHA)).verdict

    low, high = 0, len(ends) - 1  # the last batch is decided by all cases, as ever
    while low < high:
        middle = (low + high) // 2
        if verdict(middle) is Verdict.UNDECIDED:
            low = middle + 1
        else:
            high = middle
    return (verdict(low) if low < len(ends) - 1 else Verdict.UNDECIDED), ends[low]


MEANS = (0.7, 0.75, 0.8, 0.83, 0.846, 0.85, 0.87, 0.9, 0.95)
AT_THE_BAR = (
    Setting(shape=Shape.BINARY, mean=BAR),
    Setting(shape=Shape.GRADED, mean=BAR),
    Setting(shape=Shape.CLUSTERS, mean=BAR),
    Setting(shape=Shape.LEADING, mean=BAR),
    Setting(shape=Shape.DROP, mean=0.05, bar=0.05),
    Setting(shape=Shape.FLIPS, mean=0.05, bar=0.05),
)
UNDER_THE_BAR = (
    Setting(shape=Shape.BINARY, mean=BAR - 1 / CASES, is_evalset=True),
    Setting(shape=Shape.CLUSTERS, mean=BAR - 1 / CASES, is_evalset=True),
    Setting(shape=Shape.GRADED, mean=BAR - 1e-6, is_evalset=True),
)
ON_THE_BAR = tuple(Setting(shape=one.shape, mean=BAR, is_evalset=True) for one in UNDER_THE_BAR)
CLEAR = (
    Setting(shape=Shape.BINARY, mean=0.95, is_evalset=True),
    Setting(shape=Shape.BINARY, mean=0.95),
    Setting(shape=Shape.BINARY, mean=0.9, is_evalset=True),
    Setting(shape=Shape.BINARY, mean=0.87, is_evalset=True),
    Setting(shape=Shape.BINARY, mean=0.75, is_evalset=True),
    Setting(shape=Shape.GRADED, mean=0.95, is_evalset=True),
    Setting(shape=Shape.CLUSTERS, mean=0.95, is_evalset=True),
    Setting(shape=Shape.CLUSTERS, mean=0.95),
    Setting(shape=Shape.DROP, mean=0.0, bar=0.05),
    Setting(shape=Shape.FLIPS, mean=0.0, bar=0.05),
    Setting(shape=Shape.FLIPS, mean=0.0, bar=0.1),
)


def run(*, slow: bool = False) -> list[Figure]:
    """How often it is wrong, on both sides and about both; how often it agrees; what it saves."""
    trials = 4000 if slow else 1000
    return [
        _worst("wrong yes about the evalset", UNDER_THE_BAR, trials, lambda one: one.passed),
        _worst("wrong no about the evalset", ON_THE_BAR, trials, lambda one: one.failed),
        _worst("yes at the bar of the population", AT_THE_BAR, trials, lambda one: one.passed),
        _worst("no at the bar of the population", AT_THE_BAR, trials, lambda one: one.failed),
        agreement(trials // 4),
        *(_saved(simulate(setting, 300)) for setting in CLEAR),
    ]


def agreement(trials: int) -> Figure:
    """Of the verdicts on `mean` rules that came early, the share that all cases bear out; worst of the means."""
    found = [
        simulate(Setting(shape=shape, mean=mean, is_evalset=True), trials)
        for shape in (Shape.BINARY, Shape.GRADED, Shape.CLUSTERS)
        for mean in MEANS
    ]
    early = [one for one in found if one.passed + one.failed >= 0.2]
    worst = min(early, key=lambda one: one.agreed)
    note = f"worst of {len(early)} settings in which a fifth or more came early: {worst.setting.name}"
    return Figure(
        name="early verdicts that all cases bear out", measured=worst.agreed, goal=0.95, at_least=True, note=note
    )


def _worst(name: str, settings: Sequence[Setting], trials: int, wrong: Callable[[Outcome], float]) -> Figure:
    worst = max((simulate(setting, trials) for setting in settings), key=wrong)
    note = f"worst of {len(settings)} settings, {trials} runs each: {worst.setting.name}"
    return Figure(name=name, measured=wrong(worst), goal=ALPHA, note=note)


def _saved(found: Outcome) -> Figure:
    note = f"{found.passed:.0%} passed early, {found.failed:.0%} failed early"
    return Figure(name=f"cases saved: {found.setting.name}", measured=found.saved, note=note)
