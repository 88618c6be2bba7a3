"""Verify: a pure function of one git tree. Anybody can run it, offline, with no trust in the forge.

Steps, in order; a later step judges only what the earlier ones found sound:

1. Files: paths, modes, sizes, one spelling, numbers without gap, every `previous`, every evidence digest
   (`checks.files`). The caller reads the tree of a commit, never a work tree.
2. Pin and memory: record 1 is the pinned one; a remembered (repository, sequence, head) is still there.
3. Replay: every record is effective or void with a code; published releases are what their records say. An
   evaluation whose figures the evidence does not give, by the caller's function, is void like any bad record
   (`checks.claims`).
4. Named evidence is there; nothing is there that no record names.
5. Pointers equal what the records say, byte for byte.

A void record is no fault. One that nobody vouches for (no known person signed it, and none signed a later record, which
would name its bytes) is a suspect: it may be a forgery or a damaged tail. An evaluation that its evidence refutes was
signed by somebody who may: it opens nothing, stops nobody, and stays visible. `sound` asks for no fault, `ok` for no
suspect and no refuted evaluation either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from llmops.documents import canonical
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, Refusal
from llmops.governance import approvals, pointers, records
from llmops.governance.checks import files
from llmops.governance.checks.claims import REFUTED, AtHand, CheckDraw, Recompute
from llmops.governance.ledger import Entry, Fault, Ledger
from llmops.governance.replay import replay

SELF_ATTESTED, SIGNED, ANCHORED = "SELF-ATTESTED", "SIGNED", "ANCHORED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What somebody outside remembers of the log: its repository, a number, and the digest of that record."""

    repository: str
    sequence: int
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that is allowed and must be seen: SELF-APPROVED, FORGE-ATTESTED, UNPUBLISHED, UNAVAILABLE."""

    name: str
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a tree proves, how strongly, and what is wrong with it."""

    level: str
    ledger: Ledger
    faults: tuple[Fault, ...]
    suspects: tuple[Entry, ...]
    marks: tuple[Mark, ...]

    @property
    def sound(self) -> bool:
        """No fault: one may build on it."""
        return not self.faults

    @property
    def ok(self) -> bool:
        """No fault, somebody stands for every record, and the evidence for every evaluation."""
        return self.sound and not self.suspects and not self.refuted

    @property
    def voids(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.ledger.entries if not entry.is_effective)

    @property
    def refuted(self) -> tuple[Entry, ...]:
        """The evaluations, experiments and calibrations that claim what their evidence does not give."""
        return tuple(entry for entry in self.voids if entry.code in REFUTED)

    def require_sound(self) -> None:
        """Raises: Refusal VERIFICATION_FAILED, with every fault."""
        if not self.sound:
            count = len(self.faults)
            raise Refusal(
                "VERIFICATION_FAILED",
                f"the records do not verify: {count} fault{'s' if count > 1 else ''}",
                where=self.faults[0].path,
                hint="restore the named files from git, then run `llmops audit verify`",
                details=tuple(str(fault) for fault in self.faults),
            )


def verify(
    tree: Tree,
    *,
    pin: str | None = None,
    remembered: Remembered | None = None,
    at: datetime | None = None,
    recompute: Recompute | None = None,
    check_draw: CheckDraw | None = None,
    branch: str | None = None,
) -> Report:
    """Everything that `tree` proves. `pin` is the SHA-256 of record 1; `at` looks back at the state of that time.

    `branch` is the records branch that the tree was read from: the policy in force must name it.
    """
    found = files.scan(tree)
    judged = None
    if recompute and not found.faults:
        judged = AtHand(tree=tree, digests=found.evidence, recompute=recompute, check_draw=check_draw)
    replayed = replay(found.chain, tree, at=at, evidence=judged)
    ledger = replayed.ledger
    faults = [*found.faults, *_anchor_faults(found.chain, pin, remembered), *replayed.faults]
    faults += [fault for fault in _policy_faults(ledger, found.chain, branch) if not found.faults]
    if not faults:
        faults += _evidence_faults(ledger, found)
        faults += _release_faults(ledger, found) if at is None else ()
        faults += _pointer_faults(ledger, found.pointers) if at is None else ()
    return Report(
        level=_level(pin, remembered, faults),
        ledger=ledger,
        faults=tuple(faults),
        suspects=_suspects(ledger),
        marks=tuple(_marks(ledger, found)),
    )


def _level(pin: str | None, remembered: Remembered | None, faults: Iterable[Fault]) -> str:
    """How strongly the tree is attested; an anchor that does not hold is none."""
    codes = {fault.code for fault in faults}
    if pin is None or "PIN_MISMATCH" in codes:
        return SELF_ATTESTED
    return SIGNED if remembered is None or codes & {"TRUNCATED", "REWRITTEN"} else ANCHORED


def _anchor_faults(
    chain: tuple[records.Record, ...], pin: str | None, remembered: Remembered | None
) -> Iterator[Fault]:
    if pin is not None and (not chain or chain[0].digest != pin):
        path = chain[0].path if chain else records.path_of(1, "policy", "")
        found = chain[0].digest if chain else ""
        yield Fault(code="PIN_MISMATCH", path=path, message="not the pinned root", expected=pin, found=found)
    if remembered is None:
        return
    if len(chain) < remembered.sequence:
        message = f"{remembered.sequence} records are remembered, {len(chain)} stand here"
        yield Fault(code="TRUNCATED", path=records.FOLDER, message=message, expected=remembered.head)
        return
    record = chain[remembered.sequence - 1]
    if (record.digest, record.repository) != (remembered.head, remembered.repository):
        message = f"repository {remembered.repository} is remembered with another record at this place"
        yield Fault(code="REWRITTEN", path=record.path, message=message, expected=remembered.head, found=record.digest)


