"""Scores through the door equal ragas called directly, and the model is asked the same."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from llmops.adapters.ragas.catalogue import COHERENCE_RUBRICS
from llmops.evaluation.scoring.cases import Observation
from tests.adapters.ragas import scripts
from tests.adapters.ragas.doors import ENCODER, ScriptedDoor
from tests.adapters.ragas.endpoint import Endpoint, served
from tests.adapters.ragas.observations import METRICS, a_judge, observed, score_of

os.environ["RAGAS_DO_NOT_TRACK"] = "true"
CASES = 4


def direct(endpoint: Endpoint, **arguments: Any) -> dict[str, Any]:
    """ragas as its documentation calls it."""
    from openai import AsyncOpenAI
    from ragas.embeddings.base import embedding_factory
    from ragas.llms.base import llm_factory
    from ragas.metrics import collections

    client = AsyncOpenAI(base_url=endpoint.url, api_key="none", max_retries=0)
    llm = llm_factory("gpt-test", client=client, **arguments)
    embeddings = embedding_factory("openai", model=ENCODER, client=client, interface="modern")
    return {
        "faithfulness": collections.Faithfulness(llm=llm),
        "answer_relevancy": collections.AnswerRelevancy(llm=llm, embeddings=embeddings),
        "context_precision": collections.ContextPrecisionWithReference(llm=llm),
        "context_recall": collections.ContextRecall(llm=llm),
        "groundedness": collections.ResponseGroundedness(llm=llm),
        "coherence": collections.DomainSpecificRubrics(llm=llm, rubrics=dict(COHERENCE_RUBRICS)),
        "factual_correctness": collections.FactualCorrectness(llm=llm),
        "noise_sensitivity": collections.NoiseSensitivity(llm=llm),
    }


def fields(metric: str, seen: Observation) -> dict[str, Any]:
    every = {
        "user_input": seen.case.question,
        "response": seen.answer,
        "reference": seen.case.ground_truth,
        "retrieved_contexts": list(seen.contexts),
    }
    taken = {
        "faithfulness": ("user_input", "response", "retrieved_contexts"),
        "answer_relevancy": ("user_input", "response"),
        "context_precision": ("user_input", "reference", "retrieved_contexts"),
        "context_recall": ("user_input", "reference", "retrieved_contexts"),
        "groundedness": ("response", "retrieved_contexts"),
        "coherence": ("user_input", "response"),
        "factual_correctness": ("response", "reference"),
        "noise_sensitivity": ("user_input", "response", "reference", "retrieved_contexts"),
    }
    return {name: every[name] for name in taken[metric]}


async def measured_directly(
    pairs: list[tuple[str, Observation]], *, stumble: bool = False, **arguments: Any
) -> tuple[list[float], list[str], list[tuple[str, ...]]]:
    async with served(scripts.stumbling if stumble else scripts.reply) as endpoint:
        metrics = direct(endpoint, **arguments)
        results = await asyncio.gather(*(metrics[name].ascore(**fields(name, seen)) for name, seen in pairs))
    values = [
        (result.value - 1) / 4 if name == "coherence" else result.value
        for (name, _), result in zip(pairs, results, strict=True)
    ]
    return values, endpoint.bodies, endpoint.embedded


async def test_every_score_equals_ragas_called_directly_and_asks_the_same() -> None:
    pairs = [(name, observed(index)) for index in range(CASES) for name in METRICS]
    values, bodies, embedded = await measured_directly(pairs, temperature=0.0, max_retries=1)
    door = ScriptedDoor()
    judge = a_judge(door)

    scores = await asyncio.gather(*(score_of(judge, seen, name) for name, seen in pairs))

    assert [score.value for score in scores] == pytest.approx(values, abs=1e-9)
    assert len(set(values)) > CASES  # the script tells cases apart, or equality says little
    assert sorted(set(door.bodies)) == sorted(set(bodies))
    assert len(door.bodies) == len(set(door.bodies))  # each question once, where ragas repeats some
    assert sorted(set(door.embedded)) == sorted(set(embedded))
    assert door.encoders == {ENCODER}


async def test_a_judge_that_varies_is_asked_as_often_as_ragas_asks() -> None:
    pairs = [("answer_relevancy", observed(index)) for index in range(CASES)]
    values, bodies, _ = await measured_directly(pairs, temperature=0.7, max_retries=1)
    door = ScriptedDoor()
    judge = a_judge(door, temperature=0.7)

    scores = await asyncio.gather(*(score_of(judge, seen, name) for name, seen in pairs))

    assert [score.value for score in scores] == pytest.approx(values, abs=1e-9)
    assert sorted(door.bodies) == sorted(bodies)
    assert sorted(request.repeat for request in door.requests) == sorted([0, 1, 2] * CASES)


async def test_ragas_chooses_arguments_by_the_endpoints_model_not_by_our_name_of_it() -> None:
    door = ScriptedDoor(endpoint_model="gpt-5-mini")
    await score_of(a_judge(door), observed(), "context_recall")
    parameters = door.requests[0].parameters
    assert parameters["temperature"] == 1.0
    assert parameters["max_completion_tokens"] == 1024
    assert "max_tokens" not in parameters
    assert door.requests[0].model == "judge-model"


async def test_the_order_in_which_scores_are_asked_for_changes_nothing() -> None:
    pairs = [(name, observed(index)) for index in range(CASES) for name in METRICS]
    together = a_judge(ScriptedDoor())
    alone = a_judge(ScriptedDoor())
    scores = await asyncio.gather(*(score_of(together, seen, name) for name, seen in pairs))
    one_by_one = [await score_of(alone, seen, name) for name, seen in reversed(pairs)]
    assert list(scores) == one_by_one[::-1]


async def test_a_reply_asked_for_again_is_asked_for_as_ragas_does() -> None:
    pairs = [(name, observed(index)) for index in range(2) for name in METRICS]
    values, bodies, _ = await measured_directly(pairs, stumble=True, temperature=0.0, max_retries=1)
    door = ScriptedDoor(scripts.stumbling)
    judge = a_judge(door)

    scores = await asyncio.gather(*(score_of(judge, seen, name) for name, seen in pairs))

    assert [score.value for score in scores] == pytest.approx(values, abs=1e-9)
    assert sorted(set(door.bodies)) == sorted(set(bodies))
    assert any(len(request.messages) > 2 for request in door.requests)
