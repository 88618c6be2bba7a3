"""How a rule says what it found."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.errors import Finding, Location, Severity

Findings = Iterator[Finding]


def error(rule: str, location: Location, message: str, fix: str) -> Finding:
    """A finding that answers "no"."""
    return Finding(rule=rule, severity=Severity.ERROR, location=location, message=message, fix=fix)


def warning(rule: str, location: Location, message: str, fix: str) -> Finding:
    """A finding that counts under `--strict` alone."""
    return Finding(rule=rule, severity=Severity.WARNING, location=location, message=message, fix=fix)
