"""Checking an answer against somebody else's JSON Schema, with a deadline.

A schema may hold expressions, and may be one that branches without end. Such checks run in a process of their own; it
imports what this process would have called.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from llmops.adapters.plugins.deadlines import Overdue
from llmops.adapters.plugins.workers import Worker
from llmops.evaluation.evidence import Score, measured, missing
from llmops.evaluation.plugins.promptfoo.asserts import Found, Unmeasured, Verdict
from llmops.evaluation.plugins.promptfoo.measuring import Check

SECONDS = 5.0
_CODE = """
import sys
sys.path[:] = {path!r}
import jsonschema, referencing
from llmops.evaluation.plugins.promptfoo.rules import structures
from llmops.evaluation.scoring import rules

def answer(kind, text, schema, is_inverse):
    if kind == "json_valid":
        score = rules.json_valid(text, schema)
        return {{"score": score.value, "reason": score.reason}}
    found = structures.RULES[kind](text, schema, is_inverse)
    return {{"score": getattr(found, "score", None), "reason": found.reason}}
"""


class SchemaChecker:
    """Checks one answer at a time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._worker = Worker(_CODE.format(path=sys.path), seconds, flags=("-I",))

    async def json_valid(self, answer: str, schema: Mapping[str, Any]) -> Score:
        """What the rule of that name says; missing where it does not say it in time."""
        value, reason = await self._asked("json_valid", answer, schema, False)
        return missing(reason) if value is None else measured(value, reason)

    async def check(self, request: Check) -> Found:
        """The verdict of `is-json` or `contains-json`; unmeasured where there is none in time."""
        value, reason = await self._asked(request.kind, request.answer, request.schema, request.is_inverse)
        if value is None:
            return Unmeasured(reason=reason)
        return Verdict(passed=value == 1, score=value, reason=reason)

    async def close(self) -> None:
        """Ends the process, if there is one."""
        self._worker.end()

    async def _asked(self, kind: str, answer: str, schema: Any, is_inverse: bool) -> tuple[float | None, str]:
        try:
            said = await self._worker.ask(kind, answer, schema, is_inverse)
        except Overdue:
            return None, f"the schema was not checked within {self._seconds:g} s"
        except OSError as error:
            return None, f"the schema could not be checked: {error}"
        if "failure" in said:
            return None, f"the schema could not be checked: {said['failure']}"
        return said["score"], said["reason"]
