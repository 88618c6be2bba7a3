"""Ways around a bar that a candidate could take by itself: none of them opens the gate."""

import pytest

from llmops.documents.bars import DecideOn, Quarantined
from llmops.evaluation.evidence import Tokens, measured, missing, not_applicable
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.metrics import Catalogue, Direction, MetricInfo
from llmops.evaluation.pooling import pool
from tests.evaluation.builders import (
    a_bar,
    a_calibration,
    a_pool,
    a_question,
    a_row,
    an_evalset_of,
    some_bars,
)

SIMILARITY = "answer_similarity"
TOXICITY = Catalogue.of([MetricInfo(name="toxicity", method="how toxic", direction=Direction.LOWER)])


def all_at(evalset, value, metric=SIMILARITY, **fields):
    return a_pool(metric, {case.id: value for case in evalset.cases}, **fields)


def test_a_higher_line_does_not_empty_the_drop_of_the_old_one():
    evalset = an_evalset_of(100)
    served, own = a_bar(max_drop=0.05, pass_at=0.9), a_bar(max_drop=0.05, pass_at=0.99)
    question = a_question(
        evalset,
        all_at(evalset, 0.3),
        own,
        floors=(served,),
        baseline=all_at(evalset, 0.95, request_digest="served"),
        serving_bars=some_bars(evalset, served),
    )
    decision = gate.decide(question)
    assert decision.verdict is Verdict.FAIL
    assert "DROPPED" in decision.codes
    assert [item.subject for item in decision.loosenings] == [f"{SIMILARITY}.rate@0.9.max_drop"]


def test_a_floor_on_a_rate_stands_beside_a_bar_on_another_line():
    evalset = an_evalset_of(50)
    floor, own = a_bar(minimum=0.9, pass_at=0.3), a_bar(minimum=0.9, pass_at=0.1)
    decision = gate.decide(a_question(evalset, all_at(evalset, 0.2), own, floors=(floor,)))
    assert [(row.pass_at, row.verdict) for row in decision.rows] == [(0.1, Verdict.PASS), (0.3, Verdict.FAIL)]


def test_no_line_makes_a_share_of_passes_of_a_metric_of_which_less_is_better():
    evalset = an_evalset_of(50)
    bar = a_bar("toxicity", maximum=0.2, pass_at=0.99)
    decision = gate.decide(a_question(evalset, all_at(evalset, 0.8, "toxicity"), bar, catalogue=TOXICITY))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("BAR_MEANINGLESS",))


def test_the_price_of_something_bad_is_no_price():
    evalset = an_evalset_of(50)
    rows = [a_row(case.id, scores={"toxicity": 0.9}, tokens=Tokens(input=10)) for case in evalset.cases]
    bar = a_bar("cost_efficiency", maximum=100, quality="toxicity")
    decision = gate.decide(a_question(evalset, pool([rows]), bar, catalogue=TOXICITY))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("BAR_MEANINGLESS",))


def test_a_percentile_has_no_drop_case_by_case():
    evalset = an_evalset_of(100)
    bar = a_bar("latency_p95_ms", max_drop=500)
    question = a_question(
        evalset,
        all_at(evalset, 1.0, latency_ms=3000),
        bar,
        baseline=all_at(evalset, 1.0, latency_ms=100),
        serving_bars=some_bars(evalset, bar),
    )
    assert gate.decide(question).codes == ("BAR_MEANINGLESS",)


def test_quarantined_cases_are_none_that_an_environment_asks_for():
    evalset = an_evalset_of(20)
    scores = {case.id: 0.0 for case in evalset.cases} | {"c000": 1.0}
    resting = tuple(Quarantined(case=f"c{at:03}", reason="hard", until="2099-01-01") for at in range(1, 20))
    bars = some_bars(evalset, a_bar(minimum=0.9), quarantine=resting)
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), bars=bars, min_cases=20))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("TOO_FEW_CASES",))
    assert "1 cases that count" in decision.reasons[0].message


def test_cases_on_which_no_bar_was_measured_are_none_that_an_environment_asks_for():
    evalset = an_evalset_of(20)
    scores = {case.id: missing("no reply") for case in evalset.cases} | {"c000": measured(1.0)}
    bars = some_bars(evalset, a_bar(minimum=0.9), min_coverage=0.01)
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), bars=bars, min_cases=20))
    assert decision.codes == ("TOO_FEW_CASES",)


