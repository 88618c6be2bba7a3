import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics import means, proportions, quantiles, several
from llmops.evaluation.statistics.clusters import mean, pseudo_values

SEED = "0123456789abcdef"
shares = st.floats(0, 1)


def singles(values):
    return [[value] for value in values]


def test_wilson_agrees_with_the_worked_figures_of_the_literature():
    # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = proportions.wilson(successes, trials, 0.95)
        assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.lists(st.lists(shares, min_size=1, max_size=4), min_size=2, max_size=12), st.sampled_from(Kind))
def test_an_interval_holds_its_own_figure_and_stays_between_zero_and_one(clusters, kind):
    found = means.mean_interval(clusters, kind, 0.95, seed=SEED)
    assert 0 <= found.low <= mean(clusters) + 1e-12
    assert mean(clusters) - 1e-12 <= found.high <= 1


@given(st.lists(st.lists(shares, min_size=1, max_size=4), min_size=1, max_size=12))
def test_pseudo_values_have_the_mean_of_all_values(clusters):
    values = pseudo_values(clusters)
    assert math.fsum(values) / len(values) == pytest.approx(mean(clusters), abs=1e-9)


def test_one_cluster_says_nothing_about_the_spread():
    assert means.mean_interval([[1.0, 0.0, 1.0]], Kind.BINARY, 0.95, seed=SEED) is None
    assert means.paired_interval([[0.1, 0.2]], Kind.CONTINUOUS, 0.95, seed=SEED) is None


def test_no_values_have_no_mean():
    with pytest.raises(ValueError, match="no values"):
        mean([[]])
    with pytest.raises(ValueError, match="no values"):
        quantiles.percentile([], 0.5)


def test_perfect_scores_are_not_perfectly_sure():
    found = means.mean_interval(singles([1.0] * 30), Kind.STEPS, 0.95, seed=SEED)
    assert found.high == 1.0
    assert 0.85 < found.low < 0.95


def test_cases_of_one_source_count_less_than_independent_ones():
    values = [1.0] * 20 + [0.0] * 10
    alone = means.mean_interval(singles(values), Kind.CONTINUOUS, 0.95, seed=SEED)
    grouped = [values[start : start + 5] for start in range(0, 30, 5)]
    together = means.mean_interval(grouped, Kind.CONTINUOUS, 0.95, seed=SEED)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_the_same_evidence_gives_the_same_interval():
    generator = random.Random(4)
    values = singles(generator.lognormvariate(0, 1) for _ in range(40))
    one, two = (means.mean_interval(values, Kind.CONTINUOUS, 0.95, seed=SEED, bounded=False) for _ in range(2))
    assert one == two


def test_many_distinct_values_are_binned_without_moving_the_interval():
    generator = random.Random(5)
    values = [generator.gauss(100, 10) for _ in range(2_000)]
    found = means.mean_interval(singles(values), Kind.CONTINUOUS, 0.95, seed=SEED, bounded=False)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 10 / math.sqrt(2_000), rel=0.1)


def beta(generator):
    return generator.betavariate(8, 2)


def mostly_ones(generator):
    return 1.0 if generator.random() < 0.7 else generator.random()


def nearly_all_ones(generator):
    return 1.0 if generator.random() < 0.9 else generator.random()


def steps(generator):
    return generator.choices([0, 0.25, 0.5, 0.75, 1], [5, 5, 10, 20, 60])[0]


def coin(generator):
    return float(generator.random() < 0.9)


def covered(draw, truth, runs, interval):
    generator = random.Random(11)
    found = (interval(draw(generator)) for _ in range(runs))
    return sum(item.low <= truth <= item.high for item in found) / runs


@pytest.mark.parametrize(
    ("draw", "kind", "truth"),
    [
        (beta, Kind.CONTINUOUS, 0.8),
        (mostly_ones, Kind.CONTINUOUS, 0.85),
        (steps, Kind.STEPS, 0.8125),
        (coin, Kind.BINARY, 0.9),
    ],
)
def test_mean_intervals_cover_the_truth_at_their_level(draw, kind, truth):
    def sample(generator):
        return singles(draw(generator) for _ in range(30))

    share = covered(sample, truth, 1_000, lambda clusters: means.mean_interval(clusters, kind, 0.95, seed=SEED))
    assert share >= 0.94


