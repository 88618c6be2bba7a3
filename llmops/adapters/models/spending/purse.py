"""What may be spent, and what is left of it while requests are under way.

Rules, in order:

1. With a cap, the price of a request is put aside before it is sent. Where spent, put aside and its own price are
   together beyond the cap, it waits: those under way may turn out cheaper. Where nothing is under way any more, it is
   refused. So the cap is never exceeded by what could be known.
2. With a cap, a model without a price is refused before anything is sent.
3. Without a cap nothing is kept back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llmops.documents.config import ModelConfig, Prices
from llmops.errors import CannotAsk


class Purse:
    """What may be spent: `most` nano-USD, None for no cap."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._spent = 0
        self._aside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_capped(self) -> bool:
        return self._most is not None

    def renew(self) -> None:
        """Forget what belongs to an event loop that has ended."""
        self._aside = 0
        self._waiting.clear()

    def require_price(self, config: ModelConfig, prices: Prices | None) -> None:
        """Raises: CannotAsk PRICE_UNKNOWN where there is a cap and no price."""
        if self._most is None or prices is not None:
            return
        raise CannotAsk(
            "PRICE_UNKNOWN",
            f"nobody knows what model '{config.name}' ({config.provider}, {config.model}) costs, and there is a cap",
            where="llmops.yaml",
            hint="add `prices: {input: …, output: …}` (US dollars per million tokens) to the model, or `priced_as`",
        )

    @asynccontextmanager
    async def put_aside(self, price: int) -> AsyncIterator[None]:
        """Put `price` aside while a request is under way. Raises: CannotAsk MAX_COST."""
        if self._most is None:
            yield
            return
        await self._wait_for(price)
        self._aside += price
        try:
            yield
        finally:
            self._aside -= price
            self._wake()

    def pay(self, price: int) -> None:
        """Book what an answer cost."""
        self._spent += price

    async def _wait_for(self, price: int) -> None:
        try:
            while self._most is not None and self._spent + self._aside + price > self._most:
                if not self._aside:
                    raise self._spent_up(price)
                turn = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                await turn
        finally:
            self._wake()  # whoever waits behind may need less, or has to be told

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _spent_up(self, price: int) -> CannotAsk:
        most = self._most or 0
        return CannotAsk(
            "MAX_COST",
            f"{_usd(self._spent)} of at most {_usd(most)} are spent; the next request may cost {_usd(price)}",
            hint="the same command with a larger --max-cost goes on: what was answered is kept",
        )


def _usd(nano: int) -> str:
    return f"{nano / 1e9:.6g} USD"
