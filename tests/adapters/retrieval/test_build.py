import subprocess
import sys

import pytest

from llmops.adapters.retrieval.build import build_retriever, estimated_tokens
from llmops.errors import CannotAsk
from llmops.retrieval.manifest import manifest
from llmops.retrieval.passages import Passage
from tests.fakes_models import FakeDoor

PASSAGES = (
    Passage(id="locks#1", text="rate lock rate lock days"),
    Passage(id="rates#1", text="rate sheet for today and a few more words about it"),
    Passage(id="escrow#1", text="escrow account taxes"),
)


def a_config(strategy="sparse", *, top_k=4, score_threshold=None, max_tokens=None, reranker=None, **changes):
    return {
        "loader": "markdown",
        "chunking": {"strategy": "section", "size": 200, "overlap": 0},
        "embedding": {"provider": "embedded", "model": "all-minilm-l6-v2", "dimensions": 384},
        "index": {"backend": "memory"},
        "retrieval": {
            "strategy": strategy,
            "top_k": top_k,
            "score_threshold": score_threshold,
            "reranker": reranker,
        },
        "pii": {"action": "warn"},
        "context": {"max_tokens": max_tokens},
        **changes,
    }


async def retrieved(config, question="rate lock", door=None):
    return await build_retriever(config, PASSAGES, door or FakeDoor()).retrieve(question)


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (a_config(index={"backend": "qdrant"}), "index.backend"),
        (a_config(embedding={"provider": "openai", "model": "x", "dimensions": 3}), "embedding.provider"),
        (a_config(embedding={"provider": "embedded", "model": "x", "dimensions": 384}), "embedding.model"),
        (a_config(reranker="cross-encoder"), "retrieval.reranker"),
    ],
)
def test_what_we_do_not_have_is_refused(config, place):
    with pytest.raises(CannotAsk) as caught:
        build_retriever(config, PASSAGES, FakeDoor())
    assert caught.value.code == "RETRIEVAL_UNKNOWN"
    assert place in caught.value.what


async def test_sparse_asks_no_model():
    door = FakeDoor()
    found = await retrieved(a_config("sparse"), door=door)
    assert [passage.id for passage in found] == ["locks#1", "rates#1"]
    assert door.calls == 0


async def test_dense_ranks_by_cosine_and_embeds_passages_once():
    door = FakeDoor(dimensions=256)
    retriever = build_retriever(a_config("dense"), PASSAGES, door)
    found = await retriever.retrieve("escrow account taxes")
    assert found[0].id == "escrow#1"
    assert found[0].score == pytest.approx(1, abs=1e-3)
    await retriever.retrieve("rate")
    assert door.calls == len(PASSAGES) + 1  # the first question is a passage's text


async def test_hybrid_holds_what_either_finds():
    found = await retrieved(a_config("hybrid"), "escrow", door=FakeDoor(dimensions=256))
    assert found[0].id == "escrow#1"
    assert {passage.id for passage in found} == {passage.id for passage in PASSAGES}
    assert found[0].score == pytest.approx(2 / 61)


async def test_top_k_cuts():
    assert len(await retrieved(a_config("sparse", top_k=1))) == 1


async def test_passages_below_the_threshold_go():
    best, second = await retrieved(a_config("sparse"))
    between = (best.score + second.score) / 2
    assert await retrieved(a_config("sparse", score_threshold=between)) == (best,)
    assert await retrieved(a_config("sparse", score_threshold=best.score)) == (best,)
    assert await retrieved(a_config("sparse", score_threshold=best.score + 1)) == ()


async def test_the_last_passages_go_where_the_context_is_too_long():
    both = await retrieved(a_config("sparse"))
    tokens = [estimated_tokens(passage.text) for passage in both]
    assert await retrieved(a_config("sparse", max_tokens=sum(tokens))) == both
    assert await retrieved(a_config("sparse", max_tokens=sum(tokens) - 1)) == both[:1]
    assert await retrieved(a_config("sparse", max_tokens=tokens[0] - 1)) == ()


def test_the_index_is_named_by_config_and_knowledge():
    config = a_config("sparse")
    retriever = build_retriever(config, PASSAGES, FakeDoor())
    assert retriever.index_digest == manifest(config, PASSAGES).index
    assert retriever.index_digest != build_retriever(config, PASSAGES[:2], FakeDoor()).index_digest


def test_sparse_retrieval_loads_neither_the_embedding_engine_nor_its_tokenizer():
    script = (
        "import asyncio, sys\n"
        "from tests.adapters.retrieval.test_build import *\n"
        "assert asyncio.run(retrieved(a_config('sparse')))\n"
        "print(sorted({'onnxruntime', 'tokenizers', 'xllamacpp', 'openai'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
