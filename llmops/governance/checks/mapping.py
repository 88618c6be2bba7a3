"""What a `governance:` mapping may say, checked before anything is built from it: every problem, never only the first.

The rules are listed in `policy`; this file walks a mapping that may hold anything and names the place of each problem.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from llmops.documents import bars
from llmops.errors import Finding, Location, Severity, in_order
from llmops.governance.predicates import IDENTIFIER
from llmops.governance.sshsig import SignatureError, parse_public_key

Place = tuple[str | int, ...]
Locate = Callable[[Place], Location]


class Role(StrEnum):
    """What a person may be trusted with."""

    ROOT = "root"
    AUTHOR = "author"
    PUBLISHER = "publisher"
    REVIEWER = "reviewer"
    QUALITY = "quality"
    COMPLIANCE = "compliance"
    EVALUATOR = "evaluator"
    OPERATOR = "operator"
    ROLLBACK = "rollback"
    RELAY = "relay"


METHODS = ("key", "forge")
JUDGES = ("calibrated", "advisory")
CLASSES = ("system",)
_LATER = ("soak", "deny", "deny_windows", "break_glass", "hotfix")
_KEYS = ("base_branch", "records_branch", "root_threshold", "principals", "exclusive", "environments", "classes")
_PERSON = ("keys", "roles", "emails", "forge", "machine")
_DENIED = ("self_approval", "until_decided")  # unless they say `allowed`
_ENVIRONMENT = ("after", "floors", "evalsets", "min_cases", "judges", "approvals", "min_distinct", *_DENIED)
_RULE = ("role", "count", "accept")
_FLOOR = ("min", "max", "require", "max_drop", "decide_on", "confidence", "slices", "min_cases")
_NUMBERS = ("min", "max", "max_drop", "confidence", "pass_at")


def check(mapping: Any, *, locate: Locate | None = None) -> tuple[Finding, ...]:
    """Every problem of a `governance:` mapping. `locate` turns a path of keys into a place in the file."""
    checker = _Checker(locate=locate or _somewhere)
    checker.policy(mapping)
    return in_order(checker.findings)


def names_in(value: Any) -> tuple[str, ...]:
    """One name or a list of names, as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value)


def in_sequence(environments: Mapping[str, Any]) -> tuple[str, ...]:
    """The environments, each behind those it comes after; () where `after` runs in a circle."""
    left = {name: set(names_in(value.get("after", ()))) for name, value in environments.items()}
    done: list[str] = []
    while left:
        ready = sorted(name for name, before in left.items() if before <= set(done))
        if not ready:
            return ()
        done += ready
        for name in ready:
            del left[name]
    return tuple(done)


def read_floor(metric: str, value: Mapping[str, Any]) -> bars.Threshold:
    """The floor of one metric, written or frozen. Raises: ValueError, TypeError, AttributeError."""
    return bars.parse_threshold(metric, _numbers(value))


