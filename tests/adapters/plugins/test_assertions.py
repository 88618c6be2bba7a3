"""Assertion files as metrics of a run."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import yaml

from llmops.adapters.plugins import Status, describe, load
from llmops.adapters.plugins.assertions import AssertionFile
from llmops.adapters.plugins.matching import Matcher
from llmops.documents.chat import ChatRequest, Stage
from llmops.documents.config import MetricConfig
from llmops.documents.trees import MemoryTree
from llmops.errors import CannotAsk, InvalidDocuments
from llmops.evaluation.metrics import Kind
from llmops.evaluation.plugins.promptfoo.measuring import Match
from tests.evaluation.plugins.builders import an_observation
from tests.fakes_models import FakeDoor

PATH = "evals/asserts.yaml"


def _config(**fields: Any) -> MetricConfig:
    return MetricConfig(name="style", kind="promptfoo", source=PATH, **fields)


def _tree(value: Any) -> MemoryTree:
    return MemoryTree({PATH: yaml.safe_dump(value).encode()})


def _load(value: Any, door: FakeDoor | None = None, **fields: Any) -> AssertionFile:
    config = _config(**fields)
    (metric,) = load({config.name: config}, door=door or FakeDoor(), tree=_tree(value))
    assert isinstance(metric, AssertionFile)
    return metric


def _refused(value: Any, **fields: Any) -> CannotAsk:
    with pytest.raises(CannotAsk) as caught:
        _load(value, **fields)
    return caught.value


RUBRIC = {"type": "llm-rubric", "value": "be kind to {{ name }}"}
CONTAINS = {"type": "contains", "value": "a"}


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(CannotAsk) as caught:
        load({"style": _config()}, door=FakeDoor(), tree=MemoryTree())
    assert caught.value.code == "PLUGIN_MISSING"


@pytest.mark.parametrize(
    "value", [[], {"assert": []}, [{"type": "javascript", "value": "true"}], [{**CONTAINS, "weight": 0}]]
)
def test_a_file_without_an_assert_that_counts_is_refused(value: Any) -> None:
    assert _refused(value).code == "PLUGIN_EMPTY"


def test_a_malformed_file_is_refused_with_findings() -> None:
    with pytest.raises(InvalidDocuments):
        _load([{"type": "contains"}])


def test_a_model_is_named_exactly_where_it_is_asked() -> None:
    assert _refused([RUBRIC]).code == "PLUGIN_MODEL"
    assert _refused([CONTAINS], model="big").code == "PLUGIN_MODEL"


def test_an_option_that_nothing_reads_is_refused() -> None:
    assert _refused([CONTAINS], options={"threshold": 1}).code == "PLUGIN_OPTIONS"
    assert _refused([CONTAINS], options={"embeddings": "small"}).code == "PLUGIN_OPTIONS"


def test_one_rule_is_pass_or_fail_and_several_are_a_figure() -> None:
    assert _load([CONTAINS]).info.kind is Kind.BINARY
    assert _load([CONTAINS, CONTAINS]).info.kind is Kind.CONTINUOUS
    assert _load([{"type": "bleu", "value": "x"}]).info.kind is Kind.CONTINUOUS


def test_the_identity_follows_file_and_model() -> None:
    first = _load([RUBRIC], model="big").identity
    assert _load([RUBRIC], model="big").identity == first
    assert _load([RUBRIC], model="small").identity != first
    assert _load([{**RUBRIC, "threshold": 0.5}], model="big").identity != first


async def test_rules_expressions_model_and_embeddings_make_one_score() -> None:
    def answer(request: ChatRequest) -> str:
        assert "be kind to Ann" in request.messages[1]["content"]
        return json.dumps({"reason": "so", "score": 0.5, "pass": True})

    door = FakeDoor(answer, nano_usd=7)
    metric = _load(
        [CONTAINS, {"type": "regex", "value": r"^\d+$"}, RUBRIC, {"type": "similar", "value": "an apple", "weight": 2}],
        door,
        model="big",
        options={"embeddings": "small"},
    )
    score = await metric.score(an_observation("an apple", case_variables={"name": "Ann"}))
    await metric.close()
    assert score.value == pytest.approx((1 + 0 + 0.5 + 2 * 1) / 5)
    assert score.reason == "3 of 4 asserts passed · assert[1] regex: the answer does not match the expression"
    assert (score.judge, score.spent.nano_usd if score.spent else None) == ("style by big", 7)
    assert door.embedding_models == {"small"}
    assert door.requests[0].stage is Stage.JUDGE


async def test_a_reply_that_says_nothing_is_asked_for_once_more_and_then_missing() -> None:
    door = FakeDoor("nothing of use")
    score = await _load([RUBRIC, CONTAINS], door, model="big").score(an_observation("a", case_variables={"name": "A"}))
    assert score.value is None
    assert "assert[0] llm-rubric" in score.reason
    assert [request.repeat for request in door.requests] == [0, 1]


async def test_faithfulness_is_that_of_the_native_judge() -> None:
    door = FakeDoor("{}")
    metric = _load([{"type": "context-faithfulness", "threshold": 0.5}], door, model="big")
    score = await metric.score(an_observation("It is blue.", contexts=("The sky is blue.",), has_retrieval=True))
    assert score.value is None
    assert door.requests


async def test_an_expression_that_takes_for_ever_is_missing_and_the_next_is_found() -> None:
    matcher = Matcher(seconds=0.3)
    # Alternatives that overlap inside a repeat: nothing in the expression's form gives it away.
    hostile = matcher.match(Match(pattern="^(a|aa)+$", text="a" * 60 + "b"))
    slow, found = await asyncio.gather(hostile, matcher.match(Match(pattern="b$", text="ab")))
    assert "took longer than 0.3 s" in slow.failure
    assert (found.found, found.failure) == (True, "")
    await matcher.close()


async def test_a_reply_that_nobody_waits_for_is_not_taken_for_the_next_one() -> None:
    matcher = Matcher(seconds=30)
    assert (await matcher.match(Match(pattern="x", text="x"))).found
    task = asyncio.create_task(matcher.match(Match(pattern="^(a|aa)+$", text="a" * 60 + "b")))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    assert (await matcher.match(Match(pattern="x", text="x"))).found
    await matcher.close()


async def test_an_expression_that_cannot_be_run_says_so() -> None:
    matcher = Matcher()
    assert "error" in (await matcher.match(Match(pattern="(", text="x"))).failure
    assert (await matcher.match(Match(pattern="x", text="\ud800x\n"))).found
    await matcher.close()


def test_everything_in_a_file_is_described() -> None:
    value = [
        {**CONTAINS, "metric": "style"},
        {"type": "javascript", "value": "true"},
        {"type": "assert-set", "assert": [CONTAINS]},
    ]
    told = [(one.what, one.status, one.why) for one in describe(_config(), _tree(value))]
    assert told == [
        ("assert[0] contains", Status.IMPORTED, "its `metric` is not reported on its own"),
        ("assert[2] assert-set", Status.IMPORTED, ""),
        ("assert[2][0] contains", Status.IMPORTED, ""),
        (
            "assert[1] javascript",
            Status.LEFT,
            "it is code, and code in a file is never executed: install it as a plug-in (docs/metrics-of-your-own.md)",
        ),
    ]


def test_a_plug_in_is_described_by_its_source() -> None:
    config = MetricConfig(name="kindness", kind="plugin", source="acme-metric")
    assert [one.what for one in describe(config, MemoryTree())] == ["plugin acme-metric"]