def _policy_faults(ledger: Ledger, chain: tuple[records.Record, ...], branch: str | None) -> Iterator[Fault]:
    if ledger.entries and not ledger.entries[0].is_effective:
        first = ledger.entries[0]
        message = f"record 1 founds no policy: {first.reason} ({first.code})"
        yield Fault(code="NO_POLICY", path=first.path, message=message, found=first.digest)
    if branch and ledger.policy and ledger.policy.records_branch != branch:
        message = f"the policy in force names the records branch {ledger.policy.records_branch!r}, this is {branch!r}"
        yield Fault(code="OTHER_BRANCH", path=chain[-1].path, message=message)


def _evidence_faults(ledger: Ledger, found: files.Files) -> Iterator[Fault]:
    for entry, results in _named_results(ledger):
        for digest in results:
            if digest not in found.evidence:
                path, message = records.evidence_path(digest), f"evidence that {entry.path} names is missing"
                yield Fault(code="MISSING", path=path, message=message, expected=digest)
    named = files.named_evidence(found.chain)
    for digest in sorted(found.evidence - named):
        path = records.evidence_path(digest)
        yield Fault(code="STRAY", path=path, message="no record names this evidence", found=digest)


def _named_results(ledger: Ledger) -> Iterator[tuple[Entry, Iterable[str]]]:
    """The effective records that rest on evidence here, with its digests."""
    for item in ledger.evaluations:
        if not item.evaluation.detached:
            yield item.entry, item.evaluation.results
    for experiment in ledger.experiments:
        digests = sorted({digest for arm in experiment.experiment.arms for digest in arm.results})
        yield experiment.entry, digests
    for calibration in ledger.calibrations:
        yield calibration.entry, calibration.calibration.results


def _release_faults(ledger: Ledger, found: files.Files) -> Iterator[Fault]:
    """On a records branch of its own, a release that no record published does not belong there."""
    if ledger.policy is None or not ledger.policy.has_separate_records:
        return
    for path in _unpublished(ledger, found):
        yield Fault(code="STRAY", path=path, message="no record publishes this release")


def _unpublished(ledger: Ledger, found: files.Files) -> tuple[str, ...]:
    known = {f"releases/{item.published.prompt}/{item.published.version}.json" for item in ledger.releases.values()}
    return tuple(path for path in found.releases if path not in known)


def _pointer_faults(ledger: Ledger, found: Mapping[str, bytes]) -> Iterator[Fault]:
    expected = ledger.pointers()
    for path in sorted({*expected, *found}):
        if path not in expected:
            yield Fault(code="STRAY", path=path, message="nothing was ever promoted there")
        elif path not in found:
            digest = canonical.sha256(expected[path])
            yield Fault(code="MISSING", path=path, message="the pointer is missing", expected=digest)
        elif expected[path] != found[path]:
            yield _damaged_setter(ledger, path, found[path]) or Fault(
                code="POINTER_MISMATCH",
                path=path,
                message="the pointer is not what the records say",
                expected=canonical.sha256(expected[path]),
                found=canonical.sha256(found[path]),
            )


def _damaged_setter(ledger: Ledger, path: str, data: bytes) -> Fault | None:
    """The suspect at the end of the log that a whole pointer names by another digest: the record was changed."""
    try:
        pointer = pointers.parse(data, path)
    except CannotAsk:
        return None
    known = {entry.digest for entry in ledger.entries}
    suspect = next((entry for entry in _suspects(ledger) if entry.prompt == pointer.prompt), None)
    if suspect is None or pointer.record in known:
        return None
    message = f"its signature does not stand ({suspect.code}), and {path} names another record"
    return Fault(code="TAMPERED", path=suspect.path, message=message, expected=pointer.record, found=suspect.digest)


def _suspects(ledger: Ledger) -> tuple[Entry, ...]:
    """Records at the end of the log that no known person signed and that no known person built on."""
    known = [place for place, entry in enumerate(ledger.entries) if entry.signer]
    return tuple(ledger.entries[known[-1] + 1 if known else 0 :])


def _marks(ledger: Ledger, found: files.Files) -> Iterator[Mark]:
    for item in ledger.approvals:
        published = ledger.releases.get(item.approval.release)
        why = approvals.conflict(ledger, published, item.approval.approver) if published else ""
        rules = ledger.policy.environment(item.approval.environment) if ledger.policy else None
        if why and rules and rules.allows_self_approval:
            yield Mark(name="SELF-APPROVED", path=item.entry.path, message=f"{item.approval.approver} {why}")
        if item.approval.method == "forge":
            message = f"{item.entry.signer} wrote down what {item.approval.approver} said on the forge"
            yield Mark(name="FORGE-ATTESTED", path=item.entry.path, message=message)
    for evaluation in ledger.evaluations:
        absent = [digest for digest in evaluation.evaluation.results if digest not in found.evidence]
        if evaluation.evaluation.detached and absent:
            message = f"{len(absent)} shards of evidence are kept elsewhere"
            yield Mark(name="UNAVAILABLE", path=evaluation.entry.path, message=message)
    for path in _unpublished(ledger, found):
        yield Mark(name="UNPUBLISHED", path=path, message="no record publishes this release")
