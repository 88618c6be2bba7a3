"""What changed between two evalsets, case by case.

Rules, in order:

1. Cases are matched by id. A case under another id is one that was removed and one that was added: evidence and
   quarantine name cases by id.
2. A field that a case does not have is "" here. Values are spelled as JSON, texts as they are.
3. Descriptions, versions and licences move no score, so they are no change (`Evalset.digest`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from llmops.documents import canonical
from llmops.documents.evalsets import Case, Evalset, PackedCases


class ChangeKind(StrEnum):
    """What happened to a case."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field of a case on both sides; "" where the case does not have it."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """One case that differs. `fields` are those that changed, none for a case that is on one side only; `is_must_pass`
    says whether the case had to pass before (an added one: has to pass now)."""

    case: str
    kind: ChangeKind
    fields: tuple[FieldChange, ...] = ()
    is_must_pass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalsetChange:
    """Every case that differs, in the order of ids; `before` and `after` name the evalsets with their digests."""

    before: str
    after: str
    cases: tuple[CaseChange, ...] = ()
    slices_added: tuple[str, ...] = ()
    slices_removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cases or self.slices_added or self.slices_removed)

    @property
    def added(self) -> tuple[CaseChange, ...]:
        return self._of(ChangeKind.ADDED)

    @property
    def removed(self) -> tuple[CaseChange, ...]:
        return self._of(ChangeKind.REMOVED)

    @property
    def changed(self) -> tuple[CaseChange, ...]:
        return self._of(ChangeKind.CHANGED)

    def _of(self, kind: ChangeKind) -> tuple[CaseChange, ...]:
        return tuple(change for change in self.cases if change.kind is kind)


def compare(before: Evalset, after: Evalset) -> EvalsetChange:
    """What changed from `before` to `after`. Two large evalsets are held as digests; only cases that differ are read
    again."""
    return EvalsetChange(
        before=f"{before.name}@{before.digest[:12]}",
        after=f"{after.name}@{after.digest[:12]}",
        cases=tuple(_cases(before, after)),
        slices_added=tuple(sorted({*after.slices} - {*before.slices})),
        slices_removed=tuple(sorted({*before.slices} - {*after.slices})),
    )


def _cases(before: Evalset, after: Evalset) -> Iterator[CaseChange]:
    old, new = _digests(before), _digests(after)
    ids = sorted(case for case in {*old, *new} if old.get(case) != new.get(case))
    was, now = (
        _named(before, [case for case in ids if case in old]),
        _named(after, [case for case in ids if case in new]),
    )
    for case in ids:
        if case not in now:
            yield CaseChange(case=case, kind=ChangeKind.REMOVED, is_must_pass=was[case].must_pass)
        elif case not in was:
            yield CaseChange(case=case, kind=ChangeKind.ADDED, is_must_pass=now[case].must_pass)
        else:
            fields = tuple(_fields(was[case].as_json(), now[case].as_json()))
            yield CaseChange(case=case, kind=ChangeKind.CHANGED, fields=fields, is_must_pass=was[case].must_pass)


def _digests(evalset: Evalset) -> dict[str, str]:
    return {case.id: canonical.digest(case.as_json()) for case in evalset.cases}


def _named(evalset: Evalset, ids: list[str]) -> dict[str, Case]:
    """The cases of these ids; all of them are in the evalset."""
    if isinstance(evalset.cases, PackedCases):
        found = ((case, evalset.cases.find(case)) for case in ids)
        return {case: one for case, one in found if one is not None}
    wanted = set(ids)
    return {case.id: case for case in evalset.cases if case.id in wanted}


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield FieldChange(name=name, before=_spelled(before.get(name)), after=_spelled(after.get(name)))


def _spelled(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
