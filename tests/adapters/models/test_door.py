import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from llmops.adapters.models import entries
from llmops.adapters.models.bodies import Reading
from llmops.adapters.models.cache import FILE_NAME
from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest, Stage, ToolCall
from llmops.documents.config import ModelConfig, Prices
from llmops.documents.spending import StageSpend
from llmops.errors import CannotAsk, InputRefused
from tests.adapters.models.endpoint_server import Trouble, serving, sse
from tests.fakes_models import FakeDoor

KEY = "sk-very-secret"


def a_model(address, **changes):
    values = {"name": "big", "provider": "openai", "model": "big-1", "base_url": address, "key_env": "BIG_KEY"}
    return ModelConfig(**{**values, **changes})


def a_request(text="Hello", **changes):
    return ChatRequest(**{"model": "big", "messages": ({"role": "user", "content": text},), **changes})


def a_door(tmp_path, address, *, environ=None, say=None, offline=False, **changes):
    models = {"big": a_model(address, **changes)}
    keys = {"BIG_KEY": KEY} if environ is None else environ
    return open_door(tmp_path / "cache", models, environ=keys, say=say, offline=offline)


@pytest.fixture(params=["fake", "real"])
def any_door(request, tmp_path):
    """The fake and the real door: both must keep what the port promises."""
    if request.param == "fake":
        yield FakeDoor(lambda question: f"echo: {question.messages[-1]['content']}", models=["big"])
        return
    with serving() as server, a_door(tmp_path, server.address) as door:
        yield door


async def test_a_model_that_nobody_configured_is_unknown(any_door):
    with pytest.raises(CannotAsk) as caught:
        await any_door.chat(a_request(model="bigg"))
    assert caught.value.code == "MODEL_UNKNOWN"
    with pytest.raises(CannotAsk):
        any_door.identity("bigg")


async def test_an_equal_request_is_asked_once_and_answered_from_the_cache(any_door):
    first = await any_door.chat(a_request())
    second = await any_door.chat(a_request())
    assert first.text == second.text == "echo: Hello"
    assert (first.is_cached, second.is_cached) == (False, True)
    assert second.latency_ms == first.latency_ms
    assert second.request_digest == first.request_digest
    assert any_door.calls == 1


async def test_a_repeat_is_another_request(any_door):
    first = await any_door.chat(a_request())
    again = await any_door.chat(a_request(repeat=1))
    assert first.request_digest != again.request_digest
    assert any_door.calls == 2


async def test_an_unset_key_variable_is_named_and_nothing_is_sent(tmp_path):
    with serving() as server, a_door(tmp_path, server.address, environ={}) as door:
        with pytest.raises(CannotAsk) as caught:
            await door.chat(a_request())
        assert server.bodies == []
    assert caught.value.code == "KEY_MISSING"
    assert "BIG_KEY" in caught.value.what


@pytest.mark.parametrize("key", ["sk-secret\nX-Other: 1", "sk-secret-ü"])
async def test_a_key_that_no_header_carries_is_refused_unsaid(tmp_path, key):
    with serving() as server, a_door(tmp_path, server.address, environ={"BIG_KEY": key}) as door:
        with pytest.raises(CannotAsk) as caught:
            await door.chat(a_request())
        assert server.bodies == []
    assert caught.value.code == "KEY_INVALID"
    assert "secret" not in f"{caught.value.what}{caught.value.hint}"


@pytest.mark.parametrize("address", ["http://[::1", "http://127.0.0.1:99999/v1"])
async def test_an_address_that_is_none_is_refused(tmp_path, address):
    with a_door(tmp_path, address) as door, pytest.raises(CannotAsk) as caught:
        await door.chat(a_request())
    assert caught.value.code == "MODEL_ADDRESS"


async def test_offline_an_endpoint_is_refused_but_what_is_kept_is_answered(tmp_path):
    with serving() as server:
        with a_door(tmp_path, server.address) as door:
            await door.chat(a_request("known"))
        with a_door(tmp_path, server.address, offline=True) as door:
            assert (await door.chat(a_request("known"))).text == "echo: known"
            with pytest.raises(CannotAsk) as caught:
                await door.chat(a_request("new"))
        assert len(server.bodies) == 1
    assert caught.value.code == "OFFLINE"


