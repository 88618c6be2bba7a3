"""Which approvals count for one rollout. Persons are counted, never keys or records.

An approval counts, under the policy in force now, when all of this holds, in this order:

1. It is open: its ramp not finished, not withdrawn, no rollback there, no other stable since (`replay` ends it).
2. It names this release, this environment, and the stable release that serves there now.
3. Its finish-by has not passed by log time.
4. Its ramp reaches the wanted percentage as its next step. Steps down need no approval at all.
5. Its person exists, is no machine, holds the role today, and the rule accepts the method.
6. Separation of duties: the person contributed to no commit of the release, evaluated it in no record, did not publish
   it. Where the environment says `self_approval: allowed`, it counts and is marked SELF-APPROVED.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from llmops.governance.ledger import ApprovalEntry, Ledger, PublishedRelease, Reason
from llmops.governance.policy import ApprovalRule, EnvironmentRules, Person, Policy, Role
from llmops.governance.predicates import Approval, Rejection, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What counts, what is missing, who approved their own work, and why the rest does not count."""

    counted: tuple[ApprovalEntry, ...]
    missing: tuple[Reason, ...]
    self_approved: tuple[str, ...]
    ignored: tuple[tuple[ApprovalEntry, str], ...]

    @property
    def is_complete(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rollout:
    """What is to be agreed on."""

    ledger: Ledger
    policy: Policy
    published: PublishedRelease
    rules: EnvironmentRules
    stable: str
    served_percent: int
    percent: int
    at: datetime


def tally(ledger: Ledger, published: PublishedRelease, environment: str, *, percent: int = 100, at: datetime) -> Tally:
    """What counts for `percent` of the traffic of `environment` at log time `at`, and everything that is missing."""
    policy = ledger.policy
    rules = policy.environment(environment) if policy else None
    if policy is None or rules is None:
        missing = Reason(code="UNKNOWN_ENVIRONMENT", text=f"the policy knows no environment {environment!r}")
        return Tally(counted=(), missing=(missing,), self_approved=(), ignored=())
    rollout = _rollout(ledger, policy, published, rules, percent, at)
    if percent < rollout.served_percent:
        return Tally(counted=(), missing=(), self_approved=(), ignored=())
    return _tally(rollout)


def accepted_bars(
    ledger: Ledger, published: PublishedRelease, environment: str, *, percent: int = 100, at: datetime
) -> frozenset[str]:
    """The looser bars and other yardsticks that approvals of the `quality` role name, as far as these count now."""
    policy = ledger.policy
    rules = policy.environment(environment) if policy else None
    if policy is None or rules is None:
        return frozenset()
    rule = ApprovalRule(role=Role.QUALITY, count=1, accept=frozenset({"key"}))
    counted, _ = _by_rule(_rollout(ledger, policy, published, rules, percent, at), rule)
    return frozenset(change for item in counted for change in item.approval.bars)


def _rollout(
    ledger: Ledger, policy: Policy, published: PublishedRelease, rules: EnvironmentRules, percent: int, at: datetime
) -> _Rollout:
    state = ledger.state(rules.name, published.published.prompt)
    digest = published.published.release
    shares = state.pointer.weights if state else ()
    return _Rollout(
        ledger=ledger,
        policy=policy,
        published=published,
        rules=rules,
        stable=state.stable_digest if state else "",
        served_percent=next((weight.percent for weight in shares if weight.digest == digest), 0),
        percent=percent,
        at=at,
    )


def _tally(rollout: _Rollout) -> Tally:
    counted: list[ApprovalEntry] = []
    ignored: list[tuple[ApprovalEntry, str]] = []
    missing: list[Reason] = []
    for rule in rollout.policy.required(rollout.rules.name, is_system=rollout.published.release.is_system):
        mine, others = _by_rule(rollout, rule)
        counted += mine
        ignored += others
        if len(mine) < rule.count:
            missing.append(_too_few(rule, mine, others))
    distinct = {item.approval.approver for item in counted}
    if len(distinct) < rollout.rules.min_distinct:
        text = f"{rollout.rules.min_distinct} different persons must approve, {_people(distinct)} did"
        missing.append(Reason(code="NOT_DISTINCT", text=text))
    own = sorted(name for name in distinct if conflict(rollout.ledger, rollout.published, name))
    return Tally(counted=tuple(counted), missing=tuple(missing), self_approved=tuple(own), ignored=tuple(ignored))


def _by_rule(rollout: _Rollout, rule: ApprovalRule) -> tuple[list[ApprovalEntry], list[tuple[ApprovalEntry, str]]]:
    """The approvals that count for one rule, one a person, and the others of that role with the reason."""
    counted: dict[str, ApprovalEntry] = {}
    ignored = []
    said = rollout.published.published
    for item in rollout.ledger.approvals_near(said.prompt, said.release):
        if item.approval.role != rule.role:
            continue
        why = _why_not(rollout, rule, item)
        if why:
            ignored.append((item, why))
        else:
            counted.setdefault(item.approval.approver, item)
    return list(counted.values()), ignored


def _why_not(rollout: _Rollout, rule: ApprovalRule, item: ApprovalEntry) -> str:
    """Why this approval does not count, "" where it does."""
    approval = item.approval
    published = rollout.published.published
    checks = (
        (not item.is_open, f"ended ({item.ended})"),
        (approval.release != published.release, f"is for {approval.version} ({approval.release[:12]})"),
        (approval.environment != rollout.rules.name, f"is for {approval.environment}"),
        (approval.stable != rollout.stable, f"replaces {_digest(approval.stable)}, {_digest(rollout.stable)} serves"),
        (approval.finish_by < rollout.at, f"was to be finished by {time_text(approval.finish_by)}"),
        (not _covers(approval.ramp, rollout), f"agrees to {_ramp(approval.ramp)}, not to {rollout.percent} % next"),
    )
    found = next((why for fails, why in checks if fails), "")
    return found or _why_not_person(rollout, rule, approval)


def _why_not_person(rollout: _Rollout, rule: ApprovalRule, approval: Approval) -> str:
    person = rollout.policy.person(approval.approver)
    if person is None or not person.may(rule.role):
        return f"does not hold the role {rule.role} today"
    if person.is_machine:
        return "is a machine"
    if approval.method not in rule.accept:
        return f"was given by {approval.method}, accepted: {', '.join(sorted(rule.accept)) or 'none'}"
    if rollout.rules.allows_self_approval:
        return ""
    return conflict(rollout.ledger, rollout.published, person.name)


def conflict(ledger: Ledger, published: PublishedRelease, name: str) -> str:
    """Why this person may not judge this release by separation of duties, "" where nothing stands against it."""
    policy = ledger.policy
    person = policy.person(name) if policy else None
    if person is None:
        return ""
    if any(contributor.email.lower() in person.emails for contributor in published.published.contributors):
        return "contributed to the release"
    if any(item.entry.signer == name for item in ledger.evaluations_of(published.published.behaviour)):
        return "evaluated the release"
    if published.entry.signer == name and not person.is_machine:
        return "published the release"
    return ""


def refusals_to_approve(
    ledger: Ledger, approval: Approval, *, person: Person | None, at: datetime
) -> tuple[Reason, ...]:
    """Everything that speaks against writing this approval now, so that nobody signs in vain."""
    found = list(faults(ledger, approval, signer=person, at=at))
    published = ledger.releases.get(approval.release)
    rules = ledger.policy.environment(approval.environment) if ledger.policy else None
    if published and rules and not rules.allows_self_approval:
        why = conflict(ledger, published, approval.approver)
        if why:
            text = f"{approval.approver} {why}, so somebody else with the role {approval.role} must approve"
            found.append(Reason(code="SEPARATION_OF_DUTIES", text=text))
    return tuple(found)


def faults(ledger: Ledger, said: Approval | Rejection, *, signer: Person | None, at: datetime) -> tuple[Reason, ...]:
    """What makes an approval or rejection void where it stands. Whether it counts is asked later, by `tally`."""
    reasons: list[Reason] = []
    published = ledger.releases.get(said.release)
    if published is None:
        text = f"no release with digest {said.release[:12]} is published: run `llmops publish {said.prompt}` first"
        reasons.append(Reason(code="UNPUBLISHED", text=text))
    elif (published.published.prompt, published.published.version) != (said.prompt, said.version):
        text = f"{said.release[:12]} is {published.published.prompt} {published.published.version}, not {said.version}"
        reasons.append(Reason(code="UNPUBLISHED", text=text))
    reasons += _signer_faults(ledger, said, signer)
    if ledger.policy and ledger.policy.environment(said.environment) is None:
        text = f"the policy knows no environment {said.environment!r}"
        reasons.append(Reason(code="UNKNOWN_ENVIRONMENT", text=text))
    state = ledger.state(said.environment, said.prompt)
    stable = state.stable_digest if state else ""
    if said.stable != stable:
        text = f"it replaces {_digest(said.stable)}, but {_digest(stable)} serves in {said.environment}"
        reasons.append(Reason(code="OTHER_STABLE", text=text))
    if isinstance(said, Approval):
        reasons += _terms(said, at)
    return tuple(reasons)


def _terms(said: Approval, at: datetime) -> Iterable[Reason]:
    if said.finish_by < at:
        text = f"it was to be finished by {time_text(said.finish_by)}, the log stands at {time_text(at)}"
        yield Reason(code="EXPIRED", text=text)
    if not said.ramp or list(said.ramp) != sorted(set(said.ramp)):
        yield Reason(code="RAMP", text=f"the ramp {_ramp(said.ramp)} does not rise step by step")


def _signer_faults(ledger: Ledger, said: Approval | Rejection, signer: Person | None) -> Iterable[Reason]:
    approver = ledger.policy.person(said.approver) if ledger.policy else None
    if said.method == "key" and (signer is None or signer.name != said.approver):
        text = f"it names {said.approver}, but {signer.name if signer else 'nobody known'} signed it"
        yield Reason(code="OTHER_APPROVER", text=text)
    if said.method == "forge" and (signer is None or not signer.may(Role.RELAY)):
        yield Reason(code="ROLE_MISSING", text="a forge approval is written by somebody with the role relay")
    if approver is None or said.role not in approver.roles:
        yield Reason(code="ROLE_MISSING", text=f"{said.approver} does not hold the role {said.role}")
    if said.method == "forge" and approver and not approver.forge:
        yield Reason(code="ROLE_MISSING", text=f"{said.approver} has no forge login in the policy")


def _covers(ramp: tuple[int, ...], rollout: _Rollout) -> bool:
    """Whether `percent` is the next step of the ramp, or a share that serves already."""
    if rollout.percent == rollout.served_percent:
        return True
    return next((step for step in ramp if step > rollout.served_percent), 0) == rollout.percent


def _too_few(rule: ApprovalRule, mine: list[ApprovalEntry], others: list[tuple[ApprovalEntry, str]]) -> Reason:
    wanted = rule.count - len(mine)
    has = ", ".join(item.approval.approver for item in mine)
    ignored = "; ".join(f"{item.approval.approver}'s does not count: {why}" for item, why in others)
    details = ": ".join([str(len(mine)), "; ".join(part for part in (has, ignored) if part)]) if has or ignored else "0"
    noun = "approval" if wanted == 1 else "approvals"
    text = f"needs {wanted} more {noun} of role {rule.role} (has {details})"
    return Reason(code="APPROVAL_MISSING", text=text)


def _people(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nobody"


def _digest(value: str) -> str:
    return value[:12] if value else "nothing"


def _ramp(ramp: tuple[int, ...]) -> str:
    return " → ".join(f"{step} %" for step in ramp) or "nothing"
