from dataclasses import replace

from llmops.documents.bars import Quarantined, loosened
from llmops.evaluation.gating import gate, yardsticks
from llmops.evaluation.gating.decisions import Verdict
from llmops.evaluation.gating.yardsticks import Measures, OldYardstick, other_measures
from llmops.evaluation.pooling import pool
from tests.evaluation.builders import a_bar, a_case, a_pool, a_question, a_row, an_evalset, some_bars

SIMILARITY = "answer_similarity"
OLD = an_evalset(a_case("a"), a_case("b"), a_case("c"), a_case("d"))
BAR = a_bar(minimum=0.6)


def a_pool_of(evalset, **values):
    return a_pool(SIMILARITY, {case.id: values.get(case.id, 0.9) for case in evalset.cases})


def judged(evalset, old=None, candidate=None, *thresholds, before=OLD, **conduct):
    """What the old yardstick says of a candidate that brings `evalset`."""
    bars = some_bars(evalset, *(thresholds or (BAR,)), **conduct)
    own = candidate or a_pool_of(evalset)
    question = a_question(evalset, own, bars=bars, serving_bars=some_bars(before, *(thresholds or (BAR,))))

    def decide(asked):
        return gate.decide(replace(asked, serving_bars=None))

    return yardsticks.judge(question, old or OldYardstick(evalset=before), bars, decide)


def codes(outcome):
    return [reason.code for reason in outcome.reasons]


def test_an_old_evalset_that_is_not_found_leaves_it_undecided_and_says_why():
    outcome = judged(an_evalset(a_case("a")), OldYardstick(evalset=None, problem="the clone is shallow"))
    assert [(reason.code, reason.verdict) for reason in outcome.reasons] == [("YARDSTICK_UNKNOWN", Verdict.UNDECIDED)]
    assert "the clone is shallow" in outcome.reasons[0].message


def test_a_candidate_that_was_not_measured_on_the_old_cases_is_undecided():
    outcome = judged(an_evalset(a_case("a", ground_truth="5%"), *OLD.cases[1:]))
    assert codes(outcome) == ["YARDSTICK_UNMEASURED"]
    assert "1 changed in ground_truth" in outcome.reasons[0].message
    assert "--eval" in outcome.reasons[0].hint


def test_removed_cases_without_evidence_count_as_failed_and_are_listed():
    outcome = judged(an_evalset(a_case("a"), a_case("b")))
    assert codes(outcome) == ["YARDSTICK_UNMEASURED", "CASES_REMOVED"]
    removed = outcome.reasons[1]
    assert removed.verdict is Verdict.FAIL
    assert "2 cases were removed: c, d" in removed.message
    assert "is 0.45" in removed.message, "two cases of four at 0.9, the removed ones at 0"


def test_removed_cases_that_could_not_make_it_fail_leave_it_undecided():
    outcome = judged(an_evalset(*OLD.cases[:3]))
    assert [(reason.code, reason.verdict) for reason in outcome.reasons] == [
        ("YARDSTICK_UNMEASURED", Verdict.UNDECIDED),
        ("CASES_REMOVED", Verdict.UNDECIDED),
    ]


def test_a_removed_case_that_must_pass_fails():
    old = an_evalset(a_case("a", must_pass=True, contains=("6",)), *OLD.cases[1:])
    outcome = judged(an_evalset(*OLD.cases[1:]), before=old)
    assert outcome.reasons[1].verdict is Verdict.FAIL
    assert "a (must pass)" in outcome.reasons[1].message
    assert "case a must pass and fails contains" in outcome.reasons[1].message


def test_evidence_on_the_old_cases_that_leaves_out_removed_ones_counts_them_as_failed():
    short = a_pool_of(an_evalset(*OLD.cases[:2]))
    outcome = judged(an_evalset(*OLD.cases[:2]), OldYardstick(evalset=OLD, candidate=short))
    assert codes(outcome) == ["CASES_REMOVED", "BELOW_BAR"]
    assert all(reason.verdict is Verdict.FAIL for reason in outcome.reasons)


