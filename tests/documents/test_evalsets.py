from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.documents.evalsets import Case, Evalset


def an_evalset(*cases: Case, slices: tuple[str, ...] = ("numeric",)) -> Evalset:
    return Evalset(name="loans", version="1.0.0", cases=cases, slices=slices)


PMI = Case(id="pmi", question="What is PMI?", tags=("numeric", "loans"))
POINTS = Case(id="points", question="What is a point?")


@pytest.mark.parametrize(
    "changed",
    [
        replace(PMI, question="What was PMI?"), replace(PMI, ground_truth="Insurance"), replace(PMI, must_pass=True),
        replace(PMI, group="a"), replace(PMI, answer="It is."), replace(PMI, contexts=("a",)),
        replace(PMI, relevant=("a#b",)), replace(PMI, variables={"a": 1}), replace(PMI, contains=("a",)),
        replace(PMI, not_contains=("a",)), replace(PMI, tags=()),
    ],
)  # fmt: skip
def test_whatever_could_move_a_score_moves_the_digest(changed: Case) -> None:
    assert an_evalset(PMI).digest != an_evalset(changed).digest


def test_a_case_less_moves_the_digest() -> None:
    assert an_evalset(PMI, POINTS).digest != an_evalset(PMI).digest


def test_order_name_and_description_do_not_move_the_digest() -> None:
    one, other = an_evalset(PMI, POINTS), an_evalset(POINTS, replace(PMI, tags=("loans", "numeric")))

    assert one.digest == replace(other, name="other", version="2.0.0", description="x", licence="y").digest


def test_absent_fields_are_left_out() -> None:
    assert POINTS.as_json() == {"id": "points", "question": "What is a point?"}


def test_slices_of_a_case_are_those_among_its_tags() -> None:
    evalset = an_evalset(PMI, slices=("hard", "numeric"))

    assert evalset.slices_of(PMI) == ("numeric",)
    assert evalset.slices_of(POINTS) == ()
