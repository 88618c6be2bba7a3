"""One file that was read and checked: its value, and everything found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents.reading.parsed import Parsed
from llmops.errors import Finding, Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file: as read, its checked value (an empty mapping where it is not valid), and its own findings."""

    kind: str
    path: str
    parsed: Parsed
    value: Mapping[str, Any]
    findings: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        return not any(finding.is_error for finding in self.findings)

    def at(self, *pointer: str | int) -> Location:
        """Where the value stands; the file's beginning where it has none."""
        return self.parsed.at(pointer)

    def at_key(self, *pointer: str | int) -> Location:
        return self.parsed.at_key(pointer)
