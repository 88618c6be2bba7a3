"""Many requests at once through an endpoint that fails in every way: nothing is lost, nothing is asked too often."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest, Stage
from llmops.documents.config import ModelConfig, Prices
from llmops.errors import CannotAsk
from tests.adapters.models.load_server import BROKEN, CUT, GARBLED, HUNG, LIMITED, loading

CALLS = 400


def a_request(number, **changes):
    return ChatRequest(**{"model": "big", "messages": ({"role": "user", "content": f"case {number}"},), **changes})


def a_door(folder, load, *, max_nano_usd=None, **changes):
    values = {"name": "big", "provider": "openai", "model": "big-1", "base_url": load.address, "concurrency": 32}
    config = ModelConfig(**{**values, "timeout_seconds": 2.0, **changes})
    return open_door(folder, {"big": config}, environ={}, max_nano_usd=max_nano_usd)


@pytest.mark.parametrize("retry_after", ["", "0.2"])
async def test_limits_and_server_errors_lose_nothing_and_cost_few_requests(tmp_path, retry_after):
    with loading(latency=0.02, shares={LIMITED: 0.05, BROKEN: 0.02}, retry_after=retry_after) as load:
        async with a_door(tmp_path, load) as door:
            replies = await asyncio.gather(*(door.chat(a_request(number)) for number in range(CALLS)))
            spend = door.ledger.stages[Stage.GENERATOR]
    assert [reply.text for reply in replies] == [f"echo: case {number}" for number in range(CALLS)]
    assert load.sent == spend.sent == CALLS + spend.retries
    assert load.sent <= 1.10 * CALLS
    assert load.most_in_flight <= 32
    assert load.met[LIMITED] > 0
    assert load.met[BROKEN] > 0


async def test_every_fault_at_once_loses_nothing(tmp_path):
    shares = {LIMITED: 0.05, BROKEN: 0.04, CUT: 0.04, GARBLED: 0.03, HUNG: 0.005}
    with loading(latency=0.01, shares=shares) as load:
        async with a_door(tmp_path, load, timeout_seconds=1.0) as door:
            replies = await asyncio.gather(*(door.chat(a_request(number)) for number in range(CALLS)))
    assert {reply.text for reply in replies} == {f"echo: case {number}" for number in range(CALLS)}
    assert min(load.met[kind] for kind in shares) > 0


async def test_equal_requests_are_sent_once_however_many_ask(tmp_path):
    with loading(latency=0.02) as load:
        async with a_door(tmp_path, load) as door:
            await asyncio.gather(*(door.chat(a_request(number % 50)) for number in range(CALLS)))
            spend = door.ledger.stages[Stage.GENERATOR]
    assert load.sent == 50
    assert (spend.sent, spend.cached) == (50, CALLS - 50)


PRICES = Prices(input=1.0, output=10.0)  # 11 and 7 tokens: 81,000 nano-USD an answer
ANSWER = 81_000


async def asked_until_it_is_spent(door, count):
    results = await asyncio.gather(
        *(door.chat(a_request(number, parameters={"max_tokens": 50})) for number in range(count)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, CannotAsk)]
    assert all(not isinstance(result, BaseException) or result in refused for result in results)
    return len(results) - len(refused), refused


async def test_the_cap_is_never_exceeded_and_names_itself(tmp_path):
    cap = 40 * ANSWER
    with loading(latency=0.01, shares={BROKEN: 0.05}) as load:
        async with a_door(tmp_path, load, prices=PRICES, max_nano_usd=cap) as door:
            answered, refused = await asked_until_it_is_spent(door, 200)
            assert door.ledger.nano_usd == answered * ANSWER <= cap
        assert {error.code for error in refused} == {"MAX_COST"}
        assert "0.00324 USD" in refused[0].what
        assert "--max-cost" in refused[0].hint
        # What is put aside for one request is what is left over in the end, at most.
        assert answered >= 30
        async with a_door(tmp_path, load, prices=PRICES, max_nano_usd=200 * ANSWER) as door:
            assert (await asked_until_it_is_spent(door, 200))[0] == 200
    assert load.sent == 200 + load.met[BROKEN]


async def test_what_is_kept_is_answered_under_any_cap(tmp_path):
    with loading() as load:
        async with a_door(tmp_path, load, prices=PRICES) as door:
            await door.chat(a_request(1))
        async with a_door(tmp_path, load, prices=PRICES, max_nano_usd=0) as door:
            assert (await door.chat(a_request(1))).is_cached
            with pytest.raises(CannotAsk) as caught:
                await door.chat(a_request(2, parameters={"max_tokens": 1}))
    assert caught.value.code == "MAX_COST"
    assert load.sent == 1


async def test_with_a_cap_a_model_without_a_price_is_refused_before_anything_is_sent(tmp_path):
    with loading() as load:
        async with a_door(tmp_path, load, model="nobody-knows-me", max_nano_usd=10**9) as door:
            with pytest.raises(CannotAsk) as caught:
                await door.chat(a_request(1))
    assert caught.value.code == "PRICE_UNKNOWN"
    assert "llmops.yaml" in caught.value.where
    assert load.sent == 0


async def test_long_answers_to_requests_without_a_limit_spend_nothing(tmp_path):
    with loading(usage=(11, 20_000)) as load:
        async with a_door(tmp_path, load, prices=PRICES, max_nano_usd=10**8) as door:
            results = await asyncio.gather(
                *(door.chat(a_request(number)) for number in range(40)), return_exceptions=True
            )
            assert {error.code for error in results} == {"MAX_TOKENS_MISSING"}
            assert door.ledger.nano_usd == 0
    assert load.sent == 0


@pytest.mark.parametrize("hedge", [0.0, 0.005])
async def test_answers_as_long_as_the_limit_never_exceed_the_cap(tmp_path, hedge):
    cap = 10**8
    with loading(latency=0.01, usage=(11, 300), shares={BROKEN: 0.05}) as load:
        changes = {"prices": PRICES, "max_output_tokens": 300, "concurrency": 64, "hedge_after_seconds": hedge}
        async with a_door(tmp_path, load, max_nano_usd=cap, **changes) as door:
            results = []
            for start in (0, 20, 40):  # the first few leave room for a second request each
                numbers = range(start, start + 20 if start < 40 else 120)
                chats = (door.chat(a_request(number)) for number in numbers)
                results += await asyncio.gather(*chats, return_exceptions=True)
            spend = door.ledger.stages[Stage.GENERATOR]
    assert {error.code for error in results if isinstance(error, BaseException)} == {"MAX_COST"}
    assert 0.5 * cap < spend.nano_usd <= cap
    assert bool(spend.hedges) == bool(hedge)
    assert all("max_output_tokens" not in asked for asked in load.asked)


async def test_embeddings_are_capped_too_and_need_no_limit(tmp_path):
    texts = [f"{number} {'word ' * 100}" for number in range(64)]  # 32,000 bytes in one request
    with loading() as load:
        async with a_door(tmp_path, load, prices=PRICES, max_nano_usd=10**7) as door:
            with pytest.raises(CannotAsk) as caught:
                await door.embed(texts, "big")
            assert load.sent == 0
            await door.embed(texts[:1], "big")
    assert caught.value.code == "MAX_COST"
    assert load.sent == 1


RUN = """
import asyncio, sys
from pathlib import Path
from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig

