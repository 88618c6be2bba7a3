"""The shape of every kind of document: JSON Schemas that ship in the package, and findings in the house form.

Editors use the same files (`# yaml-language-server: $schema=…`). A schema is read when its kind is first checked.
"""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmops.documents.reading import shapes
from llmops.documents.reading.parsed import Parsed
from llmops.errors import Finding, Location, Severity

KINDS = (
    "prompt", "rag", "thresholds", "evalset", "case", "label", "experiment", "llmops", "release", "pointer", "record",
    "evidence",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A value whose shape was checked (numbers are text again where text is wanted) and what is wrong with it."""

    value: Any
    findings: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        return not any(finding.is_error for finding in self.findings)


@cache
def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of `kind`. Raises: KeyError for a kind that is not in KINDS."""
    if kind not in KINDS:
        raise KeyError(kind)
    data = pkgutil.get_data("llmops.documents.reading", f"schemas/{kind}.json")
    if data is None:
        raise FileNotFoundError(f"schemas/{kind}.json is not in the installed package")
    value: dict[str, Any] = json.loads(data)
    return value


def check(kind: str, parsed: Parsed) -> Checked:
    """What `parsed` holds as a document of `kind`. An unreadable file has its findings from the door already."""
    if not parsed.is_readable:
        return Checked(value=None, findings=())
    if parsed.value is None:
        return Checked(value=None, findings=(_empty(kind, parsed),))
    value, problems = shapes.check(schema(kind), parsed.value, parsed.texts)
    return Checked(value=value, findings=tuple(_finding(kind, parsed, problem) for problem in problems))


def check_rows(kind: str, parsed: Parsed) -> Checked:
    """The rows of a JSON lines file: those that fit, as (index, row), and what is wrong with the others."""
    good: list[tuple[int, Any]] = []
    findings: list[Finding] = []
    for index, row in enumerate(parsed.value or ()):
        checked = check_row(kind, row, parsed.at((index,)))
        if not checked.findings:
            good.append((index, checked.value))
        findings.extend(checked.findings)
    return Checked(value=tuple(good), findings=tuple(findings))


def check_row(kind: str, row: Any, place: Location) -> Checked:
    """One row, which stands at `place`, and what is wrong with it."""
    value, problems = shapes.check(schema(kind), row, {})
    return Checked(value=value, findings=tuple(_row_finding(kind, place, problem) for problem in problems))


def _empty(kind: str, parsed: Parsed) -> Finding:
    keys = ", ".join(schema(kind).get("required", ())) or "its keys"
    location = Location(path=parsed.path, line=1, column=1)
    return _error(kind, location, "the file is empty, expected a mapping", f"write {keys}")


def _finding(kind: str, parsed: Parsed, problem: shapes.Problem) -> Finding:
    location = parsed.at_key(problem.pointer) if problem.is_key else parsed.at(problem.pointer)
    return _error(kind, location, problem.message, problem.fix)


def _row_finding(kind: str, place: Location, problem: shapes.Problem) -> Finding:
    message = problem.message.replace("the file is ", f"the {kind} is ", 1)
    return _error(kind, place, message, problem.fix)


def _error(kind: str, location: Location, message: str, fix: str) -> Finding:
    return Finding(rule=f"{kind}-schema", severity=Severity.ERROR, location=location, message=message, fix=fix)
