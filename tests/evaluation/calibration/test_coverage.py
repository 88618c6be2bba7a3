"""The simulation of `benchmarks/simulation/calibration.py`, smaller: seeded, so that a change of an estimator shows."""

import numpy as np
import pytest

from benchmarks.simulation.calibration import Setting, calibration_of, judge_of, measure, run
from llmops.evaluation.calibration import correcting
from llmops.evaluation.calibration.agreement import kappa_of

RUNS = 120
# Of 120 intervals at 95 %, 105 or fewer hold the truth once in 1,000 times.
LEAST = 0.88
WORLDS = (
    Setting(cases=100, labelled=60, cluster=1, rate=0.85, kappa=0.6),
    Setting(cases=200, labelled=150, cluster=5, rate=0.9, kappa=0.46, lenient=False),
)


@pytest.mark.parametrize("setting", WORLDS, ids=str)
def test_every_interval_covers_and_the_naive_one_does_not(setting):
    found = {row.estimator: row for row in measure(setting, RUNS)}
    naive = found.pop("naive: the judge's own rate")
    assert naive.coverage < LEAST
    for name, row in found.items():
        assert row.coverage >= LEAST, name


def test_a_world_is_the_same_each_time():
    assert run(3, WORLDS[:1]) == run(3, WORLDS[:1])


@pytest.mark.parametrize("kappa", [0.3, 0.46, 0.9])
@pytest.mark.parametrize("lenient", [True, False])
def test_a_simulated_judge_has_the_kappa_it_is_asked_for(kappa, lenient):
    right, wary = judge_of(kappa, lenient=lenient)
    cells = (0.6 * right, 0.4 * (1 - wary), 0.6 * (1 - right), 0.4 * wary)
    assert kappa_of(cells) == pytest.approx(kappa, abs=1e-6)
    assert (right > wary) is lenient


@pytest.mark.parametrize(
    ("rate", "drop", "labelled", "right", "wary"),
    [(0.6, 0.2, 40, 0.75, 0.7), (0.8, 0.3, 60, 0.7, 0.6), (0.95, 0.1, 60, 0.8, 0.6)],
)
def test_a_large_drop_seen_by_a_poor_judge_with_few_labels_is_not_understated(rate, drop, labelled, right, wary):
    generator, runs, cases = np.random.default_rng(17), 300, 500
    given = above = held = 0

    def judged(people):
        return np.where(people, generator.random(len(people)) < right, generator.random(len(people)) >= wary)

    for _ in range(runs):
        known = generator.random(labelled) < 0.5
        calibration = calibration_of(known.tolist(), judged(known).tolist(), 1)
        before = generator.random(cases) < rate
        after = before & (generator.random(cases) >= drop / rate)
        drops = judged(before).astype(float) - judged(after)
        found = correcting.corrected_difference([[one] for one in drops.tolist()], calibration, 0.95)
        if isinstance(found, correcting.Corrected):
            given += 1
            above += found.interval.high < drop
            held += found.interval.low <= drop <= found.interval.high
    assert given >= runs / 2
    # A release that truly drops by the margin passes in 2.5 % of the runs; 3 % and three standard errors.
    assert above / runs <= 0.03 + 3 * (0.03 * 0.97 / runs) ** 0.5
    assert held / given >= 0.93 - 3 * (0.93 * 0.07 / given) ** 0.5
