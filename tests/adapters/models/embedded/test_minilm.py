"""The embedding model, for real."""

import numpy as np
import pytest

from llmops.adapters.models.door import open_door
from llmops.adapters.models.embedded import weights
from llmops.adapters.models.embedded.minilm import DIMENSIONS, Encoder

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def encoder():
    return Encoder(weights.locate(weights.ENCODER), weights.locate(weights.TOKENIZER))


def test_near_meanings_are_near(encoder):
    cat, kitten, rates, locks = encoder.encode(
        ["A cat sat on the mat.", "A kitten was lying on the rug.", "Interest rates rose.", "Borrowing got dearer."]
    )
    assert cat @ kitten > 0.5
    assert cat @ kitten > cat @ rates
    assert rates @ locks > rates @ cat


def test_vectors_have_length_one(encoder):
    vectors = encoder.encode(["one", "", "three " * 1000])
    assert vectors.shape == (3, DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_texts_give_no_vectors(encoder):
    assert encoder.encode([]).shape == (0, DIMENSIONS)


def test_a_vector_does_not_depend_on_its_company(encoder):
    texts = ["short", "a rather longer text about escrow accounts " * 20, "Where is my refund?"]
    together = encoder.encode(texts, workers=2)
    alone = np.concatenate([encoder.encode([text]) for text in reversed(texts)])[::-1]
    assert np.array_equal(together, alone)


async def test_the_door_embeds_a_text_once_and_keeps_the_order(tmp_path, encoder):
    async with open_door(tmp_path, {}) as door:
        first = await door.embed(["a", "b", "a"])
        assert door.calls == 2
        assert np.array_equal(first, encoder.encode(["a", "b", "a"]))
    async with open_door(tmp_path, {}) as door:
        assert np.array_equal(await door.embed(["b", "a"]), first[[1, 0]])
        assert door.calls == 0
        assert (await door.embed([])).shape == (0, DIMENSIONS)
