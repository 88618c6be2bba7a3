"""How a metric of one's own asks a model: through the run's door, as a judge, with what it took written down.

Rules, in order:

1. Everything goes through the door, so it is cached, limited, priced and booked under `judge` or `embeddings`.
2. A request that cannot be answered (`InputRefused`) is the metric's to deal with; if it does not, its score is
   missing. A model that cannot be asked at all ends the run, even where the metric's code swallows the error: scores
   made without the model would look like scores.
3. `spent` counts replies as they were paid for, from the cache or not, and their times one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, cast

from llmops.adapters.plugins.deadlines import Deadline, Overdue
from llmops.documents.chat import ChatReply, ChatRequest, Stage
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation.evidence import Score, Spent, missing
from llmops.evaluation.judging.steps import PARAMETERS
from llmops.evaluation.metrics import Kind
from llmops.evaluation.plugins.outcomes import failure, score_of

T = TypeVar("T")
EMBEDDED_TOKENS = 256
_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})


class Door(Protocol):
    """What is asked of the model door here."""

    def identity(self, model: str) -> Mapping[str, Any]: ...

    async def chat(self, request: ChatRequest) -> ChatReply: ...

    async def embed(self, texts: Sequence[str], model: str = "") -> Any: ...


@dataclass(slots=True)
class _Call:
    """One score in the making."""

    deadline: Deadline
    replies: list[ChatReply] = field(default_factory=list)


_CALL: ContextVar[_Call | None] = ContextVar("llmops_metric_call", default=None)


class Asking:
    """The model of one metric, and the calls of its code."""

    def __init__(self, door: Door, *, name: str, model: str, seconds: float, concurrency: int) -> None:
        self._door = door
        self._model = model
        self._seconds = seconds
        self._concurrency = concurrency
        self._room: asyncio.Semaphore | None = None
        self._broken: CannotAsk | None = None
        self.label = f"{name} by {model}" if model else ""

    async def score(self, make: Callable[[Deadline], Awaitable[Any]], kind: Kind) -> Score:
        """The score that `make` gives, with what it took. Raises: CannotAsk."""
        if self._room is None:
            self._room = asyncio.Semaphore(self._concurrency)
        async with self._room:
            call = _Call(deadline=Deadline(self._seconds))
            token = _CALL.set(call)
            try:
                found = await self._outcome(make(call.deadline), kind)
            finally:
                _CALL.reset(token)
        if self._broken is not None:
            raise self._broken
        return replace(found, spent=_spent(call.replies))

    async def _outcome(self, made: Awaitable[Any], kind: Kind) -> Score:
        try:
            return score_of(await made, kind, self.label)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return failure(error, self.label)  # the metric's own doing; nobody cancelled the run
        except Overdue as error:
            return missing(f"the metric gave no score: {error}", self.label)
        except InputRefused as error:
            return missing(f"a request of the metric was refused: {error.what}", self.label)
        except CannotAsk as error:
            # Its own refusals end the run; an error of this kind that a metric makes up itself is its failure.
            if self._broken is error:
                raise
            return failure(error, self.label)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a metric's code raises costs one score
            return failure(error, self.label)

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        schema: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] = PARAMETERS,
        repeat: int = 0,
    ) -> ChatReply:
        """The reply to chat messages. Raises: CannotAsk."""
        request = ChatRequest(
            model=self._model,
            messages=tuple(messages),
            parameters=self._limited(parameters),
            response_schema=schema,
            repeat=repeat,
            stage=Stage.JUDGE,
        )
        reply = await self._through(self._door.chat(request))
        call = _CALL.get()
        if call is not None:
            call.replies.append(reply)
        return reply

    def _limited(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """With a limit on the reply, as judges have one; the embedded model has its own."""
        if parameters is not PARAMETERS and not _LIMITS.isdisjoint(parameters):
            return parameters
        is_embedded = self._door.identity(self._model).get("provider") == "embedded"
        return {**parameters, "max_tokens": EMBEDDED_TOKENS if is_embedded else PARAMETERS["max_tokens"]}

    async def text(
        self,
        prompt: str | Sequence[Mapping[str, Any]],
        *,
        schema: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] = PARAMETERS,
    ) -> str:
        """The text of the reply; this is the `ask` that authors are given. Raises: CannotAsk."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return (await self.chat(messages, schema=schema, parameters=parameters or PARAMETERS)).text

    async def embed(self, texts: Sequence[str], model: str) -> list[list[float]]:
        """The embeddings of the texts, a row a text. Raises: CannotAsk."""
        rows = await self._through(self._door.embed(texts, model))
        return cast(list[list[float]], rows.tolist())

    async def _through(self, request: Awaitable[T]) -> T:
        call = _CALL.get()
        try:
            if call is None:
                return await request
            with call.deadline.pause():
                return await request
        except InputRefused:
            raise
        except CannotAsk as error:
            self._broken = error
            raise


def _spent(replies: Sequence[ChatReply]) -> Spent | None:
    if not replies:
        return None
    return Spent(
        calls=len(replies),
        input_tokens=sum(reply.input_tokens for reply in replies),
        output_tokens=sum(reply.output_tokens for reply in replies),
        nano_usd=sum(reply.nano_usd for reply in replies),
        latency_ms=sum(reply.latency_ms for reply in replies),
    )
