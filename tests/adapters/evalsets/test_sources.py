from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.evalsets.sources import load_cases, rows_in
from llmops.documents.evalsets import Case
from llmops.documents.reading.case_fields import CaseRow as Row
from llmops.documents.reading.tables import READERS
from llmops.errors import CannotAsk, Finding

ROOT = Path(__file__).parents[3]
SEED = {
    "question": "What is the rate, “today”?",
    "contexts": ["The rate is 4 %,\nfixed.", 'He said "yes".'],
    "answer": "4 %",
    "ground_truth": "Four percent.",
}


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({name: json.dumps(item) if isinstance(item, list) else item for name, item in row.items()})


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as writing

    writing.write_table(arrow.Table.from_pylist(rows), path)


WRITERS = {".jsonl": write_jsonl, ".csv": write_csv, ".parquet": write_parquet}


def read(data: bytes, name: str, **options: Any) -> list[Row | Finding]:
    return list(rows_in(io.BytesIO(data), name, **options))


def problem(data: bytes, name: str, **options: Any) -> Finding:
    (found,) = (item for item in read(data, name, **options) if isinstance(item, Finding))
    return found


def values(found: list[Row | Finding]) -> list[dict[str, Any]]:
    assert all(isinstance(item, Row) for item in found), found
    return [item.value for item in found if isinstance(item, Row)]


@pytest.mark.parametrize("ending", READERS)
def test_the_seeds_columns_read_the_same_from_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cases{ending}"
    WRITERS[ending](path, [SEED, {**SEED, "question": "another"}])
    first, second = values(list(load_cases(path)))
    assert first == SEED
    assert second == {**SEED, "question": "another"}


@pytest.mark.parametrize("ending", READERS)
def test_columns_of_other_names_are_renamed_and_what_is_no_field_is_passed_over(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cases{ending}"
    row = {"user_input": "q", "retrieved_contexts": ["c"], "response": "a", "reference": "t", "id": "x", "extra": "e"}
    WRITERS[ending](path, [row])
    names = {
        "question": "user_input",
        "contexts": "retrieved_contexts",
        "answer": "response",
        "ground_truth": "reference",
    }
    (value,) = values(list(load_cases(path, columns=names)))
    assert value == {"id": "x", "question": "q", "contexts": ["c"], "answer": "a", "ground_truth": "t"}
    (whole,) = values(list(load_cases(path)))
    assert whole == {**row, "retrieved_contexts": '["c"]' if ending == ".csv" else ["c"]}


def test_places_are_lines_and_reading_goes_on_after_a_bad_row() -> None:
    found = read(b'{"id": "a"}\n\n{"id": \n[1]\n{"id": "b"}\n', "a.jsonl")
    assert [(item.location.line, type(item)) for item in found] == [(1, Row), (3, Finding), (4, Finding), (5, Row)]
    bad = [item for item in found if isinstance(item, Finding)]
    assert [item.rule for item in bad] == ["source-row"] * 2
    assert "not JSON" in bad[0].message
    assert "no object" in bad[1].message


def test_a_csv_row_is_placed_where_it_begins() -> None:
    data = b'id,question,contexts\r\na,"two\r\nlines","[""x""]"\r\nb,short\r\nc,q,plain\r\nd,007,[]\r\n'
    found = read(data, "a.csv")
    assert [item.location.line for item in found] == [2, 4, 5, 6]
    assert [type(item) for item in found] == [Row, Finding, Finding, Row]
    assert isinstance(found[3], Row)
    assert found[3].value == {"id": "d", "question": "007", "contexts": []}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"contexts": "one passage"}, "`contexts` is text 'one passage', expected a list"),
        ({"contexts": '{"a": 1}'}, "`contexts` is an object, expected a list"),
        ({"contexts": "[" * 2000}, "`contexts` is text '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[', expected a list"),
        ({"variables": "[1]"}, "`variables` is a list, expected an object"),
        ({"variables": '{"a": NaN}'}, "`variables` is text '{\"a\": NaN}', expected an object"),
        ({"must_pass": "perhaps"}, "`must_pass` is text 'perhaps', expected true or false"),
        ({"must_pass": 1}, "`must_pass` is a number, expected true or false"),
        ({"question": ["a"]}, "`question` is a list, expected a text"),
        ({"ground_truth": 4.5}, "`ground_truth` is a number, expected a text"),
    ],
)
def test_a_value_of_another_kind_is_named(row: dict[str, Any], message: str) -> None:
    found = problem(json.dumps({"id": "x", **row}).encode(), "a.jsonl")
    assert found.message == message
    assert found.fix


