from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.labels import LEAST
from llmops.evaluation.calibration import drawing
from llmops.evaluation.calibration.drawing import draw, is_drawn, seed_of
from tests.evaluation.calibration.builders import a_judged, a_labelled

SEED = seed_of("e" * 64, "groundedness", 1.0)


def a_draw(passed=80, failed=40):
    answers = [a_judged(f"p{number}", 1.0) for number in range(passed)]
    return draw([*answers, *(a_judged(f"f{number}", 0.0) for number in range(failed))], SEED, 1.0)


def labels_of(answers):
    return [a_labelled(row.case, 1, row.score) for row in answers]


def test_a_picked_set_is_no_draw():
    found = a_draw()
    chosen = sorted(found.first(60), key=lambda row: row.case)
    other = replace(chosen[0], case=found.passed[-1].case, score=1.0)
    assert not is_drawn(labels_of([*chosen[1:], other]), found)


def test_a_draw_with_a_hole_is_none():
    found = a_draw()
    assert not is_drawn(labels_of([row for row in found.first(60) if row is not found.passed[3]]), found)


def test_labels_of_answers_from_elsewhere_are_no_draw():
    found = a_draw()
    assert not is_drawn(labels_of([*found.first(60), a_judged("elsewhere")]), found)


def test_fewer_than_ten_of_a_verdict_are_no_draw():
    found = a_draw()
    assert not is_drawn(labels_of([*found.passed[:30], *found.failed[: LEAST - 1]]), found)
    assert not is_drawn([], found)


@pytest.mark.parametrize("count", [20, 21, 60, 119, 120, 500])
def test_the_first_answers_of_the_order_are_a_draw(count):
    found = a_draw()
    assert is_drawn(labels_of(found.first(count)), found)


def test_all_of_a_small_stratum_are_enough():
    found = a_draw(failed=3)
    assert is_drawn(labels_of([*found.passed[:10], *found.failed]), found)


def test_another_seed_gives_another_draw():
    answers = [a_judged(f"p{number}") for number in range(80)]
    other = draw(answers, seed_of("e" * 64, "safety", 1.0), 1.0)
    assert draw(answers, SEED, 1.0).passed != other.passed


def test_the_draw_depends_on_no_order():
    answers = [a_judged(f"p{number}") for number in range(30)]
    assert draw(answers, SEED, 1.0) == draw(answers[::-1], SEED, 1.0)


def test_either_verdict_gets_ten_before_the_larger_gets_more():
    first = a_draw(passed=900, failed=30).first(40)
    assert sum(row.score == 0.0 for row in first) == LEAST
    assert sum(row.score == 0.0 for row in a_draw(passed=900, failed=30).first(20)) == LEAST


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 70))
def test_the_first_answers_begin_the_first_and_one_more(passed, failed, count):
    found = a_draw(passed, failed)
    more = found.first(count + 1)
    assert found.first(count) == more[:count]
    assert len(more) == min(count + 1, passed + failed)
    assert len({row.case for row in more}) == len(more)


def test_every_answer_is_drawn_about_equally_often():
    counts = dict.fromkeys((f"p{number}" for number in range(40)), 0)
    answers = [a_judged(case) for case in counts]
    for number in range(400):
        for row in drawing.draw(answers, str(number), 1.0).first(10):
            counts[row.case] += 1
    # 100 each in the mean, with a standard deviation of 8.7.
    assert 65 < min(counts.values()) <= max(counts.values()) < 135
