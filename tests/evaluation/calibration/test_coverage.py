"""The simulation of `benchmarks/simulation/calibration.py`, smaller: seeded, so that a change of an estimator shows."""

import pytest

from benchmarks.simulation.calibration import Setting, judge_of, measure, run
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
