"""The policy: who may do what, and what an environment asks for. Only the `governance:` mapping is policy.

`check` reads the whole mapping and reports every problem; `parse` gives the `Policy` or refuses. Rules kept here:

1. Default deny: an unknown key, role or environment is an error; `approvals` must be said in every environment, an
   absent `judges` admits calibrated judges only, an absent `until_decided` no yes before every case was run, an absent
   `classes` wants compliance for system prompts everywhere.
2. People are counted, never keys: two persons with one key are an error; a key's bytes name its person.
3. Somebody holds `root` (a person with a key, no machine), or no later policy could ever be signed.
4. Roles of an exclusive pair are never held by one person.
5. Environments follow one another (`after`) without a circle. A floor says its direction.
6. What this version cannot enforce is refused (`policy-unsupported`), never skipped.

A class (`system`) is computed from a release's behaviour, never from a label. Who counts as approver is left to
`approvals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents import bars, canonical
from llmops.errors import CannotAsk, InvalidDocuments
from llmops.governance.checks.mapping import CLASSES, Locate, Role, check, in_sequence, names_in, read_floor
from llmops.governance.sshsig import PublicKey, SignatureError, parse_public_key

__all__ = ["ApprovalRule", "ClassRules", "EnvironmentRules", "Person", "Policy", "Role", "check", "freeze", "parse"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One principal: a person, or a machine that signs but never approves."""

    name: str
    keys: tuple[PublicKey, ...]
    roles: frozenset[Role]
    emails: frozenset[str]
    forge: str
    is_machine: bool

    def may(self, *roles: Role) -> bool:
        """Whether this person holds one of `roles`."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """So many persons of this role, by one of these methods."""

    role: Role
    count: int
    accept: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRules:
    """What a release must bring to serve in one environment."""

    name: str
    after: tuple[str, ...]
    floors: tuple[bars.Threshold, ...]
    evalsets: tuple[str, ...]
    min_cases: int
    judges: frozenset[str]
    approvals: tuple[ApprovalRule, ...]
    min_distinct: int
    allows_self_approval: bool
    allows_early_pass: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRules:
    """What releases of one class need beside the environment's own rules; no environments named: in all of them."""

    name: str
    approvals: tuple[ApprovalRule, ...]
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A checked policy."""

    mapping: Mapping[str, Any]
    base_branch: str
    records_branch: str
    root_threshold: int
    people: tuple[Person, ...]
    exclusive: tuple[tuple[Role, Role], ...]
    environments: tuple[EnvironmentRules, ...]
    classes: tuple[ClassRules, ...]

    @property
    def digest(self) -> str:
        return canonical.digest(self.mapping)

    @property
    def has_separate_records(self) -> bool:
        """Whether records live on a branch of their own."""
        return self.base_branch != self.records_branch

    def environment(self, name: str) -> EnvironmentRules | None:
        return next((rules for rules in self.environments if rules.name == name), None)

    def person(self, name: str) -> Person | None:
        return next((person for person in self.people if person.name == name), None)

    def owner_of(self, key: PublicKey | str) -> Person | None:
        """The person whose key this is, by its bytes.

        Raises: CannotAsk KEY_WEAK or KEY_INVALID where `key` is a line with a key that nobody may sign with.
        """
        wanted = _usable(key) if isinstance(key, str) else key
        return next((person for person in self.people if wanted in person.keys), None)

    def with_role(self, role: Role) -> tuple[Person, ...]:
        return tuple(person for person in self.people if role in person.roles)

    def required(self, environment: str, *, is_system: bool) -> tuple[ApprovalRule, ...]:
        """The approvals that a release needs there: the environment's and its class's, the larger count a role."""
        rules = self.environment(environment)
        found = list(rules.approvals if rules else ())
        for extra in self.classes:
            if is_system and (not extra.environments or environment in extra.environments):
                found += extra.approvals
        return _merge(found)


def freeze(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The form that a record carries: numbers with a fraction as decimal strings, keys and lists as they are."""
    frozen: dict[str, Any] = _freeze(mapping)
    return frozen


