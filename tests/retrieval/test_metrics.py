"""How well retrieval found what a case is labelled with."""

from __future__ import annotations

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.retrieval.metrics import METRICS, NOT_LABELLED, matches, score


def scores(retrieved, relevant, k=4):
    return {each.metric: each.value for each in score(retrieved, relevant, k=k)}


@pytest.mark.parametrize(
    ("passage", "label", "is_match"),
    [
        ("a#b", "a#b", True),
        ("a#b~2", "a#b", True),
        ("a#b~12", "a#b", True),
        ("a#b~x", "a#b", False),
        ("a#b~", "a#b", False),
        ("a#bc", "a#b", False),
        ("a#b", "a#b~2", False),
        ("a#b~2", "a#b~2", True),
        ("a#b", "a", True),
        ("a#b~2", "a", True),
        ("ab#b", "a", False),
        ("x#a", "a", False),
    ],
)
def test_label_names_passages(passage, label, is_match):
    assert matches(passage, label) == is_match


def test_unlabelled_case_is_missing_with_a_reason_never_zero():
    measured = score(["a#b"], [], k=4)
    assert [each.metric for each in measured] == list(METRICS)
    assert {(each.value, each.reason) for each in measured} == {(None, NOT_LABELLED)}


def test_nothing_retrieved_scores_zero():
    assert scores([], ["a#b"]) == dict.fromkeys(METRICS, 0.0)


def test_nothing_relevant_retrieved_scores_zero():
    assert scores(["x#y", "x#z"], ["a#b"]) == dict.fromkeys(METRICS, 0.0)


def test_perfect_retrieval_scores_one():
    assert scores(["a#b", "c#d"], ["c#d", "a#b"], k=2) == dict.fromkeys(METRICS, 1.0)


def test_figures_computed_by_hand():
    measured = scores(["x#y", "a#b", "x#z", "c#d"], ["a#b", "c#d", "e#f"], k=4)
    ideal = 1 + 1 / log2(3) + 1 / log2(4)
    assert measured == pytest.approx(
        {
            "recall_at_k": 2 / 3,
            "precision_at_k": 2 / 4,
            "mrr": 1 / 2,
            "ndcg": (1 / log2(3) + 1 / log2(5)) / ideal,
            "context_precision": (1 / 2 + 2 / 4) / 2,
            "context_recall": 2 / 3,
        }
    )


def test_only_the_first_k_count_at_k_and_all_of_them_for_contexts():
    measured = scores(["x#y", "x#z", "a#b"], ["a#b"], k=2)
    assert measured == pytest.approx(
        {
            "recall_at_k": 0.0,
            "precision_at_k": 0.0,
            "mrr": 1 / 3,
            "ndcg": 0.0,
            "context_precision": 1 / 3,
            "context_recall": 1.0,
        }
    )


def test_fewer_passages_than_k_are_divided_by_k():
    assert scores(["a#b"], ["a#b"], k=4)["precision_at_k"] == 1 / 4


def test_pieces_of_one_section_find_its_label_once():
    measured = scores(["a#b~2", "a#b", "c#d"], ["a#b", "c#d"], k=2)
    assert measured == pytest.approx(
        {
            "recall_at_k": 1 / 2,
            "precision_at_k": 1.0,
            "mrr": 1.0,
            "ndcg": 1 / (1 + 1 / log2(3)),
            "context_precision": 1.0,
            "context_recall": 1.0,
        }
    )


def test_label_of_a_page_covers_the_labels_of_its_sections():
    assert scores(["a#b"], ["a", "a#b", "a#c"], k=1) == dict.fromkeys(METRICS, 1.0)


IDS = st.sampled_from(["a#1", "a#1~2", "a#2", "b#1", "b#2", "c#1"])
LABELS = st.sampled_from(["a#1", "a#2", "b", "b#1", "c#1", "d#1"])


@given(st.lists(IDS, max_size=8), st.lists(LABELS, min_size=1, max_size=4), st.integers(1, 6))
def test_scores_are_shares_and_a_hit_in_front_never_hurts(retrieved, relevant, k):
    before = scores(retrieved, relevant, k)
    assert all(0.0 <= value <= 1.0 for value in before.values())
    found = [name for name in retrieved if any(matches(name, label) for label in relevant)]
    others = [name for name in retrieved if name not in found]
    after = scores([*found, *others], relevant, k)
    assert all(after[metric] >= before[metric] - 1e-9 for metric in METRICS if metric != "ndcg")
    assert after["context_recall"] == before["context_recall"]