def test_json_text_truth_values_and_whole_numbers_become_what_the_field_wants() -> None:
    row = {"id": 7, "question": "q", "contexts": '["a"]', "variables": '{"x": 1}', "must_pass": "TRUE", "answer": None}
    (value,) = values(read(json.dumps(row).encode(), "a.jsonl"))
    assert value == {"id": "7", "question": "q", "contexts": ["a"], "variables": {"x": 1}, "must_pass": True}


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", b"id,id\n1,2\n", "two columns have the same name"),
        ("a.csv", b'id,question\na,"never closed\n', "not CSV"),
        ("a.csv", b"id,question\na,\xff\xfe\n", "not CSV in UTF-8"),
        ("a.parquet", b"PAR1 not at all", "not a parquet file"),
        ("a.parquet", b"", "not a parquet file"),
        ("a.jsonl", b'{"id": "\xff"}\n', "UTF-8"),
        ("a.jsonl", b'{"id": "a", "id": "b"}\n', "twice"),
        ("a.jsonl", b"x" * (16 * 2**20 + 2), "bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(name: str, data: bytes, message: str) -> None:
    found = problem(data, name)
    assert message in found.message
    assert found.location.line >= 1


def test_values_of_parquet_that_no_json_can_hold_are_a_finding(tmp_path: Path) -> None:
    import datetime

    path = tmp_path / "a.parquet"
    write_parquet(path, [{"question": "q", "when": datetime.date(2026, 1, 1)}])
    (found,) = load_cases(path)
    assert isinstance(found, Finding)
    assert found.location.line == 1


def test_a_byte_order_mark_belongs_to_no_name() -> None:
    assert values(read(b"\xef\xbb\xbfid,question\na,q\n", "a.csv")) == [{"id": "a", "question": "q"}]
    assert values(read(b'\xef\xbb\xbf{"id": "a"}\n', "a.jsonl")) == [{"id": "a"}]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_empty_file_holds_no_case(name: str) -> None:
    assert read(b"", name) == []


def test_a_file_that_is_not_there_and_a_kind_that_is_not_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(CannotAsk) as caught:
        list(load_cases(tmp_path / "none.csv"))
    assert caught.value.code == "SOURCE_MISSING"
    with pytest.raises(CannotAsk) as caught:
        read(b"", "a.xlsx")
    assert caught.value.code == "SOURCE_KIND"


def _many(count: int) -> Iterator[bytes]:
    for index in range(count):
        yield json.dumps({"id": f"c{index}", "question": "q" * 200, "contexts": ["x" * 500]}).encode() + b"\n"


@pytest.mark.parametrize("ending", READERS)
def test_memory_does_not_grow_with_the_file(tmp_path: Path, ending: str) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}{ending}"
        WRITERS[ending](path, [json.loads(line) for line in _many(count)])
        tracemalloc.start()
        assert sum(1 for _ in load_cases(path)) == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)  # what is imported is no memory of the file
    assert peak(4000) < peak(500) + 200_000  # the files differ by 2.5 MB


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.jsonl", "a.parquet"]))
def test_no_bytes_raise(data: bytes, name: str) -> None:
    for item in read(data, name):
        assert isinstance(item, Row | Finding)
        assert item.location.line >= 1


@given(st.lists(st.fixed_dictionaries({"question": st.text(min_size=1), "contexts": st.lists(st.text())}), max_size=4))
def test_what_was_written_as_csv_is_read_back(rows: list[dict[str, Any]]) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(["question", "contexts"])
    writer.writerows([row["question"], json.dumps(row["contexts"])] for row in rows)
    found = values(read(stream.getvalue().encode("utf-8"), "a.csv"))
    assert [{name: item[name] for name in ("question", "contexts")} for item in found] == rows


def test_jsonl_and_csv_import_no_heavy_package(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", [SEED])
    write_jsonl(tmp_path / "a.jsonl", [SEED])
    code = f"""
import sys
from llmops.adapters.evalsets.sources import load_cases
print(len(list(load_cases({str(tmp_path / "a.csv")!r}))) + len(list(load_cases({str(tmp_path / "a.jsonl")!r}))))
print(sorted({{"pyarrow", "datasets", "pandas", "numpy"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "2\n[]\n"


def test_cases_become_a_dataset_in_the_seeds_form() -> None:
    from llmops.adapters.evalsets.dataset import to_dataset

    cases = [Case(id=str(index), question=f"q{index}", contexts=("a", "b"), ground_truth="t") for index in range(1500)]
    made = to_dataset([*cases, Case(id="last", question="q", answer="a")])
    assert made.column_names == ["question", "contexts", "answer", "ground_truth"]
    assert len(made) == 1501
    assert made[1499] == {"question": "q1499", "contexts": ["a", "b"], "answer": None, "ground_truth": "t"}
    assert made[1500] == {"question": "q", "contexts": [], "answer": "a", "ground_truth": ""}
    assert len(to_dataset([])) == 0


def test_a_dataset_written_to_parquet_is_read_back(tmp_path: Path) -> None:
    from llmops.adapters.evalsets.dataset import to_dataset

    to_dataset([Case(id="a", question="q", contexts=("x",), answer="a", ground_truth="t")]).to_parquet(
        str(tmp_path / "a.parquet")
    )
    (value,) = values(list(load_cases(tmp_path / "a.parquet")))
    assert {**value, "id": ""} == {"id": "", "question": "q", "contexts": ["x"], "answer": "a", "ground_truth": "t"}
