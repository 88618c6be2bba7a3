import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.bars import DecideOn, Quarantined, SliceBar
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import measured, missing, not_applicable
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.pooling import Pool, pool
from tests.evaluation.builders import (
    a_bar,
    a_calibration,
    a_case,
    a_pool,
    a_question,
    a_row,
    an_evalset,
    an_evalset_of,
    some_bars,
)

SIMILARITY = "answer_similarity"
LABEL = "embedded-lexical (advisory)"


def values_of(evalset, *values):
    return {case.id: values[place % len(values)] for place, case in enumerate(evalset.cases)}


def test_gate_has_not_run_without_evidence():
    decision = gate.decide(a_question(an_evalset_of(2), None, a_bar(minimum=0.5)))
    assert (decision.verdict, decision.codes) == (Verdict.NOT_RUN, ("NO_EVIDENCE",))


def test_gate_has_not_run_on_an_empty_pool():
    assert gate.decide(a_question(an_evalset_of(2), Pool(rows=()), a_bar(minimum=0.5))).verdict is Verdict.NOT_RUN


def test_gate_is_undecided_on_another_evalset_than_the_bars_name():
    evalset = an_evalset_of(2)
    bars = some_bars(evalset, a_bar(minimum=0.5), evalset_digest="0" * 64)
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 1.0)), bars=bars))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("EVALSET_MISMATCH",))


def test_a_mean_below_the_bar_fails_and_names_both_sides_and_the_worst_case():
    evalset = an_evalset_of(4)
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 0.9, 0.5)), a_bar(minimum=0.8)))
    assert (decision.verdict, decision.codes) == (Verdict.FAIL, ("BELOW_BAR",))
    assert "is 0.7" in decision.reasons[0].message
    assert "required is at least 0.8" in decision.reasons[0].message
    assert decision.rows[0].worst[0].case == "c001"
    assert decision.rows[0].interval is not None


def test_a_mean_at_the_bar_passes():
    evalset = an_evalset_of(3)
    decision = gate.decide(
        a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 0.1, 0.2, 0.3)), a_bar(minimum=0.2))
    )
    assert decision.verdict is Verdict.PASS
    assert decision.reasons == ()


def test_a_maximum_is_kept_from_above():
    evalset = an_evalset_of(3)
    candidate = a_pool(SIMILARITY, values_of(evalset, 1.0), latency_ms=900)
    assert gate.decide(a_question(evalset, candidate, a_bar("latency_p95_ms", maximum=800))).codes == ("BELOW_BAR",)
    assert gate.decide(a_question(evalset, candidate, a_bar("latency_p95_ms", maximum=900))).passed


def test_gate_is_undecided_when_a_metric_was_not_measured():
    evalset = an_evalset_of(3)
    decision = gate.decide(a_question(evalset, a_pool("safety", values_of(evalset, 1.0)), a_bar(minimum=0.5)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NOT_MEASURED",))
    assert "not asked for" in decision.reasons[0].message


def test_gate_is_undecided_under_its_coverage_and_names_the_case_and_the_reason():
    evalset = an_evalset_of(3)
    scores = {**values_of(evalset, 1.0), "c001": missing("the judge sent no number")}
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), a_bar(minimum=0.5)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("COVERAGE_TOO_LOW",))
    assert "c001 (the judge sent no number)" in decision.reasons[0].message


def test_what_does_not_apply_counts_in_no_coverage():
    evalset = an_evalset_of(3)
    scores = {**values_of(evalset, 1.0), "c001": not_applicable("cites nothing")}
    decision = gate.decide(
        a_question(evalset, a_pool("citation_validity", scores), a_bar("citation_validity", minimum=1))
    )
    assert decision.verdict is Verdict.PASS
    assert (decision.rows[0].measured, decision.rows[0].expected, decision.rows[0].not_applicable) == (2, 2, 1)


def test_a_deleted_case_counts_with_the_worst_score():
    evalset = an_evalset_of(10)
    scores = values_of(evalset, 1.0)
    del scores["c003"]
    bars = some_bars(evalset, a_bar(minimum=0.95), min_coverage=0.8)
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), bars=bars))
    assert (decision.verdict, decision.rows[0].figure) == (Verdict.FAIL, 0.9)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.data())
