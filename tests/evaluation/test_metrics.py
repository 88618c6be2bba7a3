import pytest

from llmops.documents.chat import ToolCall
from llmops.errors import CannotAsk
from llmops.evaluation.metrics import EMBEDDED, OPERATIONAL, Catalogue, Direction, MetricInfo, applies, scorers_digest
from tests.evaluation.builders import a_case, an_evalset


def test_an_unknown_metric_is_refused_with_the_nearest_name():
    with pytest.raises(CannotAsk) as error:
        EMBEDDED.metric("faithfullness", "prompts/a/thresholds.yaml:3:3")
    assert error.value.code == "METRIC_UNKNOWN"
    assert error.value.hint == "did you mean `faithfulness`?"
    assert error.value.where == "prompts/a/thresholds.yaml:3:3"


def test_what_no_scorer_of_this_version_can_measure_is_not_offered():
    with pytest.raises(CannotAsk):
        EMBEDDED.metric("coherence")


def test_labels_decide_whether_a_metric_applies():
    bare = a_case(ground_truth="")
    assert not any(
        applies(EMBEDDED.metric(name), bare) for name in ("exact_match", "recall_at_k", "contains", "excludes")
    )
    full = a_case(relevant=("p#1",), contains=("6",), not_contains=("7",), expected_tool_calls=(ToolCall(name="look"),))
    assert all(applies(EMBEDDED.metric(name), full) for name in EMBEDDED.infos)


def test_spend_and_speed_are_better_when_lower_and_name_no_scorer():
    assert all(EMBEDDED.metric(name).direction is Direction.LOWER for name in OPERATIONAL)
    mrr = {"mrr": "1"}
    assert scorers_digest({**mrr, "tokens": "1"}) == scorers_digest(mrr)
    assert scorers_digest(mrr) not in (scorers_digest({"ndcg": "1"}), scorers_digest({"mrr": "2"}))


def test_must_pass_cases_ask_for_the_rules_that_decide_them():
    plain = an_evalset(a_case("a", contains=("6",)))
    vital = an_evalset(a_case("a", contains=("6",)), a_case("b", must_pass=True, not_contains=("7",)))
    assert EMBEDDED.wanted(["mrr"], plain) == ("mrr",)
    assert EMBEDDED.wanted(["mrr"], vital) == ("mrr", "excludes", "safety")


def test_a_judges_description_replaces_the_common_one_and_own_metrics_stand_before_spend():
    judged = MetricInfo(name="context_precision", method="asked of a model")
    catalogue = Catalogue.of([judged], [MetricInfo(name="tone", method="ours")])
    assert catalogue.metric("context_precision").method == "asked of a model"
    names = list(catalogue.infos)
    assert names.index("safety") < names.index("tone") < names.index("latency_ms")
    assert "groundedness" not in catalogue.infos


def test_the_worst_value_of_a_score_that_is_better_low_is_1():
    assert MetricInfo(name="noise", method="m", direction=Direction.LOWER).worst == 1.0
    assert MetricInfo(name="share", method="m").worst == 0.0
    assert EMBEDDED.metric("latency_ms").worst is None
