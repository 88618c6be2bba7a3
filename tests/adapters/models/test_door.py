import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from llmops.adapters.models.cache import FILE_NAME
from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest, Stage
from llmops.documents.config import ModelConfig, Prices
from llmops.errors import CannotAsk
from tests.adapters.models.endpoint_server import Trouble, serving
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
