"""The adapter against DeepEval itself, where it is installed: `pip install deepeval`, then `pytest -m deepeval`."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest

from llmops.adapters.plugins import load
from llmops.documents.chat import ChatRequest
from llmops.documents.config import MetricConfig
from llmops.documents.trees import MemoryTree
from llmops.evaluation.metrics import Need
from llmops.evaluation.plugins import RunMetric
from tests.evaluation.plugins.builders import an_observation
from tests.fakes_models import FakeDoor

pytestmark = [pytest.mark.deepeval, pytest.mark.skipif(find_spec("deepeval") is None, reason="needs DeepEval")]


def _load(source: str, door: FakeDoor | None = None, **fields: Any) -> RunMetric:
    config = MetricConfig(name="theirs", kind="deepeval", source=f"deepeval.metrics:{source}", **fields)
    (metric,) = load({config.name: config}, door=door or FakeDoor(), tree=MemoryTree())
    return metric


def _replies(request: ChatRequest) -> str:
    """What a model says to DeepEval's answer relevancy: three statements, two of them relevant."""
    wanted = set((request.response_schema or {}).get("properties", {}))
    if wanted == {"statements"}:
        return json.dumps({"statements": ["It is blue.", "It is wide.", "I like tea."]})
    if wanted == {"verdicts"}:
        verdicts = [{"verdict": verdict, "reason": None} for verdict in ("yes", "yes", "no")]
        return json.dumps({"verdicts": verdicts})
    return json.dumps({"reason": "tea is beside the point"})


async def test_answer_relevancy_scores_through_the_door() -> None:
    door = FakeDoor(_replies)
    score = await _load("AnswerRelevancyMetric", door, model="big").score(an_observation("It is blue and wide."))
    assert score.value == pytest.approx(2 / 3)
    assert score.reason == "tea is beside the point"
    assert len(door.requests) == 3


async def test_two_answers_at_once_do_not_mix() -> None:
    import asyncio

    metric = _load("ExactMatchMetric")
    assert metric.info.needs == {Need.GROUND_TRUTH}
    right, wrong = await asyncio.gather(
        metric.score(an_observation("x", case_ground_truth="x")),
        metric.score(an_observation("y", case_ground_truth="x")),
    )
    assert (right.value, wrong.value) == (1.0, 0.0)


async def test_a_rubric_of_geval_takes_names_of_fields() -> None:
    def answer(request: ChatRequest) -> str:
        wanted = set((request.response_schema or {}).get("properties", {}))
        return json.dumps({"steps": ["look"]} if wanted == {"steps"} else {"score": 8, "reason": "fine"})

    options = {"name": "Kindness", "criteria": "Is it kind?", "evaluation_params": ["input", "actual_output"]}
    score = await _load("GEval", FakeDoor(answer), model="big", options=options).score(an_observation("dear you"))
    assert score.value == pytest.approx(0.8)


async def test_a_reply_of_no_use_is_missing() -> None:
    score = await _load("AnswerRelevancyMetric", FakeDoor("no"), model="big").score(an_observation("It is blue."))
    assert score.value is None
    assert "cannot be used" in score.reason
