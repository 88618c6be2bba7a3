"""The one object that `--json` prints: keys are only ever added."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import Any

from llmops.errors import Finding, LlmopsError
from llmops.render import show

SCHEMA = "llmops/output/v1"


def render(
    *,
    command: str,
    exit_code: int,
    result: Any = None,
    findings: tuple[Finding, ...] = (),
    error: LlmopsError | None = None,
) -> str:
    """The envelope as indented JSON with a line feed at the end."""
    envelope = {
        "schema": SCHEMA,
        "command": command,
        "ok": exit_code == 0,
        "exit_code": exit_code,
        "result": plain(result),
        "findings": [_finding(finding) for finding in findings],
        "error": _error(error) if error else None,
    }
    return show.json_text(json.dumps(envelope, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def plain(value: Any) -> Any:
    """`value` as JSON types: dataclasses become objects, enums their values, dates ISO 8601, sets sorted lists."""
    match value:
        case Enum():
            return plain(value.value)
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case set() | frozenset():
            return sorted(plain(item) for item in value)
        case list() | tuple():
            return [plain(item) for item in value]
    return _other(value)


def _other(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in dataclasses.fields(value) if not item.name.startswith("_")]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, date) else str(value)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "path": finding.location.path,
        "line": finding.location.line,
        "column": finding.location.column,
        "message": finding.message,
        "fix": finding.fix,
    }


def _error(error: LlmopsError) -> dict[str, Any]:
    details = list(error.details)
    return {"code": error.code, "what": error.what, "where": error.where, "hint": error.hint, "details": details}
