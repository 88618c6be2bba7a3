"""Cases as a `datasets.Dataset`: `question, contexts, answer, ground_truth`, as ragas and its users write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk

if TYPE_CHECKING:
    from datasets import Dataset

COLUMNS = ("question", "contexts", "answer", "ground_truth")
_BATCH = 1024


def to_dataset(cases: Iterable[Case]) -> Dataset:
    """The cases in their order; an answer that no case brings is null. Raises: CannotAsk EVAL_MISSING."""
    try:
        import datasets
        import pyarrow as arrow
    except ImportError as error:
        hint = "pip install 'llmops[eval]'"
        raise CannotAsk("EVAL_MISSING", "a dataset needs `datasets`, which is not installed", hint=hint) from error
    text = arrow.string()
    schema = arrow.schema(
        [("question", text), ("contexts", arrow.list_(text)), ("answer", text), ("ground_truth", text)]
    )
    # Arrow's own table, batch by batch: `from_generator` would write files into the user's cache.
    batches = [arrow.RecordBatch.from_pylist(rows, schema=schema) for rows in _batched(cases)]
    return datasets.Dataset(arrow.Table.from_batches(batches, schema=schema))


def _batched(cases: Iterable[Case]) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for case in cases:
        rows.append({name: getattr(case, name) for name in COLUMNS})
        if len(rows) == _BATCH:
            yield rows
            rows = []
    if rows:
        yield rows
