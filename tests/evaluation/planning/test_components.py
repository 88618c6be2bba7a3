"""Known components are found again, and what cannot be told apart is not told apart."""

from __future__ import annotations

import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.evaluation.planning.components import (
    NEGATIVE,
    NO_GROUPS,
    NO_JUDGE,
    ONE_CASE,
    ONE_JUDGEMENT,
    ONE_REPEAT,
    Components,
    Design,
    Part,
    estimate,
)

Tree = list[list[list[list[float]]]]


def a_tree(draw: random.Random, groups: int, *, deviations: tuple[float, float, float, float], ragged: bool) -> Tree:
    """Scores with these deviations of group, case, answer and judgement."""

    def how_many() -> range:
        return range(draw.randint(1, 3) if ragged else 2)

    found: Tree = []
    for _ in range(groups):
        group = draw.gauss(5, deviations[0])
        cases = []
        for _ in how_many():
            case = group + draw.gauss(0, deviations[1])
            answers = []
            for _ in how_many():
                answer = case + draw.gauss(0, deviations[2])
                answers.append([answer + draw.gauss(0, deviations[3]) for _ in how_many()])
            cases.append(answers)
        found.append(cases)
    return found


def test_nothing_has_no_components() -> None:
    with pytest.raises(ValueError, match="no scores"):
        estimate([])


@pytest.mark.parametrize("ragged", [False, True])
def test_known_components_are_found_again(ragged: bool) -> None:
    draw, deviations = random.Random(3), (0.3, 0.5, 0.2, 0.1)
    found = [estimate(a_tree(draw, 60, deviations=deviations, ragged=ragged)) for _ in range(40)]
    for name, deviation in zip(("group", "case", "generator", "judge"), deviations, strict=True):
        mean = statistics.fmean(getattr(each, name).variance for each in found)
        assert mean == pytest.approx(deviation**2, rel=0.12), name


def test_balanced_cases_give_what_one_way_analysis_of_variance_gives() -> None:
    # Mean squares by hand: between 2 * var(0.3, 0.8, 0.5), within the mean of the cases' variances.
    tree: Tree = [[[[0.2], [0.4]]], [[[0.8], [0.8]]], [[[0.4], [0.6]]]]
    within = (0.02 + 0.0 + 0.02) / 3
    between = 2 * statistics.variance([0.3, 0.8, 0.5])
    found = estimate(tree)
    assert found.generator.variance == pytest.approx(within)
    assert found.case.variance == pytest.approx((between - within) / 2)


def test_one_answer_a_case_leaves_the_generators_noise_unmeasured() -> None:
    found = estimate([[[[0.2]]], [[[0.6]]]])
    assert (found.generator.is_measured, found.generator.note) == (False, ONE_REPEAT)
    assert (found.judge.note, found.group.note) == (ONE_JUDGEMENT, NO_GROUPS)
    assert found.case.variance == pytest.approx(statistics.variance([0.2, 0.6]))


def test_a_rule_has_no_judges_noise() -> None:
    found = estimate([[[[0.2]]], [[[0.6]]]], is_judged=False)
    assert (found.judge.is_measured, found.judge.note) == (True, NO_JUDGE)


def test_one_case_shows_no_spread_between_cases() -> None:
    found = estimate([[[[0.2], [0.6]]]])
    assert (found.case.is_measured, found.case.note) == (False, ONE_CASE)
    assert found.generator.variance == pytest.approx(0.08)


def test_an_estimate_below_zero_is_shown_as_nothing_seen() -> None:
    found = estimate([[[[0.0], [1.0]]], [[[1.0], [0.0]]], [[[0.0], [1.0]]]])
    assert found.case == Part(variance=0.0, note=NEGATIVE)


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=3), min_size=2, max_size=6), st.floats(-3, 3))
@settings(max_examples=60, deadline=None)
def test_shifting_every_score_changes_no_component(cases: list[list[float]], by: float) -> None:
    one = estimate([[[[value] for value in case]] for case in cases])
    other = estimate([[[[value + by] for value in case]] for case in cases])
    assert other.case.variance == pytest.approx(one.case.variance, abs=1e-9)
    assert other.generator.variance == pytest.approx(one.generator.variance, abs=1e-9)


def test_cases_of_one_group_count_as_fewer() -> None:
    grouped = Components(case=Part(variance=0.03), group=Part(variance=0.01), crowding=5.0, group_size=5.0)
    assert grouped.of_mean(Design(cases=100)) == pytest.approx((5 * 0.01 + 0.03) / 100)
    assert grouped.design_effect(Design(cases=100)) == pytest.approx(2.0)


def test_shares_are_those_of_the_variance_of_the_mean() -> None:
    found = Components(case=Part(variance=0.02), generator=Part(variance=0.04), judge=Part(variance=0.04))
    shares = found.shares(Design(cases=10, repeats=2, judge_repeats=2))
    assert shares == pytest.approx({"group": 0.0, "case": 0.4, "generator": 0.4, "judge": 0.2})
    assert Components(case=Part()).shares(Design(cases=10)) == {}
