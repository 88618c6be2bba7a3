"""What evaluations and the gate answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmops.documents.spending import Ledger
    from llmops.evaluation.evidence import EvidenceRow
    from llmops.evaluation.gating.decisions import GateDecision
    from llmops.evaluation.judging.expectations import Range
    from llmops.evaluation.judging.identity import JudgeIdentity
    from llmops.evaluation.summary import Summary
    from llmops.usecases.results.writing import WrittenRecord


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
class FlippedMetric:
    """One metric on one case, on both sides. `half` is how far the case moves by itself (`noise` says how that is
    known), None where nobody knows; `damage` is negative where it got better."""

    metric: str
    kind: str
    before: float
    after: float
    damage: float
    noise: str
    half: float | None
    reason: str
    answer_before: str
    answer_after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlippedCase:
    """A case that changed, the metrics that changed most first."""

    case: str
    kind: str
    must_pass: bool
    damage: float
    metrics: tuple[FlippedMetric, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What a candidate changes against `serving` (a version), case by case, the gravest first. `counts` are cases by
    kind, unchanged ones included; `unpaired` names (case, metric, why) that only one side measured; `unknown_noise`
    metrics of which nobody knows how far a case moves by itself. `problem` says why there is nothing to compare."""

    serving: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    cases: tuple[FlippedCase, ...] = ()
    unpaired: tuple[tuple[str, str, str], ...] = ()
    unknown_noise: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """A gate's decision for one release in one environment. `is_evidence` is False for a preview. `explained` is what
    changed against what serves, where that was asked for."""

    prompt: str
    version: str
    environment: str
    evalset: str
    judge: str
    is_evidence: bool
    decision: GateDecision
    evidence: tuple[str, ...]
    evaluated: Evaluated | None = None
    explained: Explained | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilDecided:
    """A run that stopped as soon as the verdict was certain: `decision` on `recorded` cases of before and the next
    `cases` of `of`, in the order that was drawn; where the former were enough, nothing was run and `evaluated` is
    None. What was saved is reckoned from what the cases took, cached or not; `saved_nano_usd` is None where nobody
    knows the price. `forced_by` names the bars that only the whole evalset can pass."""

    evaluated: Evaluated | None
    environment: str
    decision: GateDecision
    cases: int
    of: int
    saved_requests: int
    saved_nano_usd: int | None
    recorded: int = 0
    forced_by: tuple[str, ...] = ()

    @property
    def is_decided(self) -> bool:
        """True where the verdict is a yes or a no."""
        return self.decision.verdict in ("PASS", "FAIL")

    @property
    def needs_a_person(self) -> bool:
        """True where the cases have said all they can, and somebody has to agree to what they are held to."""
        return set(self.decision.codes) == {"NEEDS_QUALITY"}
