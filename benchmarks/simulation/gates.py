"""Simulated gates: how often the gate lets through what stands exactly at the bar, and blocks what did not change.

A false pass is a PASS of a candidate that stands exactly at its bar, or at the largest drop allowed: the hardest to
tell among those that should not pass for sure. A gate that never decides has no false passes either, so beside it
stand the shares that failed, or stayed undecided, though nothing changed, and how pass follows the true quality.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache

from benchmarks.figures import Figure
from benchmarks.simulation.deciding import Outcome, Rule, Setting, decide, simulate
from benchmarks.simulation.populations import Population, Scores
from llmops.evaluation.gating.decisions import Verdict

MOST = 0.05
MARGIN = 0.05
MEAN = 0.9
# Cases, cases a cluster, answers a case. The last is asked of verdicts alone, which cost least.
DESIGNS = {
    Rule.INTERVAL: ((20, 1, 1), (50, 1, 1), (100, 1, 1), (50, 3, 1), (100, 10, 1), (50, 1, 3), (20, 1, 5), (500, 1, 1)),
    Rule.DROP: ((20, 1, 1), (50, 3, 1), (100, 10, 1), (50, 1, 3), (20, 1, 5), (500, 1, 1)),
    Rule.BOTH: ((20, 1, 1), (60, 3, 3), (100, 10, 1)),
    Rule.SLICES: ((20, 1, 1), (60, 3, 3), (100, 10, 1)),
}
SLOW_DESIGNS = ((100, 1, 1), (20, 3, 1), (100, 3, 1), (50, 10, 1), (100, 1, 3), (50, 1, 5), (500, 10, 1), (500, 3, 3))
LARGE = 500
POWER_CASES = (20, 100, 500)
DROPS = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08)
POWER_GATES = 300


def run(*, slow: bool = False) -> list[Figure]:
    """The worst false-pass rate of each rule, and the rates where nothing changed."""
    found = [_worst(rule, at_the_bar(rule, slow=slow)) for rule in Rule]
    for outcome in without_change():
        name = outcome.setting.name
        found += [
            Figure(name=f"false block: {name}", measured=outcome.fail_rate, goal=MOST, note="share that FAILED"),
            Figure(name=f"left open: {name}", measured=outcome.undecided_rate, note="share that stayed UNDECIDED"),
        ]
    return found


def _worst(rule: Rule, outcomes: Sequence[Outcome]) -> Figure:
    worst = max(outcomes, key=lambda one: one.pass_rate)
    above = sum(one.pass_rate > MOST for one in outcomes)
    note = f"worst of {len(outcomes)} settings of {worst.gates} gates: {worst.setting.name}; {above} above the goal"
    return Figure(name=f"false pass at the bar, {rule}", measured=worst.pass_rate, goal=MOST, note=note)


@cache
def at_the_bar(rule: Rule, *, slow: bool = False) -> tuple[Outcome, ...]:
    """What gates say of candidates that stand exactly at the bar."""
    designs = dict.fromkeys((*DESIGNS[rule], *(SLOW_DESIGNS if slow else ())))
    return tuple(simulate(setting) for setting in _settings(rule, tuple(designs), slow=slow))


def _settings(rule: Rule, designs: Sequence[tuple[int, int, int]], *, slow: bool) -> Iterator[Setting]:
    for scores in Scores:
        for cases, cluster, repeats in designs:
            if slow or cases < LARGE or scores is Scores.BINARY:
                yield setting(rule, scores, cases, cluster, repeats)


def setting(rule: Rule, scores: Scores, cases: int, cluster: int = 1, repeats: int = 1) -> Setting:
    """The setting of this rule with a candidate exactly at its bar."""
    has_drop = rule in (Rule.DROP, Rule.BOTH)
    population = Population(
        scores=scores, mean=MEAN, cases=cases, cluster=cluster, repeats=repeats, drop=MARGIN if has_drop else 0.0
    )
    return Setting(
        rule=rule,
        population=population,
        bar=None if rule is Rule.DROP else MEAN,
        margin=MARGIN if has_drop else None,
    )


@cache
def without_change() -> tuple[Outcome, ...]:
    """What gates say where the candidate is as good as what serves, and well above its bar."""
    return tuple(
        simulate(
            Setting(
                rule=Rule.BOTH,
                population=Population(scores=scores, mean=MEAN, cases=cases),
                bar=MEAN - 0.1,
                margin=MARGIN,
            )
        )
        for scores, cases in ((Scores.BINARY, 100), (Scores.BINARY, 500), (Scores.STEPS, 100), (Scores.SKEWED, 100))
    )


@cache
def passing_drops(cases: int) -> tuple[Outcome, ...]:
    """Pass by the true drop, from none to twice the margin: verdicts, nothing else asked."""
    return tuple(
        simulate(
            Setting(
                rule=Rule.DROP,
                population=Population(scores=Scores.BINARY, mean=MEAN - drop, drop=drop, cases=cases),
                margin=MARGIN,
            ),
            POWER_GATES,
        )
        for drop in DROPS
    )


@cache
def fewest_passes(cases: int, bar: float) -> int:
    """Of so many verdicts, the fewest passes with which the gate says PASS on the interval; `cases` + 1 where even all
    are too few. More passes never turn a PASS away, so that halving finds it."""
    low, high = 0, cases + 1
    while low < high:
        middle = (low + high) // 2
        if _passes(cases, bar, middle):
            high = middle
        else:
            low = middle + 1
    return low


def _passes(cases: int, bar: float, passes: int) -> bool:
    import numpy as np

    scores = (np.arange(cases) < passes).astype(np.float64).reshape(1, cases, 1)
    population = Population(scores=Scores.BINARY, mean=bar, cases=cases)
    return decide(Setting(rule=Rule.INTERVAL, population=population, bar=bar), scores).verdict is Verdict.PASS


def chance_of_pass(cases: int, bar: float, quality: float) -> float:
    """How often the gate says PASS where each case passes by itself with the chance `quality` from 0 to 1: exact, by
    the binomial distribution."""
    return math.fsum(
        math.comb(cases, passes) * quality**passes * (1 - quality) ** (cases - passes)
        for passes in range(fewest_passes(cases, bar), cases + 1)
    )
