"""Rows of a dataset on the Hugging Face hub, through `datasets`.

Rules, in order:

1. A name is OWNER/NAME or NAME, never a path: a folder that happens to lie there is not what was asked for.
2. `datasets` keeps what it downloads and reads it from the disk, batch by batch. With HF_DATASETS_OFFLINE or
   HF_HUB_OFFLINE set it uses what it has kept and no network.
3. A dataset on the hub changes. Without a revision (a commit) the evalset is not reproducible, so one must be named.
   What is read is that revision: offline, `datasets` would otherwise hand out the latest one that it has kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llmops.documents.reading.tables import RawRow
from llmops.errors import CannotAsk

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
_COMMIT = re.compile("[0-9a-f]{40}")
_BATCH = 256


def rows(name: str, *, split: str, revision: str) -> Iterator[RawRow]:
    """The rows of one split, numbered from 1. Raises: CannotAsk EVAL_MISSING, DATASET_NAME, DATASET_REVISION,
    DATASET_UNAVAILABLE."""
    _check(name, revision)
    dataset = _loaded(name, split, revision)
    names: list[str] = dataset.column_names
    for start in range(0, len(dataset), _BATCH):
        batch = dataset[start : start + _BATCH]
        for offset in range(len(batch[names[0]])):
            yield start + offset + 1, {column: batch[column][offset] for column in names}


def _check(name: str, revision: str) -> None:
    if not _NAME.fullmatch(name):
        hint = "write OWNER/NAME of a dataset on the hub, or a path that ends in .jsonl, .csv or .parquet"
        raise CannotAsk("DATASET_NAME", f"'{name}' is neither a file nor the name of a dataset", hint=hint)
    if Path(name).exists():
        hint = "name a file that ends in .jsonl, .csv or .parquet, or start the command elsewhere"
        raise CannotAsk("DATASET_NAME", f"'{name}' is a dataset's name, and a path here", hint=hint)
    if not _COMMIT.fullmatch(revision):
        hint = "write the commit: 40 hex digits, from the dataset's page, `Files`, `History`"
        raise CannotAsk("DATASET_REVISION", f"the dataset {name} needs a revision, not '{revision}'", hint=hint)


def _loaded(name: str, split: str, revision: str) -> Any:
    try:
        import datasets
    except ImportError as error:
        hint = "pip install 'llmops[eval]'"
        raise CannotAsk("EVAL_MISSING", "datasets of the hub need `datasets`, not installed", hint=hint) from error
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    try:
        dataset = datasets.load_dataset(name, split=split, revision=revision)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        raise _unavailable(name, revision, _line(error)) from error
    # It keeps each revision in a folder of that name.
    kept = [Path(file["filename"]) for file in dataset.cache_files]
    if any(revision not in path.parts for path in kept):
        raise _unavailable(name, revision, f"what was kept is another revision: {kept[0].parent.name[:40]}")
    return dataset


def _unavailable(name: str, revision: str, why: str) -> CannotAsk:
    return CannotAsk(
        "DATASET_UNAVAILABLE",
        f"{name} at {revision[:12]} cannot be read: {why}",
        hint="check the name, the split and the network; offline only what was downloaded before can be read",
    )


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
