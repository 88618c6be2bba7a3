import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.evidence import Absence
from llmops.evaluation.scoring import citations


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("[1]", (1,)),
        ("[1, 3]", (1, 3)),
        ("[2-4]", (2, 3, 4)),
        ("[1][2]", (1, 2)),
        ("[x] [12a] (1)", ()),
        ("[4-2]", (4, 2)),
    ],
)
def test_markers_are_read_in_all_their_forms(text, numbers):
    assert citations.cited(text) == numbers


def test_a_huge_range_is_two_numbers():
    assert citations.cited("[1-999]") == (1, 999)


def test_claims_without_a_citation_are_named():
    score = citations.coverage("Points cost 1% [1]. Rates rise.")
    assert score.value == 0.5
    assert "“Rates rise.”" in score.reason


def test_a_marker_after_the_full_stop_belongs_to_its_sentence():
    assert citations.coverage("Points cost 1%. [1] Rates rise. [2]").value == 1


def test_an_answer_that_claims_nothing_needs_no_citation():
    assert citations.coverage("The guidelines do not say.").absence is Absence.NOT_APPLICABLE


def test_numbers_that_name_no_context_are_invalid():
    score = citations.validity("Points cost 1% [1]. Rates rise [0, 7].", 2)
    assert score.value == pytest.approx(1 / 3)
    assert score.reason == "cites [0], [7], there are 2 contexts"


def test_an_answer_that_cites_nothing_has_no_validity():
    assert citations.validity("Points cost 1%.", 2).absence is Absence.NOT_APPLICABLE


@given(st.text(alphabet="ab [].,-123", max_size=60), st.integers(0, 5))
def test_shares_stay_between_zero_and_one(text, contexts):
    for score in (citations.coverage(text), citations.validity(text, contexts)):
        assert score.value is None or 0 <= score.value <= 1
