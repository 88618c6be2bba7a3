"""evalset import: cases from elsewhere as an evalset of this repository, canonical JSON lines and a manifest.

Rules, in order:

1. Nothing is written where any row is wrong: all of them are listed, at their places in the source.
2. A row without an id gets one by its number, c00001 and so on: the same source gives the same ids.
3. An evalset that is there is replaced only when that is asked for.
4. The manifest says where the cases come from. Their licence is not known from their bytes: a person fills it in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llmops.documents import canonical, lint, versions
from llmops.documents.freezing import thaw
from llmops.documents.project import Vocabulary
from llmops.documents.reading import json_door, schemas
from llmops.documents.reading.case_fields import CaseRow
from llmops.documents.reading.parsed import CONTROL
from llmops.documents.trees import FileChange, MemoryTree, Plan
from llmops.errors import CannotAsk, Finding, InvalidDocuments, Location, Refusal, Severity
from llmops.usecases.ports import Repository
from llmops.usecases.results.writing import WrittenFiles

UNKNOWN_LICENCE = "unknown: fill in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`source` names where the rows come from, `origin` says the same as a sentence for the manifest."""

    name: str
    version: str
    source: str
    origin: str
    is_forced: bool = False
    is_dry_run: bool = False


def run(repository: Repository, request: Request, rows: Iterable[CaseRow | Finding]) -> WrittenFiles:
    """Write evalsets/NAME/ to the work tree; commits nothing.

    Raises: CannotAsk USAGE, Refusal EVALSET_EXISTS, InvalidDocuments; what reading the rows raises.
    """
    _check(request)
    folder = f"evalsets/{request.name}"
    present = tuple(entry.path for entry in repository.work_tree().entries(folder))
    if present and not request.is_forced:
        raise Refusal(
            "EVALSET_EXISTS",
            f"there is an evalset {request.name} already",
            where=f"{folder}/",
            hint="nothing was written; take another name, or replace it with --force",
            details=present,
        )
    count, cases = _Cases(request.source).of(rows)
    files = {f"{folder}/cases.jsonl": cases, f"{folder}/evalset.yaml": thaw.dump(_manifest(request))}
    # What validate would say: an import that validate refuses is no import.
    found = lint.check_unit(MemoryTree(files), folder, Vocabulary()).findings
    if any(finding.is_error for finding in found):
        raise InvalidDocuments(found)
    if not request.is_dry_run:
        repository.apply(Plan(files=tuple(FileChange(path=path, content=data) for path, data in files.items())))
    notes = (
        f"{count} case{'' if count == 1 else 's'} from {request.source}",
        f'`licence` in {folder}/evalset.yaml is "{UNKNOWN_LICENCE}": write the licence of the cases there',
    )
    return WrittenFiles(files=tuple(files), notes=notes, is_dry_run=request.is_dry_run)


def _check(request: Request) -> None:
    rule = schemas.schema("evalset")["properties"]["name"]
    if not re.fullmatch(rule["pattern"], request.name):
        what = f"an evalset cannot be called '{request.name}'"
        raise CannotAsk("USAGE", what, hint=f"take {rule['patternErrorMessage']}")
    if not versions.is_valid(request.version):
        what = f"'{request.version}' is no semantic version"
        raise CannotAsk("USAGE", what, hint="write MAJOR.MINOR.PATCH, such as 1.0.0")


def _manifest(request: Request) -> dict[str, Any]:
    return {
        "name": request.name,
        "version": request.version,
        "description": request.origin,
        "licence": UNKNOWN_LICENCE,
        "source": "cases.jsonl",
    }


class _Cases:
    """The lines of cases.jsonl, as rows come in."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._places: dict[str, int] = {}
        self._lines = bytearray()

    def of(self, rows: Iterable[CaseRow | Finding]) -> tuple[int, bytes]:
        """How many cases, and their lines. Raises: InvalidDocuments."""
        findings = [finding for number, row in enumerate(rows, 1) for finding in self._add(number, row)]
        if not self._places and not findings:
            place = Location(path=self._source)
            findings = [_error("evalset-empty", place, f"{self._source} holds no case", "add cases")]
        if findings:
            raise InvalidDocuments(findings)
        return len(self._places), bytes(self._lines)

    def _add(self, number: int, row: CaseRow | Finding) -> Iterator[Finding]:
        if isinstance(row, Finding):
            yield row
            return
        checked = schemas.check_row("case", {"id": f"c{number:05}", **row.value}, row.location)
        yield from checked.findings
        if not checked.findings:
            line = canonical.dumps(checked.value)
            yield from self._problems(checked.value["id"], line, row.location)
            self._lines += line + b"\n"

    def _problems(self, name: str, line: bytes, place: Location) -> Iterator[Finding]:
        first = self._places.setdefault(name, place.line)
        if first != place.line:
            what = f"the id '{name}' is taken already, at {place.path}:{first}"
            yield _error("case-duplicate-id", place, what, "give one of the two another id")
        control = CONTROL.search(line.decode("utf-8"))
        if control:
            what = f"control character U+{ord(control.group()):04X}: the case is no plain text"
            yield _error("document-control-character", place, what, "remove it in the source")
        if len(self._lines) <= json_door.LARGEST_JSONL < len(self._lines) + len(line) + 1:
            what = f"the cases up to here have more than {json_door.LARGEST_JSONL} bytes as JSON lines"
            yield _error("document-too-large", place, what, "import fewer rows, or name a parquet file as `source`")


def _error(rule: str, place: Location, message: str, fix: str) -> Finding:
    return Finding(rule=rule, severity=Severity.ERROR, location=place, message=message, fix=fix)