@settings(max_examples=60, deadline=None)
def test_deleting_a_case_never_helps(values, data):
    evalset = an_evalset_of(len(values))
    scores = dict(zip((case.id for case in evalset.cases), values, strict=True))
    left = {
        name: scores[name] for name in data.draw(st.sets(st.sampled_from(sorted(scores)), max_size=len(values) - 1))
    }
    bars = some_bars(evalset, a_bar(minimum=data.draw(st.floats(0.01, 1))), min_coverage=0.5)
    whole = gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), bars=bars))
    less = gate.decide(a_question(evalset, a_pool(SIMILARITY, left), bars=bars))
    assert whole.passed or not less.passed


def test_a_case_that_the_evalset_does_not_hold_counts_for_nothing():
    evalset = an_evalset_of(2)
    scores = {**values_of(evalset, 0.4), "easy-1": 1.0, "easy-2": 1.0}
    assert gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), a_bar(minimum=0.5))).verdict is Verdict.FAIL


def test_too_few_cases_leave_the_gate_undecided():
    evalset = an_evalset_of(3)
    candidate = a_pool(SIMILARITY, values_of(evalset, 1.0))
    own = gate.decide(a_question(evalset, candidate, a_bar(minimum=0.5, min_cases=4)))
    policy = gate.decide(a_question(evalset, candidate, a_bar(minimum=0.5), min_cases=4))
    assert own.codes == policy.codes == ("TOO_FEW_CASES",)


def test_fewer_repeats_than_the_bars_ask_for_are_not_measured():
    evalset = an_evalset_of(2)
    bars = some_bars(evalset, a_bar(minimum=0.5), repeats=2)
    once = a_pool(SIMILARITY, values_of(evalset, 1.0))
    twice = pool([once.rows, [replace(row, repeat=1) for row in once.rows]])
    assert gate.decide(a_question(evalset, once, bars=bars)).codes == ("NOT_MEASURED",)
    assert gate.decide(a_question(evalset, twice, bars=bars)).passed


def test_an_interval_across_the_bar_is_undecided_and_says_how_many_cases_would_decide():
    evalset = an_evalset_of(10)
    bar = a_bar(minimum=0.7, decide_on=DecideOn.INTERVAL)
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 1.0, 0.5)), bar))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("INTERVAL_STRADDLES",))
    assert "further cases" in decision.reasons[0].hint


def test_an_interval_on_one_side_of_the_bar_decides():
    evalset = an_evalset_of(40)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.9, 0.8))
    above = a_bar(minimum=0.7, decide_on=DecideOn.INTERVAL)
    below = a_bar(minimum=0.95, decide_on=DecideOn.INTERVAL)
    assert gate.decide(a_question(evalset, candidate, above)).passed
    assert gate.decide(a_question(evalset, candidate, below)).codes == ("BELOW_BAR",)


def test_an_advisory_judge_decides_nothing_where_only_calibrated_ones_may():
    evalset = an_evalset_of(3)
    bar = a_bar("groundedness", minimum=0.5)
    for value in (0.9, 0.1):
        candidate = a_pool("groundedness", values_of(evalset, measured(value, judge=LABEL)))
        decision = gate.decide(a_question(evalset, candidate, bar, accepted_judges=frozenset({"calibrated"})))
        assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("ADVISORY_JUDGE",))
        assert "calibrate the judge on people's labels" in decision.reasons[0].hint


def test_a_calibrated_judge_decides_and_rules_need_no_judge():
    evalset = an_evalset_of(3)
    only = {"accepted_judges": frozenset({"calibrated"})}
    judged = a_pool("groundedness", values_of(evalset, measured(0.9, judge=LABEL)))
    bar = a_bar("groundedness", minimum=0.5)
    known = (a_calibration("groundedness", pass_at=0.5, both_pass=40, both_fail=40),)
    assert gate.decide(a_question(evalset, judged, bar, calibrations=known, **only)).passed
    ruled = a_pool(SIMILARITY, values_of(evalset, 0.9))
    assert gate.decide(a_question(evalset, ruled, a_bar(minimum=0.5), **only)).passed


