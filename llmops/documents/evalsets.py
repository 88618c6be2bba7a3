"""An evalset: labelled cases that a behaviour is scored on, and the digest that names them.

The digest covers everything that could move a score (cases, slices), in the order of ids, and nothing else: renaming
the description of an evalset makes no evidence stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llmops.documents import canonical
from llmops.documents.chat import ToolCall


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Evalset:
    """A named set of cases. `slices` are the tags that are reported and gated on their own."""

    name: str
    version: str
    cases: tuple[Case, ...]
    slices: tuple[str, ...] = ()
    description: str = ""
    licence: str = ""

    @property
    def digest(self) -> str:
        cases = [case.as_json() for case in sorted(self.cases, key=lambda case: case.id)]
        return canonical.digest({"cases": cases, "slices": sorted(self.slices)})

    def slices_of(self, case: Case) -> tuple[str, ...]:
        """The slices that `case` belongs to, in the evalset's order."""
        return tuple(name for name in self.slices if name in case.tags)
