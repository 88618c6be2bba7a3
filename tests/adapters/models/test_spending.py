import asyncio
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.adapters.models.spending.ledger import FIRST_OUTPUT_TOKENS, Account, Books, Estimate, limit_of
from llmops.adapters.models.spending.purse import Purse
from llmops.documents.chat import Stage
from llmops.documents.config import ModelConfig, Prices
from llmops.documents.spending import StageSpend
from llmops.errors import CannotAsk

CONFIG = ModelConfig(name="big", provider="openai", model="big-1")


def test_a_cap_wants_a_price_and_no_cap_wants_none():
    with pytest.raises(CannotAsk) as caught:
        Purse(10).require_price(CONFIG, None)
    assert caught.value.code == "PRICE_UNKNOWN"
    Purse(10).require_price(CONFIG, Prices())
    Purse(None).require_price(CONFIG, None)


async def spend(purse, estimated, paid):
    async with purse.put_aside(estimated):
        await asyncio.sleep(0)
        purse.pay(paid)


@given(
    most=st.integers(0, 100),
    prices=st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), max_size=30),
)
def test_whatever_is_asked_the_cap_holds_and_everyone_is_told(most, prices):
    async def run():
        purse, paid = Purse(most), 0
        costs = [(estimated, int(estimated * share)) for estimated, share in prices]
        tasks = [spend(purse, estimated, cost) for estimated, cost in costs]
        results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        for (estimated, cost), result in zip(costs, results, strict=True):
            if result is None:
                paid += cost
                continue
            assert isinstance(result, CannotAsk)
            assert result.code == "MAX_COST"
            assert estimated > 0 or most < paid
        assert paid <= most

    asyncio.run(run())


async def test_who_is_too_dear_waits_for_those_under_way_before_being_refused():
    purse = Purse(10)
    async with purse.put_aside(8):
        waiting = asyncio.create_task(spend(purse, 8, 8))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        purse.pay(2)  # cheaper than feared
    await waiting


async def test_one_that_gives_up_waiting_leaves_the_others_their_turn():
    purse = Purse(10)
    async with purse.put_aside(10):
        waiting = [asyncio.create_task(spend(purse, 4, 4)) for _ in range(2)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
    await asyncio.wait_for(waiting[1], 5)


def test_a_failed_request_costs_nothing_and_frees_what_was_put_aside():
    async def run():
        purse = Purse(10)
        for _ in range(3):
            with pytest.raises(OSError, match="broken"):
                async with purse.put_aside(10):
                    raise OSError("broken")
        await spend(purse, 10, 10)

    asyncio.run(run())


def test_an_estimate_starts_high_and_learns():
    estimate = Estimate()
    assert estimate.tokens({}, 300)[1] == FIRST_OUTPUT_TOKENS
    assert estimate.tokens({}, 300)[0] >= 100
    estimate.learn(300, 600, 50)
    assert estimate.tokens({}, 300)[0] >= 600
    assert estimate.tokens({}, 300)[1] == 100
    assert estimate.tokens({"max_tokens": 7, "n": 2}, 300)[1] == 14
    assert estimate.tokens({"max_completion_tokens": 9}, 300)[1] == 9


def test_the_books_are_kept_by_stage():
    books = Books()
    books.book(Stage.JUDGE, sent=1)
    books.book(Stage.JUDGE, sent=1, retries=1)
    books.book(Stage.GENERATOR, sent=1, nano_usd=5)
    assert books.sent == books.ledger.sent == 3
    assert books.ledger.nano_usd == 5
    assert books.ledger.stages[Stage.JUDGE] == StageSpend(sent=2, retries=1)


PRICED = replace(CONFIG, prices=Prices(input=1.0, output=10.0))


@pytest.mark.parametrize(
    "body", [{}, {"max_tokens": 0}, {"max_tokens": None}, {"max_tokens": "9"}, {"max_tokens": True}]
)
def test_with_a_cap_a_request_without_a_limit_on_its_answer_is_refused(body):
    account = Account(PRICED, Books(), Purse(10**9))
    with pytest.raises(CannotAsk) as caught:
        account.require_bounded(body, has_answer=True)
    assert caught.value.code == "MAX_TOKENS_MISSING"
    assert "'big'" in caught.value.what
    assert "max_output_tokens" in caught.value.hint


def test_what_bounds_an_answer():
    for body in ({"max_tokens": 5}, {"max_completion_tokens": 5}):
        Account(PRICED, Books(), Purse(1)).require_bounded(body, has_answer=True)
    Account(PRICED, Books(), Purse(1)).require_bounded({}, has_answer=False)
    Account(PRICED, Books(), Purse(None)).require_bounded({}, has_answer=True)
    Account(replace(PRICED, max_output_tokens=9), Books(), Purse(1)).require_bounded({}, has_answer=True)
    Account(replace(PRICED, prices=Prices(input=1.0)), Books(), Purse(1)).require_bounded({}, has_answer=True)
    assert limit_of({"max_tokens": 5, "max_completion_tokens": 9}) == 9


def test_the_most_is_a_token_for_two_bytes_and_more_where_more_was_seen():
    estimate = Estimate()
    assert estimate.most({}, 301, 7) == (64 + 151, 7)
    assert estimate.most({"n": 3}, 300, 7) == (64 + 150, 21)
    estimate.learn(100, 64 + 90, 1)
    assert estimate.most({}, 300, 7) == (64 + 270, 7)


@dataclass(frozen=True)
class Took:
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


class Watched(Purse):
    """A purse that looks at every moment whether the cap holds."""

    most = 0

    def pay(self, price):
        super().pay(price)
        assert self._spent <= self.most


async def asked(account, size, limit, shares, room, purse):
    body = {"max_tokens": limit} if limit else {}
    account.require_bounded(body, has_answer=True)
    async with room, account.put_aside(body, size):
        assert purse._spent + purse._aside <= purse.most
        await asyncio.sleep(0)
        took = Took(int(size / 2 * shares[0]), int((limit or 300) * shares[1]))
        account.answered(Stage.GENERATOR, took, size=size)


@settings(deadline=None)
@given(
    cap=st.integers(0, 40_000_000),
    sizes=st.lists(
        st.tuples(st.integers(1, 4_000), st.integers(0, 2_000), st.tuples(st.floats(0, 1), st.floats(0, 1))),
        min_size=1,
        max_size=80,
    ),
)
def test_32_at_once_of_any_size_within_their_limits_never_exceed_the_cap(cap, sizes):
    async def run():
        purse, books = Watched(cap), Books()
        purse.most = cap
        account, room = Account(replace(PRICED, max_output_tokens=300), books, purse), asyncio.Semaphore(32)
        results = await asyncio.wait_for(
            asyncio.gather(*(asked(account, *each, room, purse) for each in sizes), return_exceptions=True), 20
        )
        assert {error.code for error in results if error is not None} <= {"MAX_COST"}
        assert books.ledger.nano_usd <= cap

    asyncio.run(run())
