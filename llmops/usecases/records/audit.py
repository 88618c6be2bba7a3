"""audit log and audit verify: reading the history, and checking all of it."""

from __future__ import annotations

from datetime import datetime

from llmops.errors import CannotAsk
from llmops.governance.verification import Remembered
from llmops.usecases.ports import Repository
from llmops.usecases.records.ledgers import Records, RecordsBranch, verify
from llmops.usecases.results.auditing import Audited, AuditLog


def log(records: Records, branch: RecordsBranch, name: str = "") -> AuditLog:
    """The records of all prompts, or of `name` with those that speak of no prompt."""
    entries = tuple(entry for entry in records.ledger.entries if not name or entry.prompt in ("", name))
    return AuditLog(branch=branch.name, entries=entries)


def verify_tip(
    repository: Repository,
    branch: RecordsBranch,
    *,
    remembered: Remembered | None = None,
    at: datetime | None = None,
    revision: str = "",
) -> Audited:
    """The full verification of the branch's tip (or of `revision`). Raises: CannotAsk RECORDS_MISSING."""
    commit = repository.resolve(revision) if revision else repository.records_tip(branch.name)
    if commit is None:
        raise CannotAsk(
            "RECORDS_MISSING",
            f"there is no {'revision ' + revision if revision else 'branch ' + branch.name} here",
            hint=f"git fetch origin {branch.name}, or name it: --records-branch BRANCH",
        )
    report = verify(repository.tree_at(commit), branch, remembered=remembered, at=at)
    first = next((entry.digest for entry in report.ledger.entries), "")
    return Audited(branch=branch.name, commit=commit, root=first, is_pinned=bool(branch.pin), report=report)


def head_of(audited: Audited) -> Remembered:
    """What to remember outside the repository, so that a later cut or rewritten history shows."""
    ledger = audited.report.ledger
    return Remembered(repository=ledger.repository, sequence=ledger.next_sequence - 1, head=ledger.head)
