"""Replay: the records in order, each judged by the rules and the policy in force at its place.

A record is effective, or void with a code, for the first of these that fails:

1. it is signed for its kind's namespace, by a key that the policy in force knows (key bytes → person);
2. its kind is known and its predicate says what such a record can say;
3. it belongs to this repository; a transition or policy is not dated before log time;
4. the signer holds the role that the kind asks for;
5. the rules of its kind: `approvals.faults`, `moves.promotion_faults`, `moves.rollback_faults`, `claims.claim_faults`
   (where evidence is at hand), `comparisons.comparison_faults`, `calibrations.calibration_faults`, and here: a policy
   follows the one in force; a version is published once, with the digests of its file.

Of the gate's rules, replay applies the one that no average makes up for: cases that must pass and failed. The verdict
on every bar is the gate's at the time of writing; this version does not decide it again here.

Record 1 is a policy, judged by itself: signed by a root person whom it names. Approvals end here as well: when their
ramp is done, when their person withdraws, with a rollback of their release, when another stable release serves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from llmops.documents import canonical
from llmops.documents import releases as release_files
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, InvalidDocuments
from llmops.governance import approvals, policy, records, transitions
from llmops.governance.checks import moves
from llmops.governance.checks.calibrations import calibration_faults
from llmops.governance.checks.claims import AtHand, claim_faults
from llmops.governance.checks.comparisons import comparison_faults
from llmops.governance.ledger import (
    ApprovalEntry,
    CalibrationEntry,
    Entry,
    EvaluationEntry,
    ExperimentEntry,
    Fault,
    Index,
    Ledger,
    PublishedRelease,
    Reason,
    State,
)
from llmops.governance.pointers import NOTHING
from llmops.governance.policy import Person, Policy, Role
from llmops.governance.predicates import (
    KINDS,
    Approval,
    Calibration,
    Evaluation,
    Experiment,
    PolicyChange,
    Predicate,
    PredicateError,
    Promotion,
    Rejection,
    ReleasePublished,
    Rollback,
)
from llmops.governance.records import Record
from llmops.governance.sshsig import SignatureError

Reasons = tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What the records say together, and the release files that do not bear out their records."""

    ledger: Ledger
    faults: tuple[Fault, ...]


def replay(
    chain: Iterable[Record], tree: Tree, *, at: datetime | None = None, evidence: AtHand | None = None
) -> Replay:
    """Judge every record of `chain` (sound and in order); release files are read from `tree`.

    With `at`, replay stops before the first effective record that was issued later; without `evidence`, what
    evaluations claim is believed.
    """
    book = _Book(tree=tree, evidence=evidence)
    for record in chain:
        entry = book.judge(record)
        if at and entry.is_effective and entry.issued_at > at:
            break
        book.add(entry, record)
    return Replay(ledger=book.close(), faults=tuple(dict.fromkeys(book.faults)))


def extend(ledger: Ledger, record: Record, tree: Tree) -> Ledger:
    """The ledger with one more record, judged on top of it."""
    book = _Book(
        tree=tree,
        writing=True,
        repository=ledger.repository,
        head=ledger.head,
        policy=ledger.policy,
        policy_record=ledger.policy_record,
        log_time=ledger.log_time,
        entries=list(ledger.entries),
        releases=dict(ledger.releases),
        evaluations=list(ledger.evaluations),
        experiments=list(ledger.experiments),
        calibrations=list(ledger.calibrations),
        approvals=list(ledger.approvals),
        states=dict(ledger.states),
        index=ledger.index.copy(),
    )
    book.add(book.judge(record), record)
    return book.close()


