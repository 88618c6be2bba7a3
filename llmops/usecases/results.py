"""What use cases hand back: one type a result, read by render. Values only, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmops.documents.freezing.changes import Change
    from llmops.documents.spending import Ledger
    from llmops.errors import Finding
    from llmops.evaluation.comparison import Comparison
    from llmops.evaluation.evidence import EvidenceRow
    from llmops.evaluation.gating.decisions import GateDecision
    from llmops.evaluation.judging.expectations import Range
    from llmops.evaluation.judging.identity import JudgeIdentity
    from llmops.evaluation.summary import Summary
    from llmops.governance.ledger import Entry
    from llmops.governance.pointers import Pointer
    from llmops.governance.provenance import Link
    from llmops.governance.verification import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRecord:
    """One record that was written, or would be (`is_dry_run`). `commit` is "" until it is written."""

    path: str
    digest: str
    short_id: str
    summary: str
    files: tuple[str, ...]
    commit: str = ""
    is_pushed: bool = False
    is_dry_run: bool = False


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
    """What changed in one prompt between two sides; each side named as the user would name it."""

    prompt: str
    before: str
    after: str
    changes: tuple[Change, ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFiles:
    """Files that were written to the work tree, or would be."""

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """One evaluation of one behaviour.

    `scorers` maps a metric to the version of what measured it, `generator` names what answered, `ledger` is what this
    run spent. `rows` are in the order of their identity; many of them are not held, each is read when it is looked at.
    `barred` are the graded metrics that its bars name; `record` is None where nothing was recorded.
    """

    prompt: str
    version: str
    behaviour: str
    evalset: str
    judge: str
    index: str
    is_frozen: bool
    model_calls: int
    summary: Summary
    rows: Sequence[EvidenceRow]
    judge_identity: JudgeIdentity
    scorers: Mapping[str, str]
    generator: Mapping[str, Any]
    ledger: Ledger
    min_coverage: float = 1.0
    barred: tuple[str, ...] = ()
    record: WrittenRecord | None = None

    @property
    def is_measured(self) -> bool:
        """True where every case was answered, and each metric was measured on as many as the bars ask for."""
        return self.summary.covers(self.min_coverage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A range of requests and of nano-USD; embeddings are in neither.

    `least` is the part that is certain: the questions that have to be answered anew. `kept` answers cost nothing;
    `unpriced` are models without a known price, whose part is not in the money.
    """

    prompt: str
    version: str
    requests: Range
    nano_usd: Range
    least: int
    kept: int
    unpriced: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The estimate on one line."""
        spend = f"${self.nano_usd.low / 1e9:.4f} to ${self.nano_usd.high / 1e9:.4f}"
        asked = (
            f"{self.requests.low}"
            if self.requests.low == self.requests.high
            else f"{self.requests.low} to {self.requests.high}"
        )
        more = f"; nobody knows the price of {', '.join(self.unpriced)}" if self.unpriced else ""
        return f"{self.prompt} {self.version}: {asked} requests, {spend} expected, {self.kept} answers are kept{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A gate's decision for one release in one environment. `is_evidence` is False for a preview."""

    prompt: str
    version: str
    environment: str
    evalset: str
    judge: str
    is_evidence: bool
    decision: GateDecision
    evidence: tuple[str, ...]
    evaluated: Evaluated | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an arm could not be measured or estimated."""

    code: str
    what: str
    where: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArm:
    """One arm of an experiment: what it is, what asking it took, and its evaluation's record where one was written or
    stands there already. `is_release`: its behaviour is that of the locked release. With a `failure` nothing else of it
    is known."""

    label: str
    version: str
    model: str = ""
    rag: str = ""
    behaviour: str = ""
    index: str = ""
    is_release: bool = False
    model_calls: int = 0
    is_measured: bool = False
    evaluation: str = ""
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """An experiment that was run. `ledger` is what this run spent, arms sharing what they ask alike."""

    experiment: str
    prompt: str
    evalset: str
    cases: int
    repeats: int
    judge: str
    arms: tuple[ComparedArm, ...]
    comparison: Comparison
    ledger: Ledger
    records: tuple[WrittenRecord, ...] = ()

    @property
    def failed(self) -> tuple[ComparedArm, ...]:
        return tuple(arm for arm in self.arms if arm.failure)

    @property
    def is_measured(self) -> bool:
        """True where each arm was measured on as much as its bars ask for."""
        return all(arm.is_measured for arm in self.arms)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArm:
    """What one arm will ask: requests and nano-USD from the least to the most, and answers that cost nothing, as they
    are kept or an arm before asks the same."""

    label: str
    requests: Range | None = None
    nano_usd: Range | None = None
    kept: int = 0
    unpriced: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An experiment before it runs."""

    experiment: str
    prompt: str
    evalset: str
    cases: int
    repeats: int
    judge: str
    arms: tuple[PlannedArm, ...]
    requests: Range
    nano_usd: Range

    @property
    def failed(self) -> tuple[PlannedArm, ...]:
        return tuple(arm for arm in self.arms if arm.failure)


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
