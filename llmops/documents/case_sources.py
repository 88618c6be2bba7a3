"""The file that an evalset's `source` names, read row by row: JSON lines, CSV or parquet.

Rules, in order:

1. The ending of the name says of which kind it is; `columns` says which field of a case has which name there.
2. Equal cases are equal, whatever kind of file they stand in: what comes out of a table has the limits of JSON lines.
3. A place is a line; in a parquet file it is the number of the row. Both count from 1.
"""

from __future__ import annotations

import io
import json
import posixpath
from array import array
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from llmops.documents.reading import json_door, schemas
from llmops.documents.reading.case_fields import RowProblem, case_fields
from llmops.documents.reading.json_door import Row
from llmops.documents.reading.parsed import finding
from llmops.documents.reading.tables import READERS
from llmops.errors import Finding, Location

ENDINGS = tuple(READERS)


class CaseSource(Protocol):
    """The rows of one file. `unit` is what its places count."""

    unit: str

    def problems(self) -> tuple[Finding, ...]:
        """Why nothing can be read of it."""
        ...

    def rows(self) -> Iterator[Row]:
        """The rows, in their order, each with the fields of a case as far as it has them."""
        ...

    def again(self, offset: int) -> Any:
        """The fields of the row that begins at `offset`, where `rows` has found one."""
        ...


def source_of(data: bytes, path: str, columns: Mapping[str, str]) -> CaseSource | None:
    """The file of these bytes; None for an ending that is not read."""
    ending = posixpath.splitext(path)[1]
    if ending == ".jsonl":
        return _JsonLines(data, path, columns)
    return _Table(data, path, columns, ending) if ending in READERS else None


class _JsonLines:
    unit = "line"

    def __init__(self, data: bytes, path: str, columns: Mapping[str, str]) -> None:
        self._data, self._path, self._columns = data, path, columns

    def problems(self) -> tuple[Finding, ...]:
        return json_door.check_text(self._data, self._path)

    def rows(self) -> Iterator[Row]:
        for row in json_door.read_rows(self._data, self._path):
            yield row if row.problem else Row(row.line, row.offset, self._fields(row.value))

    def again(self, offset: int) -> Any:
        return self._fields(json_door.row_at(self._data, offset))

    def _fields(self, row: Any) -> Any:
        """The row with the source's names turned into the fields of a case; what is no field is passed over."""
        if not self._columns or not isinstance(row, dict):
            return row
        origin = {field: self._columns.get(field, field) for field in schemas.schema("case")["properties"]}
        return {field: row[name] for field, name in origin.items() if name in row}


class _Table:
    """A CSV or parquet file. An offset is the number of a row, from 0."""

    def __init__(self, data: bytes, path: str, columns: Mapping[str, str], ending: str) -> None:
        self._data, self._path, self._columns, self._ending = data, path, columns, ending
        self.unit = "row" if ending == ".parquet" else "line"
        self._lines, self._ends = bytearray(), array("Q")

    def problems(self) -> tuple[Finding, ...]:
        if self._ending == ".csv":
            return json_door.check_text(self._data, self._path)
        if len(self._data) > json_door.LARGEST_JSONL:
            what = f"the file has {len(self._data)} bytes, at most {json_door.LARGEST_JSONL} are read"
            return (finding(self._path, "document-too-large", (0, 0), what, "split the file"),)
        return ()

    def rows(self) -> Iterator[Row]:
        for offset, (number, found) in enumerate(READERS[self._ending](io.BytesIO(self._data))):
            try:
                if isinstance(found, RowProblem):
                    raise found
                yield Row(number, offset, case_fields(found, self._columns))
            except RowProblem as problem:
                place = Location(path=self._path, line=number, column=int(self.unit == "line"))
                yield Row(number, offset, None, problem.at(place))

    def again(self, offset: int) -> Any:
        # Rows of a table are found by reading from its beginning: done once, where cases are asked for out of order.
        if not self._ends:
            for row in self.rows():
                self._lines += json.dumps(row.value, ensure_ascii=False).encode("utf-8")
                self._ends.append(len(self._lines))
        return json.loads(self._lines[self._ends[offset - 1] if offset else 0 : self._ends[offset]])