@dataclass(slots=True, kw_only=True)
class _Book:
    """The ledger while it is being written."""

    tree: Tree
    evidence: AtHand | None = None
    writing: bool = False
    repository: str = ""
    head: str = NOTHING
    policy: Policy | None = None
    policy_record: str = ""
    log_time: datetime | None = None
    entries: list[Entry] = field(default_factory=list)
    releases: dict[str, PublishedRelease] = field(default_factory=dict)
    evaluations: list[EvaluationEntry] = field(default_factory=list)
    experiments: list[ExperimentEntry] = field(default_factory=list)
    calibrations: list[CalibrationEntry] = field(default_factory=list)
    approvals: list[ApprovalEntry] = field(default_factory=list)
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    index: Index = field(default_factory=Index)
    faults: list[Fault] = field(default_factory=list)

    def view(self) -> Ledger:
        """The ledger as it stands; it shares the containers, so it is read at once and not kept while replaying."""
        return Ledger(
            repository=self.repository,
            head=self.head,
            policy=self.policy,
            policy_record=self.policy_record,
            log_time=self.log_time,
            entries=self.entries,
            releases=self.releases,
            evaluations=self.evaluations,
            experiments=self.experiments,
            calibrations=self.calibrations,
            approvals=self.approvals,
            states=self.states,
            index=self.index,
        )

    def close(self) -> Ledger:
        """The finished ledger."""
        view = self.view()
        return replace(
            view,
            entries=tuple(view.entries),
            evaluations=tuple(view.evaluations),
            experiments=tuple(view.experiments),
            calibrations=tuple(view.calibrations),
            approvals=tuple(view.approvals),
        )

    def judge(self, record: Record) -> Entry:
        """The entry of `record`: effective, or void with the code of the first thing that is wrong."""
        entry = _entry(record)
        try:
            key = record.signer()
        except SignatureError as error:
            return replace(entry, code=error.code, reason=str(error))
        said, problem = _read(record)
        in_force = self.policy if self.entries else _founding(said)
        if in_force is None:
            return replace(entry, code="NO_POLICY", reason=problem or "no policy is in force: record 1 is none")
        signer = in_force.owner_of(key)
        if signer is None:
            return replace(entry, code="KEY_UNKNOWN", reason=f"the policy in force knows no key {key.keyid}")
        entry = replace(entry, signer=signer.name, predicate=said)
        if said is None:
            code = "MALFORMED_STATEMENT" if record.kind in KINDS else "UNKNOWN_KIND"
            return replace(entry, code=code, reason=problem)
        reasons = self._reasons(record, said, signer)
        if reasons:
            return replace(entry, code=reasons[0].code, reason="; ".join(reason.text for reason in reasons))
        return entry

    def add(self, entry: Entry, record: Record) -> None:
        """Append the entry; let it take effect if it is effective."""
        if not self.entries:
            self.repository = record.repository
        self.entries.append(entry)
        self.head = entry.digest
        if entry.is_effective and entry.predicate is not None:
            self._apply(entry, entry.predicate)

    def _reasons(self, record: Record, said: Predicate, signer: Person) -> Reasons:
        if self.entries and record.repository != self.repository:
            text = f"it was written for repository {record.repository}, this one is {self.repository}"
            return (Reason(code="OTHER_REPOSITORY", text=text),)
        dated = isinstance(said, PolicyChange | Promotion | Rollback)
        if dated and self.log_time is not None and record.issued_at < self.log_time:
            text = f"issued at {record.issued_at.isoformat()}, log time is {self.log_time.isoformat()}"
            return (Reason(code="BEFORE_LOG_TIME", text=text),)
        return self._rules(said, signer, record.issued_at)

    def _rules(self, said: Predicate, signer: Person, at: datetime) -> Reasons:
        match said:
            case PolicyChange():
                return (*_needs(signer, Role.ROOT), *self._policy_faults(said, signer))
            case ReleasePublished():
                return _needs(signer, Role.PUBLISHER) or self._release_faults(said)
            case Evaluation():
                return _needs(signer, Role.EVALUATOR) or (claim_faults(said, self.evidence) if self.evidence else ())
            case Experiment():
                return _needs(signer, Role.EVALUATOR) or comparison_faults(self.view(), said, self.evidence)
            case Calibration():
                return _needs(signer, Role.QUALITY) or calibration_faults(self.view(), said, self.evidence)
            case Approval() | Rejection():
                return approvals.faults(self.view(), said, signer=signer, at=self.log_time or at)
            case Promotion():
                return moves.promotion_faults(self.view(), said, signer=signer, at=at)
            case Rollback():
                return moves.rollback_faults(self.view(), said, signer=signer)

    def _policy_faults(self, said: PolicyChange, signer: Person) -> Reasons:
        if signer.is_machine:
            return (Reason(code="ROLE_MISSING", text=f"{signer.name} is a machine: a policy is signed by a person"),)
        if said.previous_policy != self.policy_record:
            text = f"it follows policy {said.previous_policy[:12] or 'none'}, in force is {self.policy_record[:12]}"
            return (Reason(code="POLICY_CHAIN", text=text),)
        if _parsed(said) is None:
            return (Reason(code="POLICY_INVALID", text="the mapping has error findings: run `llmops policy check`"),)
        return ()

    def _release_faults(self, said: ReleasePublished) -> Reasons:
        taken = self.view().published(said.prompt, said.version)
        if taken:
            text = f"{said.prompt} {said.version} was published as {taken.published.release[:12]} before"
            return (Reason(code="VERSION_TAKEN", text=text),)
        found = self._release(said)
        if found is None or (self.writing and found.digest != said.release):
            text = f"the release file of {said.prompt} {said.version} is absent or not what the record names"
            return (Reason(code="RELEASE_ABSENT", text=text),)
        differs = (found.behaviour_digest, found.base) != (said.behaviour, said.base)
        if differs and found.digest == said.release:
            text = f"the release has behaviour {found.behaviour_digest[:12]}, the record says {said.behaviour[:12]}"
            return (Reason(code="RELEASE_DIFFERS", text=text),)
        return ()

    def _release(self, said: ReleasePublished) -> release_files.Release | None:
        """The release file that the record names; what is wrong with it is a fault, not the record's doing.

        A changed file that is still a release is returned beside its fault, so that the rest of the log can be read.
        """
        path = release_files.path_of(said.prompt, said.version)
        data = self.tree.read(path)
        if data is None:
            message = "a published release is missing"
            self.faults.append(Fault(code="MISSING", path=path, message=message, expected=said.release))
            return None
        found = canonical.sha256(data)
        if found != said.release:
            message = "the release is not what was published"
            self.faults.append(Fault(code="TAMPERED", path=path, message=message, expected=said.release, found=found))
        try:
            return release_files.parse(data, path)
        except CannotAsk as error:
            if found == said.release:
                self.faults.append(Fault(code="MALFORMED", path=path, message=error.what, found=found))
            return None

    def _apply(self, entry: Entry, said: Predicate) -> None:
        match said:
            case PolicyChange():
                self.policy, self.policy_record = _parsed(said), entry.digest
                self.log_time = entry.issued_at
            case ReleasePublished():
                self._publish(entry, said)
            case Evaluation():
                found = EvaluationEntry(entry=entry, evaluation=said)
                self.evaluations.append(found)
                self.index.evaluations.setdefault(said.behaviour, []).append(found)
            case Experiment():
                self.experiments.append(ExperimentEntry(entry=entry, experiment=said))
            case Calibration():
                self.calibrations.append(CalibrationEntry(entry=entry, calibration=said))
            case Approval():
                self._approve(entry, said)
            case Rejection():
                self._end(entry, said.prompt, lambda item: "WITHDRAWN" if _is_of(item.approval, said) else "")
            case Promotion():
                self._promote(entry, said)
            case Rollback():
                self._roll_back(entry, said)

    def _publish(self, entry: Entry, said: ReleasePublished) -> None:
        release = self._release(said)
        if release is not None:
            self.releases[said.release] = PublishedRelease(entry=entry, published=said, release=release)
            self.index.versions[(said.prompt, said.version)] = said.release

    def _approve(self, entry: Entry, said: Approval) -> None:
        place = len(self.approvals)
        self.approvals.append(ApprovalEntry(entry=entry, approval=said))
        self.index.approvals.setdefault(said.release, []).append(place)
        self.index.open_approvals.setdefault(said.prompt, []).append(place)

    def _promote(self, entry: Entry, said: Promotion) -> None:
        place = (said.environment, said.prompt)
        state = transitions.promoted(self.states.get(place), said, record=entry.digest, at=entry.issued_at)
        self.states[place] = state
        self.log_time = entry.issued_at
        percent = next(weight.percent for weight in said.weights if weight.digest == said.release)

        def ended(item: ApprovalEntry) -> str:
            if item.approval.release == said.release and percent >= item.approval.ramp[-1]:
                return "COMPLETED"
            return "STABLE_CHANGED" if item.approval.stable != state.stable_digest else ""

        self._end_there(entry, place, ended)

    def _roll_back(self, entry: Entry, said: Rollback) -> None:
        place = (said.environment, said.prompt)
        gone = transitions.taken_away(self.states[place], said)
        state = transitions.rolled_back(self.states[place], said, record=entry.digest, at=entry.issued_at)
        self.states[place] = state
        self.log_time = entry.issued_at

        def ended(item: ApprovalEntry) -> str:
            if item.approval.release in gone:
                return "ROLLED_BACK"
            return "STABLE_CHANGED" if item.approval.stable != state.stable_digest else ""

        self._end_there(entry, place, ended)

    def _end_there(self, entry: Entry, place: tuple[str, str], ended: Callable[[ApprovalEntry], str]) -> None:
        environment, prompt = place
        self._end(entry, prompt, lambda item: ended(item) if item.approval.environment == environment else "")

    def _end(self, entry: Entry, prompt: str, ended: Callable[[ApprovalEntry], str]) -> None:
        """End the open approvals of this prompt that `ended` gives a code for."""
        still_open = []
        for place in self.index.open_approvals.get(prompt, ()):
            code = ended(self.approvals[place])
            if code:
                self.approvals[place] = replace(self.approvals[place], ended=code, ended_by=entry.digest)
            else:
                still_open.append(place)
        self.index.open_approvals[prompt] = still_open


