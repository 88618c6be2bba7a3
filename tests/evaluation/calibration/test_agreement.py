import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmops.evaluation.calibration import agreement
from llmops.evaluation.calibration.agreement import Confusion, kappa_of
from llmops.evaluation.statistics.proportions import wilson
from tests.evaluation.calibration.builders import of_counts

cells = st.tuples(*[st.integers(0, 40)] * 4)


def test_one_verdict_on_everything_has_no_kappa():
    found = agreement.agreement(of_counts(20, 0, 0, 0))
    assert found.kappa.value is None
    assert found.kappa.interval is None
    assert found.specificity.value is None
    assert found.youden.value is None


def test_kappa_is_the_worked_figure():
    # Both pass 20, both fail 15, 5 and 10 apart: seen .7, by chance .5.
    assert agreement.kappa(of_counts(20, 5, 10, 15)) == pytest.approx(0.4)


def test_counts_are_by_both_verdicts():
    found = agreement.confusion(of_counts(4, 3, 2, 1))
    assert found == Confusion(true_pass=4, false_pass=3, false_fail=2, true_fail=1)
    assert (found.passed_by_people, found.failed_by_people, found.answers) == (6, 4, 10)


def test_shares_are_those_of_the_counts_with_wilsons_interval():
    found = agreement.agreement(of_counts(40, 6, 10, 44))
    assert found.sensitivity.value == pytest.approx(0.8)
    assert found.sensitivity.interval == wilson(40, 50, 0.95)
    assert found.specificity.interval == wilson(44, 50, 0.95)
    assert found.accuracy.value == pytest.approx(0.84)
    assert found.prevalence.value == pytest.approx(0.5)
    assert found.youden.value == pytest.approx(0.68)


def test_the_limits_of_j_are_those_of_zou_and_donner():
    found = agreement.agreement(of_counts(40, 6, 10, 44))
    sensitivity, specificity = wilson(40, 50, 0.95), wilson(44, 50, 0.95)
    low = 0.68 - ((0.8 - sensitivity.low) ** 2 + (0.88 - specificity.low) ** 2) ** 0.5
    assert found.youden.interval.low == pytest.approx(low)


def test_labels_drawn_by_verdict_are_weighted_back():
    # Of 900 passed answers 30 are labelled, 27 right; of 100 failed ones 20, 15 right.
    found = agreement.agreement(of_counts(27, 3, 5, 15, is_drawn=True, frame=(900, 100)))
    assert found.sensitivity.value == pytest.approx(810 / 835)
    assert found.specificity.value == pytest.approx(75 / 165)
    assert found.prevalence.value == pytest.approx(0.835)
    assert found.kappa.value == pytest.approx(kappa_of((810, 90, 25, 75)))


def test_answers_of_one_source_are_worth_less_than_as_many_of_their_own():
    alone = agreement.agreement(of_counts(40, 10, 10, 40)).sensitivity
    grouped = agreement.agreement(of_counts(10, 3, 3, 10, copies=4)).sensitivity
    assert grouped.cases < 20 < alone.cases
    assert grouped.interval.high - grouped.interval.low > alone.interval.high - alone.interval.low


def test_every_answer_right_is_not_perfectly_sure():
    found = agreement.agreement(of_counts(27, 0, 0, 20, is_drawn=True, frame=(270, 20)))
    assert found.sensitivity.value == 1.0
    # No passed answer was wrong among 27 that stand for ten each: one unseen would weigh ten.
    assert found.specificity.cases == pytest.approx(2)
    assert found.specificity.interval.low < 0.4


@settings(max_examples=40)
@given(cells, st.integers(1, 3))
def test_every_figure_lies_in_its_interval(counts, copies):
    assume(sum(counts))
    found = agreement.agreement(of_counts(*counts, copies=copies))
    for estimate in (found.kappa, found.sensitivity, found.specificity, found.youden, found.accuracy, found.prevalence):
        if estimate.interval is not None:
            assert -1 <= estimate.interval.low <= estimate.value <= estimate.interval.high <= 1


@given(cells, st.integers(2, 9))
def test_a_frame_in_proportion_changes_no_share(counts, times):
    passed, failed = counts[0] + counts[1], counts[2] + counts[3]
    assume(passed and failed)
    plain = agreement.errors(of_counts(*counts))
    drawn = agreement.errors(of_counts(*counts, is_drawn=True, frame=(passed * times, failed * times)))
    for one, other in ((plain.sensitivity, drawn.sensitivity), (plain.specificity, drawn.specificity)):
        assert one.value == (None if other.value is None else pytest.approx(other.value))


@given(cells)
def test_kappa_is_symmetric_and_at_most_one(counts):
    swapped = (counts[0], counts[2], counts[1], counts[3])
    mine, other = kappa_of(counts), kappa_of(swapped)
    assert mine is None or (mine == pytest.approx(other) and -1 <= mine <= 1)


def test_kappa_of_a_handful_has_no_interval():
    found = agreement.agreement(of_counts(50, 4, 3, 5)).kappa
    assert found.value is not None
    assert found.interval is None


def test_a_judge_that_never_erred_is_not_surely_perfect():
    found = agreement.agreement(of_counts(30, 0, 0, 30)).kappa
    assert found.value == 1
    assert 0.8 < found.interval.low < 0.95
    assert found.interval.high == 1