def test_one_failed_case_fails_a_metric_that_requires_pass():
    evalset = an_evalset_of(3)
    scores = {**values_of(evalset, 1.0), "c001": measured(0, "secret: aws-key")}
    decision = gate.decide(a_question(evalset, a_pool("safety", scores), a_bar("safety", require_pass=True)))
    assert (decision.verdict, decision.codes) == (Verdict.FAIL, ("BELOW_BAR",))
    assert decision.rows[0].worst[0].reason == "secret: aws-key"


def test_a_failed_case_fails_even_where_others_were_not_measured():
    evalset = an_evalset_of(3)
    scores = {"c000": 0.0, "c001": missing("no answer")}
    decision = gate.decide(a_question(evalset, a_pool("safety", scores), a_bar("safety", require_pass=True)))
    assert decision.verdict is Verdict.FAIL


def test_a_must_pass_case_blocks_alone():
    evalset = an_evalset(*an_evalset_of(20).cases, a_case("vital", must_pass=True, contains=("6%",)))
    rows = [a_row(case.id, scores={SIMILARITY: 1.0}) for case in evalset.cases[:-1]]
    bad = a_row("vital", scores={SIMILARITY: 1.0, "contains": measured(0, "lacks “6%”")})
    decision = gate.decide(a_question(evalset, pool([[*rows, bad]]), a_bar(minimum=0.5)))
    assert (decision.verdict, decision.codes) == (Verdict.FAIL, ("MUST_PASS_FAILED",))
    assert decision.must_pass[0].reason == "lacks “6%”"
    good = a_row("vital", scores={SIMILARITY: 1.0, "contains": 1.0})
    assert gate.decide(a_question(evalset, pool([[*rows, good]]), a_bar(minimum=0.5))).passed


def test_a_must_pass_case_that_failed_in_any_recorded_run_fails():
    evalset = an_evalset(a_case("vital", must_pass=True, contains=("6%",)))
    good, bad = (a_row("vital", scores={SIMILARITY: 1.0, "contains": value}) for value in (1.0, 0.0))
    together = pool([[good], [bad]])
    assert together.rows == (good,)
    decision = gate.decide(a_question(evalset, together, a_bar(minimum=0.5)))
    assert decision.codes == ("MUST_PASS_FAILED",)


def test_evidence_cannot_take_must_pass_off_a_case():
    evalset = an_evalset(a_case("vital", must_pass=True, contains=("6%",)))
    row = a_row("vital", scores={SIMILARITY: 1.0, "contains": 0.0}, must_pass=False)
    assert gate.decide(a_question(evalset, pool([[row]]), a_bar(minimum=0.5))).codes == ("MUST_PASS_FAILED",)


def test_a_must_pass_case_whose_rule_was_not_measured_leaves_the_gate_undecided():
    evalset = an_evalset(a_case("vital", must_pass=True, contains=("6%",)))
    row = a_row("vital", scores={SIMILARITY: 1.0})
    decision = gate.decide(a_question(evalset, pool([[row]]), a_bar(minimum=0.5)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("MUST_PASS_UNMEASURED",))
    assert "contains was not measured" in decision.reasons[0].message


def test_a_slice_below_its_bar_fails_though_the_mean_passes():
    cases = [a_case(f"c{number}", tags=("numeric",) if number < 3 else ()) for number in range(20)]
    evalset = an_evalset(*cases, slices=("numeric",))
    scores = {case.id: 0.2 if "numeric" in case.tags else 1.0 for case in cases}
    bar = a_bar(minimum=0.5, slices=(SliceBar(name="numeric", minimum=0.5),))
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), bar))
    assert decision.codes == ("SLICE_BELOW_BAR",)
    assert "in slice numeric" in decision.reasons[0].message


def test_a_slice_without_cases_leaves_the_gate_undecided():
    evalset = an_evalset_of(3)
    bar = a_bar(minimum=0.5, slices=(SliceBar(name="numeric", minimum=0.5),))
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 1.0)), bar))
    assert decision.codes == ("NOT_MEASURED",)


def test_a_quarantined_case_rests_until_its_date():
    evalset = an_evalset_of(4)
    scores = {**values_of(evalset, 1.0), "c001": 0.0}
    for until, passes in (("2026-03-02", True), ("2026-03-01", False)):
        resting = (Quarantined(case="c001", reason="label is wrong", until=until),)
        bars = some_bars(evalset, a_bar(minimum=0.9), quarantine=resting)
        decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, scores), bars=bars))
        assert decision.passed is passes
        assert decision.quarantined == (("c001",) if passes else ())


