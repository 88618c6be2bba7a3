import pytest

from llmops.evaluation.calibration.annotators import between, fleiss_kappa
from tests.evaluation.calibration.builders import a_label


def said(**by):
    return [a_label(f"c{place}", label, annotator=name) for name, row in by.items() for place, label in enumerate(row)]


def test_two_who_share_no_answer_are_no_pair():
    assert between([a_label("c1", annotator="ann"), a_label("c2", annotator="bob")], "groundedness").pairs == ()


def test_one_verdict_on_everything_has_no_kappa():
    (pair,) = between(said(ann=[1, 1, 1], bob=[1, 1, 1]), "groundedness").pairs
    assert (pair.same, pair.kappa) == (1.0, None)
    assert fleiss_kappa([[1, 1, 1]] * 4) is None
    assert fleiss_kappa([]) is None


def test_the_kappa_of_a_pair_is_cohens():
    rows = {"ann": [1] * 25 + [0] * 25, "bob": [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15}
    (pair,) = between(said(**rows), "groundedness").pairs
    assert (pair.answers, pair.same, pair.kappa) == (50, pytest.approx(0.7), pytest.approx(0.4))


def test_two_annotators_have_no_fleiss():
    assert between(said(ann=[1, 0], bob=[0, 1]), "groundedness").fleiss is None


def test_three_annotators_have_fleiss_kappa_over_what_all_judged():
    found = between(
        [*said(ann=[1, 1, 0, 0, 1], bob=[1, 0, 0, 0, 1], cyd=[1, 1, 0, 1, 1]), a_label("c9")], "groundedness"
    )
    # Three passes on 0 and 4, two on 1, one on 3, none on 2: alike (1 + 1/3 + 1 + 1/3 + 1) / 5, by chance .6² + .4².
    assert found.fleiss == pytest.approx((11 / 15 - 0.52) / 0.48)
    assert found.fleiss_answers == 5
    assert [(pair.first, pair.second) for pair in found.pairs] == [("ann", "bob"), ("ann", "cyd"), ("bob", "cyd")]