async def test_an_infrastructure_failure_is_not_kept(tmp_path):
    with serving(Trouble(status=400, body=b"bad")) as server, a_door(tmp_path, server.address) as door:
        with pytest.raises(CannotAsk) as caught:
            await door.chat(a_request())
        assert caught.value.code == "INPUT_REFUSED"
        assert (await door.chat(a_request())).text == "echo: Hello"


async def test_equal_requests_under_way_are_sent_once(tmp_path):
    with serving(delay=0.05) as server, a_door(tmp_path, server.address) as door:
        replies = await asyncio.gather(*(door.chat(a_request()) for _ in range(10)))
        assert len(server.bodies) == 1
    assert [reply.is_cached for reply in replies].count(False) == 1


async def test_a_request_whose_asker_gave_up_is_still_answered_to_others(tmp_path):
    with serving(delay=0.1) as server, a_door(tmp_path, server.address) as door:
        first = asyncio.create_task(door.chat(a_request()))
        second = asyncio.create_task(door.chat(a_request()))
        await asyncio.sleep(0.03)
        first.cancel()
        assert (await second).text == "echo: Hello"
        assert len(server.bodies) == 1


def test_one_door_serves_one_event_loop_after_the_other(tmp_path):
    with serving() as server, a_door(tmp_path, server.address) as door:
        texts = [asyncio.run(door.chat(a_request(text))).text for text in ("one", "two")]
    assert texts == ["echo: one", "echo: two"]


async def test_money_is_counted_in_nano_usd_and_follows_the_price_list(tmp_path):
    with serving() as server:
        async with a_door(tmp_path, server.address, prices=Prices(input=2.5, output=10.0)) as door:
            reply = await door.chat(a_request())
            assert door.ledger.nano_usd == reply.nano_usd == 11 * 2500 + 7 * 10_000
            await door.chat(a_request())
            assert door.ledger.nano_usd == reply.nano_usd
            assert (door.ledger.sent, door.ledger.stages[Stage.GENERATOR].cached) == (1, 1)
        async with a_door(tmp_path, server.address, prices=Prices(input=1.0)) as door:
            assert (await door.chat(a_request())).nano_usd == 11_000
            assert door.ledger.nano_usd == 0


async def test_another_endpoint_or_model_shares_no_answers(tmp_path):
    with serving() as one, serving() as two:
        for address, model in ((one.address, "big-1"), (one.address, "big-2"), (two.address, "big-1")):
            with a_door(tmp_path, address, model=model) as door:
                assert not (await door.chat(a_request())).is_cached


async def test_the_key_is_neither_in_the_cache_nor_in_the_identity(tmp_path):
    with serving() as server, a_door(tmp_path, server.address) as door:
        await door.chat(a_request())
        identity = door.identity("big")
        stored = b"".join(path.read_bytes() for path in (tmp_path / "cache").glob(f"{FILE_NAME}*"))
        assert server.keys == [f"Bearer {KEY}"]
    assert KEY.encode() not in stored
    assert b"echo: Hello" in stored
    assert identity == {"provider": "openai", "model": "big-1", "endpoint": server.address}


async def test_an_identity_holds_no_query_and_no_password(tmp_path):
    door = a_door(tmp_path, "https://user:word@host.example/v1/?key=abc")
    assert door.identity("big")["endpoint"] == "https://host.example/v1"


async def test_tokens_of_an_endpoint_are_estimated_from_bytes(tmp_path):
    door = a_door(tmp_path, "http://127.0.0.1:9/v1")
    assert await door.count_tokens("big", "12345") == 2


RUN = """
import asyncio, sys
from pathlib import Path
from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig

async def main(folder, address):
    model = ModelConfig(name="big", provider="openai", model="big-1", base_url=address, concurrency=2)
    async with open_door(Path(folder), {"big": model}) as door:
        asked = [ChatRequest(model="big", messages=({"role": "user", "content": str(n)},)) for n in range(20)]
        await asyncio.gather(*(door.chat(request) for request in asked))
    heavy = sorted({"aiohttp", "openai", "httpx", "numpy", "xllamacpp", "onnxruntime"} & set(sys.modules))
    print("calls", door.calls, heavy)

asyncio.run(main(*sys.argv[1:]))
"""


