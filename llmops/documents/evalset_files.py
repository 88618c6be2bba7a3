"""An evalset as files: evalset.yaml and the cases it names, read into an `Evalset` or into findings.

Rules, in order:

1. `source` is a JSON lines, CSV or parquet file, relative to the manifest. `columns` says which field of a case has
   which name there; then other keys of a row are passed over, otherwise an unknown key is a finding.
2. Every case has an id, and no two have the same. Both places are named.
3. `select.tags` keeps the cases that carry all of them. What remains is not empty.
4. Rows are read one by one, and more than `LARGE` cases are kept packed: memory grows with the packed bytes alone.
"""

from __future__ import annotations

import json
import posixpath
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from llmops.documents.case_sources import ENDINGS, CaseSource, source_of
from llmops.documents.evalsets import Case, CasesHash, Evalset, PackedCases, case_of
from llmops.documents.packed import Lines
from llmops.documents.reading import schemas
from llmops.documents.reading.document import Document
from llmops.documents.trees import Tree
from llmops.errors import Finding, Location, Severity, in_order

LARGE = 2_000  # cases: below, packing them would save less than it costs


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

    def cases(self, tree: Tree) -> Sequence[Case]:
        place = self.manifest.at("source")
        if not self.source:
            self._refuse("reference-outside", place, "the source leaves the repository", "write a relative path")
            return ()
        if not self.source.endswith(ENDINGS):
            what = f"{self.source} is of no kind that holds cases"
            self._refuse("evalset-unsupported", place, what, f"write the cases to one of: {', '.join(ENDINGS)}")
            return ()
        data = tree.read(self.source)
        if data is None:
            self._refuse("reference-missing", place, f"there is no {self.source}", "write the file, or mend `source`")
            return ()
        source = source_of(data, self.source, self.manifest.value.get("columns") or {})
        return self._selected(source) if source else ()

    def _selected(self, source: CaseSource) -> Sequence[Case]:
        """The cases that `select` keeps, each looked at once."""
        wanted = set(self.manifest.value.get("select", {}).get("tags", ()))
        kept, tags = Gathering(), set[str]()
        for offset, value, case in self._read(source):
            if wanted <= set(case.tags):
                tags.update(case.tags)
                kept.add(case, value, offset)
        is_bad = any(finding.is_error for finding in self.findings)
        if not kept.count and not is_bad:
            which = f" that carries {', '.join(sorted(wanted))}" if wanted else ""
            self._refuse(
                "evalset-empty", self.manifest.at("source"), f"{self.source} holds no case{which}", "add cases"
            )
        self._check_slices(tags, has_cases=bool(kept.count))
        return () if is_bad else kept.cases(source.again)

    def _read(self, source: CaseSource) -> Iterator[tuple[int, Mapping[str, Any], Case]]:
        """The cases of the source: where each begins, its fields, itself. What is wrong is noted."""
        self.findings.extend(source.problems())
        hashes = array("q")
        for row in source.rows() if not self.findings else ():
            if row.problem:
                self.findings.append(row.problem)
                continue
            checked = schemas.check_row("case", row.value, self._place(source, row.line))
            self.findings.extend(checked.findings)
            if not checked.findings:
                case = case_of(checked.value)
                hashes.append(hash(case.id))
                yield row.offset, checked.value, case
        twice = _repeated(hashes)
        if twice:
            self._check_ids(source, twice)

    def _place(self, source: CaseSource, number: int) -> Location:
        return Location(path=self.source, line=number, column=int(source.unit == "line"))

    def _check_ids(self, source: CaseSource, twice: Set[int]) -> None:
        """Name every row whose id stands on a row before; only ids of these hashes can."""
        first: dict[str, int] = {}
        for row in source.rows():
            checked = schemas.check_row("case", row.value, self.manifest.at("source"))
            if row.problem or checked.findings or hash(checked.value["id"]) not in twice:
                continue
            name = checked.value["id"]
            if first.setdefault(name, row.line) != row.line:
                what = f"the id '{name}' is taken by {source.unit} {first[name]} already"
                self._refuse("case-duplicate-id", self._place(source, row.line), what, "give one of the two another id")

    def _check_slices(self, tags: Set[str], *, has_cases: bool) -> None:
        for index, name in enumerate(self.manifest.value.get("slices", ())):
            if has_cases and name not in tags:
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


def _repeated(hashes: Iterable[int]) -> frozenset[int]:
    """What stands twice."""
    ordered = sorted(hashes)
    return frozenset(one for one, other in pairwise(ordered) if one == other)


class Gathering:
    """Cases on their way into an evalset: held as they are while they are few, packed once they are many.

    As long as they come in the order of their ids, they are hashed on the way, and no id is kept.
    """

    def __init__(self) -> None:
        self.count = 0
        self._few: list[Case] = []
        self._values: list[Mapping[str, Any]] = []
        self._lines = Lines()
        self._offsets = array("Q")
        self._hashed: CasesHash | None = CasesHash()
        self._last = ""

    def add(self, case: Case, value: Mapping[str, Any], offset: int) -> None:
        """The next case, the fields it is made of, and where they are found again."""
        self.count += 1
        self._offsets.append(offset)
        if self.count <= LARGE:
            self._few.append(case)
            self._values.append(value)
            return
        for early, fields in zip(self._few, self._values, strict=True):
            self._pack(early, fields)
        self._few, self._values = [], []
        self._pack(case, value)

    def _pack(self, case: Case, value: Mapping[str, Any]) -> None:
        self._lines.add(case.id, json.dumps(value, ensure_ascii=False).encode("utf-8"))
        if case.id < self._last:
            self._hashed = None
        self._last = case.id
        if self._hashed is not None:
            self._hashed.add(case)

    def cases(self, again: Callable[[int], Mapping[str, Any]]) -> Sequence[Case]:
        """The cases; `again` gives the fields that begin at an offset."""
        if self.count <= LARGE:
            return tuple(self._few)
        if self._hashed is not None:
            return PackedCases(self._lines, self._hashed, range(self.count))
        ids = [again(offset)["id"] for offset in self._offsets]
        order = array("I", sorted(range(self.count), key=ids.__getitem__))
        hashed = CasesHash(case_of(again(self._offsets[at])) for at in order)
        return PackedCases(self._lines, hashed, order)


def _evalset(value: Mapping[str, Any], cases: Sequence[Case]) -> Evalset:
    return Evalset(
        name=value["name"],
        version=value["version"],
        cases=cases,
        slices=tuple(value.get("slices", ())),
        description=value.get("description", ""),
        licence=value.get("licence", ""),
    )
