"""The records branch: finding it, reading it verified, and the one loop that writes to it.

Order of a write: read the tip → verify → let the steps decide → draft, sign, seal → plan → apply. When the ref has
moved meanwhile, all of it happens again on the new tip, checks included: nothing is ever rebased as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from llmops.documents import canonical
from llmops.documents.reading import yaml_door
from llmops.documents.releases import Release
from llmops.documents.trees import FileChange, MemoryTree, Plan, Tree
from llmops.errors import CannotAsk, InvalidDocuments, LostRace, Refusal
from llmops.evaluation import pooling
from llmops.evaluation.panels import PanelOf, embedded_only
from llmops.governance import drafting, verification
from llmops.governance.labelled import LabelledRow
from llmops.governance.ledger import Ledger
from llmops.governance.pointers import Pointer
from llmops.governance.policy import Person, Policy
from llmops.governance.predicates import Calibration
from llmops.usecases.ports import Repository, Signer
from llmops.usecases.results.writing import WrittenRecord

MOST_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsBranch:
    """Where records stand: the short branch name, and the root policy's digest that is trusted ("" for none)."""

    name: str
    pin: str = ""

    @property
    def ref(self) -> str:
        return f"refs/heads/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The verified records at one tip. `commit` is "" where the branch does not exist yet."""

    commit: str
    tree: Tree
    report: verification.Report

    @property
    def ledger(self) -> Ledger:
        return self.report.ledger

    @property
    def policy(self) -> Policy:
        """The policy in force. Raises: CannotAsk NO_POLICY."""
        policy = self.ledger.policy
        if policy is None:
            raise CannotAsk(
                "NO_POLICY",
                "no policy is in force: nobody may approve or promote anything yet",
                hint="write `governance:` in llmops.yaml, then `llmops policy apply`",
            )
        return policy

    def person(self, signer: Signer) -> Person:
        """Whose key `signer` is. Raises: Refusal UNKNOWN_KEY."""
        person = self.policy.owner_of(signer.public_key)
        if person is None:
            raise Refusal(
                "UNKNOWN_KEY",
                "the policy knows nobody with your signing key",
                where=signer.public_key,
                hint="have a root person add the key to `governance: principals:` and apply the policy",
            )
        return person


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One record to write: what it says, and the files that go with it."""

    predicate: Any
    summary: str
    issued_at: datetime | None = None
    pointer: Pointer | None = None
    evidence: tuple[bytes, ...] = ()
    release: Release | None = None
    files: tuple[FileChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a writing use case works with.

    `new_id` gives a fresh UUID text; `now` is the time of the whole run; `pause` waits, longer with every lost race;
    `panel_of` says who measures for a judge's name.
    """

    repository: Repository
    branch: RecordsBranch
    now: datetime
    new_id: Callable[[], str]
    signer: Signer | None = None
    is_dry_run: bool = False
    push: Callable[[str, str], bool] | None = None
    pause: Callable[[int], None] | None = None
    panel_of: PanelOf = embedded_only
    _kept: dict[str, Records] = field(default_factory=dict, compare=False, repr=False)

    def read(self) -> Records:
        """The records at the tip, verified. Raises: Refusal VERIFICATION_FAILED, CannotAsk."""
        records = read(self.repository, self.branch, self._kept)
        records.report.require_sound()
        return records

    @property
    def signing(self) -> Signer:
        """The signer. Raises: CannotAsk NO_SSH_KEY."""
        if self.signer is None:
            raise CannotAsk("NO_SSH_KEY", "this needs a signing key", hint="ssh-keygen -t ed25519")
        return self.signer

    def write(self, *steps: Callable[[Records], Step]) -> tuple[WrittenRecord, ...]:
        """Write one record a step, all in one commit; nothing is written where any step raises."""
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return self._try(steps)
            except LostRace:
                if self.pause:
                    self.pause(attempt)
        raise CannotAsk(
            "TOO_BUSY",
            f"others wrote to {self.branch.name} in each of {MOST_TRIES} tries",
            hint="run the same command again",
        )

    def _try(self, steps: Sequence[Callable[[Records], Step]]) -> tuple[WrittenRecord, ...]:
        start = self.read()
        records, changes, written = start, dict[str, FileChange](), list[WrittenRecord]()
        for at, decide in enumerate(steps):
            step = decide(records)
            made, record = self._compose(records, step)
            changes.update({change.path: change for change in made})
            written.append(record)
            if at + 1 < len(steps):
                tree = drafting.overlay(records.tree, made)
                records = replace(records, tree=tree, report=verify(tree, self.branch))
        if self.is_dry_run:
            return tuple(written)
        plan = Plan(ref=self.branch.ref, old=start.commit, files=tuple(changes.values()), message=_message(written))
        commit = self.repository.apply(plan)
        is_pushed = self.push(self.branch.ref, start.commit) if self.push else False
        return tuple(replace(record, commit=commit, is_pushed=is_pushed) for record in written)

    def _compose(self, records: Records, step: Step) -> tuple[tuple[FileChange, ...], WrittenRecord]:
        ledger = records.ledger
        draft = drafting.draft(
            ledger,
            step.predicate,
            issued_at=step.issued_at or ledger.issue_at(self.now),
            op_id=self.new_id(),
            repository=self.new_id() if ledger.is_empty else None,
        )
        sealed = drafting.seal(draft, self.signing.sign(draft.message, namespace=draft.namespace))
        changes = drafting.changes(
            records.tree, sealed, pointer=step.pointer, evidence=step.evidence, release=step.release
        )
        written = WrittenRecord(
            path=sealed.path,
            digest=sealed.digest,
            short_id=draft.short_id,
            summary=step.summary,
            files=tuple(change.path for change in (*changes, *step.files)),
            is_dry_run=self.is_dry_run,
        )
        return (*changes, *step.files), written


