from dataclasses import replace

import pytest

from llmops.documents.bars import DecideOn, SliceBar
from llmops.evaluation.calibration.calibrations import Labelled, answer_digest
from llmops.evaluation.evidence import measured
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.pooling import pool
from tests.evaluation.builders import a_bar, a_calibration, a_case, a_question, a_row, an_evalset, an_evalset_of

LABEL = "embedded-lexical (advisory)"
ONLY_CALIBRATED = {"accepted_judges": frozenset({"calibrated"})}
GOOD = {"both_pass": 90, "people_pass": 10, "both_fail": 85, "judge_passes": 15}


def judged(evalset, passing, **fields):
    """Evidence in which the judge passes the first so many cases."""
    rows = [
        a_row(case.id, scores={"groundedness": measured(float(at < passing), judge=LABEL)}, **fields)
        for at, case in enumerate(evalset.cases)
    ]
    return pool([rows])


def rate(**fields):
    return a_bar("groundedness", pass_at=0.5, **fields)


def test_a_rate_without_a_calibration_is_advisory():
    evalset = an_evalset_of(100)
    decision = gate.decide(a_question(evalset, judged(evalset, 95), rate(minimum=0.5), **ONLY_CALIBRATED))
    assert decision.codes == ("ADVISORY_JUDGE",)


def test_a_rate_whose_line_nobody_calibrated_is_advisory_and_says_where_the_line_was_drawn():
    evalset = an_evalset_of(100)
    known = (a_calibration("groundedness", pass_at=0.7, **GOOD),)
    question = a_question(evalset, judged(evalset, 95), rate(minimum=0.5), calibrations=known, **ONLY_CALIBRATED)
    decision = gate.decide(question)
    assert decision.codes == ("ADVISORY_JUDGE",)
    assert "draw the line at 0.7" in decision.reasons[0].hint


def test_the_corrected_rate_decides_and_the_observed_one_stands_beside_it():
    evalset = an_evalset_of(400)
    known = (a_calibration("groundedness", **GOOD),)
    # The judge passes 72 %; with sensitivity .9 and specificity .85 that is (.72 + .85 - 1) / .75 = 76 %.
    question = a_question(evalset, judged(evalset, 288), rate(minimum=0.75), calibrations=known, **ONLY_CALIBRATED)
    decision = gate.decide(question)
    (row,) = decision.rows
    assert decision.verdict is Verdict.PASS
    # The estimate is of the adjusted counts (Lang and Reiczigel), so near the plain quotient, not equal to it.
    assert row.figure == pytest.approx(0.76, abs=0.01)
    assert row.observed == pytest.approx(0.72)
    assert row.judge == "embedded-lexical (calibrated)"
    assert row.interval.high - row.interval.low > 0.1


def test_a_rate_that_looks_high_enough_only_through_the_judges_eyes_fails():
    evalset = an_evalset_of(400)
    known = (a_calibration("groundedness", both_pass=95, people_pass=5, both_fail=60, judge_passes=40),)
    bar = rate(minimum=0.75, decide_on=DecideOn.INTERVAL)
    naive = gate.decide(a_question(evalset, judged(evalset, 324), bar))
    decision = gate.decide(a_question(evalset, judged(evalset, 324), bar, calibrations=known))
    assert naive.passed
    assert decision.verdict is not Verdict.PASS
    assert "the judge saw 0.81, corrected by 200 labels" in decision.reasons[0].message


def test_a_mean_of_grades_is_never_corrected():
    evalset = an_evalset_of(100)
    known = (a_calibration("groundedness", **GOOD),)
    question = a_question(
        evalset, judged(evalset, 80), a_bar("groundedness", minimum=0.8), calibrations=known, **ONLY_CALIBRATED
    )
    (row,) = gate.decide(question).rows
    assert (row.verdict, row.figure, row.corrected) == (Verdict.PASS, 0.8, None)


