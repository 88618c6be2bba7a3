"""Where cases come from: a file by the ending of its name, or a dataset on the hub.

Rules, in order:

1. Rows are handed on one by one, each as the fields of a case with its place, or as a finding about that place.
2. Nothing is checked here but that a row can be read: the schema of a case decides the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import BinaryIO

from llmops.adapters.evalsets import hub
from llmops.documents.case_sources import ENDINGS
from llmops.documents.reading.case_fields import CaseRow, RowProblem, case_fields
from llmops.documents.reading.tables import READERS, RawRow
from llmops.errors import CannotAsk, Finding, Location


def load_cases(
    path_or_name: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    split: str = "train",
    revision: str = "",
    folder: Path = Path(),
) -> Iterator[CaseRow | Finding]:
    """The cases of a file, or of the dataset of that name (`split` and `revision` are the dataset's); a path is one
    from `folder`.

    Raises: CannotAsk SOURCE_MISSING, EVAL_MISSING, DATASET_NAME, DATASET_REVISION, DATASET_UNAVAILABLE.
    """
    name = str(path_or_name)
    if PurePath(name).suffix not in READERS:
        yield from _rows(hub.rows(name, split=split, revision=revision), name, columns)
        return
    with _opened(folder, name) as stream:
        yield from rows_in(stream, name, columns=columns)


def _opened(folder: Path, name: str) -> BinaryIO:
    try:
        return (folder / name).open("rb")
    except OSError as error:
        hint = "write the file, or mend the path"
        raise CannotAsk("SOURCE_MISSING", f"{name} cannot be read: {error.strerror}", where=name, hint=hint) from error


def rows_in(stream: BinaryIO, path: str, *, columns: Mapping[str, str] | None = None) -> Iterator[CaseRow | Finding]:
    """The cases in the bytes of a file; the ending of `path` says of which kind. Raises: CannotAsk SOURCE_KIND,
    EVAL_MISSING."""
    reader = READERS.get(PurePath(path).suffix)
    if reader is None:
        hint = f"write one of: {', '.join(ENDINGS)}"
        raise CannotAsk("SOURCE_KIND", f"{path} is of no kind that holds cases", where=path, hint=hint)
    yield from _rows(reader(stream), path, columns)


def _rows(raw: Iterable[RawRow], path: str, columns: Mapping[str, str] | None) -> Iterator[CaseRow | Finding]:
    for number, found in raw:
        location = Location(path=path, line=number)
        try:
            if isinstance(found, RowProblem):
                raise found
            yield CaseRow(location=location, value=case_fields(found, columns))
        except RowProblem as problem:
            if problem.rule == "extra-missing":
                raise CannotAsk("EVAL_MISSING", str(problem), where=path, hint=problem.fix) from problem
            yield problem.at(location)