def test_a_floor_binds_a_release_that_asks_for_less():
    evalset = an_evalset_of(3)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.6))
    decision = gate.decide(a_question(evalset, candidate, a_bar(minimum=0.5), floors=(a_bar(minimum=0.7),)))
    assert decision.codes == ("BELOW_BAR",)


def test_bars_that_ask_for_nothing_let_nothing_pass():
    evalset = an_evalset_of(3)
    decision = gate.decide(a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 1.0))))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NO_BARS",))


def test_an_unknown_metric_cannot_be_gated():
    evalset = an_evalset_of(3)
    with pytest.raises(CannotAsk) as error:
        gate.decide(a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 1.0)), a_bar("groundednes", minimum=0.5)))
    assert error.value.code == "METRIC_UNKNOWN"
    assert "groundedness" in error.value.hint


# What serves


def test_a_looser_bar_that_is_missed_needs_quality_and_an_approval_opens_it():
    evalset = an_evalset_of(4)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.6))
    serving = some_bars(evalset, a_bar(minimum=0.7))
    question = a_question(evalset, candidate, a_bar(minimum=0.5), serving_bars=serving)
    decision = gate.decide(question)
    assert (decision.verdict, decision.codes[0]) == (Verdict.UNDECIDED, "NEEDS_QUALITY")
    accepted = frozenset(item.id for item in decision.loosenings)
    assert accepted == {"answer_similarity.min:0.7>0.5"}
    assert gate.decide(replace(question, accepted=accepted)).passed


def test_no_approval_goes_below_a_floor():
    evalset = an_evalset_of(4)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.6))
    question = a_question(
        evalset,
        candidate,
        a_bar(minimum=0.5),
        serving_bars=some_bars(evalset, a_bar(minimum=0.7)),
        floors=(a_bar(minimum=0.65),),
        accepted=frozenset({"answer_similarity.min:0.7>0.5"}),
    )
    assert gate.decide(question).verdict is Verdict.FAIL


def test_a_candidate_that_fails_its_own_bars_fails_whatever_else_is_looser():
    evalset = an_evalset_of(4)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.4))
    serving = some_bars(evalset, a_bar(minimum=0.7))
    decision = gate.decide(a_question(evalset, candidate, a_bar(minimum=0.5), serving_bars=serving))
    assert decision.verdict is Verdict.FAIL


def test_a_looser_bar_needs_quality_even_where_the_old_one_is_met():
    # Else two releases in a row lower a bar in silence: the first one that serves is what the second is held to.
    evalset = an_evalset_of(4)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.9))
    question = a_question(evalset, candidate, a_bar(minimum=0.5), serving_bars=some_bars(evalset, a_bar(minimum=0.7)))
    decision = gate.decide(question)
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NEEDS_QUALITY",))
    named = frozenset(item.id for item in decision.loosenings)
    assert gate.decide(replace(question, accepted=named)).passed


def test_evidence_on_an_evalset_that_the_environment_does_not_know_decides_nothing():
    evalset = an_evalset_of(4)
    question = a_question(evalset, a_pool(SIMILARITY, values_of(evalset, 0.9)), a_bar(minimum=0.5))
    assert gate.decide(replace(question, evalsets=(evalset.name,))).passed
    decision = gate.decide(replace(question, evalsets=("another",)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("OTHER_EVALSET",))


def test_another_yardstick_needs_quality_though_everything_passes():
    evalset = an_evalset_of(4)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.9))
    serving = some_bars(evalset, a_bar(minimum=0.5), judge="gpt-judge")
    decision = gate.decide(a_question(evalset, candidate, a_bar(minimum=0.5), serving_bars=serving))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NEEDS_QUALITY",))


def test_a_drop_beyond_the_margin_fails_and_none_passes():
    evalset = an_evalset_of(120)
    baseline = a_pool(SIMILARITY, values_of(evalset, 0.9, 0.8, 0.85))
    worse = a_pool(SIMILARITY, values_of(evalset, 0.7, 0.62, 0.64))
    equal = a_pool(SIMILARITY, values_of(evalset, 0.9, 0.81, 0.84))
    bar = a_bar(max_drop=0.05)
    serving = some_bars(evalset, bar)
    common = {"serving_bars": serving, "baseline": baseline}
    assert gate.decide(a_question(evalset, worse, bar, **common)).codes == ("DROPPED",)
    decision = gate.decide(a_question(evalset, equal, bar, **common))
    assert decision.passed
    assert decision.rows[0].figure == pytest.approx(0.0, abs=1e-9)


