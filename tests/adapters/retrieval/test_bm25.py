import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.adapters.retrieval.bm25 import Bm25Index
from llmops.retrieval.passages import Passage

PASSAGES = (
    Passage(id="locks#1", text="A rate lock holds the interest rate for 45 days."),
    Passage(id="pmi#1", text="Private mortgage insurance is required under 20 percent down payment."),
    Passage(id="escrow#1", text="The escrow account pays taxes and insurance."),
)


def ids(found):
    return [passage.id for passage in found]


@pytest.mark.parametrize("question", ["", "the of and", "zebra", "?!", "a"])
def test_a_question_without_a_common_word_finds_nothing(question):
    assert Bm25Index(PASSAGES).search(question, 3) == ()


@pytest.mark.parametrize("passages", [(), (Passage(id="empty#1", text=""),), (Passage(id="stop#1", text="the"),)])
def test_knowledge_without_words_finds_nothing(passages):
    assert Bm25Index(passages).search("rate", 3) == ()


def test_the_best_passage_comes_first_and_unrelated_ones_not_at_all():
    found = Bm25Index(PASSAGES).search("How long is an interest rate locked?", 3)
    assert ids(found) == ["locks#1"]
    assert found[0].score > 0


def test_stems_match_and_case_does_not_matter():
    assert ids(Bm25Index(PASSAGES).search("INSURED Payments", 3))[0] == "pmi#1"


def test_the_rarer_word_weighs_more():
    assert ids(Bm25Index(PASSAGES).search("insurance taxes", 3)) == ["escrow#1", "pmi#1"]


def test_the_limit_cuts():
    assert len(Bm25Index(PASSAGES).search("insurance", 1)) == 1


def test_equal_scores_go_by_id():
    passages = [Passage(id=name, text="the same words here") for name in ("c#1", "a#1", "b#1")]
    assert ids(Bm25Index(passages).search("words", 3)) == ["a#1", "b#1", "c#1"]


WORDS = st.lists(st.sampled_from(["rate", "lock", "escrow", "fee", "the"]), max_size=6).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(WORDS, min_size=1, max_size=6), question=WORDS, order=st.randoms())
def test_a_ranking_does_not_depend_on_the_order_of_the_passages(texts, question, order):
    passages = [Passage(id=f"p#{number}", text=text) for number, text in enumerate(texts)]
    mixed = list(passages)
    order.shuffle(mixed)
    assert Bm25Index(mixed).search(question, 9) == Bm25Index(passages).search(question, 9)