def test_failing_on_the_old_cases_fails():
    easier = an_evalset(*(replace(case, ground_truth="any") for case in OLD.cases))
    outcome = judged(easier, OldYardstick(evalset=OLD, candidate=a_pool_of(OLD, a=0.1, b=0.1, c=0.1)))
    assert [(reason.code, reason.verdict) for reason in outcome.reasons] == [("BELOW_BAR", Verdict.FAIL)]
    assert "what serves was measured with" in outcome.reasons[0].message


def test_passing_on_both_gives_no_reason_but_lists_what_was_removed():
    measured = OldYardstick(evalset=OLD, candidate=a_pool_of(OLD))
    assert judged(an_evalset(*OLD.cases, a_case("more")), measured).reasons == ()
    outcome = judged(an_evalset(*OLD.cases[:3]), measured)
    assert [(reason.code, reason.verdict) for reason in outcome.reasons] == [("CASES_REMOVED", Verdict.UNDECIDED)]
    assert "failed" not in outcome.reasons[0].message


def test_a_removed_case_in_a_quarantine_that_holds_does_not_count():
    resting = (Quarantined(case="d", reason="wrong label", until="2099-01-01"),)
    outcome = judged(an_evalset(*OLD.cases[:3]), None, None, a_bar(minimum=0.9), quarantine=resting)
    assert outcome.reasons[1].verdict is Verdict.UNDECIDED


def test_spend_has_no_worst_value_and_so_stays_unmeasured_on_removed_cases():
    outcome = judged(an_evalset(*OLD.cases[:3]), None, None, a_bar("tokens", maximum=100))
    assert outcome.reasons[1].verdict is Verdict.UNDECIDED
    assert [row.code for row in outcome.rows] == ["COVERAGE_TOO_LOW"]


def test_a_failure_in_any_run_on_the_old_cases_still_blocks():
    old = an_evalset(a_case("a", must_pass=True, contains=("6",)), *OLD.cases[1:])
    rows = [a_row(case.id, scores={SIMILARITY: 0.9, "contains": 1.0}) for case in old.cases]
    bad = a_row("a", scores={SIMILARITY: 0.9, "contains": 0.0})
    outcome = judged(
        an_evalset(a_case("a"), *OLD.cases[1:]),
        OldYardstick(evalset=old, candidate=pool([rows, [bad]])),
        before=old,
    )
    assert codes(outcome) == ["MUST_PASS_FAILED"]


def test_both_are_asked_only_while_nobody_has_agreed_to_the_other_evalset():
    own = some_bars(an_evalset(a_case("a")), BAR)
    serving = some_bars(OLD, BAR)
    (named,) = loosened(own, serving)
    assert yardsticks.is_needed(own, serving, frozenset())
    assert yardsticks.is_needed(own, serving, frozenset({"evalset:other@1>other@2"}))
    assert not yardsticks.is_needed(own, serving, frozenset({named.id}))
    assert not yardsticks.is_needed(serving, serving, frozenset())
    assert not yardsticks.is_needed(own, None, frozenset())


def by(judge="strict", digest="a" * 64, **scorers):
    return Measures(judge=judge, judge_digest=digest, scorers=scorers)


def test_a_judge_of_the_same_name_and_another_digest_is_another_yardstick():
    (found,) = other_measures(by(digest="b" * 64), by(), ())
    assert (found.kind, found.subject, found.before, found.after) == ("yardstick", "judge.digest", "a" * 64, "b" * 64)
    assert other_measures(by("lenient", "b" * 64), by(), ()) == (), "another name is reported where names are compared"
    assert other_measures(by("", ""), by(), ()) == (), "rules alone need no judge"


def test_another_version_of_a_scorer_counts_where_a_bar_names_its_metric():
    before, after = by(contains="1", tokens="1"), by(contains="2", tokens="2", safety="1")
    (found,) = other_measures(after, before, {"contains", "safety"})
    assert found.id == "scorer.contains:1>2"
