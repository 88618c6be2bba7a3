"""Cases to judge, and a judge to judge them."""

from __future__ import annotations

from typing import Any

from llmops.adapters.ragas.judge import RagasJudge
from llmops.documents.config import JudgeConfig
from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import Score
from llmops.evaluation.scoring.cases import Observation
from tests.adapters.ragas.doors import ENCODER, MODEL, ScriptedDoor

METRICS = (
    "faithfulness",
    "answer_relevancy",
    "context_precision",
    "context_recall",
    "groundedness",
    "coherence",
    "factual_correctness",
    "noise_sensitivity",
)


def a_judge(door: ScriptedDoor, **parameters: Any) -> RagasJudge:
    return RagasJudge(
        JudgeConfig(name="strict", kind="ragas", model=MODEL, embeddings=ENCODER, parameters=parameters), door
    )


async def score_of(judge: RagasJudge, seen: Observation, metric: str) -> Score:
    """One score, asked for alone."""
    return (await judge.score(seen, [metric]))[metric]


def observed(index: int = 0, *, contexts: int = 3, answer: str | None = None, **fields: Any) -> Observation:
    case = Case(
        id=f"c{index}",
        question=f"What is the mortgage rate number {index}?",
        ground_truth=fields.pop("ground_truth", f"The rate number {index} is {index} percent."),
    )
    passages = tuple(f"Passage {at} of case {index}: the rate is {at} percent." for at in range(contexts))
    text = f"The mortgage rate is {index} percent, for {index} years." if answer is None else answer
    return Observation(case=case, answer=text, contexts=passages, **{"has_retrieval": True, **fields})
