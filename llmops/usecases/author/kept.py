"""Findings kept from the last `validate`, and which units (prompts, evalsets, llmops.yaml) they no longer speak for.

Rules, in order:

1. A file with the stamp it had is unchanged. Otherwise its bytes decide, where their digest was kept.
2. A file changes the unit whose folder it lies in (`releases/<name>/` belongs to `prompts/<name>`), and every unit
   that read it from elsewhere. A file that came or went changes whoever listed a folder above it, too.
3. What was kept under another vocabulary or other rules, or cannot be read, says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops.errors import Finding, Location, Severity

Inputs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One unit's findings and the (path, SHA-256) of what they depend on; a listed folder's path ends with a slash."""

    findings: tuple[Finding, ...]
    inputs: Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The state of the tree at the last run: `outside` holds what units read beyond their own folder, units that read
    the same together; `findings` only the units that have any."""

    context: str = ""
    stamps: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    outside: Mapping[tuple[str, ...], frozenset[str]] = field(default_factory=dict)
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    def still_true(self, stamps: Mapping[str, str], digest_of: Callable[[str], str]) -> frozenset[str]:
        """The units whose findings hold for a tree with these stamps."""
        changed = self._changed(stamps, digest_of)
        owners = {_owner(path.rstrip("/")) for path in changed}
        known: set[str] = set()
        for paths, units in self.outside.items():
            if changed.isdisjoint(paths):
                known |= units
        return frozenset(known - owners)

    def _changed(self, stamps: Mapping[str, str], digest_of: Callable[[str], str]) -> set[str]:
        moved = self.stamps.keys() ^ stamps.keys()
        suspects = {path for path, _ in self.stamps.items() ^ stamps.items()} - moved
        suspects |= {path for path, stamp in stamps.items() if not stamp} - moved
        rewritten = {path for path in suspects if self.digests.get(path) != digest_of(path)}
        return moved | rewritten | {folder for path in moved for folder in _folders(path)}

    def updated(
        self,
        context: str,
        stamps: Mapping[str, str],
        holding: Iterable[str],
        checked: Mapping[str, Checked],
    ) -> Kept:
        """What to keep now: units in `holding` as they were, `checked` as found, all others forgotten."""
        same = frozenset(holding) - checked.keys()
        outside = {paths: units & same for paths, units in self.outside.items() if units & same}
        for unit, result in checked.items():
            beyond = tuple(path for path, _ in result.inputs if _owner(path.rstrip("/")) != unit)
            outside[beyond] = outside.get(beyond, frozenset()) | {unit}
        digests = {path: digest for path, digest in self.digests.items() if path in stamps}
        for result in checked.values():
            digests.update((path, digest) for path, digest in result.inputs if digest and not path.endswith("/"))
        findings = {unit: found for unit, found in self.findings.items() if unit in same}
        findings |= {unit: result.findings for unit, result in checked.items() if result.findings}
        return Kept(context=context, stamps=stamps, digests=digests, outside=outside, findings=findings)


def _owner(path: str) -> str:
    """The unit that a file or folder lies in, whether there is such a unit or not."""
    parent, _, rest = path.partition("/")
    name = rest.partition("/")[0]
    return f"{'prompts' if parent == 'releases' else parent}/{name}" if name else path


def _folders(path: str) -> Iterable[str]:
    """The folders above a path, as inputs spell them; the root is "/"."""
    parts = path.split("/")[:-1]
    return ("/".join(parts[:depth]) + "/" for depth in range(len(parts) + 1))


def dump(kept: Kept) -> bytes:
    """The bytes of what is kept."""
    value = {
        "context": kept.context,
        "stamps": kept.stamps,
        "digests": kept.digests,
        "outside": [[paths, sorted(units)] for paths, units in kept.outside.items()],
        "findings": {unit: [_row(finding) for finding in found] for unit, found in kept.findings.items()},
    }
    return json.dumps(value).encode()


def load(data: bytes, context: str) -> Kept:
    """What was kept, or nothing where it was kept under another context or cannot be read."""
    try:
        value = json.loads(data)
        if value["context"] != context:
            return Kept()
        return Kept(
            context=context,
            stamps=_texts(value["stamps"]),
            digests=_texts(value["digests"]),
            outside={tuple(paths): frozenset(units) for paths, units in value["outside"]},
            findings={unit: tuple(map(_finding, rows)) for unit, rows in value["findings"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return Kept()


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} is no mapping")
    return value


def _row(finding: Finding) -> Sequence[Any]:
    place = finding.location
    return (finding.rule, finding.severity.value, place.path, place.line, place.column, finding.message, finding.fix)


def _finding(row: Sequence[Any]) -> Finding:
    rule, severity, path, line, column, message, fix = row
    return Finding(
        rule=rule,
        severity=Severity(severity),
        location=Location(path=path, line=line, column=column),
        message=message,
        fix=fix,
    )