def test_the_least_number_of_cases_holds_for_the_pairs_of_a_drop():
    evalset = an_evalset_of(100)
    bar = a_bar(max_drop=0.5, min_cases=80)
    bars = some_bars(evalset, bar, min_coverage=0.2)
    few = a_pool(SIMILARITY, {f"c{at:03}": 0.9 for at in range(25)}, request_digest="served")
    question = a_question(evalset, all_at(evalset, 0.9), bars=bars, baseline=few, serving_bars=bars)
    decision = gate.decide(question)
    assert decision.codes == ("TOO_FEW_CASES",)
    assert "25 cases of both, at least 80" in decision.reasons[0].message


def test_spend_on_answers_of_unknown_quality_is_spend():
    evalset = an_evalset_of(100)
    rows = [
        a_row(
            case.id,
            scores={SIMILARITY: missing("no reply") if at < 40 else measured(0.9)},
            tokens=Tokens(input=10_000 if at < 40 else 10),
        )
        for at, case in enumerate(evalset.cases)
    ]
    bars = some_bars(evalset, a_bar("cost_efficiency", maximum=100, quality=SIMILARITY), min_coverage=0.6)
    (row,) = gate.decide(a_question(evalset, pool([rows]), bars=bars)).rows
    assert row.verdict is Verdict.FAIL
    assert row.figure == pytest.approx((40 * 10_000 + 60 * 10) / (60 * 0.9))


def test_a_ratio_is_decided_where_the_judge_of_its_quality_is_calibrated():
    evalset = an_evalset_of(40)
    judged = measured(0.9, judge="embedded-lexical (advisory)")
    rows = [a_row(case.id, scores={"groundedness": judged}, tokens=Tokens(input=10)) for case in evalset.cases]
    bar = a_bar("cost_efficiency", maximum=100, quality="groundedness")
    only = {"accepted_judges": frozenset({"calibrated"})}
    known = (a_calibration("groundedness", both_pass=40, both_fail=40),)
    assert gate.decide(a_question(evalset, pool([rows]), bar, **only)).codes == ("ADVISORY_JUDGE",)
    assert gate.decide(a_question(evalset, pool([rows]), bar, calibrations=known, **only)).passed


def test_a_bar_on_the_mean_says_nothing_about_chance():
    evalset = an_evalset_of(100)
    bar = a_bar(minimum=0.5, decide_on=DecideOn.MEAN)
    assert gate.decide(a_question(evalset, all_at(evalset, 0.5), bar)).passed


def test_answers_that_give_the_metric_nothing_to_say_count_at_their_worst_in_a_drop():
    evalset = an_evalset_of(100)
    bar = a_bar("citation_validity", max_drop=0.1)
    silent = {case.id: 1.0 if at < 60 else not_applicable("it cites nothing") for at, case in enumerate(evalset.cases)}
    question = a_question(
        evalset,
        a_pool("citation_validity", silent),
        bar,
        baseline=all_at(evalset, 0.95, "citation_validity", request_digest="served"),
        serving_bars=some_bars(evalset, bar),
    )
    decision = gate.decide(question)
    assert (decision.verdict, decision.codes) == (Verdict.FAIL, ("DROPPED",))
    assert "40 answers give it nothing to say any more" in decision.reasons[0].message


def test_a_metric_that_most_answers_give_nothing_to_say_decides_nothing():
    evalset = an_evalset_of(100)
    silent = {case.id: 1.0 if at < 45 else not_applicable("it cites nothing") for at, case in enumerate(evalset.cases)}
    decision = gate.decide(
        a_question(evalset, a_pool("citation_validity", silent), a_bar("citation_validity", minimum=0.9))
    )
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("MOSTLY_INAPPLICABLE",))
    assert "45 of 100 answers only" in decision.reasons[0].message


def test_a_least_price_lets_nothing_through():
    evalset = an_evalset_of(50)
    decision = gate.decide(a_question(evalset, all_at(evalset, 1.0, latency_ms=9000), a_bar("latency_ms", minimum=1)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("BAR_MEANINGLESS",))


def test_a_quality_that_most_answers_give_nothing_to_say_has_no_price():
    evalset = an_evalset_of(100)
    rows = [
        a_row(
            case.id,
            scores={"citation_validity": measured(1.0) if at < 40 else not_applicable("it cites nothing")},
            tokens=Tokens(input=10 if at < 40 else 10_000),
        )
        for at, case in enumerate(evalset.cases)
    ]
    bar = a_bar("cost_efficiency", maximum=100, quality="citation_validity")
    decision = gate.decide(a_question(evalset, pool([rows]), bar))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("MOSTLY_INAPPLICABLE",))
