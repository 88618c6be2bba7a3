"""The goal of every estimator, on a small grid; `python -m benchmarks.simulation.coverage` has the large one."""

import numpy as np
import pytest

from benchmarks.simulation import coverage
from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics import means
from llmops.evaluation.statistics.samples import Sample

SEED = "0123456789abcdef"
RUNS = 500
# A bootstrap costs a hundred times what the other intervals cost.
BOOTSTRAPPED = ("amounts", "amounts, heavy tail", "spend for quality", "difference of spend for quality")
BOOTSTRAPS = 60
# An estimator that gives no interval is never wrong.
LEAST_GIVEN = 0.9
# Where there are enough cases to bound the percentile on both sides; elsewhere it rightly has no interval.
PERCENTILES = tuple(
    coverage.Place(n=n, cluster=cluster, repeats=1, rate=share)
    for n, cluster, share in ((50, 1, 0.5), (50, 1, 0.9), (200, 1, 0.95), (200, 10, 0.5), (500, 5, 0.9))
)
SMALL = tuple(
    coverage.Place(n=n, cluster=cluster, repeats=repeats, rate=rate)
    for n, cluster, repeats, rate in ((20, 1, 1, 0.95), (50, 5, 1, 0.8), (20, 10, 3, 0.5), (60, 1, 5, 0.5))
)
ESTIMATORS = {estimator.name: estimator for estimator in coverage.estimators()}


def test_the_rate_of_independent_cases_is_covered_at_every_rate():
    found = coverage.measure(fast=True, only=("rate",))
    assert len(found) == 350
    assert min(one.share for one in found) >= coverage.GOAL


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_holds_the_truth(name):
    estimator = ESTIMATORS[name]
    places, runs = SMALL, RUNS
    if name in BOOTSTRAPPED:
        places, runs = [place for place in estimator.grid if place.n <= 50][:2], BOOTSTRAPS
    elif name == "percentile":
        places, runs = PERCENTILES, 100
    elif not name.startswith(("rate in clusters", "rate of", "steps", "skewed")):
        places = [place for place in estimator.grid if place.n in {20, 50, 200}][-4:]
    for place in places:
        found = coverage._simulated(estimator, place, runs)
        assert found.runs >= LEAST_GIVEN * runs, found
        assert found.share >= coverage.GOAL - coverage.noise(runs, cells=20), found


@pytest.mark.parametrize("name", ["rate in uneven clusters", "rate in uneven clusters alike at 0.5"])
def test_groups_of_one_and_ten_are_covered_as_groups_of_one_size_are(name):
    runs = 1_000
    for rate in (0.5, 0.7):
        place = coverage.Place(n=20, cluster=10, repeats=1, rate=rate)
        found = coverage._simulated(ESTIMATORS[name], place, runs)
        assert found.runs == runs
        assert found.share >= coverage.GOAL - coverage.noise(runs), found


def worst_of_the_false_passes(draw, margin, runs):
    generator, passed = np.random.default_rng(9), 0
    for _ in range(runs):
        sample = Sample(values=draw(generator))
        passed += means.paired_interval(sample, Kind.BINARY, 0.95, seed=SEED).high < margin
    return passed / runs


@pytest.mark.parametrize("n", [20, 35, 50])
@pytest.mark.parametrize("margin", [0.02, 0.05, 0.1, 0.2])
def test_drops_at_the_margin_pass_in_no_more_than_one_of_forty(n, margin):
    def rare(generator):
        return (generator.random(n) < margin) * 1.0

    def both_ways(generator):
        return (generator.random(n) < margin + 0.05) * 1.0 - (generator.random(n) < 0.05)

    for draw in (rare, both_ways):
        assert worst_of_the_false_passes(draw, margin, 400) <= 0.025 + 3 * (0.025 * 0.975 / 400) ** 0.5
