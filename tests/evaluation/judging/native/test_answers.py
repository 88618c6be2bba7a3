"""Answer relevancy, coherence, factual correctness."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.evidence import Absence
from llmops.evaluation.judging.native.registry import METRICS
from llmops.evaluation.judging.steps import Embed, Vectors
from tests.evaluation.builders import a_case
from tests.evaluation.judging.scripted import Script, claim_list, run, seen


def judged(metric, script, answer="An answer.", **fields):
    return run(METRICS[metric].steps(seen(answer, **{"case": a_case(ground_truth="The truth."), **fields})), script)


def guesses(*noncommittal, questions=("one?", "two?", "three?"), rows=()):
    told = iter(zip(questions, noncommittal, strict=True))

    def reply(request):
        if isinstance(request, Embed):
            return Vectors(rows=rows)
        question, flag = next(told)
        return {"question": question, "noncommittal": flag}

    return reply


ROWS = ((1.0, 0.0), (1.0, 0.0), (3.0, 4.0), (0.0, 2.0))


def test_answer_relevancy_is_the_mean_cosine_of_three_guessed_questions():
    found = judged("answer_relevancy", guesses(False, False, True, rows=ROWS))
    assert found.score.value == pytest.approx((1 + 3 / 5 + 0) / 3, abs=1e-15)
    assert found.score.reason == "farthest from the question: “three?”"
    assert found.sizes == [3, 1]
    assert found.batches[1][0].texts == ("What is the rate?", "one?", "two?", "three?")


def test_the_three_questions_are_asked_for_at_once_in_three_ways():
    batch = judged("answer_relevancy", guesses(False, False, False, rows=ROWS)).batches[0]
    assert len({ask.messages[0]["content"] for ask in batch}) == 3
    assert {ask.repeat for ask in batch} == {0}


def test_a_noncommittal_answer_has_0_and_nothing_is_embedded():
    found = judged("answer_relevancy", guesses(True, True, True, questions=("", "", "")))
    assert (found.score.value, found.sizes) == (0, [3])


def test_a_question_left_empty_by_a_noncommittal_reply_is_left_out():
    rows = (ROWS[0], ROWS[1], ROWS[2])
    found = judged("answer_relevancy", guesses(True, False, False, questions=("", "two?", "three?"), rows=rows))
    assert found.score.value == pytest.approx((1 + 3 / 5) / 2, abs=1e-15)


def test_an_empty_question_to_an_answer_with_content_is_no_reply():
    score = judged("answer_relevancy", lambda _ask: {"question": " ", "noncommittal": False}).score
    assert score.absence is Absence.UNMEASURED
    assert "its question is empty" in score.reason


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ((*ROWS[:3], (0.0, 0.0)), "zero or not finite"),
        ((*ROWS[:3], (math.nan, 0.0)), "zero or not finite"),
        ((*ROWS[:3], (1.0,)), "differ in length"),
        (ROWS[:3], "3 embeddings of 4"),
    ],
)
def test_vectors_without_a_direction_are_missing(rows, reason):
    score = judged("answer_relevancy", guesses(False, False, False, rows=rows)).score
    assert score.absence is Absence.UNMEASURED
    assert reason in score.reason


def test_questions_that_point_away_count_as_unrelated():
    rows = (ROWS[0], (-1.0, 0.0), (-1.0, 0.0), (-1.0, 0.0))
    assert judged("answer_relevancy", guesses(False, False, False, rows=rows)).score.value == 0


@pytest.mark.parametrize(("grade", "value"), [(1, 0), (2, 0.25), (3, 0.5), (4, 0.75), (5, 1)])
def test_coherence_is_the_grade_from_0_to_1(grade, value):
    found = judged("coherence", lambda _ask: {"reason": "abrupt", "grade": grade})
    assert (found.score.value, found.score.reason) == (value, f"grade {grade} of 5: abrupt")
    assert found.calls == 1


# The answer has two claims that the truth holds and one that it does not; the truth has one that the answer lacks.
FACTS = Script(
    claims={"An answer.": ("a", "b", "c"), "The truth.": ("d", "e")},
    support={"a": "supported", "b": "supported", "c": "partly", "d": "supported"},
)


def test_factual_correctness_is_f1_over_claims_both_ways():
    found = judged("factual_correctness", FACTS)
    assert found.score.value == 2 * 2 / (2 * 2 + 1 + 1)
    assert found.score.reason == (
        "not in the ground truth: “c”: partly supported, because; not in the answer: “e”: unsupported, because"
    )
    assert found.sizes == [2, 5]


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        (claim_list(declines=True), claim_list(declines=True), 1),
        (claim_list(declines=True), claim_list("d"), 0),
        (claim_list("a"), claim_list(declines=True), 0),
    ],
)
def test_declining_is_right_where_the_truth_declines(answer, truth, value):
    found = judged("factual_correctness", Script(claims={"An answer.": answer, "The truth.": truth}))
    assert (found.score.value, found.calls) == (value, 2)


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_factual_correctness_is_the_harmonic_mean_of_precision_and_recall(hits, wrong, covered, lacking):
    if not hits + wrong or not covered + lacking:
        return
    own = [f"own {n}" for n in range(hits + wrong)]
    wanted = [f"wanted {n}" for n in range(covered + lacking)]
    script = Script(
        claims={"An answer.": own, "The truth.": wanted},
        support=dict.fromkeys([*own[:hits], *wanted[:covered]], "supported"),
    )
    value = judged("factual_correctness", script).score.value
    precision = hits / (hits + wrong)
    recall = hits / (hits + lacking) if hits + lacking else 0
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert value == pytest.approx(expected)