def _numbers(value: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with its decimal strings read as numbers: a policy record holds no floats."""
    found: dict[str, Any] = {key: _number(item) if key in _NUMBERS else item for key, item in value.items()}
    if isinstance(found.get("slices"), Mapping):
        found["slices"] = {name: _numbers(item) for name, item in found["slices"].items()}
    return found


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(f"{value!r} is no number")
    return float(value)


@dataclass(slots=True)
class _Checker:
    """Walks a mapping that may hold anything, and collects findings."""

    locate: Locate
    findings: list[Finding] = field(default_factory=list)

    def policy(self, value: Any) -> None:
        if not self._mapping(value, (), _KEYS):
            return
        for key in ("base_branch", "records_branch", "principals", "environments"):
            if key not in value:
                self._add("shape", (), f"`{key}` is missing", f"add `{key}:` to `governance:`")
        for key in ("base_branch", "records_branch"):
            self._is(value.get(key, "main"), str, (key,), "the name of a branch")
        if value.get("root_threshold", 1) != 1:
            self._unsupported(("root_threshold",), f"root_threshold {value['root_threshold']!r}", "write 1")
        self._principals(value.get("principals", {}))
        self._exclusive(value.get("exclusive", []), value.get("principals"))
        self._environments(value.get("environments", {}))
        self._class_rules(value.get("classes", {}), value.get("environments"))

    def _principals(self, value: Any) -> None:
        if not self._mapping(value, ("principals",)):
            return
        owners: dict[bytes, str] = {}
        emails: dict[str, str] = {}
        for name, person in value.items():
            place = ("principals", name)
            self._identifier(name, place)
            if self._mapping(person, place, _PERSON):
                self._keys(name, person, owners)
                self._emails(name, person, emails)
                self._roles(person.get("roles", []), (*place, "roles"))
                self._is(person.get("machine", False), bool, (*place, "machine"), "true or false")
                self._is(person.get("forge", ""), str, (*place, "forge"), "a login")
        if not any(_can_be_root(person) for person in value.values()):
            self._add(
                "root", ("principals",), "nobody holds the role root", "give one person with a key `roles: [root]`"
            )

    def _keys(self, name: str, person: Mapping[str, Any], owners: dict[bytes, str]) -> None:
        place: Place = ("principals", name, "keys")
        lines = person.get("keys", [])
        if not self._list(lines, place):
            return
        if not lines and not person.get("forge"):
            self._add("keys", place, f"{name} has neither a key nor a forge login", "add an SSH public key to `keys`")
        for index, line in enumerate(lines):
            try:
                blob = parse_public_key(line if isinstance(line, str) else "").blob
            except SignatureError as error:
                self._add("keys", (*place, index), str(error), "paste the one line of the .pub file")
                continue
            other = owners.setdefault(blob, name)
            if other != name:
                message = f"{name} and {other} have the same key; a person is counted, never a key"
                self._add("keys", (*place, index), message, "give each person a key of their own")

    def _emails(self, name: str, person: Mapping[str, Any], emails: dict[str, str]) -> None:
        place: Place = ("principals", name, "emails")
        values = person.get("emails", [])
        if not self._list(values, place):
            return
        for index, email in enumerate(values):
            if self._is(email, str, (*place, index), "an e-mail address"):
                other = emails.setdefault(email.lower(), name)
                if other != name:
                    message = f"{name} and {other} have the e-mail address {email!r} both"
                    self._add("emails", (*place, index), message, "an address names one person")

    def _roles(self, value: Any, place: Place) -> None:
        if self._list(value, place):
            for index, role in enumerate(value):
                self._one_of(role, tuple(Role), (*place, index), "role")

    def _exclusive(self, value: Any, principals: Any) -> None:
        if not self._list(value, ("exclusive",)):
            return
        people = principals if isinstance(principals, Mapping) else {}
        for index, pair in enumerate(value):
            place: Place = ("exclusive", index)
            if not isinstance(pair, list | tuple) or len(pair) != 2 or pair[0] == pair[1]:
                self._add(
                    "shape", place, f"{_shown(pair)} is no pair of two roles", "write for example [author, compliance]"
                )
                continue
            self._roles(pair, place)
            for name, person in people.items():
                roles = person.get("roles", []) if isinstance(person, Mapping) else []
                if isinstance(roles, list | tuple) and all(role in roles for role in pair):
                    message = f"{name} holds {pair[0]} and {pair[1]}, which exclude each other"
                    self._add("exclusive", ("principals", name, "roles"), message, "take one of the two roles away")

    def _environments(self, value: Any) -> None:
        if not self._mapping(value, ("environments",)):
            return
        if not value:
            self._add("shape", ("environments",), "no environment is declared", "declare at least one")
        sound = True
        for name, rules in value.items():
            place = ("environments", name)
            self._identifier(name, place)
            if self._mapping(rules, place, _ENVIRONMENT, later=_LATER):
                sound &= self._environment(rules, place, value)
            else:
                sound = False
        if sound and len(in_sequence(value)) != len(value):
            self._add("after", ("environments",), "`after` runs in a circle", "let one environment come first")

    def _environment(self, rules: Mapping[str, Any], place: Place, known: Mapping[str, Any]) -> bool:
        if "approvals" not in rules:
            self._add("approvals", place, "`approvals` is missing", "name the roles, or say `approvals: []` aloud")
        self._approvals(rules.get("approvals", []), (*place, "approvals"))
        self._floors(rules.get("floors", {}), (*place, "floors"))
        self._count(rules.get("min_cases", 0), (*place, "min_cases"))
        self._count(rules.get("min_distinct", 0), (*place, "min_distinct"))
        for key in _DENIED:
            self._one_of(rules.get(key, "denied"), ("allowed", "denied"), (*place, key), "value")
        if self._list(rules.get("judges", []), (*place, "judges")):
            for index, judge in enumerate(rules.get("judges", [])):
                self._one_of(judge, JUDGES, (*place, "judges", index), "judge")
        if self._list(rules.get("evalsets", []), (*place, "evalsets")):
            for index, evalset in enumerate(rules.get("evalsets", [])):
                self._identifier(evalset, (*place, "evalsets", index))
        return self._after(rules.get("after", []), (*place, "after"), known)

    def _after(self, value: Any, place: Place, known: Mapping[str, Any]) -> bool:
        names = [value] if isinstance(value, str) else value
        if not self._list(names, place):
            return False
        return all([self._one_of(name, tuple(known), place, "environment") for name in names])

    def _approvals(self, value: Any, place: Place) -> None:
        if not self._list(value, place):
            return
        for index, rule in enumerate(value):
            here = (*place, index)
            if not self._mapping(rule, here, _RULE):
                continue
            self._one_of(rule.get("role"), tuple(Role), (*here, "role"), "role")
            self._count(rule.get("count", 1), (*here, "count"), least=1)
            accept = rule.get("accept", ["key"])
            if self._list(accept, (*here, "accept")):
                for method in accept:
                    self._one_of(method, METHODS, (*here, "accept"), "method")

    def _floors(self, value: Any, place: Place) -> None:
        if not self._mapping(value, place):
            return
        for metric, floor in value.items():
            here = (*place, metric)
            if not isinstance(floor, Mapping):
                self._add(
                    "floors", here, f"{metric} is {_shown(floor)}: a floor says its direction", "write {min: 0.8}"
                )
            elif self._mapping(floor, here, _FLOOR):
                self._floor(metric, floor, here)

    def _floor(self, metric: str, floor: Mapping[str, Any], place: Place) -> None:
        directions = [key for key in ("min", "max", "require", "max_drop") if key in floor]
        if not directions:
            self._add("floors", place, f"{metric} has no direction", "write min, max, max_drop or require: PASS")
        try:
            read_floor(metric, floor)
        except (ValueError, TypeError, AttributeError) as error:
            self._add("floors", place, f"{metric}: {error}", "bars are numbers; decide_on is mean or interval")
        if floor.get("require", "PASS") != "PASS":
            self._add("floors", place, f"{metric}: require is {floor['require']!r}", "write require: PASS")

    def _class_rules(self, value: Any, environments: Any) -> None:
        if not self._mapping(value, ("classes",), CLASSES):
            return
        known = tuple(environments) if isinstance(environments, Mapping) else ()
        for name, rules in value.items():
            place = ("classes", name)
            if not self._mapping(rules, place, ("approvals", "environments")):
                continue
            if "approvals" not in rules:
                self._add("approvals", place, "`approvals` is missing", "name the roles that the class needs")
            self._approvals(rules.get("approvals", []), (*place, "approvals"))
            if self._list(rules.get("environments", []), (*place, "environments")):
                for environment in rules.get("environments", []):
                    self._one_of(environment, known, (*place, "environments"), "environment")

    def _mapping(self, value: Any, place: Place, keys: Iterable[str] = (), later: Iterable[str] = ()) -> bool:
        if not isinstance(value, Mapping):
            self._add(
                "shape", place, f"{_name(place)} is {_shown(value)}, expected a mapping", "write `key: value` lines"
            )
            return False
        for key in value:
            if not isinstance(key, str) or not key.isascii():
                self._add("shape", place, f"{key!r} is no ASCII name", "use letters, digits, dots and hyphens")
            elif key in later:
                self._unsupported((*place, key), f"`{key}`", "take it out")
            elif keys and key not in tuple(keys):
                self._add("unknown-key", (*place, key), f"unknown key {key!r}", _guess(key, keys))
        return True

    def _list(self, value: Any, place: Place) -> bool:
        if isinstance(value, list | tuple):
            return True
        self._add("shape", place, f"{_name(place)} is {_shown(value)}, expected a list", "write [a, b]")
        return False

    def _one_of(self, value: Any, known: Iterable[str], place: Place, what: str) -> bool:
        names = [str(name) for name in known]
        if value in names:
            return True
        self._add(f"unknown-{what}", place, f"unknown {what} {_shown(value)}", _guess(str(value), names))
        return False

    def _count(self, value: Any, place: Place, least: int = 0) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 10_000:
            self._add("shape", place, f"{_name(place)} is {_shown(value)}", f"write a whole number from {least}")

    def _identifier(self, value: Any, place: Place) -> None:
        if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
            self._add("shape", place, f"{_shown(value)} is no identifier", "use a-z, 0-9, dots and hyphens")

    def _is(self, value: Any, kind: type, place: Place, what: str) -> bool:
        if isinstance(value, kind) and value != []:
            return True
        self._add("shape", place, f"{_name(place)} is {_shown(value)}, expected {what}", f"write {what}")
        return False

    def _unsupported(self, place: Place, what: str, fix: str) -> None:
        message = f"{what} is not supported by this version, so it could not be enforced"
        self._add("unsupported", place, message, f"{fix} until a version that enforces it")

    def _add(self, rule: str, place: Place, message: str, fix: str) -> None:
        self.findings.append(
            Finding(
                rule=f"policy-{rule}",
                severity=Severity.ERROR,
                location=self.locate(("governance", *place)),
                message=message,
                fix=fix,
            )
        )


def _can_be_root(person: Any) -> bool:
    if not isinstance(person, Mapping):
        return False
    roles = person.get("roles", [])
    return (
        isinstance(roles, list | tuple) and "root" in roles and bool(person.get("keys")) and not person.get("machine")
    )


def _name(place: Place) -> str:
    return ".".join(str(part) for part in place) or "governance"


def _guess(value: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(value, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _somewhere(_: Place) -> Location:
    return Location(path="llmops.yaml")
