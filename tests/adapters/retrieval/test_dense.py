import numpy as np

from llmops.adapters.retrieval.dense import DenseIndex
from llmops.retrieval.passages import Passage

PASSAGES = tuple(Passage(id=name, text=name) for name in ("b#1", "a#1", "c#1"))
VECTORS = np.array([[1, 0], [1, 0], [0.6, 0.8]], dtype=np.float32)


def test_no_passages_give_no_answer():
    assert DenseIndex((), np.zeros((0, 2), dtype=np.float32)).search(VECTORS[0], 3) == ()


def test_passages_come_by_cosine_and_equal_ones_by_id():
    found = DenseIndex(PASSAGES, VECTORS).search(np.array([1, 0], dtype=np.float32), 3)
    assert [passage.id for passage in found] == ["a#1", "b#1", "c#1"]
    assert [round(passage.score, 6) for passage in found] == [1, 1, 0.6]


def test_the_limit_cuts():
    assert len(DenseIndex(PASSAGES, VECTORS).search(VECTORS[2], 1)) == 1
