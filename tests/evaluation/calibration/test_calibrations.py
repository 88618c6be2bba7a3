import hashlib

import pytest

from llmops.evaluation.calibration.calibrations import answer_digest, judged
from llmops.evaluation.evidence import missing
from tests.evaluation.builders import a_row
from tests.evaluation.calibration.builders import of_counts


def test_a_draw_without_its_frame_is_refused():
    with pytest.raises(ValueError, match="frame"):
        of_counts(10, 10, 10, 10, is_drawn=True)


def test_more_labels_than_answers_are_refused():
    with pytest.raises(ValueError, match="the run had"):
        of_counts(10, 10, 10, 10, is_drawn=True, frame=(19, 40))


def test_an_answer_without_a_score_is_not_judged():
    rows = [a_row("c1", scores={"m": missing("no reply")}), a_row("c2", scores={"m": 1.0})]
    assert [row.case for row in judged(rows, "m", {})] == ["c2"]


def test_one_answer_given_twice_is_one_with_the_mean_score():
    rows = [
        a_row("c1", scores={"m": 1.0}, answer="Yes."),
        a_row("c1", scores={"m": 0.0}, answer="Yes.", repeat=1),
        a_row("c1", scores={"m": 1.0}, answer="No.", repeat=2),
    ]
    found = {row.answer: row for row in judged(rows, "m", {"c1": "book"})}
    assert found[answer_digest("Yes.")].score == 0.5
    assert found[answer_digest("Yes.")].repeats == 2
    assert found[answer_digest("No.")].group == "book"


def test_an_answers_digest_is_that_of_its_bytes():
    assert answer_digest("Zürich") == hashlib.sha256("Zürich".encode()).hexdigest()
