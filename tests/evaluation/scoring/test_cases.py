from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.chat import ToolCall
from llmops.evaluation import metrics
from llmops.evaluation.evidence import Absence, measured
from llmops.evaluation.metrics import EMBEDDED, OPERATIONAL
from llmops.evaluation.scoring import cases
from llmops.evaluation.scoring.cases import Observation
from tests.evaluation.builders import a_case

METRICS = tuple(EMBEDDED.infos)
LOOK = ToolCall(name="look", arguments='{"page": 1}')
FULL = a_case(
    relevant=("fees#1",),
    contains=("550",),
    not_contains=("700",),
    ground_truth='{"fee": 550}',
    expected_tool_calls=(LOOK,),
)


def seen(answer="The fee is $550 [1].", **fields):
    own = {"case": FULL, "has_retrieval": True, "contexts": ("The fee is $550.",)}
    return Observation(answer=answer, **{**own, **fields})


def score(observation, names, given=None):
    """What a run does: the embedded judge scores what is open, rules the rest."""
    infos = [EMBEDDED.metric(name) for name in names]
    judged = {info.name for info in metrics.LEXICAL}
    open_ones = [info.name for info in infos if info.name in judged and cases.is_open(info, observation) is None]
    scores = {name: cases.embedded_judge(observation, name) for name in open_ones}
    return cases.score(observation, infos, given={**scores, **(given or {})})


def needs_vectors(names):
    return cases.needs_vectors([EMBEDDED.metric(name) for name in names])


def test_expected_tool_calls_are_compared_by_rule():
    assert score(seen(), ["tool_call_accuracy"])["tool_call_accuracy"].value == 0
    assert score(seen(tool_calls=(LOOK,)), ["tool_call_accuracy"])["tool_call_accuracy"].value == 1
    plain = seen(case=a_case())
    assert score(plain, ["tool_call_accuracy"])["tool_call_accuracy"].absence is Absence.NOT_APPLICABLE


def test_every_metric_asked_for_gets_a_score_and_spend_is_left_to_the_row():
    found = score(seen(), METRICS)
    assert set(found) == set(METRICS) - set(OPERATIONAL)
    assert {name: item.value for name, item in found.items() if item.value is not None} == {
        "groundedness": 1.0,
        "faithfulness": 1.0,
        "exact_match": 0.0,
        "tool_call_accuracy": 0.0,
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
