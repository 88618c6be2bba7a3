"""approve: show what is being agreed to, then sign it. An approval covers one rollout, not a digest for ever."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from llmops.documents import bars
from llmops.documents.freezing import changes
from llmops.documents.releases import Release
from llmops.errors import CannotAsk, Refusal
from llmops.governance import approvals
from llmops.governance.ledger import PublishedRelease
from llmops.governance.policy import Person
from llmops.governance.predicates import Approval, Rejection
from llmops.usecases.evaluate import gate, recording
from llmops.usecases.frozen import evalset_for
from llmops.usecases.records.ledgers import Desk, Records, Step
from llmops.usecases.results.evaluating import Gated
from llmops.usecases.results.releasing import Act, Agreement

FINISH_WITHIN = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`role` "" means: every role that is still missing and that the person holds. `accept` are ids of looser bars;
    `ramp` are the shares of traffic, step by step, that the approval agrees to."""

    name: str
    version: str
    environment: str
    role: str = ""
    accept: tuple[str, ...] = ()
    reject: str = ""
    ramp: tuple[int, ...] = (100,)


def look(desk: Desk, request: Request) -> Agreement:
    """What the person is about to sign. Raises: Refusal with everything that stands against it."""
    records = desk.read()
    person = records.person(desk.signing)
    published = _published(records, request)
    evalset = evalset_for(desk.repository, records.tree, published.release)
    gated = gate.decide(
        gate.place_of(desk, records, request.environment, percent=request.ramp[0]),
        published.release,
        evalset,
    )
    _require_known_changes(request, gated)
    roles = _roles(desk, records, request, person, published)
    _require_allowed(desk, records, [_statement(desk, records, request, role, gated) for role in roles])
    return Agreement(
        prompt=request.name,
        version=request.version,
        environment=request.environment,
        release=published.release.digest,
        person=person.name,
        roles=roles,
        serving=_serving_label(records, request),
        changes=changes.compare(_serving(records, request), published.release),
        gated=gated,
        is_rejection=bool(request.reject),
    )


def sign(desk: Desk, request: Request, agreed: Agreement) -> Act:
    """Write what was agreed to: one record a role, one commit. Raises: Refusal CHANGED_MEANWHILE, CannotAsk."""
    written = desk.write(*(_step(desk, request, role, agreed) for role in agreed.roles))
    return Act(
        verb="reject" if request.reject else "approve",
        prompt=request.name,
        version=request.version,
        environment=request.environment,
        facts=(
            ("by", f"{agreed.person} as {', '.join(agreed.roles)}"),
            ("release", agreed.release),
            ("replaces", agreed.serving),
            *_terms(request),
        ),
        records=written,
    )


def _terms(request: Request) -> tuple[tuple[str, str], ...]:
    if request.reject:
        return (("reason", request.reject),)
    return (
        ("agrees to", ", then ".join(f"{step} %" for step in request.ramp)),
        ("ends", f"when it is rolled out, rolled back or replaced, or after {FINISH_WITHIN.days} days"),
    )


def _require_known_changes(request: Request, gated: Gated) -> None:
    """An id of `--accept` names a looser bar or another yardstick of this release, or it would agree to nothing."""
    known = [item.id for item in gated.decision.loosenings]
    unknown = [change for change in request.accept if change not in known]
    if unknown:
        raise Refusal(
            "NO_SUCH_CHANGE",
            f"{request.name} {request.version} loosens nothing called {', '.join(unknown)}",
            hint=f"--accept takes one of: {', '.join(known)}" if known else "leave --accept out",
        )


def _step(desk: Desk, request: Request, role: str, agreed: Agreement) -> Callable[[Records], Step]:
    def decide(records: Records) -> Step:
        _require_as_shown(desk, records, request, agreed)
        statement = _statement(desk, records, request, role, agreed.gated)
        _require_allowed(desk, records, [statement])
        verb = "reject" if request.reject else "approve"
        return Step(
            predicate=statement,
            summary=f"{verb} {request.name} {request.version} for {request.environment} as {role}",
        )

    return decide