def parse(mapping: Any, *, locate: Locate | None = None) -> Policy:
    """The policy in `mapping`, written or frozen. Raises: InvalidDocuments with all findings of `check`."""
    findings = check(mapping, locate=locate)
    if any(finding.is_error for finding in findings):
        raise InvalidDocuments(findings)
    environments = mapping["environments"]
    return Policy(
        mapping=freeze(mapping),
        base_branch=mapping["base_branch"],
        records_branch=mapping["records_branch"],
        root_threshold=mapping.get("root_threshold", 1),
        people=tuple(_person(name, value) for name, value in sorted(mapping["principals"].items())),
        exclusive=tuple((Role(first), Role(second)) for first, second in mapping.get("exclusive", ())),
        environments=tuple(_environment(name, environments[name]) for name in in_sequence(environments)),
        classes=_classes(mapping.get("classes", {})),
    )


def _usable(line: str) -> PublicKey:
    try:
        return parse_public_key(line)
    except SignatureError as error:
        raise CannotAsk(
            error.code,
            f"nobody may sign with this key: {error}",
            where=line if len(line) <= 100 else line[:99] + "…",
            hint="make another and have it added to the policy: ssh-keygen -t ed25519",
        ) from error


def _freeze(value: Any) -> Any:
    match value:
        case float():
            return canonical.decimal(value)
        case Mapping():
            return {str(key): _freeze(item) for key, item in value.items()}
        case list() | tuple():
            return [_freeze(item) for item in value]
    return value


def _merge(rules: Iterable[ApprovalRule]) -> tuple[ApprovalRule, ...]:
    """One rule a role: the larger count, the methods that all of them accept."""
    merged: dict[Role, ApprovalRule] = {}
    for rule in rules:
        other = merged.get(rule.role, rule)
        merged[rule.role] = ApprovalRule(
            role=rule.role, count=max(rule.count, other.count), accept=rule.accept & other.accept
        )
    return tuple(merged[role] for role in sorted(merged))


def _person(name: str, value: Mapping[str, Any]) -> Person:
    return Person(
        name=name,
        keys=tuple(parse_public_key(line) for line in value.get("keys", ())),
        roles=frozenset(Role(role) for role in value.get("roles", ())),
        emails=frozenset(email.lower() for email in value.get("emails", ())),
        forge=value.get("forge", ""),
        is_machine=value.get("machine", False),
    )


def _environment(name: str, value: Mapping[str, Any]) -> EnvironmentRules:
    return EnvironmentRules(
        name=name,
        after=names_in(value.get("after", ())),
        floors=tuple(read_floor(metric, item) for metric, item in sorted(value.get("floors", {}).items())),
        evalsets=tuple(value.get("evalsets", ())),
        min_cases=value.get("min_cases", 0),
        judges=frozenset(value.get("judges", ("calibrated",))),
        approvals=_rules(value["approvals"]),
        min_distinct=value.get("min_distinct", 0),
        allows_self_approval=value.get("self_approval", "denied") == "allowed",
        allows_early_pass=value.get("until_decided", "denied") == "allowed",
    )


def _rules(values: Iterable[Mapping[str, Any]]) -> tuple[ApprovalRule, ...]:
    return tuple(
        ApprovalRule(
            role=Role(value["role"]), count=value.get("count", 1), accept=frozenset(value.get("accept", ("key",)))
        )
        for value in values
    )


def _classes(value: Mapping[str, Any]) -> tuple[ClassRules, ...]:
    default = {"approvals": [{"role": "compliance", "count": 1}]}
    return tuple(
        ClassRules(
            name=name,
            approvals=_rules(value.get(name, default)["approvals"]),
            environments=tuple(value.get(name, default).get("environments", ())),
        )
        for name in CLASSES
    )
