"""The metrics with a real model behind the real door: the smallest there is. It is no judge; this says that requests,
schemas and replies go together, whatever it says."""

import asyncio

import pytest

from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest, Stage
from llmops.documents.config import ModelConfig
from llmops.errors import InputRefused
from llmops.evaluation.evidence import Absence
from llmops.evaluation.judging.native.registry import METRICS
from llmops.evaluation.judging.steps import PARAMETERS, Ask, Embed, Said, Vectors
from tests.evaluation.builders import a_case
from tests.evaluation.judging.scripted import seen

pytestmark = pytest.mark.embedded
MODELS = {"small": ModelConfig(name="small", provider="embedded", model="small")}
OBSERVED = seen(
    "The appraisal of a single-family house costs $550. It is paid before closing.",
    case=a_case(question="What does the appraisal cost?", ground_truth="The appraisal costs $550."),
    contexts=("The appraisal fee for a single-family house is $550.", "Closing takes 30 days."),
)


async def carried(steps, door):
    """The score of `steps`, its batches asked all at once through `door`."""
    try:
        batch = next(steps)
        while True:
            batch = steps.send(tuple(await asyncio.gather(*(replied(request, door) for request in batch))))
    except StopIteration as ended:
        return ended.value


async def replied(request: Ask | Embed, door):
    if isinstance(request, Embed):
        return Vectors(rows=(await door.embed(request.texts)).tolist())
    question = ChatRequest(
        model="small",
        messages=request.messages,
        # Without it so small a model repeats one claim until its limit of tokens.
        parameters={**PARAMETERS, "presence_penalty": 1.0, "max_tokens": 256},
        response_schema=request.schema,
        repeat=request.repeat,
        stage=Stage.JUDGE,
    )
    try:
        reply = await door.chat(question)
    except InputRefused as error:
        return Said(text="", failure=error.what)
    return Said(text=reply.text, finish_reason=reply.finish_reason, is_refusal=reply.is_refusal)


async def test_metrics_judged_by_a_tiny_model_end_in_a_score_or_a_reason_and_cost_nothing_again(tmp_path):
    names = ("faithfulness", "groundedness", "answer_relevancy", "context_precision", "coherence")
    async with open_door(tmp_path, MODELS) as door:
        scores = await asyncio.gather(*(carried(METRICS[name].steps(OBSERVED), door) for name in names))
        calls = door.calls
        again = await asyncio.gather(*(carried(METRICS[name].steps(OBSERVED), door) for name in names))
        assert door.calls == calls > 0
    assert again == scores
    for score in scores:
        assert score.reason
        assert score.absence is Absence.UNMEASURED if score.value is None else 0 <= score.value <= 1
    assert any(score.value is not None for score in scores)
