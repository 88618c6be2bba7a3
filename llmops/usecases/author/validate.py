"""validate: all findings of all documents at once; an unchanged unit (one prompt or evalset folder) costs a digest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from llmops.documents import canonical, lint, project
from llmops.documents.trees import Tree
from llmops.errors import Finding, Location, Severity, in_order
from llmops.usecases.results import Validated
from llmops.usecases.vocabulary import vocabulary


class Cache(Protocol):
    """A place for bytes by key; losing it costs time only."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, data: bytes) -> None: ...


def run(tree: Tree, paths: Sequence[str], cache: Cache | None = None) -> Validated:
    """The findings of the units that `paths` touch (all of them without any), sorted by place."""
    words = vocabulary()
    units = lint.units(project.load(tree, words), paths)
    context = lint.context_digest(words)
    findings = [finding for unit in units for finding in _unit(tree, unit, context, cache)]
    return Validated(units=len(units), findings=in_order(findings))


def _unit(tree: Tree, unit: str, context: str, cache: Cache | None) -> tuple[Finding, ...]:
    key = canonical.sha256(f"{context}\n{unit}".encode())
    kept = cache.get(key) if cache is not None else None
    if kept is not None and (findings := _still_true(tree, kept)) is not None:
        return findings
    result = lint.check_unit(tree, unit, vocabulary())
    if cache is not None:
        cache.put(key, _dump(result.inputs, result.findings))
    return result.findings


def _still_true(tree: Tree, kept: bytes) -> tuple[Finding, ...] | None:
    try:
        value = json.loads(kept)
        if all(lint.input_digest(tree, path) == digest for path, digest in value["inputs"]):
            return tuple(_finding(item) for item in value["findings"])
    except (ValueError, KeyError, TypeError):
        return None
    return None


def _dump(inputs: Sequence[tuple[str, str]], findings: Sequence[Finding]) -> bytes:
    rows = [
        {
            "rule": finding.rule,
            "severity": finding.severity.value,
            "path": finding.location.path,
            "line": finding.location.line,
            "column": finding.location.column,
            "message": finding.message,
            "fix": finding.fix,
        }
        for finding in findings
    ]
    return json.dumps({"inputs": list(inputs), "findings": rows}).encode()


def _finding(row: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=row["rule"],
        severity=Severity(row["severity"]),
        location=Location(path=row["path"], line=row["line"], column=row["column"]),
        message=row["message"],
        fix=row["fix"],
    )
