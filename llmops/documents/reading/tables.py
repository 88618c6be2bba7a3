"""Rows of a JSON lines, CSV or parquet file, one after the other: memory does not grow with the file.

Rules, in order:

1. A row comes with its place: the line where it begins, in a parquet file its number. From 1.
2. What is wrong with one row is told at its place, and reading goes on. Where the rest cannot be read (encoding,
   quotes, a broken parquet file) that is told too, and reading ends.
3. CSV has a head line; cells are texts, nothing is guessed from their looks (`007` stays `007`).
4. A parquet file is read by pyarrow in batches; the other two need the standard library alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from llmops.adapters.evalsets.fields import RowProblem
from llmops.documents.reading import json_door
from llmops.errors import CannotAsk

LONGEST_LINE = 16 * 2**20
_BATCH = 256

RawRow = tuple[int, Mapping[str, Any] | RowProblem]


def jsonl(stream: BinaryIO) -> Iterator[RawRow]:
    """The objects of a JSON lines file; blank lines are passed over."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            yield number, RowProblem(f"a line of more than {LONGEST_LINE} bytes", "write one case a line")
            return
        if line.strip():
            yield number, _object(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)


def _object(line: bytes) -> Mapping[str, Any] | RowProblem:
    parsed = json_door.parse_jsonl(line, "")
    if parsed.findings:
        return RowProblem(parsed.findings[0].message, parsed.findings[0].fix)
    value = parsed.value[0] if parsed.value else None
    return value if isinstance(value, dict) else RowProblem("the line is no object", 'write {"question": …}')


def csv_rows(stream: BinaryIO) -> Iterator[RawRow]:
    """The rows of a CSV file, by the names in its head line."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""), strict=True)
    number = 1
    try:
        head = next(reader, [])
        if len(set(head)) < len(head):
            yield 1, RowProblem("two columns have the same name", "give each column its own name")
            return
        number = reader.line_num + 1
        for cells in reader:
            if cells:
                yield number, _row(head, cells)
            number = reader.line_num + 1
    except (csv.Error, UnicodeDecodeError) as error:
        yield number, RowProblem(f"not CSV in UTF-8: {error}", "quote cells that hold quotes, commas or line breaks")


def _row(head: list[str], cells: list[str]) -> Mapping[str, Any] | RowProblem:
    if len(cells) != len(head):
        what = f"the row has {len(cells)} cells, the head line {len(head)}"
        return RowProblem(what, "quote cells that hold commas or line breaks")
    return dict(zip(head, cells, strict=True))


def parquet(stream: BinaryIO) -> Iterator[RawRow]:
    """The rows of a parquet file. Raises: CannotAsk EVAL_MISSING."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as reading
    except ImportError as error:
        hint = "pip install 'llmops[eval]'"
        raise CannotAsk("EVAL_MISSING", "reading parquet needs pyarrow, which is not installed", hint=hint) from error
    number = 0
    try:
        with reading.ParquetFile(stream, pre_buffer=False, buffer_size=2**20) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        yield number + 1, RowProblem(f"not a parquet file that can be read: {error}", "write the file anew")


READERS: Mapping[str, Callable[[BinaryIO], Iterator[RawRow]]] = {
    ".jsonl": jsonl,
    ".csv": csv_rows,
    ".parquet": parquet,
}
