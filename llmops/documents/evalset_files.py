"""An evalset as files: evalset.yaml and the cases it names, read into an `Evalset` or into findings.

Rules, in order:

1. `source` is a JSON lines file, relative to the manifest. `columns` says which field of a case has which name there;
   then other keys of a row are passed over, otherwise an unknown key is a finding.
2. Every case has an id, and no two have the same. Both lines are named.
3. `select.tags` keeps the cases that carry all of them. What remains is not empty.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents.chat import ToolCall
from llmops.documents.evalsets import Case, Evalset
from llmops.documents.reading import json_door, schemas
from llmops.documents.reading.document import Document
from llmops.documents.reading.parsed import Parsed
from llmops.documents.trees import Tree
from llmops.errors import Finding, Location, Severity, in_order


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalsetFolder:
    """An evalset's files. `evalset` is None where `findings` hold an error."""

    name: str
    manifest: Document
    source: str
    evalset: Evalset | None
    findings: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        return self.evalset is not None


def read_evalset(tree: Tree, name: str, manifest: Document) -> EvalsetFolder:
    """The evalset whose manifest is `manifest`, with every finding about it."""
    reading = _Reading(manifest)
    cases = reading.cases(tree) if manifest.is_valid else ()
    findings = in_order([*manifest.findings, *reading.findings])
    is_good = manifest.is_valid and not any(finding.is_error for finding in findings)
    evalset = _evalset(manifest.value, cases) if is_good else None
    return EvalsetFolder(name=name, manifest=manifest, source=reading.source, evalset=evalset, findings=findings)


class _Reading:
    """Reads the cases of one evalset and collects what is wrong."""

    def __init__(self, manifest: Document) -> None:
        self.manifest = manifest
        self.source = _source_path(manifest)
        self.findings: list[Finding] = []

    def cases(self, tree: Tree) -> tuple[Case, ...]:
        place = self.manifest.at("source")
        if not self.source:
            self._refuse("reference-outside", place, "the source leaves the repository", "write a relative path")
            return ()
        if not self.source.endswith(".jsonl"):
            what = f"{self.source} is no .jsonl file: other sources are not supported by this version"
            self._refuse("evalset-unsupported", place, what, "write the cases as JSON lines, one object a line")
            return ()
        data = tree.read(self.source)
        if data is None:
            self._refuse("reference-missing", place, f"there is no {self.source}", "write the file, or mend `source`")
            return ()
        return self._selected(self._read(json_door.parse_jsonl(data, self.source)))

    def _read(self, parsed: Parsed) -> list[tuple[Location, Case]]:
        self.findings.extend(parsed.findings)
        columns = self.manifest.value.get("columns")
        rows = _renamed(parsed, columns) if columns else parsed
        checked = schemas.check_rows("case", rows)
        self.findings.extend(checked.findings)
        found = [(parsed.at((index,)), _case(value)) for index, value in checked.value]
        self._check_ids(found)
        return found

    def _check_ids(self, found: list[tuple[Location, Case]]) -> None:
        first: dict[str, int] = {}
        for place, case in found:
            if case.id in first:
                what = f"the id '{case.id}' is taken by line {first[case.id]} already"
                self._refuse("case-duplicate-id", place, what, "give one of the two another id")
            first.setdefault(case.id, place.line)

    def _selected(self, found: list[tuple[Location, Case]]) -> tuple[Case, ...]:
        wanted = set(self.manifest.value.get("select", {}).get("tags", ()))
        cases = tuple(case for _place, case in found if wanted <= set(case.tags))
        if not cases and not any(finding.is_error for finding in self.findings):
            which = f" that carries {', '.join(sorted(wanted))}" if wanted else ""
            self._refuse(
                "evalset-empty", self.manifest.at("source"), f"{self.source} holds no case{which}", "add cases"
            )
        self._check_slices(cases)
        return cases

    def _check_slices(self, cases: tuple[Case, ...]) -> None:
        tags = {tag for case in cases for tag in case.tags}
        for index, name in enumerate(self.manifest.value.get("slices", ())):
            if cases and name not in tags:
                place = self.manifest.at("slices", index)
                what, fix = f"no case carries the tag of the slice '{name}'", "tag cases with it, or remove the slice"
                self._refuse("evalset-slice-empty", place, what, fix, Severity.WARNING)

    def _refuse(self, rule: str, place: Location, message: str, fix: str, severity: Severity = Severity.ERROR) -> None:
        self.findings.append(Finding(rule=rule, severity=severity, location=place, message=message, fix=fix))


def _source_path(manifest: Document) -> str:
    """The path of the cases, "" where it leaves the tree."""
    reference = manifest.value.get("source", "cases.jsonl")
    if "\\" in reference or posixpath.isabs(reference):
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(manifest.path), reference))
    return "" if path.startswith("..") else path


def _renamed(parsed: Parsed, columns: Mapping[str, str]) -> Parsed:
    """The rows with the source's names turned into the fields of a case; what is no field is passed over."""
    fields = schemas.schema("case")["properties"]
    origin = {field: columns.get(field, field) for field in fields}
    rows = [
        {field: row[name] for field, name in origin.items() if name in row} if isinstance(row, dict) else row
        for row in parsed.value or ()
    ]
    return Parsed(path=parsed.path, value=rows, findings=parsed.findings, values=parsed.values)


def _case(value: Mapping[str, Any]) -> Case:
    lists = ("contexts", "relevant", "tags", "contains", "not_contains")
    given = {name: tuple(value[name]) for name in (*lists, "messages") if name in value}
    calls = {name: tuple(_tool_call(call) for call in value[name]) for name in _CALLS if name in value}
    return Case(**{**value, **given, **calls})


_CALLS = ("expected_tool_calls", "tool_calls")


def _tool_call(value: Mapping[str, Any]) -> ToolCall:
    """Arguments as an object are spelled canonically, so that equal calls have equal texts."""
    arguments = value.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True, ensure_ascii=False)
    return ToolCall(name=value["name"], arguments=text)


def _evalset(value: Mapping[str, Any], cases: tuple[Case, ...]) -> Evalset:
    return Evalset(
        name=value["name"],
        version=value["version"],
        cases=cases,
        slices=tuple(value.get("slices", ())),
        description=value.get("description", ""),
        licence=value.get("licence", ""),
    )