async def main(folder, address):
    model = ModelConfig(name="big", provider="openai", model="big-1", base_url=address, concurrency=8)
    async with open_door(Path(folder), {"big": model}, environ={}) as door:
        asked = [ChatRequest(model="big", messages=({"role": "user", "content": f"case {n}"},)) for n in range(200)]
        replies = await asyncio.gather(*(door.chat(request) for request in asked))
    print([reply.text for reply in replies] == [f"echo: case {n}" for n in range(200)], door.calls)

asyncio.run(main(*sys.argv[1:]))
"""


def a_run(tmp_path, load):
    command = [sys.executable, "-c", RUN, str(tmp_path / "cache"), load.address]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_run_that_is_killed_again_and_again_repeats_only_what_was_in_flight(tmp_path):
    kills = 3
    with loading(latency=0.02) as load:
        for kill in range(1, kills + 1):
            process = a_run(tmp_path, load)
            while load.sent < 45 * kill:
                assert process.poll() is None
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        out, _ = a_run(tmp_path, load).communicate()
        assert out.startswith("True")
    assert 200 <= load.sent <= 200 + kills * 8
    assert len(load.asked) == 200


def test_two_processes_on_one_cache_agree_and_neither_fails(tmp_path):
    with loading(latency=0.005) as load:
        running = [a_run(tmp_path, load) for _ in range(2)]
        outs = [process.communicate()[0] for process in running]
        assert [out.split()[0] for out in outs] == ["True", "True"]
        sent = load.sent
        assert a_run(tmp_path, load).communicate()[0] == "True 0\n"
    assert load.sent == sent <= 400
