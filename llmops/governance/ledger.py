"""The ledger: what the records say together, after every rule was applied.

`replay` makes it; `approvals`, `transitions` and the use cases ask it. A record is `effective` or void with a code, and
stays in `entries` either way: nothing that was written disappears.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from llmops.documents.releases import Release
from llmops.governance import pointers
from llmops.governance.pointers import NOTHING, Pointer, Weight
from llmops.governance.policy import Policy
from llmops.governance.predicates import Approval, Calibration, Evaluation, Experiment, Predicate, ReleasePublished

TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is refused or void: a stable code, and a sentence with both sides."""

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} [{self.code}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The integrity of one file is broken: a stable code, what is wrong, the digest expected and the one found."""

    code: str
    path: str
    message: str
    expected: str = ""
    found: str = ""

    def __str__(self) -> str:
        sides = [f"{name} {value}" for name, value in (("expected", self.expected), ("found", self.found)) if value]
        return f"{self.path}: {self.message}{' (' + ', '.join(sides) + ')' if sides else ''} [{self.code}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record as the log shows it. `code` is "" where it is effective; `signer` "" where nobody is known for it."""

    sequence: int
    path: str
    digest: str
    kind: str
    prompt: str
    issued_at: datetime
    op_id: str
    short_id: str
    keyid: str
    signer: str = ""
    predicate: Predicate | None = None
    code: str = ""
    reason: str = ""

    @property
    def is_effective(self) -> bool:
        return not self.code


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationEntry:
    """An effective evaluation."""

    entry: Entry
    evaluation: Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentEntry:
    """An effective experiment."""

    entry: Entry
    experiment: Experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationEntry:
    """An effective calibration."""

    entry: Entry
    calibration: Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRelease:
    """An effective release record with the release it names."""

    entry: Entry
    published: ReleasePublished
    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEntry:
    """An effective approval. `ended` is "" while it is open, else a code; `ended_by` the record that ended it."""

    entry: Entry
    approval: Approval
    ended: str = ""
    ended_by: str = ""

    @property
    def is_open(self) -> bool:
        return not self.ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A release that became the stable one of an environment, and the record that made it so."""

    version: str
    digest: str
    index: str
    record: str
    at: datetime
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One prompt in one environment.

    `history` is everything that was stable there, oldest first; `line` is the way that a rollback goes back along:
    each promotion adds to it, each rollback cuts it. `withdrawn` are releases that a rollback took away and that no
    promotion has brought back since.
    """

    pointer: Pointer
    is_held: bool
    history: tuple[Served, ...]
    line: tuple[Served, ...]
    withdrawn: frozenset[str] = frozenset()

    @property
    def stable_digest(self) -> str:
        return self.pointer.digest

    @property
    def candidate(self) -> Weight | None:
        return self.pointer.candidate

    @property
    def previous(self) -> Served | None:
        """Where a rollback without a target goes to."""
        return self.line[-2] if len(self.line) > 1 else None

    def served(self, digest: str) -> Served | None:
        """The last time that this release became stable here."""
        return next((item for item in reversed(self.history) if item.digest == digest), None)

    def has_proven(self, digest: str) -> bool:
        """Whether the release served everybody here and was not rolled back since."""
        return self.served(digest) is not None and digest not in self.withdrawn


@dataclass(slots=True, kw_only=True)
class Index:
    """Where to look, so that reading a long log costs no more per record than a short one."""

    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    evaluations: dict[str, list[EvaluationEntry]] = field(default_factory=dict)
    approvals: dict[str, list[int]] = field(default_factory=dict)
    open_approvals: dict[str, list[int]] = field(default_factory=dict)

    def copy(self) -> Index:
        """The same, to be written to on its own."""
        return Index(
            versions=dict(self.versions),
            evaluations={key: list(items) for key, items in self.evaluations.items()},
            approvals={key: list(items) for key, items in self.approvals.items()},
            open_approvals={key: list(items) for key, items in self.open_approvals.items()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Everything that the effective records say, and every entry."""

    repository: str = ""
    head: str = NOTHING
    policy: Policy | None = None
    policy_record: str = ""
    log_time: datetime | None = None
    entries: Sequence[Entry] = ()
    releases: Mapping[str, PublishedRelease] = field(default_factory=dict)
    evaluations: Sequence[EvaluationEntry] = ()
    experiments: Sequence[ExperimentEntry] = ()
    calibrations: Sequence[CalibrationEntry] = ()
    approvals: Sequence[ApprovalEntry] = ()
    states: Mapping[tuple[str, str], State] = field(default_factory=dict)
    index: Index = field(default_factory=Index, repr=False, compare=False)

    @property
    def is_empty(self) -> bool:
        return not self.entries

    @property
    def next_sequence(self) -> int:
        return len(self.entries) + 1

    def state(self, environment: str, prompt: str) -> State | None:
        """What serves there; None where nothing ever did."""
        return self.states.get((environment, prompt))

    def published(self, prompt: str, version: str) -> PublishedRelease | None:
        """The published release of this name and version."""
        return self.releases.get(self.index.versions.get((prompt, version), ""))

    def evaluations_of(self, behaviour: str) -> tuple[EvaluationEntry, ...]:
        """Every effective evaluation of one behaviour, in order."""
        return tuple(self.index.evaluations.get(behaviour, ()))

    def experiments_of(self, behaviour: str) -> tuple[ExperimentEntry, ...]:
        """Every effective experiment in which the behaviour took part, in order."""
        return tuple(
            item for item in self.experiments if any(arm.behaviour == behaviour for arm in item.experiment.arms)
        )

    def calibrations_of(self, judge_digest: str) -> tuple[CalibrationEntry, ...]:
        """Every effective calibration of one judge, in order."""
        return tuple(item for item in self.calibrations if item.calibration.judge_digest == judge_digest)

    def calibration(
        self, judge_digest: str, metric: str, version: str, pass_at: str | None = None
    ) -> CalibrationEntry | None:
        """The newest effective calibration of this judge, metric and version of its scorer; of this line between pass
        and fail (a decimal), where one is asked for."""
        found = (
            item
            for item in reversed(self.calibrations_of(judge_digest))
            if (item.calibration.metric, item.calibration.metric_version) == (metric, version)
            and pass_at in (None, item.calibration.pass_at)
        )
        return next(found, None)

    def calibration_of(self, said: Evaluation, metric: str) -> CalibrationEntry | None:
        """The newest effective calibration of the judge that gave this evaluation its scores of `metric`."""
        return self.calibration(said.judge_digest, metric, said.metrics.get(metric, ""))

    def judge_standing(self, said: Evaluation, metrics: Iterable[str]) -> str:
        """`calibrated` where each of `metrics` that the judge scored is calibrated, `none` where it scored none of
        them, else `advisory`; so is a record that does not say what was measured by rule, and has none of them."""
        judged = said.judged(metrics)
        if not said.judge or (said.by_rule and not judged):
            return "none"
        is_calibrated = judged and all(self.calibration_of(said, metric) for metric in judged)
        return "calibrated" if is_calibrated else "advisory"

    def approvals_near(self, prompt: str, release: str) -> tuple[ApprovalEntry, ...]:
        """The approvals of one release, ended ones too, and those of its prompt that are open, in order."""
        places = {*self.index.approvals.get(release, ()), *self.index.open_approvals.get(prompt, ())}
        return tuple(self.approvals[place] for place in sorted(places))

    def entry_of(self, digest: str) -> Entry | None:
        """The record of this digest."""
        return next((entry for entry in self.entries if entry.digest == digest), None)

    def pointers(self) -> dict[str, bytes]:
        """The pointers that follow from the records: path to bytes."""
        return {state.pointer.path: pointers.render(state.pointer) for _, state in sorted(self.states.items())}

    def issue_at(self, now: datetime) -> datetime:
        """The time that a new record carries: now, or just after the log time where the clock is behind it."""
        whole = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return whole if self.log_time is None else max(whole, self.log_time + TICK)