@pytest.mark.parametrize(
    ("counts", "code"),
    [
        ({"both_pass": 60, "judge_passes": 0}, "CALIBRATION_ONE_CLASS"),
        ({"both_pass": 60, "both_fail": 4}, "CALIBRATION_TOO_SMALL"),
        ({"both_pass": 30, "people_pass": 30, "both_fail": 30, "judge_passes": 30}, "CALIBRATION_USELESS"),
        ({"both_pass": 20, "people_pass": 40, "both_fail": 20, "judge_passes": 40}, "CALIBRATION_USELESS"),
    ],
)
def test_a_calibration_that_says_too_little_calibrates_nobody(counts, code):
    evalset = an_evalset_of(100)
    known = (a_calibration("groundedness", **counts),)
    question = a_question(evalset, judged(evalset, 95), rate(minimum=0.5), calibrations=known, **ONLY_CALIBRATED)
    decision = gate.decide(question)
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, (code,))


def test_the_labels_of_this_very_run_correct_it_directly():
    evalset = an_evalset_of(200)
    candidate = judged(evalset, 150)
    answer = answer_digest("An answer.")
    labels = [
        *(Labelled(case=f"c{at:03}", answer=answer, label=int(at % 5 != 0), score=1.0) for at in range(40)),
        *(Labelled(case=f"c{at:03}", answer=answer, label=int(at % 5 == 0), score=0.0) for at in range(150, 170)),
    ]

    known = replace(
        a_calibration("groundedness"),
        rows=tuple(labels),
        is_drawn=True,
        frame=(150, 50),
        behaviour="c" * 64,
        evalset=evalset.digest,
    )
    question = a_question(
        evalset, candidate, rate(minimum=0.5), calibrations=(known,), behaviour="c" * 64, **ONLY_CALIBRATED
    )
    (row,) = gate.decide(question).rows
    # Three quarters pass the judge, and people pass 80 % of these and 20 % of the others.
    assert row.figure == pytest.approx(0.75 * 0.8 + 0.25 * 0.2, abs=1e-9)
    assert "PPI++" in row.corrected.method


def test_a_drop_of_a_rate_is_corrected_by_what_the_judge_tells_apart():
    evalset = an_evalset_of(400)
    known = (a_calibration("groundedness", **GOOD),)
    rows = rate(max_drop=0.2)
    question = a_question(
        evalset,
        judged(evalset, 280),
        rows,
        calibrations=known,
        baseline=judged(evalset, 310),
        serving_bars=a_question(evalset, None, rows).bars,
    )
    row = next(row for row in gate.decide(question).rows if row.rule == "max_drop")
    # 30 of 400 cases, 7.5 points, through a judge that tells 75 % of the difference apart.
    assert row.figure == pytest.approx(0.1, abs=0.01)
    assert row.observed == pytest.approx(0.075)


def test_a_slice_is_corrected_as_well():
    cases = [a_case(f"c{at:03}", tags=("hard",) if at % 2 else ()) for at in range(400)]
    evalset = an_evalset(*cases, slices=("hard",))
    known = (a_calibration("groundedness", **GOOD),)
    bar = rate(minimum=0.5, slices=(SliceBar(name="hard", minimum=0.5),))
    rows = gate.decide(a_question(evalset, judged(evalset, 288), bar, calibrations=known)).rows
    assert all(row.corrected is not None for row in rows)
    assert {row.slice for row in rows} == {"", "hard"}


def test_where_a_calibration_says_too_little_the_bare_rate_does_not_stand_in_for_it():
    evalset = an_evalset_of(100)
    useless = a_calibration("groundedness", both_pass=30, people_pass=30, both_fail=30, judge_passes=30)
    bar = rate(minimum=0.5)
    decision = gate.decide(a_question(evalset, judged(evalset, 95), bar, calibrations=(useless,)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("CALIBRATION_USELESS",))


def test_a_draw_that_is_too_small_for_the_run_decides_nothing_where_only_calibrated_judges_may():
    evalset = an_evalset_of(100)
    known = replace(
        a_calibration("groundedness", both_pass=12, judge_passes=4),
        is_drawn=True,
        frame=(90, 10),
        behaviour="c" * 64,
        evalset=evalset.digest,
    )
    question = a_question(
        evalset,
        judged(evalset, 90),
        rate(minimum=0.5),
        calibrations=(known,),
        behaviour="c" * 64,
        **ONLY_CALIBRATED,
    )
    assert gate.decide(question).codes == ("CALIBRATION_TOO_SMALL",)
