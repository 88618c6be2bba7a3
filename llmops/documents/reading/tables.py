"""Rows of a JSON lines, CSV or parquet file, one after the other: memory does not grow with the file.

Rules, in order:

1. A row comes with its place: the line where it begins, in a parquet file its number. From 1.
2. What is wrong with one row is told at its place, and reading goes on. Where the rest cannot be read (encoding,
   quotes, a broken parquet file) that is told too, and reading ends.
3. CSV has a head line; cells are texts, nothing is guessed from their looks (`007` stays `007`). An empty cell is null.
4. A parquet file is read by pyarrow in batches; the other two need the standard library alone. In its structs every
   row has every field, so one that is null there is one that is absent.
5. A line, a cell and what a parquet file unpacks to are bounded: a small file cannot fill the memory.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from llmops.documents.reading import json_door
from llmops.documents.reading.case_fields import RowProblem

LONGEST_LINE = 16 * 2**20
LARGEST_UNPACKED = 2**30
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
    return {name: cell or None for name, cell in zip(head, cells, strict=True)}


def parquet(stream: BinaryIO) -> Iterator[RawRow]:
    """The rows of a parquet file; one problem of the rule `extra-missing`, at row 0, where pyarrow is not installed."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as reading
    except ImportError:
        what = "reading parquet needs pyarrow, which is not installed"
        yield 0, RowProblem(what, "pip install 'llmops[eval]'", "extra-missing")
        return
    number = 0
    try:
        with reading.ParquetFile(stream, pre_buffer=False, buffer_size=2**20) as file:
            problem = _too_much(file)
            if problem:
                yield 1, problem
                return
            for batch in file.iter_batches(batch_size=_batch_size(file.metadata)):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: _without_nulls(value) for name, value in row.items()}
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        what = f"not a parquet file that can be read: {str(error)[:200]}"
        yield number + 1, RowProblem(what, "write the file anew")


def _too_much(file: Any) -> RowProblem | None:
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        return RowProblem("two columns have the same name", "give each column its own name")
    about = file.metadata
    size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    if size > LARGEST_UNPACKED:
        what = f"the file unpacks to {size} bytes, at most {LARGEST_UNPACKED} are read"
        return RowProblem(what, "split the file, or leave out columns that no case needs")
    return None


def _batch_size(about: Any) -> int:
    """Rows at once. No cell is larger than the chunk it lies in, but many may be one entry of its dictionary."""
    groups = (about.row_group(group) for group in range(about.num_row_groups))
    chunks = (group.column(at).total_uncompressed_size for group in groups for at in range(group.num_columns))
    largest: int = max(chunks, default=1)
    return max(1, min(_BATCH, LARGEST_UNPACKED // max(1, largest)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


READERS: Mapping[str, Callable[[BinaryIO], Iterator[RawRow]]] = {
    ".jsonl": jsonl,
    ".csv": csv_rows,
    ".parquet": parquet,
}
