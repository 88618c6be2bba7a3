import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.errors import CannotAsk
from llmops.evaluation.evidence import Absence, measured
from llmops.evaluation.metrics import METRICS, OPERATIONAL
from llmops.evaluation.scoring.cases import Observation, needs_vectors, score
from tests.evaluation.builders import a_case

FULL = a_case(relevant=("fees#1",), contains=("550",), not_contains=("700",), ground_truth='{"fee": 550}')


def seen(answer="The fee is $550 [1].", **fields):
    own = {"case": FULL, "has_retrieval": True, "contexts": ("The fee is $550.",)}
    return Observation(answer=answer, **{**own, **fields})


def test_an_unknown_metric_is_refused():
    with pytest.raises(CannotAsk) as error:
        score(seen(), ["truth"])
    assert error.value.code == "METRIC_UNKNOWN"


def test_every_metric_asked_for_gets_a_score_and_spend_is_left_to_the_row():
    found = score(seen(), METRICS)
    assert set(found) == set(METRICS) - set(OPERATIONAL)
    assert {name: item.value for name, item in found.items() if item.value is not None} == {
        "groundedness": 1.0,
        "faithfulness": 1.0,
        "exact_match": 0.0,
        "contains": 1.0,
        "excludes": 1.0,
        "safety": 1.0,
        "citation_coverage": 1.0,
        "citation_validity": 1.0,
    }


def test_what_was_scored_elsewhere_is_taken_over():
    assert score(seen(), ["mrr"], given={"mrr": measured(0.5)})["mrr"].value == 0.5
    assert score(seen(), ["mrr"])["mrr"].absence is Absence.UNMEASURED


def test_labels_rule_out_what_has_no_meaning_even_if_it_was_handed_in():
    bare = seen(case=a_case(ground_truth=""))
    found = score(bare, ["mrr", "contains", "exact_match"], given={"mrr": measured(0)})
    assert {item.absence for item in found.values()} == {Absence.NOT_APPLICABLE}


def test_a_prompt_that_retrieves_nothing_has_no_groundedness():
    assert score(seen(has_retrieval=False, contexts=()), ["groundedness"])["groundedness"].absence is Absence.UNMEASURED


def test_a_retriever_that_found_nothing_leaves_claims_without_support():
    assert score(seen(contexts=()), ["groundedness"])["groundedness"].value == 0


def test_the_embedded_judge_signs_its_scores():
    assert score(seen(), ["groundedness"])["groundedness"].judge == "embedded-lexical (advisory)"
    assert score(seen(answer=""), ["groundedness"])["groundedness"].judge == "embedded-lexical (advisory)"


def test_only_some_metrics_need_vectors():
    assert needs_vectors(["mrr", "answer_similarity"])
    assert not needs_vectors(["mrr", "groundedness"])


@given(st.text(max_size=150), st.lists(st.text(max_size=60), max_size=2))
@settings(max_examples=60, deadline=None)
def test_no_content_of_an_answer_breaks_a_scorer(answer, contexts):
    found = score(seen(answer=answer, contexts=tuple(contexts), output_schema={"type": "object"}), METRICS)
    assert all(item.value is None or 0 <= item.value <= 1 for item in found.values())
