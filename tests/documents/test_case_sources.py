"""Cases in CSV and parquet are the cases of JSON lines: the same values, the same digest, the same refusals."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents import case_sources, evalset_files, lint, project
from llmops.documents.reading import json_door
from llmops.documents.trees import MemoryTree
from llmops.errors import Finding

JSON_FIELDS = ("contexts", "tags", "variables", "expected_tool_calls", "must_pass")
WHOLE = {
    "id": "a",
    "question": "What is the rate, “today”?",
    "ground_truth": "4 %",
    "contexts": ["The rate\nis 4 %.", 'He said "yes".'],
    "relevant": ["page#1"],
    "variables": {"region": "north", "year": 2026, "list": [1.5, 2.5]},
    "tags": ["x", "y"],
    "must_pass": True,
    "group": "rates",
    "contains": ["4"],
    "not_contains": ["5"],
    "messages": [{"role": "user", "content": "Hello"}],
    "expected_tool_calls": [{"name": "rate", "arguments": {"of": "today"}}],
    "tool_calls": [{"name": "rate", "arguments": "{}"}],
    "answer": "4 %",
}


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]], *, head: bytes = b"", ends: str = "\r\n") -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)), lineterminator=ends)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: value if isinstance(value, str) else json.dumps(value) for name, value in row.items()})
    return head + stream.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as arrow
    import pyarrow.parquet as writing

    names = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.BytesIO()
    table = arrow.table({name: [row.get(name) for row in rows] for name in names})
    writing.write_table(table, stream)
    return stream.getvalue()


WRITERS = {".jsonl": as_jsonl, ".csv": as_csv, ".parquet": as_parquet}


def folder_of(data: bytes, ending: str, more: str = "") -> evalset_files.EvalsetFolder:
    manifest = f"name: loans\nversion: 1.0.0\nsource: cases{ending}\n{more}"
    tree = MemoryTree({"evalsets/loans/evalset.yaml": manifest.encode(), f"evalsets/loans/cases{ending}": data})
    folder = project.load(tree).evalset("loans")
    assert folder is not None
    return folder


def digest(data: bytes, ending: str, more: str = "") -> str:
    folder = folder_of(data, ending, more)
    assert folder.evalset is not None, folder.findings
    return folder.evalset.digest


def findings(data: bytes, ending: str, more: str = "") -> tuple[Finding, ...]:
    return folder_of(data, ending, more).findings


ROWS = [WHOLE, {"id": "b", "question": "007"}]


@pytest.mark.parametrize("large", [0, 2_000])
@pytest.mark.parametrize("rows", [ROWS, ROWS[::-1]], ids=["in-order", "out-of-order"])
def test_equal_cases_have_one_digest(rows: list[dict[str, Any]], large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evalset_files, "LARGE", large)
    found = {ending: folder_of(write(rows), ending).evalset for ending, write in WRITERS.items()}
    assert {one and one.digest for one in found.values()} == {digest(as_jsonl(ROWS), ".jsonl")}
    assert all(one and list(one.cases) == list(found[".jsonl"].cases) for one in found.values())  # type: ignore[union-attr]


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
rows_of = st.fixed_dictionaries(
    {"question": texts},
    optional={
        "answer": texts,
        "contexts": st.lists(texts, max_size=2),
        "variables": st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False) | texts, max_size=2),
        "must_pass": st.booleans(),
        "tags": st.lists(st.sampled_from("xyz"), unique=True),
        "expected_tool_calls": st.lists(st.fixed_dictionaries({"name": st.just("f"), "arguments": st.just({"a": 1})})),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows_of, min_size=1, max_size=5))
def test_whatever_the_cases_their_digest_is_one(found: list[dict[str, Any]]) -> None:
    rows = [{"id": f"c{number}", **row} for number, row in enumerate(found)]
    # A column of structs has one type: what differs from row to row stands as JSON text there.
    texts = [{**row, "variables": json.dumps(row["variables"])} if "variables" in row else row for row in rows]
    assert digest(as_csv(rows), ".csv") == digest(as_jsonl(rows), ".jsonl") == digest(as_parquet(texts), ".parquet")


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"])
def test_a_mark_line_ends_and_quoted_line_breaks_change_nothing(head: bytes, ends: str) -> None:
    assert digest(as_csv(ROWS, head=head, ends=ends), ".csv") == digest(as_jsonl(ROWS), ".jsonl")


@pytest.mark.parametrize("ending", WRITERS)
def test_columns_and_select_mean_the_same_in_every_kind_of_file(ending: str) -> None:
    rows = [
        {"key": "a", "text": "Q", "tags": ["x"], "other": "1"},
        {"key": "b", "text": "R", "tags": ["y"], "other": "2"},
    ]
    more = "columns: {id: key, question: text}\nselect: {tags: [x]}\n"
    assert digest(WRITERS[ending](rows), ending, more) == digest(
        b'{"id": "a", "question": "Q", "tags": ["x"]}', ".jsonl"
    )


@pytest.mark.parametrize(
    ("data", "place", "rule"),
    [
        (b'id,question\na,"two\nlines"\nb,\n', "cases.csv:4:1", "case-schema"),
        (b"id,question,extra\na,q,x\n", "cases.csv:2:1", "case-schema"),
        (b"id,question\na,q\na,r\n", "cases.csv:3:1", "case-duplicate-id"),
        (b"id,question,tags\na,q,x\n", "cases.csv:2:1", "source-row"),
        (b'id,question,variables\na,q,"{""x"": 1e999}"\n', "cases.csv:2:1", "source-row"),
        (b"id,question,must_pass\na,q,yes\n", "cases.csv:2:1", "source-row"),
        (b"id,question\na\n", "cases.csv:2:1", "source-row"),
        (b'id,question\na,"open\n', "cases.csv:2:1", "source-row"),
        (b"id,id\na,q\n", "cases.csv:1:1", "source-row"),
        (b"id,question\na,\xff\n", "cases.csv:2:3", "document-not-utf8"),
        (b"id,question\na,\x00\n", "cases.csv:2:3", "document-control-character"),
        (b"id,question\n", "evalset.yaml:3:9", "evalset-empty"),
        (b"", "evalset.yaml:3:9", "evalset-empty"),
    ],
)
def test_what_is_wrong_in_a_csv_file_is_named_with_its_line(data: bytes, place: str, rule: str) -> None:
    found = [(str(one.location).rpartition("/")[2], one.rule) for one in findings(data, ".csv")]
    assert found == [(place, rule)]


@pytest.mark.parametrize(
    ("rows", "place", "rule"),
    [
        ([{"id": "a", "question": "q"}, {"id": "b"}], "cases.parquet:2", "case-schema"),
        ([{"id": "a", "question": "q"}, {"id": "a", "question": "q"}], "cases.parquet:2", "case-duplicate-id"),
        ([{"id": "a", "question": "q", "contexts": "one"}], "cases.parquet:1", "source-row"),
        ([{"id": "a", "question": b"q"}], "cases.parquet:1", "source-row"),
        ([{"id": "a", "question": "q", "variables": {"x": float("nan")}}], "cases.parquet:1", "source-row"),
        ([{"id": "a", "question": "q", "variables": {"x": 2**60}}], "cases.parquet:1", "source-row"),
    ],
)
def test_what_is_wrong_in_a_parquet_file_is_named_with_its_row(
    rows: list[dict[str, Any]], place: str, rule: str
) -> None:
    found = findings(as_parquet(rows), ".parquet")
    assert [(str(one.location).rpartition("/")[2], one.rule) for one in found] == [(place, rule)]
    if rule == "case-duplicate-id":
        assert "row 1" in found[0].message


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = as_parquet(ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (found,) = findings(data, ".parquet")
    assert (found.rule, found.fix) == ("extra-missing", "pip install 'llmops[eval]'")
    assert digest(as_csv(ROWS), ".csv") == digest(as_jsonl(ROWS), ".jsonl")


def test_findings_are_not_kept_from_before_pyarrow_was_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = lint.context_digest(project.Vocabulary())
    monkeypatch.setattr(sys.modules["llmops.documents.lint.units"], "find_spec", lambda _: None)
    assert lint.context_digest(project.Vocabulary()) != with_it


def test_other_endings_name_those_that_are_read() -> None:
    (found,) = findings(b"", ".xlsx")
    assert found.rule == "evalset-unsupported"
    assert ".jsonl, .csv, .parquet" in found.fix
    assert case_sources.source_of(b"", "cases.xlsx", {}) is None


def test_files_that_are_too_large_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_door, "LARGEST_JSONL", 10)
    (found,) = findings(as_parquet(ROWS), ".parquet")
    assert found.rule == "document-too-large"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["", "PAR1", "id,question\n"]), st.sampled_from([*WRITERS]))
def test_no_bytes_raise(data: bytes, head: str, ending: str) -> None:
    folder = folder_of(head.encode() + data, ending)
    assert (folder.evalset is None) == any(one.is_error for one in folder.findings)
