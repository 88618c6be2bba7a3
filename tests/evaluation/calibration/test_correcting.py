"""Expected figures are worked out from the formulas of the papers, apart from the code that is tested."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llmops.evaluation.calibration import correcting
from llmops.evaluation.calibration.carried import Share, lang_reiczigel, rogan_gladen
from llmops.evaluation.calibration.correcting import (
    Corrected,
    Drawn,
    Method,
    corrected,
    corrected_difference,
    problem,
)
from llmops.evaluation.calibration.drawing import draw
from tests.evaluation.calibration.builders import a_calibration, a_judged, a_labelled, of_counts

HALF = [[1.0], [0.0]] * 50


def a_run(truths, verdicts, labelled):
    """A run whose people's and judge's verdicts are known, with labels drawn from it."""
    answers = [a_judged(f"c{place}", float(one)) for place, one in enumerate(verdicts)]
    found = draw(answers, "seed", 1.0)
    rows = [a_labelled(row.case, truths[int(row.case[1:])], row.score, row.group) for row in found.first(labelled)]
    return Drawn(answers=answers, calibration=a_calibration(rows, is_drawn=True, frame=found.frame))


def clusters_of(run):
    return [[row.score] for row in run.answers]


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ((40, 0, 10, 0), "CALIBRATION_ONE_CLASS"),
        ((0, 20, 0, 20), "CALIBRATION_ONE_CLASS"),
        ((0, 0, 0, 0), "CALIBRATION_ONE_CLASS"),
        ((40, 2, 10, 7), "CALIBRATION_TOO_SMALL"),
        ((20, 20, 20, 20), "CALIBRATION_USELESS"),
        ((10, 40, 40, 10), "CALIBRATION_USELESS"),
        # J is .2, and by forty labels may well be 0.
        ((12, 8, 8, 12), "CALIBRATION_USELESS"),
    ],
)
def test_a_calibration_that_cannot_be_carried_is_refused(counts, code):
    calibration = of_counts(*counts)
    assert problem(calibration).code == code
    assert corrected(HALF, calibration, 0.95).code == code
    assert corrected_difference(HALF, calibration, 0.95).code == code


def test_labels_of_one_group_are_too_few():
    rows = [a_labelled(f"c{place}", place % 2, float(place % 2), "one book") for place in range(40)]
    assert problem(a_calibration(rows)).code == "CALIBRATION_TOO_SMALL"


def test_a_verdict_that_was_hardly_looked_at_is_too_small():
    calibration = of_counts(30, 12, 2, 1, is_drawn=True, frame=(100, 100))
    assert problem(calibration).code == "CALIBRATION_TOO_SMALL"
    assert "3 of the 100" in problem(calibration).what


def test_one_independent_case_is_refused():
    assert corrected([[1.0, 0.0]], of_counts(40, 5, 5, 40), 0.95).code == "CALIBRATION_TOO_FEW_CASES"
    assert corrected_difference([[1.0]], of_counts(40, 5, 5, 40), 0.95).code == "CALIBRATION_TOO_FEW_CASES"
    assert corrected([], of_counts(40, 5, 5, 40), 0.95).code == "CALIBRATION_TOO_FEW_CASES"


def test_rogan_and_gladens_figure():
    assert rogan_gladen(0.3, 0.9, 0.8) == pytest.approx(1 / 7)
    assert rogan_gladen(0.1, 0.9, 0.8) == 0.0
    assert rogan_gladen(0.95, 0.9, 0.8) == 1.0


def test_lang_and_reiczigels_interval():
    # 60, then 120 of 200 pass; sensitivity 45 of 50, specificity 40 of 50.
    sensitivity, specificity = Share(value=0.9, cases=50), Share(value=0.8, cases=50)
    found = lang_reiczigel(Share(value=0.3, cases=200), sensitivity, specificity, 0.95)
    assert (found.low, found.high) == (0.0, pytest.approx(0.289191, abs=5e-7))
    found = lang_reiczigel(Share(value=0.6, cases=200), sensitivity, specificity, 0.95)
    assert (found.low, found.high) == (pytest.approx(0.429626, abs=5e-7), pytest.approx(0.715404, abs=5e-7))


def test_a_judge_of_no_worth_has_no_interval():
    half = Share(value=0.5, cases=50)
    assert lang_reiczigel(Share(value=0.3, cases=200), half, half, 0.95) is None


def test_a_carried_rate_is_corrected_by_the_judges_errors():
    found = corrected([[1.0]] * 120 + [[0.0]] * 80, of_counts(45, 10, 5, 40), 0.95)
    assert found.method is Method.CARRIED
    assert found.rate == pytest.approx(4 / 7)
    assert found.judged == pytest.approx(0.6)
    assert (found.interval.low, found.interval.high) == (
        pytest.approx(0.429626, abs=5e-7),
        pytest.approx(0.715404, abs=5e-7),
    )
    assert found.labelled == 100
    assert "corrected from 0.600 by 100 labelled answers" in found.sentence


def test_cases_of_one_source_widen_a_carried_interval():
    calibration = of_counts(45, 10, 5, 40)
    alone = corrected([[1.0]] * 60 + [[0.0]] * 140, calibration, 0.95).interval
    grouped = corrected([[1.0] * 10] * 6 + [[0.0] * 10] * 14, calibration, 0.95).interval
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


def test_a_draw_too_small_for_a_slice_is_carried_to_it():
    run = a_run([1, 1, 0, 1, 0] * 40, [1, 1, 0, 1, 1] * 40, 100)
    inside = run.answers[:15]
    found = corrected([[row.score] for row in inside], run.calibration, 0.95, inside)
    assert found.method is Method.CARRIED


def test_the_drawn_rate_is_the_stratified_mean():
    # The judge passes 150 of 200. Of 40 labelled passes 30 are right, of 20 labelled failures 5 are.
    answers = [a_judged(f"c{place}", float(place < 150)) for place in range(200)]
    rows = [a_labelled(f"c{place}", int(place < 30), 1.0) for place in range(40)]
    rows += [a_labelled(f"c{place}", int(place < 155), 0.0) for place in range(150, 170)]
    run = Drawn(answers=answers, calibration=a_calibration(rows, is_drawn=True, frame=(150, 50)))
    found = corrected(clusters_of(run), run.calibration, 0.95, answers)
    assert found.method is Method.DRAWN
    assert found.rate == pytest.approx(0.75 * 0.75 + 0.25 * 0.25)
    assert found.judged == pytest.approx(0.75)
    # Cochran 12.2: the sampling of 200 cases, and of the labels within the strata.
    error = (found.interval.high - found.interval.low) / 2 / 1.96
    passed, failed = 0.1875, 0.1875
    between = 0.75 * (0.75 - 0.625) ** 2 + 0.25 * (0.25 - 0.625) ** 2
    variance = between / 200 + 0.75**2 * passed / 40 + 0.25**2 * failed / 20
    assert error == pytest.approx(variance**0.5, rel=0.06)


def test_a_case_that_was_left_out_counts_as_failed():
    run = a_run([1] * 80 + [0] * 20, [1] * 70 + [0] * 30, 60)
    whole = corrected(clusters_of(run), run.calibration, 0.95, run.answers)
    found = corrected([*clusters_of(run), *[[0.0]] * 25], run.calibration, 0.95, run.answers)
    assert found.rate == pytest.approx(0.8 * whole.rate)
    assert found.interval.high < whole.interval.high


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=60))
def test_labelling_every_answer_gives_what_people_say_whatever_the_judge_says(pairs):
    run = a_run([one for one, _ in pairs], [other for _, other in pairs], len(pairs))
    found = corrected(clusters_of(run), run.calibration, 0.95, run.answers)
    assert found.method is Method.DRAWN
    assert found.rate == pytest.approx(sum(one for one, _ in pairs) / len(pairs))
    assert found.interval.low <= found.rate <= found.interval.high


@settings(max_examples=50)
@given(st.tuples(*[st.integers(0, 60)] * 4), st.integers(0, 100), st.integers(1, 5))
def test_a_carried_rate_lies_in_its_interval_between_0_and_1(counts, passed, size):
    clusters = [[1.0] * size] * passed + [[0.0] * size] * (100 - passed)
    found = corrected(clusters, of_counts(*counts), 0.95)
    assume(isinstance(found, Corrected))
    assert 0 <= found.interval.low <= found.rate <= found.interval.high <= 1


def test_a_judge_that_never_errs_corrects_nothing():
    found = corrected([[1.0]] * 80 + [[0.0]] * 20, of_counts(200, 0, 0, 200), 0.95)
    assert found.rate == pytest.approx(0.8)


def test_grades_above_the_line_carry_weight_within_a_verdict():
    # All pass; what people say follows the score, and the labelled answers happen to have low ones.
    answers = [a_judged(f"c{place}", 0.5 + place / 400) for place in range(200)]
    rows = [
        a_labelled(f"c{place}", int(place % 40 < 20 + place // 5), answers[place].score) for place in range(0, 120, 2)
    ]
    run = a_calibration(rows, pass_at=0.5, is_drawn=True, frame=(200, 0))
    found = corrected([[1.0]] * 200, run, 0.95, answers)
    assert found.method is Method.DRAWN
    assert found.rate > sum(row.label for row in rows) / len(rows)


def test_repeats_of_a_case_weigh_as_one_case():
    answers = [
        a_judged("c0", 1.0, repeats=3),
        a_judged("c0", 0.0, answer="b" * 64),
        a_judged("c1", 1.0),
        a_judged("c2", 0.0),
    ]
    rows = [
        a_labelled("c0", 1, 1.0),
        replace(a_labelled("c0", 0, 0.0), answer="b" * 64),
        a_labelled("c1", 1, 1.0),
        a_labelled("c2", 0, 0.0),
    ]
    calibration = a_calibration(rows, is_drawn=True, frame=(2, 2))
    found = corrected([[0.75], [1.0], [0.0]], calibration, 0.95, answers)
    assert found.rate == pytest.approx((0.75 + 1 + 0) / 3)


def test_a_drop_that_the_judge_sees_is_larger_in_truth():
    found = corrected_difference([[1.0]] * 10 + [[0.0]] * 190, of_counts(80, 20, 20, 80), 0.95)
    assert found.judged == pytest.approx(0.05)
    assert found.rate == pytest.approx(0.05 / 0.6)
    assert found.interval.low > 0


def test_an_unsure_judge_makes_a_drop_unsure():
    drops = [[1.0]] * 30 + [[0.0]] * 170
    sure = corrected_difference(drops, of_counts(800, 200, 200, 800), 0.95).interval
    unsure = corrected_difference(drops, of_counts(40, 10, 10, 40), 0.95).interval
    assert unsure.high - unsure.low > sure.high - sure.low


def test_every_refusal_says_what_and_what_to_do():
    for counts in ((40, 0, 10, 0), (40, 2, 10, 7), (20, 20, 20, 20)):
        found = correcting.problem(of_counts(*counts))
        assert found.what
        assert found.hint


@pytest.mark.parametrize("level", [0.99, 0.999, 0.999999])
def test_asking_for_more_confidence_never_does_away_with_the_correction(level):
    calibration = of_counts(20, 10, 2, 12)
    assert correcting.problem(calibration) is None
    verdicts, drops = [[1.0]] * 162 + [[0.0]] * 38, [[1.0]] * 20 + [[0.0]] * 180
    for ask, clusters in ((corrected, verdicts), (corrected_difference, drops)):
        usual, surer = ask(clusters, calibration, 0.95), ask(clusters, calibration, level)
        assert isinstance(surer, correcting.Corrected)
        assert surer.rate == pytest.approx(usual.rate)
        assert surer.interval.low <= usual.interval.low
        assert surer.interval.high >= usual.interval.high


def test_nothing_seen_to_drop_by_a_judge_that_may_be_a_coin_has_an_interval_all_the_same():
    found = corrected_difference([[0.0]] * 200, of_counts(20, 10, 2, 12), 0.999)
    assert found.rate == 0
    assert found.interval.low < 0 < found.interval.high


@pytest.mark.parametrize("counts", [(20, 10, 2, 12), (80, 20, 20, 80), (30, 12, 10, 14)])
@pytest.mark.parametrize("worse", [0, 4, 30, 90])
def test_a_rise_is_a_drop_with_the_other_sign(counts, worse):
    drops = [[1.0]] * worse + [[-1.0]] * 6 + [[0.0]] * (194 - worse)
    for level in (0.8, 0.95, 0.9999):
        found = corrected_difference(drops, of_counts(*counts), level)
        other = corrected_difference([[-value for value in each] for each in drops], of_counts(*counts), level)
        assert other.rate == pytest.approx(-found.rate)
        assert other.interval.low == pytest.approx(-found.interval.high)
        assert other.interval.high == pytest.approx(-found.interval.low)
