"""policy check / apply / show: the `governance:` mapping of llmops.yaml, and the one that is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llmops.documents.reading import schemas, yaml_door
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, Finding, InvalidDocuments, Refusal, in_order
from llmops.governance import policy as policies
from llmops.governance.policy import Policy, Role
from llmops.governance.predicates import PolicyChange
from llmops.usecases.records.ledgers import Desk, Records, Step
from llmops.usecases.results.releasing import PolicyView

FILE = "llmops.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The `governance:` mapping of a file with everything found in it."""

    governance: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def policy(self) -> Policy:
        """The parsed policy. Raises: InvalidDocuments."""
        if any(finding.is_error for finding in self.findings):
            raise InvalidDocuments(self.findings)
        return policies.parse(self.governance)


def check(tree: Tree) -> Checked:
    """The policy in the working files. Raises: CannotAsk POLICY_MISSING."""
    data = tree.read(FILE)
    if data is None:
        raise CannotAsk("POLICY_MISSING", "there is no llmops.yaml", where=FILE, hint="`llmops init` writes one")
    parsed = yaml_door.parse(data, FILE)
    checked = schemas.check("llmops", parsed)
    findings = [*parsed.findings, *checked.findings]
    governance = checked.value.get("governance") if isinstance(checked.value, dict) else None
    if governance is None and not findings:
        raise CannotAsk(
            "POLICY_MISSING",
            "llmops.yaml has no `governance:`, so nobody may release anything",
            where=FILE,
            hint="add one; `llmops init` in an empty repository shows a first policy",
        )
    if not any(finding.is_error for finding in findings):
        findings += policies.check(governance, locate=parsed.at)
    return Checked(governance=governance or {}, findings=in_order(findings))


def apply(desk: Desk, tree: Tree) -> PolicyView:
    """Put the policy of the working files in force. Raises: InvalidDocuments, Refusal NOT_ROOT, POLICY_UNCHANGED."""
    checked = check(tree)
    policy = checked.policy

    def step(records: Records) -> Step:
        _require_root(desk, records, policy)
        change = PolicyChange(
            governance=policies.freeze(checked.governance), previous_policy=records.ledger.policy_record
        )
        return Step(predicate=change, summary="put the policy in force")

    first = _root(desk.read())
    (written,) = desk.write(step)
    return _view(
        policy,
        record=written.digest,
        root=first or written.digest,
        written=written,
        is_in_force=not desk.is_dry_run,
    )


def _require_root(desk: Desk, records: Records, policy: Policy) -> None:
    """One root person of the policy in force signs; the first policy is signed by a root person it names itself."""
    ruling = records.ledger.policy or policy
    if records.ledger.policy is not None and records.ledger.policy.digest == policy.digest:
        raise Refusal("POLICY_UNCHANGED", "this policy is in force already", where=FILE)
    person = ruling.owner_of(desk.signing.public_key)
    roots = ", ".join(root.name for root in ruling.with_role(Role.ROOT))
    if person is None or Role.ROOT not in person.roles:
        who = f"you are {person.name}" if person else "your key belongs to nobody in it"
        raise Refusal(
            "NOT_ROOT",
            f"a policy is signed by a root person ({roots}); {who}",
            hint="sign with that person's key: git config user.signingkey PATH",
        )


def show(records: Records) -> PolicyView:
    """The policy in force. Raises: CannotAsk NO_POLICY."""
    return _view(records.policy, record=records.ledger.policy_record, root=_root(records), is_in_force=True)


def _root(records: Records) -> str:
    """What others pin: the digest of record 1, the first policy."""
    return next((entry.digest for entry in records.ledger.entries), "")


def view(checked: Checked, records: Records) -> PolicyView:
    """The policy of the file, for `policy check`, and whether it is the one in force."""
    policy, ruling = checked.policy, records.ledger.policy
    is_in_force = ruling is not None and ruling.digest == policy.digest
    return _view(policy, record=records.ledger.policy_record if is_in_force else "", is_in_force=is_in_force)


def _view(policy: Policy, *, record: str, is_in_force: bool, root: str = "", written: Any = None) -> PolicyView:
    return PolicyView(
        digest=policy.digest,
        record=record,
        governance=policy.mapping,
        people=tuple((person.name, tuple(sorted(str(role) for role in person.roles))) for person in policy.people),
        environments=tuple((rules.name, _rules(policy, rules.name)) for rules in policy.environments),
        is_in_force=is_in_force,
        root=root,
        written=written,
    )


def _rules(policy: Policy, environment: str) -> str:
    rules = policy.environment(environment)
    if rules is None:
        raise CannotAsk("ENVIRONMENT_UNKNOWN", f"the policy has no environment {environment}")
    parts = [f"{rule.count} x {rule.role}" for rule in rules.approvals] or ["no approval"]
    system = [f"{rule.count} x {rule.role}" for rule in policy.required(environment, is_system=True)]
    parts.append(f"system prompts: {' + '.join(system) or 'no approval'}")
    parts.append(f"judges: {', '.join(sorted(rules.judges))}")
    if rules.after:
        parts.append(f"after: {', '.join(rules.after)}")
    if rules.allows_self_approval:
        parts.append("self-approval allowed")
    if rules.allows_early_pass:
        parts.append("early passes allowed")
    return "; ".join(parts)
