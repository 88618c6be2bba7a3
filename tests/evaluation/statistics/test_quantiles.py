import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.statistics import quantiles


def test_students_quantiles_are_exact_where_degrees_are_few():
    # E. S. Pearson, H. O. Hartley, "Biometrika Tables for Statisticians" I (1954), table 12.
    for freedom, central, outer in (
        (1, 12.7062, 318.309),
        (2, 4.3027, 22.327),
        (3, 3.1824, 10.215),
        (4, 2.7764, 7.173),
        (5, 2.5706, 5.893),
        (10, 2.2281, 4.144),
        (120, 1.9799, 3.160),
    ):
        assert quantiles.student(0.975, freedom) == pytest.approx(central, abs=6e-5)
        assert quantiles.student(0.999, freedom) == pytest.approx(outer, abs=6e-4)


@given(st.integers(1, 200), st.floats(0.8, 0.9999))
def test_more_degrees_never_give_a_larger_quantile(freedom, probability):
    found = quantiles.student(probability, freedom)
    assert quantiles.student(probability, freedom + 1) <= found * (1 + 1e-7)


def test_a_value_that_is_no_number_has_no_percentile_interval():
    with pytest.raises(ValueError, match="nan"):
        quantiles.percentile_interval([1.0, math.nan], 0.5, 0.95)
    with pytest.raises(ValueError, match="inf"):
        quantiles.clustered_percentile_interval([[1.0, 2.0], [math.inf]], 0.5, 0.95)


def test_no_values_have_no_percentile_interval():
    assert quantiles.percentile_interval([], 0.5, 0.95) is None
    assert quantiles.clustered_percentile_interval([[1.0, 2.0]], 0.5, 0.95) is None


def test_values_alone_in_their_cluster_have_the_usual_interval():
    values = [float(place) for place in range(100)]
    found = quantiles.clustered_percentile_interval([[value] for value in values], 0.5, 0.95)
    assert found == quantiles.percentile_interval(values, 0.5, 0.95)


def test_values_that_go_together_tell_less_about_a_percentile():
    generator = random.Random(3)
    values = [generator.random() for _ in range(40)]
    together = quantiles.clustered_percentile_interval([[value] * 5 for value in values], 0.5, 0.95)
    usual = quantiles.percentile_interval(values, 0.5, 0.95)
    assert together.low <= usual.low
    assert together.high >= usual.high
    assert quantiles.clustered_percentile_interval([[value] * 5 for value in values], 0.95, 0.95) is None


def test_a_million_values_have_a_percentile_interval_too():
    first, chances = quantiles._binomial(1_000_000, 0.95)
    assert math.fsum(chances) == pytest.approx(1, abs=1e-6)
    assert first > 900_000
