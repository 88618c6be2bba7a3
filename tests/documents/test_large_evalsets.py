"""An evalset of many cases is read like one of few: same cases, same digest, same findings, whatever is packed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents import canonical, evalset_files, project
from llmops.documents.evalsets import Case, Evalset, PackedCases
from llmops.documents.packed import BLOCK, Lines, Packed
from llmops.documents.reading import json_door
from llmops.documents.reading.parsed import read_text
from llmops.documents.trees import MemoryTree

MANIFEST = "name: loans\nversion: 1.0.0\nsource: cases.jsonl\n"
SOURCE = "evalsets/loans/cases.jsonl"

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
rows = st.fixed_dictionaries(
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


def read(lines: list[dict[str, Any]] | str, manifest: str = MANIFEST) -> evalset_files.EvalsetFolder:
    text = lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines)
    tree = MemoryTree({"evalsets/loans/evalset.yaml": manifest.encode(), SOURCE: text.encode()})
    folder = project.load(tree).evalset("loans")
    assert folder is not None
    return folder


def evalset_of(folder: evalset_files.EvalsetFolder) -> Evalset:
    assert folder.evalset is not None, folder.findings
    return folder.evalset


def digest_as_one_value(evalset: Evalset) -> str:
    """The digest as the format defines it: of one value that holds all cases."""
    cases = [case.as_json() for case in sorted(evalset.cases, key=lambda case: case.id)]
    return canonical.digest({"cases": cases, "slices": sorted(evalset.slices)})


@pytest.fixture
def _packs_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evalset_files, "LARGE", 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(rows, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_packed_or_not_the_cases_and_their_digest_are_the_same(found: list[dict[str, Any]], random: Any) -> None:
    lines = [{"id": f"case {number}", **row} for number, row in enumerate(found)]
    random.shuffle(lines)
    few = evalset_of(read(lines, MANIFEST + "slices: [x]\n"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(evalset_files, "LARGE", 0)
        many = evalset_of(read(lines, MANIFEST + "slices: [x]\n"))
    assert isinstance(few.cases, tuple)
    assert isinstance(many.cases, PackedCases)
    assert list(many.cases) == list(few.cases)
    assert many.cases == few.cases
    assert many.digest == few.digest == digest_as_one_value(few)


@pytest.mark.usefixtures("_packs_everything")
def test_cases_are_found_by_number_and_by_id() -> None:
    lines = [{"id": f"{number:04}", "question": f"What is {number}?"} for number in range(3 * BLOCK, 0, -1)]
    evalset = evalset_of(read(lines))
    assert (len(evalset.cases), evalset.cases[0].id, evalset.cases[-1].id) == (3 * BLOCK, "0384", "0001")
    assert [case.id for case in evalset.cases[BLOCK - 1 : BLOCK + 1]] == ["0257", "0256"]
    assert isinstance(evalset.cases, PackedCases)
    assert evalset.cases.find("0017") == Case(id="0017", question="What is 17?")
    assert evalset.cases.find("17") is None
    with pytest.raises(IndexError):
        evalset.cases[3 * BLOCK]


@pytest.mark.usefixtures("_packs_everything")
def test_columns_and_select_mean_the_same_where_cases_are_packed() -> None:
    manifest = MANIFEST + "columns: {id: key, question: text}\nselect: {tags: [x]}\n"
    lines = [{"key": str(at), "text": "a", "tags": ["x"] if at % 2 else [], "other": 1} for at in (5, 4, 3, 1, 2)]
    evalset = evalset_of(read(lines, manifest))
    assert [case.id for case in evalset.cases] == ["5", "3", "1"]
    assert evalset.digest == digest_as_one_value(evalset)


@pytest.mark.usefixtures("_packs_everything")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"id": "a", "question": "b"}\n' * 2, ["cases.jsonl:2:1 case-duplicate-id"]),
        ('{"id": "a", "question": "b"}\n\n{"id": 1}\n', ["cases.jsonl:3:1 case-schema"]),
        ('{"id": "a", "question": "b"}\n{"b"\n', ["cases.jsonl:2:5 json-syntax"]),
        ('{"id": "a", "question": "\x00"}\n{', ["cases.jsonl:1:26 document-control-character"]),
        ("\n", ["evalset.yaml:3:9 evalset-empty"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_where_cases_would_be_packed(text: str, found: list[str]) -> None:
    folder = read(text)
    places = {f"{one.location.path.rpartition('/')[2]}:{one.location.line}:{one.location.column} {one.rule}"
              for one in folder.findings}  # fmt: skip
    assert set(found) <= places
    assert folder.evalset is None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40) | st.text("aé\n\ufeff\x07\r\u2028 {}", max_size=30).map(str.encode))
def test_rows_are_the_lines_of_the_text_and_findings_those_of_the_whole(data: bytes) -> None:
    text, findings = read_text(data, "a", 10**6)
    assert json_door.check_text(data, "a") == findings
    if text is not None:
        numbers = [number for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        assert [row.line for row in json_door.read_rows(data, "a")] == numbers


def test_names_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = Lines()
    for name in ("a", "b"):
        lines.add(name, name.encode())
    lines.hashes[1] = lines.hashes[0]
    packed = Packed(lines, parse=bytes.decode, name_of=str)
    assert packed.find("a") == "a"
    lines.hashes[0] = lines.hashes[1] = hash("b")
    assert Packed(lines, parse=bytes.decode, name_of=str).find("b") == "b"
