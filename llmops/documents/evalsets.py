"""An evalset: labelled cases that a behaviour is scored on, and the digest that names them.

The digest covers everything that could move a score (cases, slices), in the order of ids, and nothing else: renaming
the description of an evalset makes no evidence stale. A large evalset keeps its cases packed and brings the part of
its digest that its cases make: finding it later would unpack them in another order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops.documents import canonical
from llmops.documents.chat import ToolCall
from llmops.documents.packed import Lines, Packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One labelled question.

    `relevant` are ids of the passages (`page#section`) that hold the answer; `contexts` and `answer` are given only
    where the evalset brings its own (target `answers`). `contains` / `not_contains` are strings that an answer must,
    or must not, hold. Cases of one `group` share a source and count as one cluster in the statistics. `messages` are
    the turns before the question. `expected_tool_calls` are what a right answer calls; `tool_calls` stand beside
    `answer`.
    """

    id: str
    question: str
    ground_truth: str = ""
    contexts: tuple[str, ...] = ()
    answer: str | None = None
    relevant: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    must_pass: bool = False
    group: str = ""
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    messages: tuple[Mapping[str, str], ...] = ()
    expected_tool_calls: tuple[ToolCall, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The case as a JSON value; absent fields are left out, so adding a field to the format moves no digest."""
        value = {
            "id": self.id,
            "question": self.question,
            "ground_truth": self.ground_truth,
            "contexts": list(self.contexts),
            "answer": self.answer,
            "relevant": list(self.relevant),
            "variables": dict(self.variables),
            "tags": sorted(self.tags),
            "must_pass": self.must_pass,
            "group": self.group,
            "contains": list(self.contains),
            "not_contains": list(self.not_contains),
            "messages": [dict(message) for message in self.messages],
            "expected_tool_calls": [call.as_json() for call in self.expected_tool_calls],
            "tool_calls": [call.as_json() for call in self.tool_calls],
        }
        return {key: item for key, item in value.items() if item not in ("", None, False, [], {})}


_LISTS = ("contexts", "relevant", "tags", "contains", "not_contains", "messages")
_CALLS = ("expected_tool_calls", "tool_calls")


def case_of(value: Mapping[str, Any]) -> Case:
    """The case that a row holds, once it fits the schema."""
    given = {name: tuple(value[name]) for name in _LISTS if name in value}
    calls = {name: tuple(_tool_call(call) for call in value[name]) for name in _CALLS if name in value}
    return Case(**{**value, **given, **calls})


def _tool_call(value: Mapping[str, Any]) -> ToolCall:
    """Arguments as an object are spelled canonically, so that equal calls have equal texts."""
    arguments = value.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, sort_keys=True, ensure_ascii=False)
    return ToolCall(name=value["name"], arguments=text)


class CasesHash:
    """The part of an evalset's digest that its cases make; they come in the order of their ids."""

    def __init__(self, cases: Iterable[Case] = ()) -> None:
        self._hash = hashlib.sha256(b'{"cases":[')
        self._count = 0
        for case in cases:
            self.add(case)

    def add(self, case: Case) -> None:
        """The next case."""
        self._hash.update(b"," if self._count else b"")
        self._hash.update(canonical.dumps(case.as_json()))
        self._count += 1

    def digest(self, slices: Iterable[str]) -> str:
        """The SHA-256 of the RFC 8785 form of `{"cases": …, "slices": …}`."""
        whole = self._hash.copy()
        whole.update(b'],"slices":' + canonical.dumps(sorted(slices)) + b"}")
        return whole.hexdigest()


class PackedCases(Packed[Case]):
    """The cases of a large evalset, with what they hash to and their places in the order of their ids."""

    def __init__(self, lines: Lines, hashed: CasesHash, order: Sequence[int]) -> None:
        super().__init__(lines, parse=lambda line: case_of(json.loads(line)), name_of=lambda case: case.id)
        self.hashed = hashed
        self.order = order


@dataclass(frozen=True, slots=True, kw_only=True)
class Evalset:
    """A named set of cases. `slices` are the tags that are reported and gated on their own. A large
    evalset keeps its cases packed: they are read in order, or found by id, and none of them is held.
    """

    name: str
    version: str
    cases: Sequence[Case]
    slices: tuple[str, ...] = ()
    description: str = ""
    licence: str = ""
    # The digest, once it was asked for: every case is spelled for it.
    _known: list[str] = field(default_factory=list, init=False, compare=False, repr=False)

    @property
    def order(self) -> Sequence[int]:
        """The places of the cases in the order of their ids; a range where they stand in it."""
        if isinstance(self.cases, PackedCases):
            return self.cases.order
        return sorted(range(len(self.cases)), key=lambda at: self.cases[at].id)

    @property
    def digest(self) -> str:
        if isinstance(self.cases, PackedCases):
            return self.cases.hashed.digest(self.slices)
        if not self._known:
            self._known.append(CasesHash(sorted(self.cases, key=lambda case: case.id)).digest(self.slices))
        return self._known[0]

    def slices_of(self, case: Case) -> tuple[str, ...]:
        """The slices that `case` belongs to, in the evalset's order."""
        return tuple(name for name in self.slices if name in case.tags)
