import asyncio
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models.batches import Batches
from llmops.adapters.models.bodies import MalformedReply
from llmops.adapters.models.door import open_door
from llmops.adapters.models.vectors import MOST_TEXTS, read_vectors
from llmops.documents.chat import Stage
from llmops.documents.config import ModelConfig, Prices
from llmops.errors import CannotAsk, InputRefused
from tests.adapters.models.endpoint_server import Trouble, serving
from tests.adapters.models.load_server import loading, vector_of


def a_door(folder, address, **changes):
    values = {"name": "vec", "provider": "openai", "model": "vec-1", "base_url": address, "prices": Prices(input=1.0)}
    return open_door(folder, {"vec": ModelConfig(**{**values, **changes})}, environ={})


def a_reply(*vectors, **more):
    items = [{"index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return json.dumps({"data": items, "usage": {"prompt_tokens": 5}, **more}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        a_reply([1.0, 2.0]),
        a_reply([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
        a_reply([1.0, 2.0], [1.0, 2.0, 3.0]),
        a_reply([1.0, float("nan")], [1.0, 2.0]),
        a_reply([1.0, float("inf")], [1.0, 2.0]),
        a_reply([0.0, 0.0], [1.0, 2.0]),
        a_reply([], []),
        a_reply("text", [1.0, 2.0]),
        a_reply([[1.0], [2.0]], [1.0, 2.0]),
        a_reply([None, 1.0], [1.0, 2.0]),
        a_reply([1.0, 2.0], [1.0, 2.0], usage={"prompt_tokens": -1}),
        a_reply([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
    ],
)
def test_a_reply_with_anything_but_a_vector_a_text_is_malformed(data):
    with pytest.raises(MalformedReply):
        read_vectors(data, 2, 8)


@given(st.lists(st.lists(st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-3), min_size=3, max_size=3), min_size=1))
def test_vectors_have_length_one_and_keep_the_order(vectors):
    value = json.loads(a_reply(*vectors))
    value["data"].reverse()
    found = read_vectors(json.dumps(value).encode(), len(vectors))
    for given_vector, data in zip(vectors, found.vectors, strict=True):
        vector = np.frombuffer(data, dtype="<f4")
        assert np.isclose(np.linalg.norm(vector), 1, atol=1e-6)
        assert np.allclose(vector, np.array(given_vector) / np.linalg.norm(given_vector), atol=1e-5)


async def test_an_unknown_model_is_refused(tmp_path):
    with a_door(tmp_path, "http://127.0.0.1:9/v1") as door, pytest.raises(CannotAsk) as caught:
        await door.embed(["a"], "nobody")
    assert caught.value.code == "MODEL_UNKNOWN"


async def test_a_reply_that_stays_malformed_is_no_vector(tmp_path):
    with serving(*[Trouble(body=a_reply([1.0, 2.0], [1.0, 2.0]))] * 9) as server:
        async with a_door(tmp_path, server.address) as door:
            with pytest.raises(InputRefused) as caught:
                await door.embed(["a"], "vec")
    assert caught.value.code == "REPLY_MALFORMED"
    assert "2 vectors for 1 texts" in caught.value.what


async def test_texts_of_many_askers_go_out_together_once_and_are_kept(tmp_path):
    texts = [f"text {number}" for number in range(150)]
    with loading(latency=0.02) as load:
        async with a_door(tmp_path, load.address) as door:
            found = await asyncio.gather(*(door.embed([text, texts[0]], "vec") for text in texts))
            spend = door.ledger.stages[Stage.EMBEDDINGS]
            assert sorted(load.batches) == [150 - 2 * MOST_TEXTS, MOST_TEXTS, MOST_TEXTS]
            assert (spend.sent, spend.input_tokens, spend.nano_usd) == (3, 450, 450_000)
        for text, vectors in zip(texts, found, strict=True):
            wanted = np.array(vector_of(text))
            assert np.allclose(vectors[0], wanted / np.linalg.norm(wanted), atol=1e-6)
            assert vectors.dtype == np.float32
        async with a_door(tmp_path, load.address) as door:
            assert np.array_equal(await door.embed(texts[:2], "vec"), np.stack([found[0][0], found[1][0]]))
            assert door.calls == 0
            assert door.ledger.stages[Stage.EMBEDDINGS].cached == 2


async def test_a_text_that_is_refused_spoils_no_other(tmp_path):
    refusal = Trouble(status=400, body=b'{"error": {"message": "maximum context length is 8192 tokens"}}')
    good = [a_reply([1.0, 2.0]), a_reply([3.0, 4.0])]
    # Both together, then one half each: one is refused again.
    with serving(refusal, Trouble(body=good[0]), refusal, Trouble(body=good[1])) as server:
        async with a_door(tmp_path, server.address, concurrency=1) as door:
            with pytest.raises(InputRefused):
                await door.embed(["fine", "too long"], "vec")
            assert (await door.embed(["fine"], "vec")).shape == (1, 2)
    assert [len(body["input"]) for body in server.bodies] == [2, 1, 1]


async def test_what_arrives_while_all_are_busy_is_the_next_batch():
    sizes, gate = [], asyncio.Event()

    async def work(texts):
        sizes.append(len(texts))
        await gate.wait()
        return {key: text.encode() for key, text in texts.items()}

    batches = Batches(work, most=3, at_once=1)
    first = batches.of("a", "A")
    await asyncio.sleep(0.01)
    rest = [batches.of(key, key.upper()) for key in "bcdeb"]
    await asyncio.sleep(0.01)
    assert sizes == [1]
    gate.set()
    assert await asyncio.gather(first, *rest) == [b"A", b"B", b"C", b"D", b"E", b"B"]
    assert sizes == [1, 3, 1]


async def test_a_batch_that_fails_tells_its_askers_and_the_next_goes_on():
    async def work(texts):
        if "bad" in texts:
            raise CannotAsk("MODEL_UNAVAILABLE", "down")
        return {key: b"" for key in texts}

    batches = Batches(work, most=1, at_once=1)
    results = await asyncio.gather(batches.of("bad", ""), batches.of("good", ""), return_exceptions=True)
    assert isinstance(results[0], CannotAsk)
    assert results[1] == b""


async def test_whoever_closes_leaves_nobody_waiting():
    batches = Batches(lambda _: asyncio.sleep(60), most=1, at_once=1)
    results = [batches.of(key, "") for key in "ab"]
    await asyncio.sleep(0.01)
    await batches.close()
    assert all(result.cancelled() for result in results)
