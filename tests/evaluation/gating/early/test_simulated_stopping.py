"""Stopping early on simulated evidence, small and seeded; larger: `python -m benchmarks.simulation sequential`."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from benchmarks.simulation.sequential import ALPHA, AT_THE_BAR, ON_THE_BAR, UNDER_THE_BAR, Setting, Shape, simulate

TRIALS = 150
MOST = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / TRIALS)  # three standard errors more


def small(setting: Setting) -> Setting:
    mean = setting.mean if setting not in UNDER_THE_BAR or setting.shape is Shape.GRADED else setting.bar - 1 / 200
    return replace(setting, cases=200, mean=mean)


@pytest.mark.parametrize("setting", [small(item) for item in UNDER_THE_BAR], ids=lambda item: item.name)
def test_an_evalset_just_under_the_bar_hardly_ever_passes(setting: Setting) -> None:
    assert simulate(setting, TRIALS).passed <= MOST


@pytest.mark.parametrize("setting", [small(item) for item in ON_THE_BAR], ids=lambda item: item.name)
def test_an_evalset_on_the_bar_hardly_ever_fails(setting: Setting) -> None:
    assert simulate(setting, TRIALS).failed <= MOST


@pytest.mark.parametrize("setting", [small(item) for item in AT_THE_BAR], ids=lambda item: item.name)
def test_a_population_at_the_bar_is_hardly_ever_decided(setting: Setting) -> None:
    found = simulate(setting, TRIALS)
    assert max(found.passed, found.failed) <= MOST


def test_what_is_clearly_good_takes_less_than_half_of_the_cases() -> None:
    found = simulate(Setting(shape=Shape.BINARY, mean=0.95, is_evalset=True), 60)
    assert (found.passed, found.agreed) == (1.0, 1.0)
    assert found.saved > 0.6


@pytest.mark.parametrize("mean", [0.8, 0.9])
def test_early_verdicts_are_those_of_all_cases(mean: float) -> None:
    found = simulate(Setting(shape=Shape.BINARY, mean=mean, is_evalset=True, cases=300), 100)
    assert found.passed + found.failed > 0.5
    assert found.agreed >= 0.95


def test_the_same_setting_gives_the_same_outcome() -> None:
    setting = Setting(shape=Shape.CLUSTERS, mean=0.95, cases=100)
    assert simulate.__wrapped__(setting, 20) == simulate.__wrapped__(setting, 20)
