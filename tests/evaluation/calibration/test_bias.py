import pytest

from llmops.evaluation.calibration.bias import bias
from llmops.evaluation.calibration.weighing import UNKNOWN
from tests.evaluation.calibration.builders import a_calibration, a_labelled


def a_judge(passes, labels, group=""):
    rows = [
        a_labelled(f"c{place}", label, float(score), group and f"{group}{place // 5}")
        for place, (score, label) in enumerate(zip(passes, labels, strict=True))
    ]
    return a_calibration(rows)


def test_few_answers_say_nothing_about_bias():
    found = bias(a_judge([1] * 11, [1] * 11), range(11))
    assert (found.correlation, found.difference, found.thirds) == (UNKNOWN, UNKNOWN, ())
    assert not found.is_found


def test_equal_lengths_say_nothing_about_bias():
    assert bias(a_judge([1, 0] * 20, [1, 1] * 20), [7] * 40).difference == UNKNOWN


def test_a_figure_for_each_answer_is_needed():
    with pytest.raises(ValueError, match="argument 2 is longer"):
        bias(a_judge([1] * 20, [1] * 20), range(19))


def test_a_judge_that_passes_long_answers_is_found():
    labels = [1, 0] * 45
    passes = [label if place < 60 else 1 for place, label in enumerate(labels)]
    found = bias(a_judge(passes, labels), range(90))
    assert found.is_found
    assert found.difference.value == pytest.approx(0.5)
    assert found.correlation.value > 0.3
    assert found.correlation.interval.low > 0
    assert [(third.answers, third.false_pass, third.false_fail) for third in found.thirds] == [
        (30, 0, 0),
        (30, 0, 0),
        (30, 15, 0),
    ]


def test_a_judge_that_fails_late_cases_leans_the_other_way():
    labels = [1] * 60
    passes = [int(place < 40) for place in range(60)]
    found = bias(a_judge(passes, labels), range(60))
    assert found.difference.value == pytest.approx(-1)
    assert found.difference.interval.high < 0


def test_errors_that_come_anywhere_are_no_bias():
    labels = [1, 0, 1] * 30
    passes = [1 - label if place % 5 == 0 else label for place, label in enumerate(labels)]
    assert not bias(a_judge(passes, labels), range(90)).is_found


def test_a_judge_that_never_errs_has_no_correlation_but_a_difference_of_nothing():
    found = bias(a_judge([1, 0] * 30, [1, 0] * 30), range(60))
    assert found.correlation == UNKNOWN
    assert found.difference.value == 0
    assert found.difference.interval.low < 0 < found.difference.interval.high


def test_errors_of_one_source_count_together():
    labels, passes = [0] * 90, [0] * 75 + [1] * 15
    alone, grouped = bias(a_judge(passes, labels), range(90)), bias(a_judge(passes, labels, "g"), range(90))
    widths = [one.difference.interval.high - one.difference.interval.low for one in (alone, grouped)]
    assert widths[1] > 1.3 * widths[0]


def test_equal_figures_are_never_parted():
    found = bias(a_judge([1, 0] * 30, [1, 1] * 30), [1] * 25 + [2] * 5 + [3] * 30)
    assert [(third.low, third.high) for third in found.thirds] == [(1, 2), (3, 3)]
