"""ragas' metrics, asked. Imports ragas.

Rules, in order:

1. Metric objects are made once and shared: they keep nothing of a score.
2. A score is what ragas' own `ascore` gives. Where it asks one question after the other though none needs the other's
   answer, the questions are asked ahead, all at once, with ragas' own prompts; `ascore` then finds the answers
   (`calls`, rule 2). So no figure changes and the chain of waiting is as short as the method allows.
3. Asking ahead never fails: `ascore` meets the same error at its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from instructor.core.exceptions import InstructorError
from openai import OpenAIError
from ragas.metrics import collections
from ragas.metrics.collections.base import BaseMetric
from ragas.metrics.result import MetricResult
from ragas.prompt.metrics.base_prompt import BasePrompt

from llmops.adapters.ragas import calls
from llmops.adapters.ragas.llm import DoorEmbeddings, DoorLLM, with_schema_made
from llmops.evaluation.scoring.cases import Observation

# What a reply can make ragas raise: it cannot be parsed, or its figures do not fit together.
UNUSABLE = (InstructorError, OpenAIError, ValueError, TypeError, ArithmeticError, LookupError, AssertionError)


class Metrics:
    """Every metric of the catalogue. Raises: ValueError where ragas refuses an option's value."""

    def __init__(self, llm: DoorLLM, embeddings: DoorEmbeddings, options: Mapping[str, Mapping[str, Any]]) -> None:
        self._llm = llm
        self._embeddings = embeddings
        factual = options["factual_correctness"]
        self._faithfulness = collections.Faithfulness(llm=llm)
        self._relevancy = collections.AnswerRelevancy(llm=llm, embeddings=embeddings, **options["answer_relevancy"])
        self._precision = collections.ContextPrecisionWithReference(llm=llm)
        self._recall = collections.ContextRecall(llm=llm)
        self._groundedness = collections.ResponseGroundedness(llm=llm)
        self._coherence = collections.DomainSpecificRubrics(llm=llm, **options["coherence"])
        self._factual = collections.FactualCorrectness(llm=llm, **factual)
        self._one_way = collections.FactualCorrectness(llm=llm, **{**factual, "mode": "precision"})
        self._noise = collections.NoiseSensitivity(llm=llm, **options["noise_sensitivity"])
        self._scorers: Mapping[str, Callable[[Observation], Awaitable[MetricResult]]] = {
            "faithfulness": self._score_faithfulness,
            "answer_relevancy": self._score_relevancy,
            "context_precision": self._score_precision,
            "context_recall": self._score_recall,
            "groundedness": self._score_groundedness,
            "coherence": self._score_coherence,
            "factual_correctness": self._score_factual,
            "noise_sensitivity": self._score_noise,
        }
        for metric in vars(self).values():
            if isinstance(metric, BaseMetric):
                _make_schemas(metric)

    @property
    def varies(self) -> bool:
        """True where the model is asked to answer differently each time."""
        return self._llm.temperature > 0

    async def score(self, metric: str, seen: Observation) -> MetricResult:
        """What ragas says. Raises: one of UNUSABLE for a reply of no use; what the door raises, wrapped or not."""
        return await self._scorers[metric](seen)

    async def _score_faithfulness(self, seen: Observation) -> MetricResult:
        return await self._faithfulness.ascore(
            user_input=seen.case.question, response=seen.answer, retrieved_contexts=list(seen.contexts)
        )

    async def _score_relevancy(self, seen: Observation) -> MetricResult:
        drawn = [self._ask(self._relevancy.prompt, response=seen.answer) for _ in range(self._relevancy.strictness)]
        await _ahead(*drawn, self._embeddings.aembed_text(seen.case.question))
        return await self._relevancy.ascore(user_input=seen.case.question, response=seen.answer)

    async def _score_precision(self, seen: Observation) -> MetricResult:
        question, truth = seen.case.question, seen.case.ground_truth
        prompt = self._precision.prompt
        await _ahead(
            *(self._ask(prompt, question=question, context=context, answer=truth) for context in seen.contexts)
        )
        return await self._precision.ascore(
            user_input=question, reference=truth, retrieved_contexts=list(seen.contexts)
        )

    async def _score_recall(self, seen: Observation) -> MetricResult:
        return await self._recall.ascore(
            user_input=seen.case.question,
            reference=seen.case.ground_truth,
            retrieved_contexts=list(seen.contexts),
        )

    async def _score_groundedness(self, seen: Observation) -> MetricResult:
        contexts = "\n".join(seen.contexts)
        prompts = (self._groundedness.judge1_prompt, self._groundedness.judge2_prompt)
        if contexts.strip() and seen.answer.strip():
            await _ahead(*(self._ask(prompt, response=seen.answer, context=contexts) for prompt in prompts))
        return await self._groundedness.ascore(response=seen.answer, retrieved_contexts=list(seen.contexts))

    async def _score_coherence(self, seen: Observation) -> MetricResult:
        return await self._coherence.ascore(user_input=seen.case.question, response=seen.answer)

    async def _score_factual(self, seen: Observation) -> MetricResult:
        answer, truth = seen.answer, seen.case.ground_truth
        if self._factual.mode != "precision":
            # Precision alone asks one way: both ways at once are what the other modes ask.
            await _ahead(
                self._one_way.ascore(response=answer, reference=truth),
                self._one_way.ascore(response=truth, reference=answer),
            )
        return await self._factual.ascore(response=answer, reference=truth)

    async def _score_noise(self, seen: Observation) -> MetricResult:
        question, truth = seen.case.question, seen.case.ground_truth
        split = self._noise.statement_prompt
        held, claimed = await _ahead(
            self._ask(split, question=question, text=truth), self._ask(split, question=question, text=seen.answer)
        )
        if not isinstance(held, Exception) and not isinstance(claimed, Exception):
            sides = [(found.statements, context) for context in seen.contexts for found in (held, claimed)]
            check = self._noise.faithfulness_prompt
            await _ahead(
                *(
                    self._ask(check, context=context, statements=statements)
                    for statements, context in [*sides, (claimed.statements, truth)]
                )
            )
        return await self._noise.ascore(
            user_input=question, response=seen.answer, reference=truth, retrieved_contexts=list(seen.contexts)
        )

    async def _ask(self, prompt: BasePrompt[Any, Any], **fields: Any) -> Any:
        # The class's own model, as ragas names it: an instance has the one of `_make_schemas`.
        return await self._llm.agenerate(prompt.to_string(prompt.input_model(**fields)), type(prompt).output_model)


def _make_schemas(metric: BaseMetric) -> None:
    """Let the prompts of a metric know the schema that they write out: they would make it anew for every question."""
    for prompt in vars(metric).values():
        if isinstance(prompt, BasePrompt):
            prompt.output_model = with_schema_made(type(prompt).output_model)


async def _ahead(*questions: Awaitable[Any]) -> list[Any]:
    """The answers, or what was raised in place of one. Raises: nothing of theirs."""
    found = await asyncio.gather(*(_timed(question) for question in questions))
    # Each question ran on a clock of its own: the next one is asked when the last of these is answered.
    calls.reach(max(ended_ms for _, ended_ms in found))
    call = calls.current()
    if call is not None:
        call.ask_again()
    return [answer for answer, _ in found]


async def _timed(question: Awaitable[Any]) -> tuple[Any, int]:
    try:
        return await question, calls.now_ms()
    except Exception as problem:  # noqa: BLE001 - `ascore` meets it again, at its place
        return problem, calls.now_ms()
