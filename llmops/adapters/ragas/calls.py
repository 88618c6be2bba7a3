"""The account of one score: what was asked for it, what it took, what went wrong.

Rules, in order:

1. A score that is under way is found through a context variable: tasks that ragas starts belong to it, scores at the
   same time do not mix, and metric objects can be shared.
2. The same question is asked once within a score. A judge whose temperature is above 0 is asked each time anew (`draw`
   counts on), because its answers differ: that is why ragas asks.
3. What the door raised first is kept, and asked no further: the libraries in between wrap it or try again.
4. Time is reckoned from the replies' own latencies along the chain of questions, not read from a clock: a score that is
   made again from kept replies has the same bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Hashable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from llmops.documents.chat import ChatReply
from llmops.evaluation.evidence import Spent


@dataclass(slots=True)
class _Asked:
    """One question: the task that asks it, and when its answer was there, in milliseconds from the score's start."""

    task: asyncio.Task[Any]
    ended_ms: int = 0


@dataclass(slots=True)
class Call:
    """One score under way."""

    varies: bool = False
    problem: Exception | None = None
    refusal: str = ""
    _asked: dict[Hashable, _Asked] = field(default_factory=dict)
    _seen: Counter[Hashable] = field(default_factory=Counter)
    _replies: dict[str, ChatReply] = field(default_factory=dict)
    _ended_ms: int = 0

    async def once(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The answer to the question `key`. Raises: what the door raised before, and whatever `ask` raises."""
        if self.problem is not None:
            raise self.problem
        draw = self._seen[key] if self.varies else 0
        self._seen[key] += 1
        asked = self._asked.get((key, draw))
        if asked is None:
            asked = self._begin((key, draw), draw, ask)
        try:
            return await asyncio.shield(asked.task)
        finally:
            reach(asked.ended_ms)

    def _begin(self, key: Hashable, draw: int, ask: Callable[[], Coroutine[Any, Any, Any]]) -> _Asked:
        async def run() -> Any:
            _draw.set(draw)
            try:
                return await ask()
            finally:
                asked.ended_ms = _now_ms.get()

        asked = _Asked(task=asyncio.create_task(run()))
        self._asked[key] = asked
        return asked

    def note(self, problem: Exception) -> None:
        """Keep what the door raised; the first is the cause of all that follow."""
        self.problem = self.problem or problem

    def ask_again(self) -> None:
        """From here on questions are counted anew: what was asked ahead is found by its number."""
        self._seen.clear()

    def book(self, reply: ChatReply) -> None:
        """Count a reply; a kept one counts as it did when it was paid for."""
        self._replies[reply.request_digest] = reply
        _now_ms.set(_now_ms.get() + reply.latency_ms)
        self._ended_ms = max(self._ended_ms, _now_ms.get())
        if reply.is_refusal:
            self.refusal = reply.text

    @property
    def requests(self) -> Collection[str]:
        """The digests of what was asked."""
        return self._replies.keys()

    def spent(self, booked: Collection[str] = ()) -> Spent | None:
        """What it took beyond the requests that are booked elsewhere; None where no model was asked."""
        if not self._replies:
            return None
        own = [reply for digest, reply in self._replies.items() if digest not in booked]
        return Spent(
            calls=len(own),
            input_tokens=sum(reply.input_tokens for reply in own),
            output_tokens=sum(reply.output_tokens for reply in own),
            nano_usd=sum(reply.nano_usd for reply in own),
            latency_ms=self._ended_ms,
        )

    def close(self) -> None:
        """Give up what is still under way, and look at what nobody waited for."""
        for asked in self._asked.values():
            if not asked.task.done():
                asked.task.cancel()
            elif not asked.task.cancelled():
                asked.task.exception()


_current: ContextVar[Call | None] = ContextVar("ragas_call", default=None)
_draw: ContextVar[int] = ContextVar("ragas_draw", default=0)
_now_ms: ContextVar[int] = ContextVar("ragas_now_ms", default=0)


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Around a call of the door: what it raises is kept in the score under way."""
    try:
        yield
    except Exception as problem:
        call = _current.get()
        if call is not None:
            call.note(problem)
        raise


def current() -> Call | None:
    """The score under way here, None outside of one."""
    return _current.get()


def draw() -> int:
    """How often the question under way was asked before within its score."""
    return _draw.get()


def now_ms() -> int:
    """The time on the clock of the task that asks, from the score's start."""
    return _now_ms.get()


def reach(milliseconds: int) -> None:
    """Set this task's clock on; it never goes back."""
    _now_ms.set(max(_now_ms.get(), milliseconds))


@contextlib.contextmanager
def opened(*, varies: bool) -> Iterator[Call]:
    """A score: everything that is asked within belongs to it."""
    call = Call(varies=varies)
    token, clock = _current.set(call), _now_ms.set(0)
    try:
        yield call
    finally:
        _current.reset(token)
        _now_ms.reset(clock)
        call.close()
