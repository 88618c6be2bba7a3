"""The same figures from other people's libraries. For development only: skipped where they are not installed, which is
everywhere but in an environment made for it (`docs/calibration.md` says how)."""

import random

import pytest

from llmops.evaluation.calibration import agreement, correcting, drawn
from llmops.evaluation.calibration.annotators import fleiss_kappa
from llmops.evaluation.statistics.proportions import wilson
from tests.evaluation.calibration.builders import a_calibration, a_judged, a_labelled, of_counts

COUNTS = [(20, 5, 10, 15), (200, 40, 30, 90), (31, 4, 2, 13)]


@pytest.mark.parametrize("counts", COUNTS)
def test_kappa_is_that_of_statsmodels(counts):
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    both, only_judge, only_people, neither = counts
    theirs = raters.cohens_kappa([[both, only_people], [only_judge, neither]])
    ours = agreement.agreement(of_counts(*counts)).kappa
    assert ours.value == pytest.approx(theirs.kappa, abs=1e-12)
    # Theirs is the asymptotic interval: ours has about its width.
    assert ours.interval.high - ours.interval.low == pytest.approx(theirs.kappa_upp - theirs.kappa_low, rel=0.15)


def test_fleiss_kappa_is_that_of_statsmodels():
    raters = pytest.importorskip("statsmodels.stats.inter_rater")
    source = random.Random(5)
    rows = [[int(source.random() < share) for _ in range(4)] for share in [0.9, 0.2, 0.6] * 20]
    theirs = raters.fleiss_kappa([[sum(row), 4 - sum(row)] for row in rows])
    assert fleiss_kappa(rows) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("counts", COUNTS)
def test_wilsons_interval_is_that_of_statsmodels(counts):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    found = agreement.agreement(of_counts(*counts))
    passed = counts[0] + counts[2]
    low, high = proportion.proportion_confint(counts[0], passed, method="wilson")
    assert (found.sensitivity.interval.low, found.sensitivity.interval.high) == pytest.approx((low, high), abs=1e-12)
    assert wilson(counts[0], passed, 0.95) == found.sensitivity.interval


@pytest.mark.parametrize("counts", COUNTS)
def test_the_carried_rate_is_that_of_judgy(counts):
    judgy = pytest.importorskip("judgy")
    numpy = pytest.importorskip("numpy")
    numpy.random.seed(1)
    calibration = of_counts(*counts)
    verdicts = [1] * 130 + [0] * 70
    labels = [row.label for row in calibration.rows]
    scores = [int(row.score) for row in calibration.rows]
    rate, low, high = judgy.estimate_success_rate(labels, scores, verdicts, bootstrap_iterations=4_000)
    ours = correcting.corrected([[float(one)] for one in verdicts], calibration, 0.95)
    assert ours.rate == pytest.approx(rate, abs=1e-12)
    # Judgy resamples the labels alone: its interval leaves out that 200 cases are a sample.
    assert ours.interval.high - ours.interval.low > 0.9 * (high - low)


def a_graded_run(count=400, labelled=120, seed=3):
    """Grades from 0 to 1 that all pass, with labels that follow them: one stratum, as PPI++ has it."""
    source = random.Random(seed)
    answers = [a_judged(f"c{place}", source.random()) for place in range(count)]
    rows = [a_labelled(row.case, int(source.random() < 0.2 + 0.5 * row.score), row.score) for row in answers[:labelled]]
    return answers, a_calibration(rows, pass_at=0.0, is_drawn=True, frame=(count, 0))


def test_one_stratum_of_grades_is_ppi_plus_plus():
    ppi = pytest.importorskip("ppi_py")
    numpy = pytest.importorskip("numpy")
    answers, calibration = a_graded_run()
    labels = numpy.array([float(row.label) for row in calibration.rows])
    known = numpy.array([row.score for row in calibration.rows])
    rest = numpy.array([row.score for row in answers[len(known) :]])
    found = drawn.rate(answers, calibration)
    # Their weight counts on the unlabelled answers, ours on all.
    weight = found.strata[0].slope * len(rest) / len(answers)
    fixed = ppi.ppi_mean_pointestimate(labels, known, rest, lam=weight)
    assert found.rate == pytest.approx(float(fixed.item()), abs=1e-12)
    tuned = ppi.ppi_mean_pointestimate(labels, known, rest)
    assert found.rate == pytest.approx(float(tuned.item()), abs=0.003)
    low, high = (float(limit.item()) for limit in ppi.ppi_mean_ci(labels, known, rest, alpha=0.05))
    ours = correcting.corrected([[1.0]] * len(answers), calibration, 0.95, answers)
    assert ours.interval.high - ours.interval.low == pytest.approx(high - low, rel=0.05)
    assert (ours.interval.low, ours.interval.high) == pytest.approx((low, high), abs=0.01)


def test_two_strata_are_ppi_plus_plus_in_each():
    ppi = pytest.importorskip("ppi_py")
    numpy = pytest.importorskip("numpy")
    source = random.Random(8)
    answers = [a_judged(f"c{place}", float(place % 4 > 0)) for place in range(400)]
    rows = [a_labelled(row.case, int(source.random() < 0.2 + 0.6 * row.score), row.score) for row in answers[:160]]
    calibration = a_calibration(rows, pass_at=1.0, is_drawn=True, frame=(300, 100))
    theirs = 0.0
    for score, share in ((1.0, 0.75), (0.0, 0.25)):
        labels = numpy.array([float(row.label) for row in rows if row.score == score])
        rest = numpy.array([row.score for row in answers[160:] if row.score == score])
        known = numpy.full(len(labels), score)
        theirs += share * float(ppi.ppi_mean_pointestimate(labels, known, rest, lam=1).item())
    assert drawn.rate(answers, calibration).rate == pytest.approx(theirs, abs=1e-12)
