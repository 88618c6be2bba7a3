import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.scoring.words import sentences, stem, terms


def keys(text):
    return [term.key for term in terms(text)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("6.25%", "6.25 percent"),
        ("$1,000", "1000"),
        ("$1,000.50", "1000.5"),
        ("two hundred five", "205"),
        ("twenty-five", "25"),
        ("$1.5 million", "1,500,000"),
        ("one hundred thousand", "100000"),
        ("the lender’s fees", "lender fee"),
        ("refinancing", "refinanced"),
        ("policies", "policy"),
        ("Café", "cafe"),
        ("U.S.", "US"),
    ],
)
def test_spellings_of_one_thing_are_the_same_terms(one, other):
    assert keys(one) == keys(other)


@pytest.mark.parametrize(
    ("one", "other"), [("6.25", "625"), ("1 and 2", "3"), ("2020 2021", "4041"), ("five", "fifty")]
)
def test_different_numbers_stay_different(one, other):
    assert keys(one) != keys(other)


def test_numbers_and_names_are_told_from_words():
    found = {term.text: (term.is_number, term.is_name) for term in terms("In June Mr. Ortiz paid NASA 7 dollars.")}
    assert found["7"] == (True, False)
    assert found["June"] == found["Ortiz"] == found["NASA"] == (False, True)
    assert found["dollars"] == (False, False)


def test_a_capital_that_only_begins_a_sentence_makes_no_name():
    assert [term.is_name for term in terms("Rates rise. Points fall.")] == [False] * 4


def test_citation_markers_are_no_numbers():
    assert keys("The rate is 6% [1] [2, 3].") == ["rate", "6", "percent"]


def test_sentences_end_where_people_end_them():
    assert sentences("Mr. Smith pays 3.5%. [1] See e.g. page two! Ok?") == (
        "Mr. Smith pays 3.5% [1].",
        "See e.g. page two!",
        "Ok?",
    )


def test_list_items_are_sentences_and_empty_lines_are_none():
    assert sentences("Costs:\n\n- points [1]\n2. fees\n---\n[3]") == ("Costs:", "points [1]", "fees")


@given(st.text(max_size=200))
def test_any_text_has_terms_and_sentences(text):
    assert all(term.key for term in terms(text))
    assert all(sentence.strip() == sentence for sentence in sentences(text))


@given(st.from_regex(r"[a-z]{1,15}", fullmatch=True))
def test_a_stem_is_never_empty(word):
    assert stem(word)
