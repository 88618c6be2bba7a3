"""Context precision, context recall, noise sensitivity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.evidence import Absence
from llmops.evaluation.judging.native.context_precision import average_precision
from llmops.evaluation.judging.native.registry import METRICS
from tests.evaluation.builders import a_case
from tests.evaluation.judging.scripted import Script, claim_list, run, sections, seen

PASSAGES = ("Rates: 6%.", "Penguins: 12 of them.", "Points: 1%.", "Fees: $700.")


def judged(metric, script, answer="An answer.", **fields):
    own = {"contexts": PASSAGES, "case": a_case(ground_truth="The truth."), **fields}
    return run(METRICS[metric].steps(seen(answer, **own)), script)


@pytest.mark.parametrize(
    ("useful", "value"),
    [
        ((), 0.0),
        (("Rates",), 1.0),
        (("Fees",), 1 / 4),
        (("Rates", "Points"), (1 / 1 + 2 / 3) / 2),
        (("Penguins", "Points", "Fees"), (1 / 2 + 2 / 3 + 3 / 4) / 3),
        (("Rates", "Penguins", "Points", "Fees"), 1.0),
    ],
)
def test_context_precision_is_average_precision_over_the_ranks(useful, value):
    found = judged("context_precision", Script(useful=useful))
    assert found.score.value == pytest.approx(value, abs=1e-15)
    assert found.sizes == [4]


def test_useless_passages_are_named_by_rank():
    score = judged("context_precision", Script(useful=("Rates", "Points", "Fees"))).score
    assert score.reason == "not useful: passage 2: because"


@given(st.lists(st.booleans(), max_size=12))
def test_average_precision_is_1_exactly_where_all_useful_passages_stand_first(useful):
    value = average_precision(useful)
    assert 0 <= value <= 1
    assert (value == 1) == (any(useful) and useful == sorted(useful, reverse=True))


def test_the_answer_is_not_shown_to_who_judges_passages():
    found = judged("context_precision", Script(), "SECRET ANSWER")
    assert all("SECRET ANSWER" not in ask.messages[1]["content"] for ask in found.batches[0])


@pytest.mark.parametrize(("metric", "value"), [("context_precision", 0), ("noise_sensitivity", 0)])
def test_where_nothing_was_retrieved_nothing_is_asked(metric, value):
    found = judged(metric, Script(), contexts=())
    assert (found.score.value, found.calls) == (value, 0)


def test_context_recall_is_the_share_of_the_truth_s_claims():
    script = Script(claims={"The truth.": ("a", "b", "c")}, support={"a": "supported", "b": "partly"})
    found = judged("context_recall", script)
    assert found.score.value == 1 / 3
    assert found.sizes == [1, 3]
    assert found.score.reason == "“c”: unsupported, because · “b”: partly supported, because"


def test_context_recall_of_nothing_retrieved_is_0():
    found = judged("context_recall", Script(claims={"The truth.": ("a",)}), contexts=())
    assert (found.score.value, found.calls) == (0, 1)


def test_a_truth_that_declines_has_nothing_to_be_retrieved():
    score = judged("context_recall", Script(claims={"The truth.": claim_list(declines=True)})).score
    assert score.absence is Absence.NOT_APPLICABLE


def test_a_truth_with_claims_does_not_decline_whatever_the_judge_says():
    score = judged("context_recall", Script(claims={"The truth.": claim_list("a", declines=True)})).score
    assert score.value == 0


def test_a_truth_in_which_no_claim_was_found_is_missing():
    score = judged("context_recall", Script(claims={"The truth.": ()})).score
    assert score.absence is Absence.UNMEASURED
    assert "the ground truth" in score.reason


# Claims of the answer: right by the truth; made up; from noise; in noise and in a relevant passage too.
NOISE = Script(
    claims={"An answer.": ("right", "made up", "from noise", "from both")},
    support={
        ("right", "The truth."): "supported",
        ("right", "Penguins"): "supported",
        ("from noise", "Penguins"): "supported",
        ("from both", "Penguins"): "supported",
        ("from both", "Rates"): "supported",
    },
    useful=("Rates", "Points"),
)


def test_noise_sensitivity_is_the_share_of_incorrect_claims_from_irrelevant_passages_alone():
    found = judged("noise_sensitivity", NOISE)
    assert found.score.value == 1 / 4
    assert found.score.reason == "“from noise”: incorrect, and an irrelevant passage says so"


def test_noise_sensitivity_asks_about_incorrect_claims_only_and_shows_passages_by_kind():
    found = judged("noise_sensitivity", NOISE)
    assert found.sizes == [1 + 4, 4, 3 + 3]
    irrelevant, relevant = (sections(found.batches[2][index])["sources"] for index in (0, 3))
    assert irrelevant == "[1] Penguins: 12 of them.\n[2] Fees: $700."
    assert relevant == "[1] Rates: 6%.\n[2] Points: 1%."


def test_without_a_relevant_passage_there_is_no_excuse():
    script = Script(claims=NOISE.claims, support=NOISE.support)
    found = judged("noise_sensitivity", script)
    assert found.score.value == 2 / 4
    assert found.sizes == [5, 4, 3]


def test_without_an_irrelevant_passage_there_is_no_noise():
    script = Script(claims=NOISE.claims, support=NOISE.support, useful=("",))
    found = judged("noise_sensitivity", script)
    assert (found.score.value, found.sizes) == (0, [5, 4])


def test_an_answer_that_declines_was_not_misled():
    found = judged("noise_sensitivity", Script(claims={"An answer.": claim_list(declines=True)}))
    assert (found.score.value, found.sizes) == (0, [5])


def test_a_passage_is_judged_with_the_question_of_context_precision():
    precision, noise = (judged(metric, NOISE).batches[0] for metric in ("context_precision", "noise_sensitivity"))
    assert all(ask in noise for ask in precision)
