"""What authoring commands answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmops.documents.evalset_changes import EvalsetChange
    from llmops.documents.freezing.changes import Change
    from llmops.errors import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """What `validate` looked at and found."""

    units: int
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        return sum(finding.is_error for finding in self.findings)

    @property
    def warnings(self) -> int:
        return len(self.findings) - self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed in one prompt between two sides; each side named as the user would name it.

    `evalset` is what changed in the cases that it is measured on, None where nothing did, or where one side's are not
    to be found (`evalset_problem` says so). `yardstick` are the parts of the bars that changed; `is_together` where the
    behaviour did too: the one may have been fitted to the other.
    """

    prompt: str
    before: str
    after: str
    changes: tuple[Change, ...]
    evalset: EvalsetChange | None = None
    evalset_problem: str = ""
    yardstick: tuple[str, ...] = ()
    is_together: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The exact messages sent for one question. Tokens are counted or, where `is_estimate`, estimated."""

    prompt: str
    version: str
    model: str
    messages: tuple[Mapping[str, str], ...]
    passages: tuple[str, ...]
    parameters: Mapping[str, Any]
    tokens: int
    is_estimate: bool
    nano_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """A frozen release: its file and digests. `change` is created, replaced or unchanged."""

    prompt: str
    version: str
    base: str
    path: str
    digest: str
    behaviour_digest: str
    change: str
    is_dry_run: bool = False
    warnings: tuple[Finding, ...] = ()
