"""Reciprocal rank fusion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.retrieval.fusion import reciprocal_rank_fusion
from llmops.retrieval.passages import Passage


def ranking(names):
    return tuple(Passage(id=name, text=f"text of {name}", score=99.0) for name in names)


def test_scores_are_sums_of_reciprocal_ranks():
    fused = reciprocal_rank_fusion([ranking("abc"), ranking("cd")])
    assert [passage.id for passage in fused] == ["c", "a", "b", "d"]
    assert [passage.score for passage in fused] == pytest.approx([1 / 63 + 1 / 61, 1 / 61, 1 / 62, 1 / 62])
    assert fused[0].text == "text of c"


def test_constant_can_be_chosen():
    (only,) = reciprocal_rank_fusion([ranking("a"), ranking("a")], k=1)
    assert only.score == 1.0


def test_passage_twice_in_one_ranking_counts_with_its_better_rank():
    fused = reciprocal_rank_fusion([ranking("aba")])
    assert [(passage.id, passage.score) for passage in fused] == [("a", 1 / 61), ("b", 1 / 62)]


def test_nothing_fuses_to_nothing():
    assert reciprocal_rank_fusion([]) == ()
    assert reciprocal_rank_fusion([(), ()]) == ()


@given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True), max_size=4))
def test_order_of_rankings_is_irrelevant_and_nobody_is_lost(names):
    rankings = [ranking(each) for each in names]
    fused = reciprocal_rank_fusion(rankings)
    assert {passage.id for passage in fused} == {name for each in names for name in each}
    assert [passage.score for passage in fused] == sorted((passage.score for passage in fused), reverse=True)
    backwards = {passage.id: passage.score for passage in reciprocal_rank_fusion(rankings[::-1])}
    assert backwards == pytest.approx({passage.id: passage.score for passage in fused})


@given(st.lists(st.sampled_from("abcdef"), unique=True))
def test_one_ranking_keeps_its_order(names):
    assert [passage.id for passage in reciprocal_rank_fusion([ranking(names)])] == names
