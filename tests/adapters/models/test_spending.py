import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models.spending.ledger import FIRST_OUTPUT_TOKENS, Books, Estimate
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
