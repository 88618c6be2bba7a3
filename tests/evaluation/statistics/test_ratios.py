import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.statistics.ratios import ratio, ratio_difference_interval, ratio_interval

SEED = "0123456789abcdef"
bills = st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 1.0)), min_size=5, max_size=20)


def singles(pairs):
    return [[pair] for pair in pairs]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_number_that_is_no_amount_is_refused_by_name(value):
    for pair in ((value, 1.0), (1.0, value)):
        with pytest.raises(ValueError, match=str(value)):
            ratio(singles([pair, (1.0, 1.0)]))
        with pytest.raises(ValueError, match=str(value)):
            ratio_interval(singles([pair, (1.0, 1.0)]), 0.95, seed=SEED)


def test_no_quality_at_all_has_no_ratio():
    with pytest.raises(ValueError, match="quality sums to 0"):
        ratio(singles([(1.0, 0.0), (2.0, 0.0)]))
    assert ratio_interval(singles([(1.0, 0.0), (2.0, 0.0)]), 0.95, seed=SEED) is None


@pytest.mark.parametrize("pairs", [[], [[]], [[(1.0, 1.0), (2.0, 1.0)]]])
def test_fewer_than_two_clusters_have_no_interval(pairs):
    assert ratio_interval(pairs, 0.95, seed=SEED) is None
    assert ratio_difference_interval(pairs, pairs, 0.95, seed=SEED) is None


def test_quality_that_may_be_zero_leaves_the_ratio_without_bounds():
    pairs = singles([(1.0 + place / 10, 1.0 if place == 0 else 0.0) for place in range(10)])
    assert ratio_interval(pairs, 0.95, seed=SEED) is None


def test_spend_in_proportion_to_quality_shows_no_spread():
    pairs = singles([(0.3 * quality, quality) for quality in (0.7, 0.8, 0.9, 0.8, 0.7)])
    assert ratio_interval(pairs, 0.95, seed=SEED) is None
    assert ratio_difference_interval(pairs, pairs, 0.95, seed=SEED) is None


def test_what_is_free_everywhere_is_free_for_each_point_of_quality():
    pairs = singles([(0.0, quality) for quality in (0.7, 0.8, 0.9, 0.8, 0.7)])
    found = ratio_interval(pairs, 0.95, seed=SEED)
    assert (found.low, found.high) == (0.0, 0.0)


def test_two_ratios_are_of_the_same_cases():
    with pytest.raises(ValueError, match="2 cases in 2 clusters before, 2 cases in 1 clusters after"):
        ratio_difference_interval([[(1.0, 1.0)], [(1.0, 1.0)]], [[(1.0, 1.0), (1.0, 1.0)]], 0.95, seed=SEED)


def test_with_quality_the_same_everywhere_the_limits_are_students():
    # Student's interval of 1 … 10: 5.5 ± 2.262 * 3.0277 / √10.
    found = ratio_interval(singles([(float(place), 1.0) for place in range(1, 11)]), 0.95, seed=SEED)
    half = 2.2622 * 3.02765 / math.sqrt(10)
    assert found.low <= 5.5 - half + 1e-3
    assert found.high >= 5.5 + half - 1e-3
    assert found.high - found.low < 2.3 * half


@given(bills, st.floats(0.1, 1e6))
def test_another_currency_scales_the_interval(pairs, rate):
    found = ratio_interval(singles(pairs), 0.95, seed=SEED)
    scaled = ratio_interval(singles([(spend * rate, quality) for spend, quality in pairs]), 0.95, seed=SEED)
    if found is not None and scaled is not None:
        assert found.low <= ratio(singles(pairs)) <= found.high
        assert scaled.high == pytest.approx(found.high * rate, rel=1e-3)


@given(bills)
def test_the_difference_turns_round_with_its_sides(pairs):
    before, after = singles(pairs), singles([(spend * spend, quality) for spend, quality in pairs])
    there = ratio_difference_interval(before, after, 0.95, seed=SEED)
    back = ratio_difference_interval(after, before, 0.95, seed=SEED)
    assert (there is None) == (back is None)
    if there is not None:
        assert there.low <= ratio(after) - ratio(before) <= there.high
        assert back.low <= ratio(before) - ratio(after) <= back.high
