import pytest

from llmops.evaluation.scoring.refusals import is_refusal


@pytest.mark.parametrize(
    "text",
    [
        "The guidelines do not say.",
        "I don't know.",
        "I'm sorry, but I cannot help with that. Please contact support.",
        "I’m sorry. I can’t share that.",
        "There is no information in the passages about this.",
        "Not covered by the guidelines.",
        "The provided context does not mention a fee [1].",
        "That is not mentioned in the passages.",
        "I am unable to provide personal data.",
        "There is not enough information.",
    ],
)
def test_answers_that_decline(text):
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The rate is 6%. It is not fixed.",
        "No, you do not have to provide documents.",
        "There is no limit.",
        "The context does not mention a fee, but it is 5%.",
        "The guidelines do not say. The fee is 5%.",
        "You cannot provide a gift letter.",
        "The policy does not cover floods.",
        "Escrow is not included.",
        "Please contact the lender for a quote.",
    ],
)
def test_answers_that_answer(text):
    assert not is_refusal(text)