def test_a_drop_against_evidence_that_is_not_there_is_undecided():
    evalset = an_evalset_of(4)
    bar = a_bar(max_drop=0.05)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.9))
    question = a_question(
        evalset, candidate, bar, serving_bars=some_bars(evalset, bar), baseline_problem="the index of 1.2.0 is gone"
    )
    decision = gate.decide(question)
    assert decision.codes == ("BASELINE_MISSING",)
    assert "the index of 1.2.0 is gone" in decision.reasons[0].message


def test_a_drop_does_not_apply_where_nothing_serves():
    evalset = an_evalset_of(4)
    candidate = a_pool(SIMILARITY, values_of(evalset, 0.9))
    decision = gate.decide(a_question(evalset, candidate, a_bar(max_drop=0.05, minimum=0.5)))
    assert decision.passed
    assert [row.rule for row in decision.rows] == ["min"]


def test_the_same_evidence_as_what_serves_has_not_dropped():
    evalset = an_evalset_of(4)
    bar = a_bar("exact_match", max_drop=0.01)
    candidate = a_pool("exact_match", values_of(evalset, 1.0))
    question = a_question(evalset, candidate, bar, serving_bars=some_bars(evalset, bar), baseline=candidate)
    assert gate.decide(question).passed


def test_a_drop_of_cost_means_getting_dearer():
    evalset = an_evalset_of(40)
    bar = a_bar("latency_ms", max_drop=50)
    slow, fast = (a_pool(SIMILARITY, values_of(evalset, 0.9), latency_ms=ms) for ms in (900, 300))
    serving = some_bars(evalset, bar)
    assert gate.decide(a_question(evalset, slow, bar, serving_bars=serving, baseline=fast)).codes == ("DROPPED",)
    assert gate.decide(a_question(evalset, fast, bar, serving_bars=serving, baseline=slow)).passed


def test_a_behaviour_that_is_worse_by_the_margin_hardly_ever_passes():
    generator = random.Random(21)
    evalset = an_evalset_of(40)
    bar = a_bar(max_drop=0.05)
    serving = some_bars(evalset, bar)
    passed = 0
    for _ in range(200):
        before = {case.id: generator.uniform(0.4, 0.6) for case in evalset.cases}
        after = {case: value - 0.05 + generator.uniform(-0.2, 0.2) for case, value in before.items()}
        baseline, candidate = a_pool(SIMILARITY, before), a_pool(SIMILARITY, after)
        passed += gate.decide(a_question(evalset, candidate, bar, serving_bars=serving, baseline=baseline)).passed
    assert passed <= 0.05 * 200 + 2 * (200 * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize(
    ("metric", "said"),
    [("cost_usd", "prices"), ("tokens", "input_tokens"), ("latency_ms", "not timed"), ("latency_p95_ms", "not timed")],
)
def test_a_bar_on_what_nobody_knows_is_undecided(metric, said):
    evalset = an_evalset_of(2)
    rows = [a_row(case.id, unknown=("cost_usd", "tokens", "latency_ms")) for case in evalset.cases]
    decision = gate.decide(a_question(evalset, pool([rows]), a_bar(metric, maximum=1e9)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("NOT_MEASURED",))
    assert said in decision.reasons[0].hint


def test_a_bar_on_what_some_rows_know_asks_for_coverage():
    evalset = an_evalset_of(2)
    rows = [a_row("c000", nano_usd=1), a_row("c001", unknown=("cost_usd",))]
    decision = gate.decide(a_question(evalset, pool([rows]), a_bar("cost_usd", maximum=1)))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("COVERAGE_TOO_LOW",))


def test_why_recorded_evidence_does_not_count_is_the_reason():
    question = a_question(an_evalset_of(2), None, a_bar(minimum=0.5), no_evidence="answered by answers")
    decision = gate.decide(question)
    assert (decision.codes, decision.reasons[0].message) == (("NO_EVIDENCE",), "answered by answers")
