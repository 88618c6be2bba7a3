import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics import means, several
from llmops.evaluation.statistics.samples import Sample

SEED = "0123456789abcdef"
shares = st.floats(0, 1)


def passes(count, trials):
    return [[1.0]] * count + [[0.0]] * (trials - count)


def interval(clusters, level=0.95):
    return means.mean_interval(clusters, Kind.STEPS, level, seed=SEED)


def drop(clusters, level=0.95):
    return means.paired_interval(clusters, Kind.STEPS, level, seed=SEED)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.01, 1.01])
def test_a_score_outside_its_range_is_refused_by_name(value):
    with pytest.raises(ValueError, match=str(value)):
        interval([[0.5], [value]])
    with pytest.raises(ValueError, match=str(value)):
        several.chance_of([[0.5], [value]], 0.5, wants_higher=True)
    with pytest.raises(ValueError, match=str(value)):
        interval(Sample(values=np.array([0.5, value])))


@pytest.mark.parametrize("value", [math.nan, -math.inf, -1.01, 1.01])
def test_a_difference_outside_its_range_is_refused_by_name(value):
    with pytest.raises(ValueError, match=str(value)):
        drop([[0.5], [value]])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_amount_that_is_no_number_is_refused_by_name(value):
    for ask in (means.mean_interval, means.paired_interval):
        with pytest.raises(ValueError, match=str(value)):
            ask([[5.0], [value]], Kind.CONTINUOUS, 0.95, seed=SEED, bounded=False)


@pytest.mark.parametrize("clusters", [[], [[]], [[1.0]], [[1.0, 0.0], []]])
def test_fewer_than_two_clusters_have_no_interval(clusters):
    assert interval(clusters) is None
    assert drop(clusters) is None


def test_equal_amounts_leave_room_for_as_many_others_as_their_number_does():
    for ask in (means.mean_interval, means.paired_interval):
        for clusters, count in (([[0.1]] * 30, 30), ([[0.1, 0.1, 0.1], [0.1]] * 3, 6)):
            found = ask(clusters, Kind.CONTINUOUS, 0.95, seed=SEED, bounded=False)
            unseen = 1 - 0.025 ** (1 / count)
            assert (found.low, found.high) == (pytest.approx(0.1 * (1 - unseen)), pytest.approx(0.1 * (1 + unseen)))


def test_what_is_free_everywhere_is_free():
    for ask in (means.mean_interval, means.paired_interval):
        found = ask([[0.0]] * 30, Kind.CONTINUOUS, 0.95, seed=SEED, bounded=False)
        assert (found.low, found.high) == (0.0, 0.0)


def test_an_interval_of_passes_is_the_exact_one_of_the_literature():
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 5: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for successes, trials, low, high in (
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ):
        found = interval(passes(successes, trials))
        assert (found.low, found.high) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))


def test_limits_are_the_quantiles_of_means_under_random_weights():
    values = np.random.default_rng(2).beta(2, 1, 25)
    weights = np.random.default_rng(3).standard_exponential((200_000, 26))
    weights /= weights.sum(axis=1, keepdims=True)
    found = interval([[value] for value in values.tolist()])
    assert found.high == pytest.approx(float(np.quantile(weights @ np.append(values, 1), 0.975)), abs=2e-3)
    assert found.low == pytest.approx(float(np.quantile(weights @ np.append(values, 0), 0.025)), abs=2e-3)


def test_equal_pairs_leave_a_drop_possible_that_would_have_been_missed():
    found = drop([[0.0]] * 20)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 20), abs=2e-3)
    assert found.low == pytest.approx(-found.high)


@given(st.lists(st.lists(shares, min_size=1, max_size=4), min_size=2, max_size=10))
def test_turning_scores_round_turns_the_interval_round(clusters):
    found = interval(clusters)
    turned = interval([[1 - value for value in cluster] for cluster in clusters])
    assert turned.low == pytest.approx(1 - found.high, abs=1e-6)
    assert turned.high == pytest.approx(1 - found.low, abs=1e-6)


@given(st.lists(st.lists(shares, min_size=1, max_size=4), min_size=2, max_size=10))
def test_a_higher_level_never_gives_a_narrower_interval(clusters):
    narrow, wide = interval(clusters, 0.9), interval(clusters, 0.99)
    assert wide.low <= narrow.low + 1e-9
    assert wide.high >= narrow.high - 1e-9


@given(st.lists(st.lists(shares, min_size=1, max_size=4), min_size=2, max_size=10))
def test_clusters_never_make_an_interval_narrower(clusters):
    grouped, alone = interval(clusters), interval([[value] for cluster in clusters for value in cluster])
    assert grouped.low <= alone.low + 1e-9
    assert grouped.high >= alone.high - 1e-9


def test_cases_that_go_together_count_as_one():
    together = interval([[1.0] * 5] * 15 + [[0.0] * 5] * 5)
    single = interval(passes(15, 20))
    assert (together.low, together.high) == (pytest.approx(single.low), pytest.approx(single.high))


@given(st.integers(0, 30), st.floats(0.3, 0.99), st.booleans())
def test_a_chance_is_small_exactly_where_the_interval_leaves_out_the_bar(count, bar, wants_higher):
    found = interval(passes(count, 30))
    chance = several.chance_of(passes(count, 30), bar, wants_higher=wants_higher)
    beyond = found.high < bar if wants_higher else found.low > bar
    near = found.high if wants_higher else found.low
    if abs(near - bar) > 1e-6:
        assert (chance < 0.025) == beyond
