"""What was asked and what it cost, by stage, while it happens.

Rules, in order:

1. A request counts when it goes out, so retries and hedges count too. Tokens and money count when an answer comes.
2. The loser of a hedge is booked at the winner's price: its endpoint may have worked it off before it was cancelled.
3. What a request may take is estimated on the high side: the most tokens a byte seen so far, and `max_tokens`, or
   twice the longest answer seen so far.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

from llmops.adapters.models import prices
from llmops.adapters.models.spending.purse import Purse
from llmops.documents.chat import Stage
from llmops.documents.config import ModelConfig
from llmops.documents.spending import Ledger, StageSpend

FIRST_TOKENS_A_BYTE = 1 / 3
TEMPLATE_TOKENS = 64
FIRST_OUTPUT_TOKENS = 1024


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
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        output = limit if isinstance(limit, int) and limit > 0 else self._likely_output
        answers = body.get("n")
        return TEMPLATE_TOKENS + round(size * self._tokens_a_byte), output * (answers if type(answers) is int else 1)

    def learn(self, size: int, input_tokens: int, output_tokens: int) -> None:
        """An answer to a body of `size` bytes took so much."""
        self._tokens_a_byte = max(self._tokens_a_byte, (input_tokens - TEMPLATE_TOKENS) / max(size, 1))
        self._longest = max(self._longest, output_tokens)

    @property
    def _likely_output(self) -> int:
        return 2 * self._longest or FIRST_OUTPUT_TOKENS


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

    @asynccontextmanager
    async def put_aside(self, tokens: tuple[int, int]) -> AsyncIterator[None]:
        """Hold back what a request may cost while it is under way. Raises: CannotAsk MAX_COST, PRICE_UNKNOWN."""
        self._purse.require_price(self._config, self._prices)
        async with self._purse.put_aside(self._price(tokens[0], tokens[1])):
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

    def _price(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int:
        tokens = {"input_tokens": input_tokens, "output_tokens": output_tokens, "cached_tokens": cached_tokens}
        return 0 if self._prices is None else prices.nano_usd(self._prices, **tokens)
