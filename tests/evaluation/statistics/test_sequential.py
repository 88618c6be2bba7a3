"""Betting against a mean below the bar: what it refutes, and how seldom it is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.statistics.sequential import climb

ALPHA = 0.025
SCORES = st.lists(st.floats(0, 1), max_size=60)


@pytest.mark.parametrize("value", [-0.01, 1.01, math.nan, math.inf])
def test_a_value_outside_0_to_1_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="outside 0 to 1"):
        climb([1.0, value], 0.5, alpha=ALPHA)


@pytest.mark.parametrize(("bar", "alpha"), [(1.1, ALPHA), (-0.1, ALPHA), (0.5, 0.0), (0.5, 1.0)])
def test_a_bar_or_an_alpha_outside_its_range_is_refused(bar: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="lies"):
        climb([1.0], bar, alpha=alpha)


def test_more_values_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="3 values of a population of 2"):
        climb([1.0, 1.0, 1.0], 0.5, alpha=ALPHA, population=2)


def test_without_values_nothing_is_refuted() -> None:
    found = climb([], 0.5, alpha=ALPHA)
    assert (found.largest, found.reached) == (1.0, None)


def test_good_values_refute_a_mean_below_the_bar() -> None:
    found = climb([1.0] * 40, 0.85, alpha=ALPHA)
    assert found.reached is not None
    assert found.largest >= 1 / ALPHA


def test_values_at_the_bar_refute_nothing() -> None:
    assert climb([0.85] * 1000, 0.85, alpha=ALPHA).reached is None


def test_what_cannot_become_true_any_more_is_refuted_with_certainty() -> None:
    # Five of six ones are a mean of .83 at least.
    found = climb([1.0] * 5, 0.8, alpha=1e-9, population=6)
    assert (found.largest, found.reached) == (math.inf, 5)


def test_cases_known_beforehand_count_without_a_bet() -> None:
    assert climb([1.0], 0.5, alpha=1e-9, population=2, ahead=-0.1).reached is None
    assert climb([1.0], 0.5, alpha=1e-9, population=2, ahead=0.1).reached == 1
    assert climb([], 0.5, alpha=1e-9, population=2, ahead=1.1).reached == 0


@given(values=SCORES, bar=st.floats(0.01, 1), more=st.integers(0, 50))
def test_the_wealth_never_forgets(values: list[float], bar: float, more: int) -> None:
    """What was reached after some values stays reached, whatever follows."""
    population = len(values) + more
    whole = climb(values, bar, alpha=ALPHA, population=population)
    half = climb(values[: len(values) // 2], bar, alpha=ALPHA, population=population)
    assert half.reached is None or whole.reached == half.reached
    assert whole.largest >= half.largest


@given(values=st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=40), bar=st.floats(0.05, 0.95))
def test_certainty_is_never_claimed_of_what_is_false(values: list[float], bar: float) -> None:
    """On all values of a whole, an infinite wealth means that the mean is not below the bar."""
    found = climb(values, bar, alpha=1e-300, population=len(values))
    if found.largest == math.inf:
        assert sum(values) / len(values) >= bar - 1e-6


@pytest.mark.parametrize("rate", [0.5, 0.85, 0.98])
def test_wrong_no_more_often_than_promised_whenever_one_stops(rate: float) -> None:
    generator = np.random.default_rng(20)
    wrong = sum(
        climb((generator.random(300) < rate).astype(float), rate, alpha=ALPHA).reached is not None for _ in range(400)
    )
    # Three standard errors over 2.5 %.
    assert wrong / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)


def test_wrong_no_more_often_than_promised_without_replacement() -> None:
    generator = np.random.default_rng(21)
    whole = np.array([1.0] * 169 + [0.0] * 31)  # the mean is .845
    wrong = sum(
        climb(generator.permutation(whole), 0.85, alpha=ALPHA, population=200).reached is not None for _ in range(400)
    )
    assert wrong / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)


def test_what_is_clearly_good_is_found_so_early() -> None:
    generator = np.random.default_rng(22)
    found = [climb((generator.random(500) < 0.95).astype(float), 0.85, alpha=ALPHA).reached for _ in range(200)]
    assert sum(item is not None for item in found) >= 198
    assert np.mean([item or 500 for item in found]) < 130
