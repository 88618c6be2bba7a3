"""Who answers a case: the prompt's own model, or the answers that the evalset brings. Applications are adapters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmops.documents import canonical
from llmops.documents.evalsets import Case, Evalset, PackedCases
from llmops.documents.targets import Answered, Question
from llmops.errors import CannotAsk, InputRefused
from llmops.usecases.ports import ModelDoor

ANSWERS = "answers"


class PromptTarget:
    """The behaviour's own model, through the door."""

    def __init__(self, door: ModelDoor, model: str) -> None:
        self._door = door
        self._model = model

    @property
    def identity(self) -> Mapping[str, Any]:
        return self._door.identity(self._model)

    async def answer(self, question: Question) -> Answered:
        """Raises: InputRefused, CannotAsk."""
        reply = await self._door.chat(question.request)
        # No request has no token: an endpoint that says 0 of both did not count.
        is_counted = bool(reply.input_tokens or reply.output_tokens)
        return Answered(
            text=reply.text,
            request_digest=reply.request_digest,
            tool_calls=reply.tool_calls,
            input_tokens=reply.input_tokens,
            output_tokens=reply.output_tokens,
            nano_usd=reply.nano_usd,
            latency_ms=reply.latency_ms,
            ttft_ms=reply.ttft_ms,
            finish_reason=reply.finish_reason,
            is_cached=reply.is_cached,
            is_priced=reply.is_priced and is_counted,
            is_counted=is_counted,
        )


class GivenAnswers:
    """The answers in the evalset: nothing is asked, nothing is rendered or retrieved."""

    def __init__(self, evalset: Evalset) -> None:
        self._find = _finder(evalset.cases)
        if all(case.answer is None for case in evalset.cases):
            raise CannotAsk(
                "NO_ANSWERS",
                f"no case of {evalset.name} brings an answer",
                where=f"evalsets/{evalset.name}",
                hint="give the cases `answer`, or leave --target out to ask the prompt's model",
            )

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"target": ANSWERS}

    async def answer(self, question: Question) -> Answered:
        """Raises: InputRefused ANSWER_MISSING."""
        case = self._find(question.case)
        if case is None or case.answer is None:
            raise InputRefused("ANSWER_MISSING", "the case brings no answer", hint="give it `answer`, or remove it")
        said = {"answer": case.answer, "contexts": list(case.contexts), "question": case.question}
        return Answered(
            text=case.answer,
            request_digest=canonical.digest(said),
            contexts=case.contexts,
            tool_calls=case.tool_calls,
            is_cached=True,
            is_priced=False,
            is_counted=False,
            is_timed=False,
        )


def _finder(cases: Sequence[Case]) -> Callable[[str], Case | None]:
    """How a case is found by its id: many cases stay packed."""
    if isinstance(cases, PackedCases):
        return cases.find
    return {case.id: case for case in cases}.get