def run_of_twenty(tmp_path, server):
    command = [sys.executable, "-c", RUN, str(tmp_path / "cache"), server.address]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_continues_where_it_was(tmp_path, blow):
    with serving(delay=0.03) as server:
        first = run_of_twenty(tmp_path, server)
        wait_for(lambda: len(server.bodies) >= 8)
        os.kill(first.pid, blow)
        first.communicate()
        sent = len(server.bodies)
        assert sent < 20
        second = run_of_twenty(tmp_path, server)
        out, _ = second.communicate()
        assert second.returncode == 0
        # What was under way when the blow fell (two requests at most) is the only thing asked twice.
        assert 20 <= len(server.bodies) <= 22
        assert f"calls {len(server.bodies) - sent} " in out


def test_an_unchanged_rerun_sends_nothing_and_imports_no_client_and_no_engine(tmp_path):
    with serving() as server:
        run_of_twenty(tmp_path, server).communicate()
        out, _ = run_of_twenty(tmp_path, server).communicate()
        assert len(server.bodies) == 20
    assert out == "calls 0 []\n"


async def test_a_request_that_is_no_json_is_refused_alone(tmp_path):
    with serving() as server, a_door(tmp_path, server.address) as door:
        with pytest.raises(InputRefused) as caught:
            await door.chat(a_request("half a pair \ud83d"))
        assert server.bodies == []
    assert caught.value.code == "INPUT_REFUSED"


async def test_what_is_kept_is_known_without_asking(any_door):
    assert not any_door.is_kept(a_request())
    await any_door.chat(a_request())
    assert any_door.is_kept(a_request())
    assert not any_door.is_kept(a_request(repeat=1))
    with pytest.raises(CannotAsk):
        any_door.is_kept(a_request(model="bigg"))
    assert any_door.calls == 1


async def test_every_stage_has_its_own_account_and_shares_the_answers(tmp_path):
    with serving() as server, a_door(tmp_path, server.address, prices=Prices(input=1.0)) as door:
        await door.chat(a_request("one", stage=Stage.JUDGE))
        await door.chat(a_request("one"))
        await door.chat(a_request("two"))
        assert door.ledger.stages == {
            Stage.JUDGE: StageSpend(sent=1, input_tokens=11, output_tokens=7, nano_usd=11_000),
            Stage.GENERATOR: StageSpend(sent=1, cached=1, input_tokens=11, output_tokens=7, nano_usd=11_000),
        }


async def test_a_price_that_nobody_knows_is_said_to_be_unknown(tmp_path):
    with serving() as server, a_door(tmp_path, server.address, model="nobody-knows-me") as door:
        reply = await door.chat(a_request())
        assert (reply.nano_usd, reply.is_priced) == (0, False)
        assert door.ledger.stages[Stage.GENERATOR].unpriced == 1


async def test_a_streamed_reply_is_kept_with_its_first_token(tmp_path):
    pieces = sse(
        {"choices": [{"delta": {"content": "Hello"}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}},
    )
    with serving(Trouble(pieces=pieces)) as server, a_door(tmp_path, server.address, stream=True) as door:
        first = await door.chat(a_request())
        second = await door.chat(a_request())
        assert len(server.bodies) == 1
    assert first.ttft_ms is not None
    assert (first.text, first.finish_reason) == ("Hello", "length")
    assert second == replace(first, is_cached=True)


def test_an_entry_of_the_older_form_still_reads():
    kept = '{"text": "täglich", "input_tokens": 3, "output_tokens": 2, "latency_ms": 40}'.encode()
    reply = entries.reply(kept, "d" * 64, Prices(input=1.0), is_cached=True)
    assert (reply.text, reply.nano_usd, reply.latency_ms) == ("täglich", 3000, 40)
    assert (reply.tool_calls, reply.finish_reason, reply.is_refusal, reply.ttft_ms) == ((), "stop", False, None)


def test_what_an_entry_holds_comes_out_again():
    reading = Reading(
        text="I cannot",
        input_tokens=30,
        output_tokens=2,
        tool_calls=(ToolCall(name="pay", arguments="{}"),),
        finish_reason="content_filter",
        is_refusal=True,
        cached_tokens=10,
    )
    prices = Prices(input=2.0, output=1.0, cached_input=1.0)
    reply = entries.reply(entries.dump(reading, latency_ms=7, ttft_ms=3), "d", prices, is_cached=False)
    for name in ("text", "tool_calls", "finish_reason", "is_refusal", "cached_tokens", "input_tokens"):
        assert getattr(reply, name) == getattr(reading, name)
    assert (reply.latency_ms, reply.ttft_ms, reply.nano_usd) == (7, 3, 20 * 2000 + 10 * 1000 + 2 * 1000)