def _entry(record: Record) -> Entry:
    prompt = record.payload["predicate"].get("prompt", "")
    return Entry(
        sequence=record.sequence,
        path=record.path,
        digest=record.digest,
        kind=record.kind,
        prompt=prompt,
        issued_at=record.issued_at,
        op_id=record.op_id,
        short_id=records.short_id(record.payload),
        keyid=record.keyid,
    )


def _read(record: Record) -> tuple[Predicate | None, str]:
    """What the record says, or why it says nothing."""
    try:
        return record.predicate(), ""
    except PredicateError as error:
        return None, str(error)


def _founding(said: Predicate | None) -> Policy | None:
    """The policy that record 1 brings, by which it is judged itself."""
    return _parsed(said) if isinstance(said, PolicyChange) else None


def _parsed(said: PolicyChange) -> Policy | None:
    try:
        return policy.parse(said.governance)
    except InvalidDocuments:
        return None


def _needs(signer: Person, role: Role) -> Reasons:
    if signer.may(role):
        return ()
    return (Reason(code="ROLE_MISSING", text=f"{signer.name} does not hold the role {role}"),)


def _is_of(approval: Approval, said: Rejection) -> bool:
    same = (approval.approver, approval.release, approval.environment)
    return same == (said.approver, said.release, said.environment)
