"""Evidence that says nothing, or nothing sensible: each a clear verdict, never a number that means nothing."""

import math

import pytest

from llmops.documents.bars import DecideOn
from llmops.errors import CannotAsk
from llmops.evaluation import evidence
from llmops.evaluation.evidence import measured, missing
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.pooling import pool
from tests.evaluation.builders import a_bar, a_pool, a_question, a_row, an_evalset_of, some_bars

SIMILARITY = "answer_similarity"
SURELY = {"decide_on": DecideOn.INTERVAL}


def all_at(evalset, value):
    return a_pool(SIMILARITY, {case.id: value for case in evalset.cases})


@pytest.mark.parametrize("value", [1.07, -0.2, 85.0])
def test_a_score_outside_its_range_is_no_figure(value):
    evalset = an_evalset_of(20)
    decision = gate.decide(a_question(evalset, all_at(evalset, value), a_bar(minimum=0.5)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NOT_MEASURED",))
    assert f"its score is {value:g}, scores of {SIMILARITY} lie from 0 to 1" in decision.reasons[0].message
    assert decision.rows[0].figure is None


def test_one_score_outside_its_range_costs_its_case_the_coverage():
    evalset = an_evalset_of(20)
    values = {case.id: 0.9 for case in evalset.cases} | {"c003": 1.5}
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, values), a_bar(minimum=0.5)))
    assert decision.codes == ("COVERAGE_TOO_LOW",)
    assert "c003" in decision.reasons[0].message


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_score_that_is_no_finite_number_is_never_written(value):
    with pytest.raises(ValueError, match="finite"):
        measured(value)


@pytest.mark.parametrize("spelled", [b'"inf"', b'"nan"', b'"1e999"'])
def test_a_score_that_is_no_finite_number_is_never_read(spelled):
    line = evidence.dump(a_row("c1", scores={SIMILARITY: 0.5})).replace(b'"0.5"', spelled)
    with pytest.raises(CannotAsk) as refused:
        evidence.parse(line)
    assert refused.value.code == "EVIDENCE_INVALID"


def test_one_case_says_nothing_about_others():
    evalset = an_evalset_of(1)
    decision = gate.decide(a_question(evalset, all_at(evalset, 1.0), a_bar(minimum=0.5, **SURELY)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NO_INTERVAL",))
    assert "all cases share one source" in decision.reasons[0].message
    assert decision.rows[0].interval is None


def test_equal_scores_are_not_taken_for_certainty():
    evalset = an_evalset_of(20)
    (row,) = gate.decide(a_question(evalset, all_at(evalset, 1.0), a_bar(minimum=0.9, **SURELY))).rows
    assert row.verdict is Verdict.UNDECIDED
    assert row.interval.low < 0.9
    assert row.to_decide.cases.cases > 20


def test_no_difference_seen_is_not_taken_for_no_difference():
    evalset = an_evalset_of(20)
    bar = a_bar(max_drop=0.05)
    question = a_question(
        evalset,
        a_pool(SIMILARITY, {case.id: 0.9 for case in evalset.cases}, request_digest="another"),
        bar,
        baseline=all_at(evalset, 0.9),
        serving_bars=some_bars(evalset, bar),
    )
    (row,) = gate.decide(question).rows
    assert (row.figure, row.verdict) == (0.0, Verdict.UNDECIDED)
    assert row.interval.high > 0.05


def test_where_nothing_was_measured_there_is_no_figure():
    evalset = an_evalset_of(20)
    decision = gate.decide(a_question(evalset, all_at(evalset, missing("the judge fell silent")), a_bar(minimum=0.5)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NOT_MEASURED",))
    assert "the judge fell silent" in decision.reasons[0].message
    assert (decision.rows[0].figure, decision.rows[0].interval) == (None, None)


def test_a_case_that_stands_twice_in_the_evidence_counts_once():
    evalset = an_evalset_of(20)
    rows = [a_row(case.id, scores={SIMILARITY: 0.4}) for case in evalset.cases]
    better = [a_row("c000", scores={SIMILARITY: 1.0}) for _ in range(200)]
    (row,) = gate.decide(a_question(evalset, pool([[*rows, *better]]), a_bar(minimum=0.5))).rows
    assert (row.verdict, row.measured) == (Verdict.FAIL, 20)
    assert row.figure == pytest.approx(0.4)


def test_a_case_that_the_evalset_does_not_have_counts_for_nothing():
    evalset = an_evalset_of(20)
    rows = [a_row(case.id, scores={SIMILARITY: 0.4}) for case in evalset.cases]
    strangers = [a_row(f"stranger-{at}", scores={SIMILARITY: 1.0}) for at in range(100)]
    (row,) = gate.decide(a_question(evalset, pool([[*rows, *strangers]]), a_bar(minimum=0.5))).rows
    assert (row.verdict, row.measured) == (Verdict.FAIL, 20)


def test_an_answer_that_was_judged_too_seldom_is_not_measured():
    evalset = an_evalset_of(20)
    rows = [a_row(case.id, scores={"groundedness": measured(0.9, judge="strict")}) for case in evalset.cases]
    bars = some_bars(evalset, a_bar("groundedness", minimum=0.5), judge_repeats=3)
    decision = gate.decide(a_question(evalset, pool([rows]), bars=bars))
    assert decision.codes == ("NOT_MEASURED",)
    assert "judged 1 of 3 times" in decision.reasons[0].message