def test_mean_intervals_hold_the_truth_where_hardly_a_case_tells_anything():
    def sample(generator):
        return singles(nearly_all_ones(generator) for _ in range(30))

    share = covered(
        sample, 0.95, 1_000, lambda clusters: means.mean_interval(clusters, Kind.CONTINUOUS, 0.95, seed=SEED)
    )
    assert share >= 0.94


def test_mean_intervals_cover_the_truth_where_cases_come_in_groups():
    def sample(generator):
        return [
            [float(generator.random() < source) for _ in range(generator.randint(1, 5))]
            for source in (generator.betavariate(4, 2) for _ in range(24))
        ]

    share = covered(sample, 2 / 3, 1_000, lambda clusters: means.mean_interval(clusters, Kind.BINARY, 0.95, seed=SEED))
    assert share >= 0.92


@pytest.mark.parametrize("kind", [Kind.BINARY, Kind.CONTINUOUS])
def test_paired_intervals_cover_the_truth(kind):
    def sample(generator):
        if kind is Kind.BINARY:
            return singles(generator.choices([-1.0, 0.0, 1.0], [15, 80, 5])[0] for _ in range(40))
        return singles(generator.betavariate(4, 4) - generator.betavariate(5, 4) for _ in range(40))

    truth = -0.1 if kind is Kind.BINARY else 0.5 - 5 / 9
    share = covered(sample, truth, 300, lambda found: means.paired_interval(found, kind, 0.95, seed=SEED))
    assert share >= 0.94


def test_no_difference_seen_is_not_no_difference():
    for kind in (Kind.BINARY, Kind.CONTINUOUS):
        found = means.paired_interval(singles([0.0] * 30), kind, 0.95, seed=SEED)
        assert found.low < -0.03
        assert found.high > 0.03


def test_a_percentile_is_a_value_that_was_seen():
    assert quantiles.percentile([30, 10, 20], 0.5) == 20
    assert quantiles.percentile(list(range(1, 101)), 0.95) == 95
    assert quantiles.percentile([7], 0.95) == 7


def test_a_percentile_has_an_interval_where_there_are_enough_values():
    assert quantiles.percentile_interval(list(range(71)), 0.95, 0.95) is None
    assert quantiles.percentile_interval(list(range(72)), 0.95, 0.95) is not None
    median = quantiles.percentile_interval(list(range(1, 101)), 0.5, 0.95)
    assert (median.low, median.high) == (40, 61)


def test_student_quantiles_agree_with_the_tables():
    for freedom, expected in ((1, 12.706), (2, 4.303), (3, 3.182), (10, 2.228), (30, 2.042), (1_000, 1.962)):
        assert quantiles.student(0.975, freedom) == pytest.approx(expected, rel=2e-3)


def test_holm_rejects_step_by_step():
    assert several.holm([0.01, 0.04, 0.03, 0.005], 0.05) == (True, False, False, True)
    assert several.holm([0.9, 0.04], 0.05) == (False, False)
    assert several.holm([], 0.05) == ()


@given(st.lists(shares, min_size=1, max_size=8), st.floats(0.001, 0.2))
@settings(max_examples=50)
def test_holm_rejects_no_more_than_each_alone_would(chances, alpha):
    found = several.holm(chances, alpha)
    assert all(chance <= alpha for chance, rejected in zip(chances, found, strict=True) if rejected)


def test_a_figure_far_below_its_bar_is_hardly_chance():
    low = singles([0.5, 0.6, 0.55, 0.5] * 5)
    assert several.chance_of(low, 0.9, wants_higher=True) < 1e-3
    assert several.chance_of(low, 0.3, wants_higher=True) > 0.99
    assert several.chance_of([[0.1]], 0.9, wants_higher=True) == 1.0
