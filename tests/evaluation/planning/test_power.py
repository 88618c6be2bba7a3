"""What would decide, at which price."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.evaluation.planning.components import Components, Design, Part
from llmops.evaluation.planning.power import Price, cases_to_decide, cheapest, designs

NOISY = Components(case=Part(variance=0.01), generator=Part(variance=0.04), judge=Part(variance=0.01))


def test_a_figure_at_its_bar_is_never_decided() -> None:
    found = cases_to_decide(gap=0.0, half=0.05, asked=Design(cases=30))
    assert (found.cases, found.repeats) == (None, None)
    assert "stands at the bar" in found.sentence


def test_noise_that_was_not_measured_is_not_lowered() -> None:
    unmeasured = Components(case=Part(variance=0.05))
    found = cases_to_decide(gap=0.04, half=0.05, asked=Design(cases=30), components=unmeasured)
    assert found.repeats is None
    assert found.cases == Design(cases=math.ceil(30 * (5 / 4) ** 2))


def test_repeats_that_cannot_do_it_are_not_proposed() -> None:
    found = cases_to_decide(gap=0.01, half=0.05, asked=Design(cases=30), components=NOISY)
    assert (found.repeats, found.cases) == (None, Design(cases=750))


def test_the_width_shrinks_with_the_root_and_money_is_that_beyond_what_was_asked() -> None:
    price = Price(answer_nano_usd=2e6, judgement_nano_usd=1e6)
    found = cases_to_decide(gap=0.025, half=0.05, asked=Design(cases=40), components=NOISY, price=price)
    assert found.cases == Design(cases=160)
    assert found.extra_nano_usd == 120 * 3_000_000
    assert found.repeats is not None
    assert NOISY.of_mean(found.repeats) <= NOISY.of_mean(Design(cases=40)) / 4 * (1 + 1e-9)
    assert found.sentence.startswith("about 120 further cases like these ($0.36), or repeats: ")


def test_numbers_in_a_hint_are_rounded_up_to_two_figures() -> None:
    found = cases_to_decide(gap=0.02, half=0.05, asked=Design(cases=100))
    assert "about 530 further cases" in found.sentence


def test_where_a_case_costs_only_its_answers_one_answer_a_case_is_cheapest() -> None:
    price = Price(answer_nano_usd=1e6, judgement_nano_usd=1e6)
    assert cheapest(NOISY, Design(cases=200), price, 200) == Design(cases=200)


def test_where_cases_are_dear_repeats_take_their_place_as_cochran_says() -> None:
    parts = Components(case=Part(variance=0.01), generator=Part(variance=0.04))
    price = Price(answer_nano_usd=1e6, case_nano_usd=16e6)
    # Cochran (1977), 10.6: k = sqrt(cost of a case / cost of an answer * within / between) = sqrt(16 * 4) = 8.
    found = cheapest(parts, Design(cases=400), price, 0)
    assert found.repeats in (7, 8, 9)
    assert parts.of_mean(found) <= parts.of_mean(Design(cases=400)) * (1 + 1e-9)


def test_cases_that_stand_need_not_be_written() -> None:
    price = Price(answer_nano_usd=1.0, case_nano_usd=100.0)
    assert price.of(Design(cases=30), standing=20) == 30 + 1000
    assert Price().of(Design(cases=30)) is None


@given(st.floats(0.001, 0.1), st.floats(0.0, 0.1), st.floats(0.0, 0.1), st.integers(2, 500))
@settings(max_examples=80, deadline=None)
def test_the_cheapest_design_is_never_less_sure_nor_dearer(
    case: float, answer: float, judge: float, cases: int
) -> None:
    parts = Components(case=Part(variance=case), generator=Part(variance=answer), judge=Part(variance=judge))
    price = Price(answer_nano_usd=3.0, judgement_nano_usd=1.0, case_nano_usd=5.0)
    plain = Design(cases=cases)
    found = cheapest(parts, plain, price, 10)
    assert parts.of_mean(found) <= parts.of_mean(plain) * (1 + 1e-6)
    assert (price.of(found, 10) or 0) <= (price.of(plain, 10) or 0)


def test_only_measured_noise_is_varied() -> None:
    parts = Components(case=Part(variance=0.01), generator=Part(variance=0.01))
    assert {one.judge_repeats for one in designs(parts, 10, Design(cases=10))} == {1}
    assert pytest.approx(1) == min(one.repeats for one in designs(parts, 10, Design(cases=10)))


def test_new_cases_are_paid_once_and_those_that_stand_never() -> None:
    price = Price(answer_nano_usd=1.0, case_nano_usd=100.0)
    design = Design(cases=30)
    assert (price.once(design, 20), price.once(design, 40)) == (1_000, 0)
    assert price.of(design, 20) == 1_030
