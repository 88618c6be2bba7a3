"""status and why: what serves in each environment, what waits, and the proof chain behind it."""

from __future__ import annotations

from datetime import datetime

from llmops.documents import versions
from llmops.errors import CannotAsk
from llmops.governance import approvals, provenance
from llmops.governance.ledger import State
from llmops.usecases.records.ledgers import Records, RecordsBranch
from llmops.usecases.results.releasing import EnvironmentStatus, Provenance, Status


def status(records: Records, branch: RecordsBranch, now: datetime, name: str = "") -> Status:
    """Every environment of the policy with every published prompt (or only `name`)."""
    ledger = records.ledger
    prompts = sorted({item.published.prompt for item in ledger.releases.values()} | {p for _, p in ledger.states})
    if name and name not in prompts:
        raise CannotAsk("PROMPT_UNKNOWN", f"{name} was never published; known: {', '.join(prompts) or 'none'}")
    environments = ledger.policy.environments if ledger.policy else ()
    return Status(
        level=records.report.level,
        records=len(ledger.entries),
        branch=branch.name,
        rows=tuple(
            _row(records, rules.name, prompt, now)
            for prompt in prompts
            for rules in environments
            if not name or prompt == name
        ),
    )


def _row(records: Records, environment: str, prompt: str, now: datetime) -> EnvironmentStatus:
    state = records.ledger.state(environment, prompt)
    return EnvironmentStatus(
        environment=environment,
        prompt=prompt,
        pointer=state.pointer if state else None,
        served_since=state.history[-1].at.isoformat() if state and state.history else "",
        waiting=tuple(_waiting(records, environment, prompt, state, now)),
    )


def _waiting(records: Records, environment: str, prompt: str, state: State | None, now: datetime) -> list[str]:
    """What the newest published release still needs here, where it is newer than what serves."""
    ledger = records.ledger
    newest = versions.newest(
        item.published.version for item in ledger.releases.values() if item.published.prompt == prompt
    )
    serving = state.pointer.version if state else ""
    if newest is None or (serving and not versions.is_above(newest, serving)):
        return []
    published = ledger.published(prompt, newest)
    if published is None:
        return []
    held = ["the hold that a rollback left: promote with --release-hold"] if state and state.is_held else []
    missing = approvals.tally(ledger, published, environment, at=ledger.issue_at(now)).missing
    needs = [*held, *(reason.text for reason in missing)] or ["all approvals are there"]
    return [f"{newest}: {need}" for need in needs]


def why(records: Records, prompt: str, environment: str) -> Provenance:
    """The chain from the pointer back to people and rules. Raises: CannotAsk NOTHING_SERVES."""
    if records.ledger.state(environment, prompt) is None:
        raise CannotAsk(
            "NOTHING_SERVES", f"{prompt} never served in {environment}", hint="`llmops status` shows what does"
        )
    links = provenance.why(records.report, records.tree, prompt, environment)
    return Provenance(prompt=prompt, environment=environment, level=records.report.level, links=links)
