"""What releasing answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmops.documents.freezing.changes import Change
    from llmops.governance.pointers import Pointer
    from llmops.governance.provenance import Link
    from llmops.usecases.results.evaluating import Gated
    from llmops.usecases.results.writing import WrittenRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyView:
    """The policy in force, or the one in the file that is about to be."""

    digest: str
    record: str
    governance: Mapping[str, Any]
    people: tuple[tuple[str, tuple[str, ...]], ...]
    environments: tuple[tuple[str, str], ...]
    is_in_force: bool
    root: str = ""
    written: WrittenRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act that wrote a record: publish, approve, promote, rollback. `facts` are name and value, for people."""

    verb: str
    prompt: str
    version: str
    environment: str
    facts: tuple[tuple[str, str], ...]
    records: tuple[WrittenRecord, ...]
    marks: tuple[str, ...] = ()
    pointer: Pointer | None = None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a person is about to sign: who, as what, which bytes, what changes against `serving`, what the gate says."""

    prompt: str
    version: str
    environment: str
    release: str
    person: str
    roles: tuple[str, ...]
    serving: str
    changes: tuple[Change, ...]
    gated: Gated
    is_rejection: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentStatus:
    """What serves one prompt in one environment, and what waits."""

    environment: str
    prompt: str
    pointer: Pointer | None
    served_since: str
    waiting: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Every environment of the policy with every prompt that was ever released there."""

    level: str
    records: int
    branch: str
    rows: tuple[EnvironmentStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Why this serves: the chain from the pointer back to people and rules."""

    prompt: str
    environment: str
    level: str
    links: tuple[Link, ...]

    @property
    def is_whole(self) -> bool:
        return all(link.ok for link in self.links)