def _message(written: Iterable[WrittenRecord]) -> str:
    records = tuple(written)
    body = "\n".join(f"Record: {record.path}" for record in records)
    return f"llmops: {'; '.join(record.summary for record in records)}\n\n{body}\n"


def find_branch(repository: Repository, *, asked: str = "", variable: str = "", pin: str = "") -> RecordsBranch:
    """The records branch: what was asked for, the environment variable, git's configuration, llmops.yaml, the branch
    that is checked out; the first of these that says anything."""
    name = asked or variable or repository.config("llmops.recordsBranch") or _configured(repository)
    return RecordsBranch(name=name.removeprefix("refs/heads/") or _current(repository), pin=pin)


def _configured(repository: Repository) -> str:
    """What llmops.yaml says: the copy on the base branch that HEAD's copy names, so that a feature branch cannot point
    its commands at other records. Raises: InvalidDocuments where a copy cannot be read."""
    rules = _rules_at(repository, repository.resolve("HEAD"))
    base = str(rules.get("base_branch") or "")
    merged = (
        repository.resolve(f"refs/heads/{base}") or repository.resolve(f"refs/remotes/origin/{base}") if base else None
    )
    rules = _rules_at(repository, merged) if merged else rules
    return str(rules.get("records_branch") or rules.get("base_branch") or "")


def _rules_at(repository: Repository, commit: str | None) -> Mapping[str, Any]:
    """The `governance:` mapping at a commit, or of the working files before there is any commit with one."""
    data = repository.tree_at(commit).read("llmops.yaml") if commit else None
    data = data if data is not None else repository.work_tree().read("llmops.yaml")
    parsed = yaml_door.parse(data or b"", "llmops.yaml")
    if data is not None and not parsed.is_readable:
        raise InvalidDocuments(parsed.findings)
    rules = parsed.value.get("governance") if isinstance(parsed.value, dict) else None
    return rules if isinstance(rules, dict) else {}


def _current(repository: Repository) -> str:
    branch = repository.branch()
    if branch is None:
        raise CannotAsk(
            "DETACHED_HEAD",
            "no branch is checked out, so it is unclear where records stand",
            hint="name it: --records-branch BRANCH, or `records_branch:` under `governance:` in llmops.yaml",
        )
    return branch.removeprefix("refs/heads/")


def read(repository: Repository, branch: RecordsBranch, kept: dict[str, Records] | None = None) -> Records:
    """The records at the tip with their verification report; no demand is made on the report.

    `kept` holds what was read before, by commit: a commit never changes, so it is verified once in a run.
    """
    commit = repository.records_tip(branch.name) or ""
    known = kept.get(commit) if kept is not None else None
    if known is not None:
        return known
    tree = _tree_at(repository, commit)
    records = Records(commit=commit, tree=tree, report=verify(tree, branch))
    if kept is not None:
        kept[commit] = records
    return records


def tree_of(repository: Repository, branch: RecordsBranch) -> Tree:
    """The files at the tip, verified by nobody."""
    return _tree_at(repository, repository.records_tip(branch.name) or "")


def _tree_at(repository: Repository, commit: str) -> Tree:
    return repository.tree_at(commit) if commit else MemoryTree()


def require(records: Records, branch: RecordsBranch) -> Records:
    """The records, where there are any to read. Raises: CannotAsk RECORDS_MISSING."""
    if not records.commit:
        raise CannotAsk(
            "RECORDS_MISSING",
            f"there is no branch {branch.name} here, so nothing is known of what serves",
            hint=f"git fetch origin {branch.name}; in a new repository `llmops policy apply` begins it",
        )
    return records


def verify(tree: Tree, branch: RecordsBranch, **options: Any) -> verification.Report:
    """The report on `tree`, evidence recomputed and draws drawn again."""
    return verification.verify(
        tree,
        pin=branch.pin or None,
        branch=branch.name,
        recompute=pooling.recompute,
        check_draw=_check_draw,
        **options,
    )


def _check_draw(said: Calibration, rows: Sequence[LabelledRow], shards: Iterable[bytes]) -> str:
    # Imported where there is a draw to check: the mathematics of calibration is read by few commands.
    from llmops.usecases.calibrate.draws import check_draw

    return check_draw(said, rows, shards)


def digest_of(data: bytes) -> str:
    """The name of a file's bytes in records."""
    return canonical.sha256(data)
