"""What was asked and what it cost, by stage, while it happens.

Rules, in order:

1. A request counts when it goes out, so retries and hedges count too. Tokens and money count when an answer comes.
2. The loser of a hedge is booked at the winner's price: its endpoint may have worked it off before it was cancelled.
3. For limits a minute, what a request may take is estimated: the most tokens a byte seen so far, and `max_tokens`, or
   twice the longest answer seen so far.
4. For a cap on money an estimate is not enough: what is put aside is the most that a request can take. One token for
   every two bytes that are sent (more where more was seen), and the limit that the answer has. A request without a
   limit is refused before anything is sent, unless answers cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

from llmops.adapters.models import prices
from llmops.adapters.models.spending.purse import Purse
from llmops.documents.chat import Stage
from llmops.documents.config import ModelConfig
from llmops.documents.spending import Ledger, StageSpend
from llmops.errors import CannotAsk

FIRST_TOKENS_A_BYTE = 1 / 3
TEMPLATE_TOKENS = 64
FIRST_OUTPUT_TOKENS = 1024
MOST_TOKENS_A_BYTE = 1 / 2
_LIMITS = ("max_completion_tokens", "max_tokens")


class Counted(Protocol):
    """A reply that says what it took."""

    @property
    def input_tokens(self) -> int: ...

    @property
    def output_tokens(self) -> int: ...

    @property
    def cached_tokens(self) -> int: ...


class Books:
    """The counts of every stage."""

    def __init__(self) -> None:
        self._stages: dict[Stage, dict[str, int]] = {}

    def book(self, stage: Stage, **counts: int) -> None:
        """Add to the counts of `stage`, by the names of `StageSpend`."""
        found = self._stages.setdefault(stage, {})
        for name, count in counts.items():
            found[name] = found.get(name, 0) + count

    @property
    def ledger(self) -> Ledger:
        return Ledger(stages={stage: replace(StageSpend(), **counts) for stage, counts in self._stages.items()})

    @property
    def sent(self) -> int:
        return sum(counts.get("sent", 0) for counts in self._stages.values())


class Estimate:
    """What a request to one model may take, learned from its answers."""

    def __init__(self) -> None:
        self._tokens_a_byte = FIRST_TOKENS_A_BYTE
        self._longest = 0

    def tokens(self, body: Mapping[str, Any], size: int) -> tuple[int, int]:
        """Input and output tokens that a body of `size` bytes takes at most, as far as one can know."""
        output = limit_of(body) or self._likely_output
        return TEMPLATE_TOKENS + round(size * self._tokens_a_byte), output * _answers(body)

    def most(self, body: Mapping[str, Any], size: int, limit: int) -> tuple[int, int]:
        """Input and output tokens that a body of `size` bytes takes at most, where its answer has at most `limit`."""
        rate = max(MOST_TOKENS_A_BYTE, self._tokens_a_byte)
        return TEMPLATE_TOKENS + math.ceil(size * rate), limit * _answers(body)

    def learn(self, size: int, input_tokens: int, output_tokens: int) -> None:
        """An answer to a body of `size` bytes took so much."""
        self._tokens_a_byte = max(self._tokens_a_byte, (input_tokens - TEMPLATE_TOKENS) / max(size, 1))
        self._longest = max(self._longest, output_tokens)

    @property
    def _likely_output(self) -> int:
        return 2 * self._longest or FIRST_OUTPUT_TOKENS


def limit_of(body: Mapping[str, Any]) -> int:
    """The most tokens that an answer to `body` can have, 0 where it does not say."""
    said = (body.get(name) for name in _LIMITS)
    return max((limit for limit in said if type(limit) is int and limit > 0), default=0)


def _answers(body: Mapping[str, Any]) -> int:
    count = body.get("n")
    return max(1, count) if type(count) is int else 1


class Account:
    """What one model is asked, in the books of all."""

    def __init__(self, config: ModelConfig, books: Books, purse: Purse) -> None:
        self._config = config
        self._prices = prices.of(config)
        self._books = books
        self._purse = purse
        self._estimate = Estimate()

    @property
    def is_capped(self) -> bool:
        return self._purse.is_capped

    def estimate(self, body: Mapping[str, Any], size: int) -> tuple[int, int]:
        """Input and output tokens that a request may take."""
        return self._estimate.tokens(body, size)

    def book(self, stage: Stage, **counts: int) -> None:
        """Add to the counts of `stage`."""
        self._books.book(stage, **counts)

    def require_bounded(self, body: Mapping[str, Any], *, has_answer: bool) -> None:
        """With a cap, refuse what could cost anything. Raises: CannotAsk PRICE_UNKNOWN, MAX_TOKENS_MISSING."""
        self._purse.require_price(self._config, self._prices)
        is_free = self._prices is not None and not self._prices.output
        if not self._purse.is_capped or not has_answer or is_free or self._limit(body):
            return
        raise CannotAsk(
            "MAX_TOKENS_MISSING",
            f"--max-cost needs a limit on answers, and model '{self._config.name}' is asked without one",
            where="llmops.yaml",
            hint="give the prompt `parameters.max_tokens`, or the model `max_output_tokens` in llmops.yaml",
        )

    @asynccontextmanager
    async def put_aside(self, body: Mapping[str, Any], size: int) -> AsyncIterator[None]:
        """Hold back the most that a body of `size` bytes can cost, while it goes. Raises: CannotAsk MAX_COST."""
        input_tokens, output_tokens = self._estimate.most(body, size, self._limit(body))
        async with self._purse.put_aside(self._price(input_tokens, output_tokens)):
            yield

    def answered(self, stage: Stage, reply: Counted, *, size: int) -> None:
        """Book an answer to a body of `size` bytes."""
        self._estimate.learn(size, reply.input_tokens, reply.output_tokens)
        self.pay(stage, reply)

    def pay(self, stage: Stage, reply: Counted) -> None:
        """Book the tokens and the money of an answer."""
        cost = self._price(reply.input_tokens, reply.output_tokens, reply.cached_tokens)
        self._purse.pay(cost)
        tokens = {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}
        self._books.book(stage, **tokens, nano_usd=cost, unpriced=int(self._prices is None))

    def _limit(self, body: Mapping[str, Any]) -> int:
        return limit_of(body) or self._config.max_output_tokens

    def _price(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
        tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens, "cached_tokens": cached_tokens}
        return 0 if self._prices is None else prices.nano_usd(self._prices, **tokens)
