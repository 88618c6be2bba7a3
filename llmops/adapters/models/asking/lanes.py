"""Who may send now: at most `concurrency` requests in flight, within the account's limits, none while all wait.

Rules, in order:

1. A lane is an address that takes one request; it is held from just before sending until the last byte. Nobody holds
   a lane while sleeping.
2. Lanes are given in order of arrival; who comes back after a failure comes first.
3. An endpoint that says "later" to one request makes that one wait. Where it says so in half of its latest eight
   replies (fewer where there are few lanes), its limit is reached, and all wait: to go on asking would only be
   refused too.
   Then half as many lanes are in use, and each answer widens the way a little again.
4. Everything here happens in one event loop, with one timer and no task.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from llmops.adapters.models.asking.limits import Bucket

LATEST = 8
_MANY = LATEST // 2

Lane = TypeVar("Lane")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Units a minute, 0 for no limit."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0


class Lanes(Generic[Lane]):
    """See the module's rules. Made within the event loop that it serves."""

    def __init__(self, lanes: Sequence[Lane], limits: Limits | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._free = deque(lanes)
        self._waiting: deque[tuple[asyncio.Future[Lane], int]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        self._latest: deque[bool] = deque(maxlen=LATEST)
        self._count = self._width = float(len(self._free))
        self._many = max(1, min(_MANY, len(self._free) // 2))
        limits, now = limits or Limits(), self._loop.time()
        self._requests = Bucket(limits.requests_per_minute, now=now) if limits.requests_per_minute else None
        self._tokens = Bucket(limits.tokens_per_minute, now=now) if limits.tokens_per_minute else None

    async def take(self, tokens: int, *, is_again: bool = False) -> Lane:
        """A lane for a request that will take about so many tokens."""
        if self._is_open and not self._waiting and not self._delay(tokens):
            return self._hand_over(tokens)
        turn: asyncio.Future[Lane] = self._loop.create_future()
        (self._waiting.appendleft if is_again else self._waiting.append)((turn, tokens))
        self._hand_out()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(turn.result())
            raise

    def give_back(self, lane: Lane) -> None:
        """The request is over, however it ended."""
        self._free.append(lane)
        self._hand_out()

    def correct(self, *, estimated: int, used: int) -> None:
        """Put an estimate of tokens right."""
        if self._tokens is not None:
            self._tokens.give_back(estimated - used)

    def replied(self, *, is_limit: bool, pause: float = 0.0) -> None:
        """The endpoint has replied; "later" where `is_limit`, and `pause` is how long the asker will wait."""
        self._latest.append(is_limit)
        if not is_limit:
            self._width = min(self._count, self._width + 1 / self._width)
        elif sum(self._latest) >= self._many:
            now = self._loop.time()
            if now >= self._not_before:  # once a pause: those in flight together hear the same
                self._width = max(1.0, self._width / 2)
            self._not_before = max(self._not_before, now + pause)

    @property
    def _is_open(self) -> bool:
        return bool(self._free) and self._count - len(self._free) + 1 <= self._width

    def _hand_out(self) -> None:
        while self._is_open and self._waiting:
            turn, tokens = self._waiting[0]
            if turn.done():  # its asker has gone
                self._waiting.popleft()
                continue
            delay = self._delay(tokens)
            if delay > 0:
                self._call_again_in(delay)
                return
            self._waiting.popleft()
            turn.set_result(self._hand_over(tokens))

    def _hand_over(self, tokens: int) -> Lane:
        if self._requests is not None:
            self._requests.take(1)
        if self._tokens is not None:
            self._tokens.take(tokens)
        return self._free.popleft()

    def _delay(self, tokens: int) -> float:
        now = self._loop.time()
        delay = self._not_before - now
        if self._requests is not None:
            delay = max(delay, self._requests.wait_for(1, now=now))
        if self._tokens is not None:
            delay = max(delay, self._tokens.wait_for(tokens, now=now))
        return max(0.0, delay)

    def _call_again_in(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay, self._hand_out)