def _require_as_shown(desk: Desk, records: Records, request: Request, agreed: Agreement) -> None:
    """Nothing is signed but what was shown: somebody may have promoted or evaluated while this person was reading."""
    published = _published(records, request)
    panel = desk.panel_of(gate.judge_of(published.release))
    found = recording.find(
        records,
        behaviour=published.release.behaviour_digest,
        evalset_digest=published.release.evalset_digest,
        panel=panel,
        target=bars.parse(published.release.bars).target,
    )
    shown = (agreed.release, agreed.serving, agreed.gated.evidence)
    if shown != (published.release.digest, _serving_label(records, request), found.records if found else ()):
        raise Refusal(
            "CHANGED_MEANWHILE",
            f"{request.name} in {request.environment} is no longer what was shown: nothing was signed",
            hint="run the same command again, and read it again",
        )


def _roles(
    desk: Desk, records: Records, request: Request, person: Person, published: PublishedRelease
) -> tuple[str, ...]:
    """The roles to sign for: the one asked for, or those that are missing and that the person holds."""
    if request.role:
        return (request.role,)
    required = records.policy.required(request.environment, is_system=published.release.is_system)
    at = records.ledger.issue_at(desk.now)
    counted = approvals.tally(records.ledger, published, request.environment, percent=request.ramp[0], at=at).counted
    signed = {entry.approval.role for entry in counted if entry.approval.approver == person.name}
    if request.reject:
        signed = set()  # a rejection withdraws what was signed, so that stands in nobody's way
    held = {str(role) for role in person.roles}
    open_roles = tuple(dict.fromkeys(str(rule.role) for rule in required if str(rule.role) in held - signed))
    if not open_roles:
        wanted = ", ".join(str(rule.role) for rule in required) or "none"
        raise Refusal(
            "NOTHING_TO_SIGN",
            f"{request.environment} wants approvals of: {wanted}; {person.name} holds: {', '.join(sorted(held))}",
            hint="ask somebody who holds a missing role, or name yours: --role ROLE",
            details=tuple(f"{person.name} has signed as {role} already" for role in sorted(signed)),
        )
    return open_roles


def _statement(desk: Desk, records: Records, request: Request, role: str, gated: Gated) -> Approval | Rejection:
    published = _published(records, request)
    state = records.ledger.state(request.environment, request.name)
    stable = state.stable_digest if state else ""
    person = records.person(desk.signing)
    if request.reject:
        return Rejection(
            prompt=request.name,
            version=request.version,
            release=published.release.digest,
            environment=request.environment,
            stable=stable,
            role=role,
            method="key",
            approver=person.name,
            reason=request.reject,
        )
    return Approval(
        prompt=request.name,
        version=request.version,
        release=published.release.digest,
        environment=request.environment,
        stable=stable,
        ramp=request.ramp,
        evidence=gated.evidence,
        bars=request.accept if role == "quality" else (),
        role=role,
        method="key",
        approver=person.name,
        finish_by=records.ledger.issue_at(desk.now) + FINISH_WITHIN,
    )


def _require_allowed(desk: Desk, records: Records, statements: Sequence[Approval | Rejection]) -> None:
    """All that stands against any of the approvals, at once; a rejection needs nobody's leave."""
    person, at = records.person(desk.signing), records.ledger.issue_at(desk.now)
    asked = [statement for statement in statements if isinstance(statement, Approval)]
    refusals = [
        reason for said in asked for reason in approvals.refusals_to_approve(records.ledger, said, person=person, at=at)
    ]
    if refusals:
        raise Refusal(
            "APPROVAL_REFUSED",
            f"{person.name} cannot approve {asked[0].prompt} {asked[0].version} for {asked[0].environment}",
            details=tuple(dict.fromkeys(f"{reason.text}  [{reason.code}]" for reason in refusals)),
        )


def _published(records: Records, request: Request) -> PublishedRelease:
    gate.rules_of(records, request.environment)
    published = records.ledger.published(request.name, request.version)
    if published is None:
        raise CannotAsk(
            "NOT_PUBLISHED",
            f"{request.name} {request.version} is not published, so there is nothing to approve",
            hint=f"merge the release, then `llmops publish {request.name}@{request.version}`",
        )
    return published


def _serving(records: Records, request: Request) -> Release | None:
    state = records.ledger.state(request.environment, request.name)
    published = records.ledger.releases.get(state.stable_digest) if state else None
    return published.release if published else None


def _serving_label(records: Records, request: Request) -> str:
    serving = _serving(records, request)
    return f"{serving.name} {serving.version}" if serving else f"nothing: a first release in {request.environment}"
