"""What reading the records answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops.governance.ledger import Entry
    from llmops.governance.verification import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """The records, oldest first."""

    branch: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """The verification of one tree. `root` is the digest of record 1; `is_pinned` says that it was compared."""

    branch: str
    commit: str
    root: str
    is_pinned: bool
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing `doctor` looked at: state is ok, warning or problem."""

    name: str
    state: str
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything `doctor` looked at."""

    checks: tuple[Check, ...]
