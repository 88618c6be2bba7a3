from __future__ import annotations

import datetime
from typing import Any

import pytest

from llmops.documents.reading import case_fields, schemas
from llmops.errors import Location


def test_every_field_of_a_case_is_of_one_kind() -> None:
    assert sorted(case_fields.FIELDS) == sorted(schemas.schema("case")["properties"])


@pytest.mark.parametrize("value", [datetime.date(2026, 1, 1), float("inf"), 2**53 + 1, b"x", "\ud800"])
def test_what_no_json_lines_file_could_hold_is_refused(value: Any) -> None:
    with pytest.raises(case_fields.RowProblem, match="no JSON file can hold") as caught:
        case_fields.case_fields({"id": "a", "other": value})
    assert caught.value.at(Location(path="a.csv", line=3)).location.line == 3


@pytest.mark.parametrize("cell", ['{"a": 1, "a": 2}', '{"a": 9007199254740993}', '{"a": NaN}', "{"])
def test_json_in_a_cell_is_as_strict_as_a_line(cell: str) -> None:
    with pytest.raises(case_fields.RowProblem, match="expected an object"):
        case_fields.case_fields({"variables": cell})


def test_null_is_absent() -> None:
    assert case_fields.case_fields({"id": "a", "tags": None, "answer": None}) == {"id": "a"}
