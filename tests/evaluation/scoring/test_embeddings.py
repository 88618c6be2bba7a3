import pytest

from llmops.evaluation.evidence import Absence
from llmops.evaluation.scoring import embeddings


def test_the_cosine_of_equal_directions_is_one_and_of_opposite_ones_counts_as_zero():
    assert embeddings.answer_similarity([1.0, 2.0], [2.0, 4.0]).value == pytest.approx(1.0)
    assert embeddings.answer_similarity([1.0, 0.0], [-1.0, 0.0]).value == 0.0


def test_relevancy_says_that_it_is_a_cosine_and_advisory():
    assert embeddings.answer_relevancy([1.0, 1.0], [1.0, 0.0]).judge == "embedding-cosine (advisory)"
    assert embeddings.answer_relevancy([1.0, 1.0], [1.0, 0.0]).value == pytest.approx(0.5**0.5)


@pytest.mark.parametrize(
    ("answer", "other", "reason"),
    [
        (None, [1.0], "no embedding of the answer"),
        ([1.0], None, "no embedding of the question"),
        ([0.0], [1.0], "zero or not finite"),
        ([float("nan")], [1.0], "zero or not finite"),
    ],
)
def test_what_has_no_direction_is_missing(answer, other, reason):
    score = embeddings.answer_relevancy(answer, other)
    assert score.absence is Absence.UNMEASURED
    assert reason in score.reason
