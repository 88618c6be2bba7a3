from __future__ import annotations

import io
from typing import Any

import pytest

from llmops.documents.reading import tables
from llmops.documents.reading.case_fields import RowProblem


def parquet_of(table: Any) -> io.BytesIO:
    import pyarrow.parquet as writing

    stream = io.BytesIO()
    writing.write_table(table, stream)
    return io.BytesIO(stream.getvalue())


def problem_of(found: list[tables.RawRow]) -> str:
    ((_, problem),) = found
    assert isinstance(problem, RowProblem)
    assert problem.fix
    return str(problem)


def test_a_huge_cell_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LONGEST_LINE", 50)
    data = b'id,question\na,"' + b"x" * 51 + b'"\n'
    assert "field larger than field limit (50)" in problem_of(list(tables.csv_rows(io.BytesIO(data))))
    assert "more than 50 bytes" in problem_of(list(tables.jsonl(io.BytesIO(b'{"id": "' + b"x" * 60))))


def test_a_parquet_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as arrow

    table = arrow.table({"id": [str(number) for number in range(5_000)]})
    monkeypatch.setattr(tables, "LARGEST_UNPACKED", 10_000)
    assert "unpacks to" in problem_of(list(tables.parquet(parquet_of(table))))


def test_long_cells_are_read_few_at_a_time() -> None:
    import pyarrow as arrow
    import pyarrow.parquet as reading

    small, large = (arrow.table({"id": ["x" * size]}) for size in (10, 2**24))
    few, many = (tables._batch_size(reading.ParquetFile(parquet_of(one)).metadata) for one in (large, small))
    assert few < 65
    assert many == 256


def test_two_columns_of_one_name_are_refused() -> None:
    import pyarrow as arrow

    table = arrow.Table.from_arrays([arrow.array(["a"]), arrow.array(["b"])], names=["id", "id"])
    assert "same name" in problem_of(list(tables.parquet(parquet_of(table))))


def test_what_is_null_in_a_struct_is_absent_and_in_a_list_it_stays() -> None:
    import pyarrow as arrow

    table = arrow.table({"variables": [{"a": 1, "b": None}, {"a": None, "b": 2}], "tags": [["x", None], None]})
    rows = [row for _, row in tables.parquet(parquet_of(table))]
    assert rows == [{"variables": {"a": 1}, "tags": ["x", None]}, {"variables": {"b": 2}, "tags": None}]


def test_an_empty_text_is_a_text_in_parquet_and_nothing_in_csv() -> None:
    import pyarrow as arrow

    assert [row for _, row in tables.parquet(parquet_of(arrow.table({"answer": [""]})))] == [{"answer": ""}]
    assert [row for _, row in tables.csv_rows(io.BytesIO(b'id,answer\na,""\n'))] == [{"id": "a", "answer": None}]
