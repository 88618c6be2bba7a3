"""The gate on the first cases of the order: what is certain already, and what stays open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from llmops.documents.bars import DecideOn, Quarantined, SliceBar, Threshold
from llmops.documents.evalsets import Evalset
from llmops.evaluation.evidence import Score, measured, missing, not_applicable
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import GateDecision, Verdict
from llmops.evaluation.gating.early import sequential
from llmops.evaluation.metrics import EMBEDDED
from llmops.evaluation.planning import order
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

BEHAVIOUR = "f" * 64
METRIC = "answer_similarity"
SIZE = 200
CASES = an_evalset_of(SIZE)


def first(evalset: Evalset, count: int) -> tuple[str, ...]:
    return order.of(evalset, BEHAVIOUR).cases[:count]


def scored(evalset: Evalset, count: int, value: Callable[[int], Score | float], metric: str = METRIC) -> Pool:
    return a_pool(metric, {case: value(at) for at, case in enumerate(first(evalset, count))})


def said(evalset: Evalset, candidate: Pool, *bars: Threshold, **fields: Any) -> GateDecision:
    return gate.decide(a_question(evalset, candidate, *bars, **{"behaviour": BEHAVIOUR, **fields}))


def nearly_all(at: int) -> float:
    return 0.0 if at % 25 == 24 else 1.0


def hardly_any(at: int) -> float:
    return 1.0 if at % 3 == 0 else 0.0


@pytest.mark.parametrize("decide_on", list(DecideOn))
def test_what_falls_far_short_fails_on_a_prefix(decide_on: DecideOn) -> None:
    decision = said(CASES, scored(CASES, 60, hardly_any), a_bar(minimum=0.85, decide_on=decide_on))
    assert (decision.verdict, decision.codes) == (Verdict.FAIL, ("BELOW_BAR",))
    assert "on the 60 of 200 cases run so far" in decision.reasons[0].message


@pytest.mark.parametrize("decide_on", list(DecideOn))
def test_nothing_passes_on_a_prefix_where_the_environment_takes_no_early_yes(decide_on: DecideOn) -> None:
    bar = a_bar(minimum=0.8, decide_on=decide_on)
    decision = said(CASES, scored(CASES, 150, nearly_all), bar, allows_early_pass=False)
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("EARLY_PASS_DENIED",))
    assert "the first 150 cases of the order would do" in decision.reasons[0].message
    # Every case was run, or it is a no: the environment has no say in that.
    whole = said(CASES, scored(CASES, SIZE, nearly_all), bar, allows_early_pass=False)
    assert whole.verdict is Verdict.PASS
    short = said(CASES, scored(CASES, 60, hardly_any), bar, allows_early_pass=False)
    assert short.codes == ("BELOW_BAR",)


@pytest.mark.parametrize("decide_on", list(DecideOn))
def test_what_is_clearly_good_passes_on_a_prefix(decide_on: DecideOn) -> None:
    decision = said(CASES, scored(CASES, 150, nearly_all), a_bar(minimum=0.8, decide_on=decide_on))
    assert decision.verdict is Verdict.PASS
    assert (decision.rows[0].measured, decision.rows[0].expected, decision.rows[0].interval) == (150, SIZE, None)


@pytest.mark.parametrize("decide_on", list(DecideOn))
def test_what_is_close_to_the_bar_stays_open(decide_on: DecideOn) -> None:
    decision = said(CASES, scored(CASES, 100, nearly_all), a_bar(minimum=0.95, decide_on=decide_on))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("OPEN_SO_FAR",))


def test_the_same_cases_without_one_are_incomplete() -> None:
    cases = first(CASES, 150)
    decision = said(CASES, a_pool(METRIC, {case: 1.0 for case in cases[1:]}), a_bar(minimum=0.5))
    assert decision.codes == ("COVERAGE_TOO_LOW",)


def test_the_prefix_of_another_behaviour_is_incomplete() -> None:
    candidate = scored(CASES, 150, lambda _: 1.0)
    assert said(CASES, candidate, a_bar(minimum=0.5), behaviour="e" * 64).codes == ("COVERAGE_TOO_LOW",)
    assert said(CASES, candidate, a_bar(minimum=0.5), behaviour="").codes == ("COVERAGE_TOO_LOW",)


def test_half_a_group_is_incomplete() -> None:
    grouped = an_evalset(*(a_case(f"c{at:03}", group=f"g{at // 4}") for at in range(SIZE)))
    assert said(grouped, scored(grouped, 150, lambda _: 1.0), a_bar(minimum=0.5)).codes == ("COVERAGE_TOO_LOW",)
    assert said(grouped, scored(grouped, 152, lambda _: 1.0), a_bar(minimum=0.5)).passed


def test_groups_are_one_bet_each() -> None:
    """Ten groups of ten cases say less than a hundred cases."""
    grouped = an_evalset(*(a_case(f"c{at:03}", group=f"g{at // 10}") for at in range(1000)))
    alone = an_evalset_of(1000)
    bar = a_bar(minimum=0.8, decide_on=DecideOn.INTERVAL)
    assert said(alone, scored(alone, 100, lambda _: 1.0), bar).passed
    assert said(grouped, scored(grouped, 100, lambda _: 1.0), bar).codes == ("OPEN_SO_FAR",)


def test_what_no_case_that_is_left_can_turn_round_is_certain() -> None:
    evalset = an_evalset_of(10)
    bar = a_bar(minimum=0.8, confidence=0.999999)
    assert said(evalset, scored(evalset, 8, lambda _: 1.0), bar).verdict is Verdict.PASS
    assert said(evalset, scored(evalset, 7, lambda _: 1.0), bar).verdict is Verdict.UNDECIDED
    assert said(evalset, scored(evalset, 3, lambda _: 0.0), bar).verdict is Verdict.FAIL
    assert said(evalset, scored(evalset, 2, lambda _: 0.0), bar).verdict is Verdict.UNDECIDED


def test_a_maximum_is_kept_from_above() -> None:
    bar = a_bar(maximum=0.2)
    assert said(CASES, scored(CASES, 120, lambda at: 1 - nearly_all(at)), bar).passed
    assert said(CASES, scored(CASES, 60, lambda at: 1 - hardly_any(at)), bar).codes == ("BELOW_BAR",)


def test_unmeasured_cases_count_at_their_worst_for_a_yes_and_at_their_best_for_a_no() -> None:
    bars = some_bars(CASES, a_bar(minimum=0.85), min_coverage=0.5)

    def half(at: int) -> Score:
        return measured(1.0) if at % 2 else missing("the judge did not say")

    assert said(CASES, scored(CASES, 160, half), bars=bars).codes == ("OPEN_SO_FAR",)
    assert said(CASES, scored(CASES, 160, lambda at: half(at) if at < 16 else measured(1.0)), bars=bars).passed

    def bad(at: int) -> Score:
        return measured(0.0) if at % 10 == 0 else missing("the judge did not say")

    low = some_bars(CASES, a_bar(minimum=0.85), min_coverage=0.05)
    assert said(CASES, scored(CASES, 160, bad), bars=low).codes == ("OPEN_SO_FAR",)


def test_too_little_measured_of_what_was_run_stays_open() -> None:
    candidate = scored(CASES, 160, lambda at: measured(1.0) if at else missing("the judge did not say"))
    decision = said(CASES, candidate, a_bar(minimum=0.5))
    assert decision.codes == ("OPEN_SO_FAR",)
    assert "the judge did not say" in decision.reasons[0].message


def test_a_score_outside_its_range_is_missing_and_breaks_nothing() -> None:
    bars = some_bars(CASES, a_bar(minimum=0.5), min_coverage=0.9)
    candidate = scored(CASES, 160, lambda at: 1.5 if at == 3 else 1.0)
    assert said(CASES, candidate, bars=bars).passed
    assert said(CASES, candidate, a_bar(minimum=0.5)).codes == ("OPEN_SO_FAR",)


def test_a_prefix_has_to_hold_the_least_number_of_cases() -> None:
    candidate = scored(CASES, 100, lambda _: 1.0)
    assert said(CASES, candidate, a_bar(minimum=0.5, min_cases=101)).codes == ("OPEN_SO_FAR",)
    assert said(CASES, candidate, a_bar(minimum=0.5), min_cases=101).codes == ("TOO_FEW_CASES",)
    assert said(CASES, candidate, a_bar(minimum=0.5, min_cases=100), min_cases=100).passed


def test_one_failed_case_is_enough_where_all_have_to_pass() -> None:
    bar = a_bar("excludes", require_pass=True)
    evalset = an_evalset(*(a_case(f"c{at:03}", not_contains=("no",)) for at in range(50)))
    assert said(evalset, scored(evalset, 5, lambda at: float(at != 3), "excludes"), bar).codes == ("BELOW_BAR",)
    decision = said(evalset, scored(evalset, 49, lambda _: 1.0, "excludes"), bar)
    assert decision.codes == ("NEEDS_ALL_CASES",)


def test_a_case_that_must_pass_fails_at_once() -> None:
    cases = (a_case(f"c{at:03}", must_pass=at == 77, contains=("6",)) for at in range(100))
    evalset = an_evalset(*cases)
    decision = said(evalset, scored(evalset, 1, lambda _: 0.0, "contains"), a_bar("contains", minimum=0.1))
    assert decision.verdict is Verdict.FAIL
    assert "MUST_PASS_FAILED" in decision.codes
    assert first(evalset, 1) == ("c077",)


@pytest.mark.parametrize("metric", ["latency_p95_ms", "cost_usd", "tokens"])
def test_what_has_no_bounds_needs_the_whole_evalset(metric: str) -> None:
    candidate = a_pool(METRIC, dict.fromkeys(first(CASES, 190), 1.0), latency_ms=1)
    decision = said(CASES, candidate, a_bar(metric, maximum=900))
    assert decision.codes == ("NEEDS_ALL_CASES",)
    assert sequential.needs_whole(a_bar(metric, maximum=900), EMBEDDED)


def test_a_ratio_needs_the_whole_evalset() -> None:
    bar = a_bar("cost_efficiency", maximum=9, quality=METRIC)
    assert said(CASES, scored(CASES, 190, lambda _: 1.0), bar).codes == ("NEEDS_ALL_CASES",)


def test_a_rate_that_is_corrected_needs_the_whole_evalset() -> None:
    calibration = a_calibration("groundedness", both_pass=80, both_fail=20, judge_passes=2, people_pass=2)
    bar = a_bar("groundedness", minimum=0.2, pass_at=0.5)
    judged = scored(CASES, 190, lambda _: Score(value=1.0, judge="embedded-lexical (advisory)"), "groundedness")
    assert said(CASES, judged, bar).passed
    assert said(CASES, judged, bar, calibrations=(calibration,)).codes == ("NEEDS_ALL_CASES",)


def test_a_judge_that_is_not_accepted_decides_nothing() -> None:
    judged = scored(CASES, 190, lambda _: Score(value=0.0, judge="embedded-lexical (advisory)"), "groundedness")
    decision = said(CASES, judged, a_bar("groundedness", minimum=0.9), accepted_judges=frozenset({"calibrated"}))
    assert decision.codes == ("ADVISORY_JUDGE",)


def test_a_case_counts_once_all_its_repeats_are_there() -> None:
    bars = some_bars(CASES, a_bar(minimum=0.5), repeats=2)
    cases = first(CASES, 150)
    once = pool([[a_row(case, scores={METRIC: 1.0}) for case in cases]])
    twice = pool([[a_row(case, scores={METRIC: 1.0}, repeat=repeat) for case in cases for repeat in (0, 1)]])
    assert said(CASES, once, bars=bars).codes == ("OPEN_SO_FAR",)
    assert said(CASES, twice, bars=bars).passed


def sliced(names: int) -> Evalset:
    cases = (a_case(f"c{at:03}", tags=(f"s{at % names}",)) for at in range(SIZE))
    return an_evalset(*cases, slices=tuple(f"s{at}" for at in range(names)))


def test_a_slice_decides_by_its_own_cases() -> None:
    evalset = sliced(2)
    odd = {case.id for case in evalset.cases if "s1" in case.tags}
    values = {case: float(case not in odd) for case in first(evalset, 150)}
    bar = a_bar(minimum=0.3, slices=(SliceBar(name="s0", minimum=0.8), SliceBar(name="s1", minimum=0.8)))
    decision = said(evalset, a_pool(METRIC, values), bar)
    assert decision.codes == ("SLICE_BELOW_BAR",)
    assert [row.verdict for row in decision.rows] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


def test_among_many_slices_one_needs_more_to_fail() -> None:
    def verdicts(names: int) -> set[Verdict]:
        evalset = sliced(20)
        slices = tuple(SliceBar(name=f"s{at}", minimum=0.9) for at in range(names))
        bad = {case.id for case in evalset.cases if "s0" in case.tags}
        found = [case for case in first(evalset, SIZE - 1) if case in bad][:3]
        cases = first(evalset, first(evalset, SIZE).index(found[-1]) + 1)
        values = {case: float(case not in bad) for case in cases}
        bar = a_bar(slices=slices, decide_on=DecideOn.INTERVAL, confidence=0.9)
        return {row.verdict for row in said(evalset, a_pool(METRIC, values), bar).rows if row.slice == "s0"}

    assert verdicts(1) == {Verdict.FAIL}
    assert verdicts(20) == {Verdict.UNDECIDED}


def served(value: Callable[[str], float]) -> Pool:
    return a_pool(METRIC, {case.id: value(case.id) for case in CASES.cases}, request_digest="old")


def drop(candidate: Pool, baseline: Pool | None, margin: float = 0.1) -> GateDecision:
    bar = a_bar(max_drop=margin)
    return said(CASES, candidate, bar, serving_bars=some_bars(CASES, bar), baseline=baseline)


def test_a_drop_is_decided_on_pairs() -> None:
    assert drop(scored(CASES, 100, hardly_any), served(lambda _: 1.0)).codes == ("DROPPED",)
    assert drop(scored(CASES, 50, nearly_all), served(lambda _: 1.0)).codes == ("OPEN_SO_FAR",)
    assert drop(scored(CASES, 100, lambda _: 1.0), served(lambda _: 1.0)).passed


def test_a_drop_needs_what_serves_on_the_same_cases() -> None:
    candidate = scored(CASES, 100, lambda _: 1.0)
    assert drop(candidate, None).codes == ("BASELINE_MISSING",)
    other = order.of(CASES, "e" * 64).cases[:100]
    assert drop(candidate, a_pool(METRIC, dict.fromkeys(other, 1.0))).codes == ("BASELINE_MISSING",)


def test_a_drop_has_to_be_paired_on_the_least_number_of_cases() -> None:
    bar = a_bar(max_drop=0.5, min_cases=100)
    bars = some_bars(CASES, bar, min_coverage=0.9)
    candidate = scored(CASES, 104, lambda _: 1.0)
    every, some = first(CASES, 104), first(CASES, 99)
    asked = {"bars": bars, "serving_bars": bars}
    assert said(CASES, candidate, baseline=a_pool(METRIC, dict.fromkeys(every, 1.0)), **asked).passed
    decision = said(CASES, candidate, baseline=a_pool(METRIC, dict.fromkeys(some, 1.0)), **asked)
    assert decision.codes == ("OPEN_SO_FAR",)


def test_answers_that_give_the_metric_nothing_to_say_are_no_early_yes() -> None:
    silent = scored(CASES, 100, lambda at: not_applicable("it cites nothing") if at % 3 == 0 else 1.0)
    decision = drop(silent, served(lambda _: 1.0))
    assert decision.codes == ("DROPPED",)
    assert drop(scored(CASES, 100, lambda _: 1.0), served(lambda _: 1.0)).passed


def test_a_metric_that_most_answers_give_nothing_to_say_stays_open() -> None:
    silent = scored(CASES, 100, lambda at: not_applicable("it cites nothing") if at % 3 else 1.0)
    decision = said(CASES, silent, a_bar(minimum=0.5))
    assert (decision.verdict, decision.codes) == (Verdict.UNDECIDED, ("OPEN_SO_FAR",))
    assert "34 of 100 answers only" in decision.reasons[0].message


def test_what_serves_itself_has_not_dropped() -> None:
    candidate = scored(CASES, 10, nearly_all)
    assert drop(candidate, candidate, margin=0.0).passed


def test_cases_in_quarantine_are_run_and_do_not_count() -> None:
    cases = first(CASES, 100)
    resting = tuple(Quarantined(case=case, reason="broken", until="2030-01-01") for case in cases[:20])
    values: Mapping[str, float] = {case: float(at >= 20) for at, case in enumerate(cases)}
    bars = some_bars(CASES, a_bar(minimum=0.9), quarantine=resting)
    decision = said(CASES, a_pool(METRIC, values), bars=bars)
    assert decision.passed
    assert (decision.rows[0].measured, decision.rows[0].expected) == (80, 180)


def test_the_whole_evalset_is_decided_as_ever() -> None:
    decision = said(CASES, scored(CASES, SIZE, nearly_all), a_bar(minimum=0.9))
    assert decision.passed
    assert decision.rows[0].interval is not None


def test_must_pass_cases_that_are_easier_do_not_make_the_population_pass() -> None:
    """They stand first, and are bets only at the places where they were drawn."""
    cases = [a_case(f"c{at:03}", must_pass=at < 60, contains=("6",)) for at in range(300)]
    evalset = an_evalset(*cases)
    run = order.of(evalset, BEHAVIOUR).cases[:70]
    easy = {case.id for case in cases if case.must_pass}
    rows = [a_row(case, scores={"contains": 1.0, METRIC: float(case in easy)}) for case in run]
    decision = said(evalset, pool([rows]), a_bar(minimum=0.7, decide_on=DecideOn.INTERVAL))
    assert decision.verdict is not Verdict.PASS
