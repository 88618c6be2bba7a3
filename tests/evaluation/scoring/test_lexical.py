import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.evaluation.scoring.lexical import Background, judge, judge_digest

CONTEXTS = (
    "One discount point costs 1% of the loan amount. It lowers the rate by a quarter of a percentage point.",
    "The appraisal fee for a single-family house is $550. Ms. Rivera heads the appraisal desk.",
)
KNOWLEDGE = Background.of([*CONTEXTS, "Escrow holds taxes and insurance.", "A rate lock lasts sixty days.", "Closing."])


def grounded(answer, contexts=CONTEXTS):
    return judge(answer, contexts, KNOWLEDGE).groundedness


def test_what_the_contexts_say_is_supported_in_other_spellings_too():
    verdict = judge("The appraisal fee is 550 dollars [2]. One point costs 1 percent of the loan amount [1].", CONTEXTS)
    assert verdict.faithfulness == 1.0
    assert grounded("One point costs 1 percent of the loan amount.") > 0.9


def test_an_invented_number_is_named_and_weighs():
    right, wrong = grounded("The appraisal fee is $550."), grounded("The appraisal fee is $700.")
    assert wrong < 0.5 < right
    assert "the number 700" in judge("The appraisal fee is $700.", CONTEXTS, KNOWLEDGE).reason


def test_an_invented_name_is_named():
    reason = judge("The appraisal desk is headed by Gustavo Lindqvist.", CONTEXTS, KNOWLEDGE).sentences[0].reason
    assert "names Gustavo, Lindqvist" in reason


def test_one_invented_sentence_spoils_groundedness_and_half_of_faithfulness():
    verdict = judge("One discount point costs 1% of the loan amount. Penguins audit our brokers.", CONTEXTS, KNOWLEDGE)
    assert verdict.groundedness == 0.0
    assert verdict.faithfulness == 0.5
    assert "Penguins" in verdict.reason


def test_words_that_stand_nowhere_together_support_less():
    together = grounded("The appraisal fee for a house.")
    apart = grounded("The appraisal point for a loan.")
    assert apart < together


def test_an_answer_that_declines_claims_nothing():
    verdict = judge("The guidelines do not say.", CONTEXTS, KNOWLEDGE)
    assert (verdict.groundedness, verdict.faithfulness, verdict.sentences) == (1.0, 1.0, ())


def test_declining_does_not_cover_what_follows():
    assert grounded("The guidelines do not say. Penguins audit our brokers.") == 0.0


@pytest.mark.parametrize("answer", ["", "  ", "[1]", "Yes."])
def test_an_answer_without_a_claim_has_no_score(answer):
    verdict = judge(answer, CONTEXTS, KNOWLEDGE)
    assert (verdict.groundedness, verdict.faithfulness) == (None, None)


def test_without_contexts_a_claim_has_no_support():
    assert grounded("The appraisal fee is $550.", ()) == 0.0


@given(st.text(max_size=120), st.lists(st.text(max_size=60), max_size=3))
@settings(max_examples=80)
def test_scores_stay_between_zero_and_one(answer, contexts):
    verdict = judge(answer, contexts)
    for value in (verdict.groundedness, verdict.faithfulness):
        assert value is None or 0 <= value <= 1


@given(st.lists(st.sampled_from("rate point fee loan house 550 escrow Rivera".split()), min_size=1, max_size=8))  # noqa: SIM905
def test_a_context_that_says_the_same_supports_it_fully(words):
    answer = " ".join(words)
    assert judge(answer, [answer]).groundedness == pytest.approx(1.0)


@given(st.sampled_from(CONTEXTS), st.text(alphabet="abcdefg 123.", max_size=40))
def test_a_further_context_never_lowers_support(context, answer):
    one, two = judge(answer, [context], KNOWLEDGE), judge(answer, [*CONTEXTS], KNOWLEDGE)
    assert one.groundedness is None or two.groundedness >= one.groundedness - 1e-12


def test_the_judge_is_named_by_a_digest():
    assert len(judge_digest()) == 64


# The documented weaknesses: this test says that they are real, so that nobody takes the judge for more than it is.
DOCUMENTED = (
    "A borrower may lock the rate for 60 days. Extending a lock costs 0.25% of the loan amount.",
    "Mortgage insurance ends when the balance falls to 78% of the original value. Late payments in the last year delay "
    "the end.",
    "The Alder loan needs a down payment of 5%. The Birch loan needs three times the down payment of the Alder loan.",
)


@pytest.mark.parametrize(
    "false_answer",
    [
        "A borrower may not lock the rate for 60 days.",
        "Late payments in the last year do not delay the end of mortgage insurance.",
        "The Birch loan needs a down payment of 5%.",
    ],
)
def test_negations_and_several_hops_are_beyond_this_judge(false_answer):
    assert judge(false_answer, DOCUMENTED).groundedness == pytest.approx(1.0)


@pytest.mark.parametrize(
    "true_answer",
    ["Keeping your price guaranteed for longer is billed at a quarter of a percent.", "Die Zinsbindung gilt 60 Tage."],
)
def test_paraphrases_and_other_languages_are_beyond_this_judge(true_answer):
    assert judge(true_answer, DOCUMENTED).groundedness < 0.5
