"""evalset import: what it writes validates, and what is wrong is listed whole and writes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from llmops.documents import project
from llmops.documents.reading import json_door
from llmops.documents.reading.case_fields import CaseRow
from llmops.errors import CannotAsk, Finding, InvalidDocuments, Location, Refusal, Severity
from llmops.usecases.author import import_evalset, validate
from llmops.usecases.results.writing import WrittenFiles
from tests.fakes import FakeRepository

CASES = "evalsets/loans/cases.jsonl"
MANIFEST = "evalsets/loans/evalset.yaml"
REQUEST = import_evalset.Request(name="loans", version="1.0.0", source="rows.csv", origin="Imported from rows.csv.")


def row(line: int, **value: Any) -> CaseRow:
    return CaseRow(location=Location(path="rows.csv", line=line), value=value)


def problem(line: int) -> Finding:
    place = Location(path="rows.csv", line=line)
    return Finding(rule="source-row", severity=Severity.ERROR, location=place, message="no case", fix="mend it")


def run(repository: FakeRepository, *rows: CaseRow | Finding, **changes: Any) -> WrittenFiles:
    return import_evalset.run(repository, replace(REQUEST, **changes), rows)


def refused(*rows: CaseRow | Finding) -> list[tuple[int, str]]:
    repository = FakeRepository()
    with pytest.raises(InvalidDocuments) as caught:
        run(repository, *rows)
    assert repository.folder == {}
    assert all(finding.fix for finding in caught.value.findings)
    return [(finding.location.line, finding.rule) for finding in caught.value.findings]


def test_what_is_written_validates_and_says_where_it_comes_from() -> None:
    repository = FakeRepository()
    done = run(repository, row(2, question="Ä?", tags=["x"]), row(4, id="mine", question="r"), row(5, question="s"))
    assert done.files == (CASES, MANIFEST)
    assert done.notes[0] == "3 cases from rows.csv"
    assert repository.folder[CASES].decode() == (
        '{"id":"c00001","question":"Ä?","tags":["x"]}\n{"id":"mine","question":"r"}\n{"id":"c00003","question":"s"}\n'
    )
    assert validate.run(repository.work_tree(), ()).findings == ()
    folder = project.load(repository.work_tree()).evalset("loans")
    assert folder is not None
    assert folder.evalset is not None
    assert (folder.evalset.description, folder.evalset.licence) == (REQUEST.origin, "unknown: fill in")
    assert (repository.refs, repository.index) == ({}, {})


def test_every_bad_row_is_listed_and_nothing_is_written() -> None:
    rows = (row(2, question="q"), problem(3), row(4), row(5, question="q", other=1), row(6, id="c00001", question="r"))
    assert refused(*rows) == [
        (3, "source-row"),
        (4, "case-schema"),
        (5, "case-schema"),
        (6, "case-duplicate-id"),
    ]


def test_no_row_and_what_no_evalset_could_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused() == [(0, "evalset-empty")]
    assert refused(row(2, question="\x7f")) == [(2, "document-control-character")]
    monkeypatch.setattr(json_door, "LARGEST_JSONL", 70)
    assert refused(*(row(line, question="q" * 20) for line in range(1, 5))) == [(2, "document-too-large")]


def test_an_evalset_that_is_there_is_replaced_only_by_force() -> None:
    repository = FakeRepository()
    run(repository, row(1, question="q"))
    before = dict(repository.folder)
    with pytest.raises(Refusal) as caught:
        run(repository, row(1, question="r"))
    assert (caught.value.code, caught.value.details) == ("EVALSET_EXISTS", (CASES, MANIFEST))
    assert repository.folder == before
    run(repository, row(1, question="r"), is_forced=True, version="1.1.0")
    assert json.loads(repository.folder[CASES]) == {"id": "c00001", "question": "r"}
    assert b"version: 1.1.0" in repository.folder[MANIFEST]


def test_a_dry_run_reads_everything_and_writes_nothing() -> None:
    repository = FakeRepository()
    done = run(repository, row(1, question="q"), is_dry_run=True)
    assert (done.files, done.is_dry_run, repository.folder) == ((CASES, MANIFEST), True, {})


@pytest.mark.parametrize("changes", [{"name": "../x"}, {"name": "A b"}, {"name": ""}, {"version": "1"}])
def test_a_name_or_version_that_cannot_be_is_refused_before_a_row_is_read(changes: dict[str, str]) -> None:
    def never() -> Any:
        raise AssertionError("no row is read")
        yield

    with pytest.raises(CannotAsk) as caught:
        import_evalset.run(FakeRepository(), replace(REQUEST, **changes), never())
    assert caught.value.code == "USAGE"
