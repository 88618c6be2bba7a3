"""Flips: what a candidate changes case by case, and which of it is only the case's own noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.bars import Threshold
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import Score, missing, not_applicable
from llmops.evaluation.gating.changes.flips import Change, Flip, FlipQuestion, Flips, flips
from llmops.evaluation.gating.changes.noise import Noise
from llmops.evaluation.pooling import Pool, pool
from tests.evaluation.builders import a_bar, a_case, a_row

VERDICT, GRADE = "exact_match", "answer_similarity"
Values = Mapping[str, Sequence[Score | float]]


def a_side(metric: str, values: Values) -> Pool:
    """One row an answer; the answers are worded `metric value`."""
    rows = [
        a_row(case, scores={metric: value}, repeat=repeat, answer=f"answer {repeat} of {case}")
        for case, answers in values.items()
        for repeat, value in enumerate(answers)
    ]
    return pool([rows])


def found(metric: str, before: Values, after: Values, *thresholds: Threshold, **fields: Any) -> Flips:
    names = sorted({*before, *after})
    cases = tuple(a_case(name) for name in names)
    own: dict[str, Any] = {
        "cases": cases,
        "thresholds": thresholds or (a_bar(metric),),
        "candidate": a_side(metric, after),
        "baseline": a_side(metric, before),
    }
    return flips(FlipQuestion(**{**own, **fields}))


def the_flip(result: Flips) -> Flip:
    ((flip,),) = (one.flips for one in result.cases)
    return flip


def test_a_metric_that_nothing_measures_is_refused() -> None:
    with pytest.raises(CannotAsk) as refused:
        found(GRADE, {"c1": [1]}, {"c1": [0]}, a_bar("no_such_metric"))
    assert refused.value.code == "METRIC_UNKNOWN"


def test_a_case_that_the_candidate_did_not_answer_is_unpaired_and_no_change() -> None:
    result = found(VERDICT, {"c1": [1], "c2": [1]}, {"c1": [1]})
    assert result.cases == ()
    assert [(one.case, one.reason) for one in result.unpaired] == [("c2", "not measured now: the case was not run")]


def test_a_score_that_went_missing_says_why() -> None:
    result = found(VERDICT, {"c1": [1]}, {"c1": [missing("the judge refused")]})
    assert [one.reason for one in result.unpaired] == ["not measured now: the judge refused"]


def test_what_neither_side_measured_is_not_reported() -> None:
    nothing = {"c1": [not_applicable("no claim")]}
    result = found(VERDICT, nothing, nothing)
    assert (result.cases, result.unpaired, result.unknown_noise) == ((), (), ())


def test_a_verdict_that_crosses_is_broken_or_fixed() -> None:
    result = found(VERDICT, {"c1": [1], "c2": [0], "c3": [1]}, {"c1": [0], "c2": [1], "c3": [1]})
    assert [(one.case, one.kind, one.damage) for one in result.cases] == [
        ("c1", Change.BROKEN, 1.0),
        ("c2", Change.FIXED, -1.0),
    ]
    assert result.counts == {Change.BROKEN: 1, Change.FIXED: 1, Change.NOISY: 0, Change.UNCHANGED: 1}


def test_without_repeats_the_noise_is_unknown_and_the_flip_says_so() -> None:
    result = found(VERDICT, {"c1": [1]}, {"c1": [0]})
    assert result.unknown_noise == (VERDICT,)
    assert (the_flip(result).noise, the_flip(result).half) == (Noise.UNKNOWN, None)
    assert "its noise is unknown" in the_flip(result).reason


def test_a_small_change_of_a_grade_with_unknown_noise_is_noisy() -> None:
    small, large = (found(GRADE, {"c1": [0.8]}, {"c1": [0.8 - drop]}) for drop in (0.09, 0.1))
    assert (the_flip(small).kind, the_flip(large).kind) == (Change.NOISY, Change.BROKEN)


def test_a_change_within_the_spread_of_a_cases_own_answers_is_noisy() -> None:
    flip = the_flip(found(VERDICT, {"c1": [1, 1, 1]}, {"c1": [1, 0, 1]}))
    assert (flip.kind, flip.noise) == (Change.NOISY, Noise.ANSWERS)
    # Student at four degrees of freedom: 2.776 * sqrt((2/3)/4 * (1/3 + 1/3)).
    assert flip.half == pytest.approx(0.925, abs=0.005)


def test_a_change_beyond_that_spread_is_broken() -> None:
    flip = the_flip(found(GRADE, {"c1": [0.9, 0.91, 0.92]}, {"c1": [0.8, 0.81, 0.82]}))
    assert (flip.kind, flip.noise) == (Change.BROKEN, Noise.ANSWERS)
    assert flip.damage == pytest.approx(0.1)


def test_equal_answers_of_one_case_borrow_the_noise_of_the_others() -> None:
    noisy = {f"n{at}": [0.2, 0.8] for at in range(10)}
    flip = next(
        flip
        for one in found(GRADE, {**noisy, "c1": [0.9, 0.9]}, {**noisy, "c1": [0.6, 0.6]}).cases
        for flip in one.flips
    )
    assert (flip.case, flip.kind, flip.noise) == ("c1", Change.NOISY, Noise.POOLED)


def test_a_case_with_one_answer_is_held_against_the_noise_of_repeated_cases() -> None:
    steady = {f"n{at}": [0.80, 0.82] for at in range(10)}
    result = found(GRADE, {**steady, "c1": [0.90]}, {**steady, "c1": [0.84]})
    flip = result.cases[0].flips[0]
    assert (flip.kind, flip.noise, result.unknown_noise) == (Change.BROKEN, Noise.POOLED, ())


def test_several_judgements_of_one_answer_show_the_judges_noise() -> None:
    def judged(*values: float) -> Score:
        return Score(value=sum(values) / len(values), judged=values)

    flip = the_flip(found(GRADE, {"c1": [judged(0.4, 0.8)]}, {"c1": [judged(0.3, 0.7)]}))
    assert (flip.kind, flip.noise) == (Change.NOISY, Noise.JUDGEMENTS)
    assert "the generator's part is unknown" in flip.reason


def test_with_pass_at_a_grade_changes_where_it_crosses() -> None:
    bar = a_bar(GRADE, pass_at=0.7)
    result = found(GRADE, {"c1": [0.9], "c2": [0.71]}, {"c1": [0.75], "c2": [0.69]}, bar)
    assert [(one.case, one.kind) for one in result.cases] == [("c2", Change.BROKEN)]
    assert the_flip(result).key == f"{GRADE}.rate@0.7"


def test_both_answers_are_at_hand_the_worst_first() -> None:
    flip = the_flip(found(GRADE, {"c1": [0.9, 0.89]}, {"c1": [0.5, 0.1]}))
    assert (flip.before.answer, flip.after.answer) == ("answer 1 of c1", "answer 1 of c1")
    assert flip.after.runs == (0.5, 0.1)


def test_must_pass_comes_before_greater_damage() -> None:
    cases = (a_case("c1"), a_case("c2", must_pass=True, contains=("x",)))
    bars = (a_bar(GRADE), a_bar("contains", require_pass=True))
    before, after = (
        pool([[a_row("c1", scores={GRADE: grade}), a_row("c2", scores={GRADE: 0.9, "contains": grade})]])
        for grade in (1.0, 0.0)
    )
    weights = {GRADE: 5.0}
    result = flips(FlipQuestion(cases=cases, thresholds=bars, weights=weights, candidate=after, baseline=before))
    assert [(one.case, one.damage) for one in result.cases] == [("c2", 1.0), ("c1", 5.0)]


def test_no_noise_excuses_a_must_pass_case_that_fails_once() -> None:
    cases = (a_case("c1", must_pass=True, contains=("x",)),)
    before, after = a_side("contains", {"c1": [1, 1, 1]}), a_side("contains", {"c1": [1, 0, 1]})
    result = flips(FlipQuestion(cases=cases, thresholds=(), candidate=after, baseline=before))
    assert the_flip(result).kind is Change.BROKEN
    assert the_flip(result).reason.startswith("must pass, and fails now")


def test_a_must_pass_case_that_failed_in_a_run_kept_aside_is_broken() -> None:
    cases = (a_case("c1", must_pass=True, contains=("x",)),)
    good, bad = (a_row("c1", scores={"contains": value}) for value in (1.0, 0.0))
    result = flips(FlipQuestion(cases=cases, thresholds=(), candidate=pool([[good], [bad]]), baseline=pool([[good]])))
    assert [one.kind for one in result.cases] == [Change.BROKEN]


def test_spend_and_speed_have_no_flips() -> None:
    rows = [pool([[a_row("c1", latency_ms=latency)]]) for latency in (10, 9_000)]
    result = flips(
        FlipQuestion(cases=(a_case(),), thresholds=(a_bar("latency_ms"),), candidate=rows[1], baseline=rows[0])
    )
    assert (result.cases, sum(result.counts.values())) == ((), 0)


SIDES = st.lists(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=4), min_size=1, max_size=6)


@given(SIDES, st.randoms(use_true_random=False))
def test_turning_the_sides_around_turns_broken_into_fixed(before: list[list[float]], draw: Any) -> None:
    after = [draw.sample(values, len(values))[: draw.randint(1, len(values))] for values in before]
    one, other = ({f"c{at}": values for at, values in enumerate(side)} for side in (before, after))
    there, back = found(GRADE, one, other), found(GRADE, other, one)
    assert there.counts[Change.BROKEN] == back.counts[Change.FIXED]
    assert there.counts[Change.NOISY] == back.counts[Change.NOISY]
    assert sum(there.counts.values()) == len(before)


@given(SIDES)
def test_the_same_evidence_on_both_sides_changes_nothing(values: list[list[float]]) -> None:
    side = {f"c{at}": answers for at, answers in enumerate(values)}
    assert found(GRADE, side, side).cases == ()
