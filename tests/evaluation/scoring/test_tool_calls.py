import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.documents.chat import ToolCall
from llmops.evaluation.evidence import Absence
from llmops.evaluation.scoring.tool_calls import tool_call_accuracy


def call(name, arguments=None):
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolCall(name=name, arguments=text)


def value(calls, expected):
    return tool_call_accuracy(calls, expected).value


RATE = call("rate", {"product": "Birch", "days": 60})


@pytest.mark.parametrize(
    "calls",
    [(), (call("fee"),), (RATE, RATE), (RATE, call("fee")), (call("fee"), RATE)],
    ids=["none", "another", "twice", "one more", "one before"],
)
def test_other_names_or_another_number_of_calls_is_0(calls):
    score = tool_call_accuracy(calls, (RATE,))
    assert score.value == 0
    assert "expected the calls `rate`, found" in score.reason


def test_another_order_is_0():
    assert value((call("fee"), RATE), (RATE, call("fee"))) == 0


def test_calls_where_none_are_expected_are_0_and_none_is_1():
    assert value((RATE,), ()) == 0
    assert value((), ()) == 1


@pytest.mark.parametrize(
    ("found", "share"),
    [
        ({"product": "Birch", "days": 60}, 1),
        ({"days": 60.0, "product": "Birch", "more": 1}, 1),
        ({"product": "Birch", "days": "60"}, 0.5),
        ({"product": "Birch"}, 0.5),
        ({}, 0),
        ("", 0),
        ("{not json", 0),
        ('["Birch"]', 0),
        ('{"days": NaN}', 0),
        ("[" * 5000, 0),
    ],
)
def test_a_call_counts_by_its_share_of_expected_arguments(found, share):
    assert value((call("rate", found),), (RATE,)) == share


def test_the_score_is_the_mean_over_calls_and_names_what_is_wrong():
    score = tool_call_accuracy(
        (call("fee", {"x": 1}), call("rate", {"product": "Elm", "days": 60})), (call("fee"), RATE)
    )
    assert score.value == (0 + 0.5) / 2
    assert score.reason == "`fee`: expected no arguments, found 1 · `rate`: `product` not as expected"


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ("1", 1), (None, "null"), ([1], [True]), ({}, [])])
def test_values_that_only_look_alike_differ(one, other):
    assert value((call("t", {"a": one}),), (call("t", {"a": other}),)) == 0


def test_nested_values_compare_as_json():
    nested = {"a": {"x": [1, {"y": None}], "z": 2}}
    assert value((call("t", '{"a": {"z": 2.0, "x": [1, {"y": null}]}}'),), (call("t", nested),)) == 1
    deep = '{"a": ' + "[" * 900 + "]" * 900 + "}"
    assert value((call("t", deep),), (call("t", deep),)) in (0, 1)


def test_a_label_that_cannot_be_compared_with_is_missing():
    score = tool_call_accuracy((RATE,), (call("rate", "{"),))
    assert score.absence is Absence.UNMEASURED


def test_reasons_are_fit_for_evidence_whatever_was_called():
    broken = call("\ud800", '{"\\ud800": 1}')
    for expected in ((), (call("fee"),), (ToolCall(name=broken.name),)):
        canonical.dumps(tool_call_accuracy((broken,), expected).reason)
    assert tool_call_accuracy((RATE,) * 12, (RATE,)).reason.endswith("`rate`, 2 more")


@given(st.text(), st.text())
def test_any_arguments_give_a_score_or_a_reason(found, expected):
    score = tool_call_accuracy((call("t", found or "{}"),), (call("t", expected or "{}"),))
    assert score.value is not None or score.reason


# Values on which comparing as JSON and comparing as Python prints agree.
_VALUES = st.integers(-3, 3) | st.sampled_from(["x", "y", "Birch"]) | st.lists(st.integers(0, 2), max_size=2)
_CALLS = st.lists(st.tuples(st.sampled_from("ab"), st.dictionaries(st.sampled_from("pqr"), _VALUES)), max_size=3)


@given(_CALLS, _CALLS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_the_value_is_that_of_ragas(found, expected, same_names):
    ragas = pytest.importorskip("ragas.metrics.collections.tool_call_accuracy")
    messages = pytest.importorskip("ragas.messages")
    if same_names:
        expected = [(name, arguments) for (name, _), (_, arguments) in zip(found, expected, strict=False)]
        found = found[: len(expected)]

    def as_ragas(calls):
        return [messages.ToolCall(name=name, args=arguments) for name, arguments in calls]

    said = [messages.AIMessage(content="", tool_calls=as_ragas(found))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = finished(ragas.ToolCallAccuracy().ascore(said, as_ragas(expected))).value
    assert value([call(*one) for one in found], [call(*one) for one in expected]) == pytest.approx(wanted, abs=1e-12)


def finished(coroutine):
    """What a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")
