"""The embedded generator, for real."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig
from llmops.errors import CannotAsk

pytestmark = pytest.mark.embedded
MODELS = {"small": ModelConfig(name="small", provider="embedded", model="small")}


@pytest.fixture(scope="module")
def servers():
    from llmops.adapters.models.embedded import llama, weights

    running = llama.start(weights.locate(weights.GENERATOR), servers=2)
    yield running
    running.close()


def a_request(text, **changes):
    values = {"parameters": {"temperature": 0, "max_tokens": 24}, **changes}
    return ChatRequest(model="small", messages=({"role": "user", "content": text},), **values)


def test_a_stranger_without_the_key_gets_no_answer(servers):
    address = servers.addresses[0].base_url
    assert address.startswith("http://127.0.0.1:")
    request = urllib.request.Request(f"{address}/chat/completions", b"{}", {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 401
    caught.value.close()


async def test_a_prompt_beyond_the_window_is_refused_with_both_sizes(tmp_path):
    async with open_door(tmp_path, MODELS) as door:
        with pytest.raises(CannotAsk) as caught:
            await door.chat(a_request("word " * 3000))
    assert caught.value.code == "INPUT_REFUSED"
    assert "2048" in caught.value.what


async def test_another_embedded_model_than_ours_is_unknown(tmp_path):
    models = {"small": ModelConfig(name="small", provider="embedded", model="llama-70b")}
    async with open_door(tmp_path, models) as door:
        with pytest.raises(CannotAsk) as caught:
            await door.chat(a_request("Hello"))
    assert caught.value.code == "MODEL_UNKNOWN"


@pytest.mark.parametrize("parameters", [{"temperature": 0}, {"temperature": 0.9, "seed": 7}], ids=["greedy", "seeded"])
async def test_an_answer_depends_on_neither_order_nor_company(tmp_path, parameters):
    requests = [
        a_request(f"Name {number} facts about {topic}.", parameters={**parameters, "max_tokens": 24})
        for number in (2, 3)
        for topic in ("rivers", "interest rates", "bread")
    ]
    async with open_door(tmp_path / "alone", MODELS) as door:
        alone = [(await door.chat(request)).text for request in requests]
    order = list(range(len(requests)))
    random.Random(1).shuffle(order)
    async with open_door(tmp_path / "together", MODELS) as door:
        replies = await asyncio.gather(*(door.chat(requests[at]) for at in order))
    assert [reply.text for _, reply in sorted(zip(order, replies, strict=True), key=lambda pair: pair[0])] == alone
    assert len(set(alone)) > 1


async def test_repeats_differ_where_the_temperature_lets_them(tmp_path):
    async with open_door(tmp_path, MODELS) as door:
        texts = {
            (await door.chat(a_request("Invent a name.", parameters={"temperature": 1.0}, repeat=repeat))).text
            for repeat in range(3)
        }
    assert len(texts) > 1


async def test_an_output_schema_constrains_the_answer(tmp_path):
    schema = {
        "type": "object",
        "properties": {"category": {"enum": ["billing", "privacy"]}, "urgent": {"type": "boolean"}},
        "required": ["category", "urgent"],
        "additionalProperties": False,
    }
    request = a_request("My bill is wrong.", response_schema=schema, parameters={"temperature": 0, "max_tokens": 80})
    async with open_door(tmp_path, MODELS) as door:
        value = json.loads((await door.chat(request)).text)
    assert set(value) == {"category", "urgent"}
    assert value["category"] in ("billing", "privacy")
    assert isinstance(value["urgent"], bool)


async def test_tokens_are_counted_by_the_model_once(tmp_path):
    async with open_door(tmp_path, MODELS) as door:
        assert await door.count_tokens("small", "Hello there, mortgage.") == 5
    async with open_door(tmp_path, MODELS) as door:
        door._engines.llama = None  # calling it would fail: the count has to come from the cache
        assert await door.count_tokens("small", "Hello there, mortgage.") == 5


LONG = """
import asyncio, sys
from pathlib import Path
from llmops.adapters.models.door import open_door
from llmops.documents.chat import ChatRequest
from llmops.documents.config import ModelConfig

async def main():
    models = {"small": ModelConfig(name="small", provider="embedded", model="small")}
    async with open_door(Path(sys.argv[1]), models) as door:
        ask = lambda text, most: door.chat(ChatRequest(
            model="small", messages=({"role": "user", "content": text},),
            parameters={"temperature": 0.9, "max_tokens": most}))
        await ask("Hi", 2)
        Path(sys.argv[1], "answered").touch()
        if len(sys.argv) > 2:
            await asyncio.gather(*(ask(f"Tell a very long story, number {n}", 1500) for n in range(4)))

asyncio.run(main())
"""


def test_the_engine_writes_nothing_to_our_streams(tmp_path):
    done = subprocess.run([sys.executable, "-c", LONG, str(tmp_path)], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_ctrl_c_in_the_middle_of_an_answer_ends_the_process(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", LONG, str(tmp_path), "long"], stderr=subprocess.PIPE)
    while not (tmp_path / "answered").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert err.strip().endswith(b"KeyboardInterrupt")
