"""The gate's promise on simulated evidence, small and seeded; larger: `python -m benchmarks.simulation gates`."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.simulation import gates
from benchmarks.simulation.deciding import Rule, Setting, decide, simulate
from benchmarks.simulation.populations import Population, Scores, draw
from llmops.evaluation.gating.decisions import Verdict

GATES = 400


def at_most(share: float) -> float:
    """What a share may look like in so many gates: three standard errors more."""
    return share + 3 * math.sqrt(share * (1 - share) / GATES)


@pytest.mark.parametrize("rule", [Rule.INTERVAL, Rule.DROP, Rule.SLICES])
@pytest.mark.parametrize("scores", Scores)
@pytest.mark.parametrize(("cases", "cluster", "repeats"), [(20, 1, 1), (60, 10, 1), (20, 1, 3)])
def test_who_stands_at_the_bar_passes_one_time_in_twenty_at_most(
    rule: Rule, scores: Scores, cases: int, cluster: int, repeats: int
) -> None:
    outcome = simulate(gates.setting(rule, scores, cases, cluster, repeats), GATES)
    assert outcome.pass_rate <= at_most(gates.MOST)


def test_two_rules_at_once_let_no_more_through() -> None:
    setting = gates.setting(Rule.BOTH, Scores.STEPS, 60, 3, 1)
    assert simulate(setting, GATES).pass_rate <= at_most(gates.MOST)


@pytest.mark.parametrize("scores", Scores)
def test_what_did_not_change_is_blocked_one_time_in_twenty_at_most(scores: Scores) -> None:
    setting = gates.setting(Rule.BOTH, scores, 50)
    unchanged = replace(setting, bar=0.8, population=replace(setting.population, drop=0.0))
    assert simulate(unchanged, GATES).fail_rate <= at_most(0.05)


def test_what_is_clearly_better_passes() -> None:
    setting = Setting(rule=Rule.INTERVAL, population=Population(scores=Scores.BINARY, mean=0.9, cases=100), bar=0.75)
    assert simulate(setting, 100).pass_rate > 0.9


def test_what_is_clearly_worse_fails() -> None:
    setting = Setting(rule=Rule.INTERVAL, population=Population(scores=Scores.BINARY, mean=0.7, cases=100), bar=0.9)
    assert simulate(setting, 100).fail_rate > 0.9


def test_the_same_setting_gives_the_same_outcome() -> None:
    setting = gates.setting(Rule.BOTH, Scores.SKEWED, 20)
    assert simulate(setting, 50) == simulate(setting, 50)


def test_gates_that_are_decided_together_say_what_each_says_alone() -> None:
    setting = gates.setting(Rule.INTERVAL, Scores.STEPS, 20)
    drawn = draw(replace(setting.population, mean=0.8), 12, np.random.default_rng(1)).candidate
    together = decide(replace(setting, bar=0.7), drawn)
    alone = [decide(replace(setting, bar=0.7), scores[None]).verdict for scores in drawn]
    assert [row.verdict for row in together.rows] == alone
    assert {Verdict.PASS, Verdict.UNDECIDED} <= set(alone)


@pytest.mark.parametrize("scores", Scores)
@pytest.mark.parametrize("cluster", [1, 10])
def test_a_population_has_the_mean_and_the_drop_that_it_says(scores: Scores, cluster: int) -> None:
    population = Population(scores=scores, mean=0.9, cases=100, cluster=cluster, repeats=2, drop=0.05)
    drawn = draw(population, 2_000, np.random.default_rng(1))
    assert drawn.candidate.shape == (2_000, 100, 2)
    assert drawn.candidate.mean() == pytest.approx(0.9, abs=0.005)
    assert drawn.baseline.mean() == pytest.approx(0.95, abs=0.005)


def test_the_fewest_passes_are_where_the_verdict_turns() -> None:
    fewest = gates.fewest_passes(100, 0.8)
    setting = gates.setting(Rule.INTERVAL, Scores.BINARY, 100)
    verdicts = [
        decide(replace(setting, bar=0.8), (np.arange(100.0) < passes).astype(float).reshape(1, 100, 1)).verdict
        for passes in (fewest - 1, fewest)
    ]
    assert verdicts == [Verdict.UNDECIDED, Verdict.PASS]


def test_where_even_all_passes_are_too_few_no_quality_is_enough() -> None:
    assert gates.fewest_passes(10, 0.8) == 11
    assert gates.chance_of_pass(10, 0.8, 1.0) == 0.0


def test_more_quality_passes_more_often() -> None:
    chances = [gates.chance_of_pass(100, 0.8, quality) for quality in (0.7, 0.8, 0.9, 1.0)]
    assert chances == sorted(chances)
    assert chances[1] <= gates.MOST
    assert chances[-1] == 1.0
