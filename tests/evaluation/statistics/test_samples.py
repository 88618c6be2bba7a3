import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics import means, several
from llmops.evaluation.statistics.clusters import effective_count, mean, pseudo_values
from llmops.evaluation.statistics.samples import LARGE, Sample, lists_of

SEED = "0123456789abcdef"
grouped = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=2, max_size=10)


def as_sample(clusters):
    return Sample(
        values=np.array([value for cluster in clusters for value in cluster]),
        clusters=np.repeat(np.arange(len(clusters)), [len(cluster) for cluster in clusters]),
    )


def test_clusters_must_be_given_for_every_value():
    with pytest.raises(ValueError, match="3 values, but clusters of 2"):
        Sample(values=np.zeros(3), clusters=np.array([0, 1]))
    with pytest.raises(ValueError, match="cluster -1"):
        Sample(values=np.zeros(2), clusters=np.array([0, -1]))


def test_a_cluster_without_cases_does_not_count():
    found = Sample(values=np.array([0.0, 1.0]), clusters=np.array([0, 7]))
    assert pseudo_values(found) == [0.0, 1.0]
    assert lists_of(found) == lists_of(Sample(values=np.array([0.0, 1.0]))) == [[0.0], [1.0]]
    assert (
        means.mean_interval(Sample(values=np.array([0.0, 1.0]), clusters=np.array([7, 7])), Kind.STEPS, 0.95, seed=SEED)
        is None
    )


@given(grouped)
def test_arrays_say_the_same_as_lists(clusters):
    sample = as_sample(clusters)
    assert mean(sample) == mean(clusters)
    assert lists_of(sample) == lists_of(clusters) == clusters
    assert pseudo_values(sample) == pytest.approx(pseudo_values(clusters), abs=1e-12)
    assert effective_count(sample) == pytest.approx(effective_count(clusters), rel=1e-6)
    for bounded in (means.mean_interval, means.paired_interval):
        one, two = (bounded(data, Kind.STEPS, 0.95, seed=SEED) for data in (sample, clusters))
        assert (one.low, one.high) == (pytest.approx(two.low, abs=1e-6), pytest.approx(two.high, abs=1e-6))
    chances = [several.chance_of(data, 0.8, wants_higher=True) for data in (sample, clusters)]
    assert chances[0] == pytest.approx(chances[1], abs=1e-6)


def test_long_lists_are_taken_as_arrays_and_say_the_same():
    values = np.random.default_rng(1).beta(8, 2, LARGE + 1)
    pairs = [[value, value] for value in values[: LARGE // 2].tolist()]
    lists = [[value] for value in values.tolist()]
    one = means.mean_interval(lists, Kind.CONTINUOUS, 0.95, seed=SEED)
    assert one == means.mean_interval(Sample(values=values), Kind.CONTINUOUS, 0.95, seed=SEED)
    two = means.mean_interval([*pairs, *pairs], Kind.CONTINUOUS, 0.95, seed=SEED)
    assert two == means.mean_interval(as_sample([*pairs, *pairs]), Kind.CONTINUOUS, 0.95, seed=SEED)
    with pytest.raises(ValueError, match="nan"):
        means.mean_interval([*lists, [float("nan")]], Kind.CONTINUOUS, 0.95, seed=SEED)
