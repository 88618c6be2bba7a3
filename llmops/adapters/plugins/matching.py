"""Looking for somebody else's regular expression in somebody else's text, with a deadline.

Expressions run in one small process of their own, which knows no file and no variable of the environment.
"""

from __future__ import annotations

from llmops.adapters.plugins.deadlines import Overdue
from llmops.adapters.plugins.workers import Worker
from llmops.evaluation.plugins.promptfoo.measuring import Match, Matched

SECONDS = 2.0
_CODE = """
import re

def answer(pattern, text):
    return {"found": re.search(pattern, text, re.ASCII) is not None}
"""


class Matcher:
    """Looks for one expression at a time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._worker = Worker(_CODE, seconds)

    async def match(self, request: Match) -> Matched:
        """Whether the expression is found, or why nobody knows."""
        try:
            said = await self._worker.ask(request.pattern, request.text)
        except Overdue:
            return Matched(failure=f"the expression took longer than {self._seconds:g} s on this answer")
        except OSError as error:
            return Matched(failure=f"the expression could not be run: {error}")
        return Matched(found=said.get("found", False), failure=said.get("failure", ""))

    async def close(self) -> None:
        """Ends the process, if there is one."""
        self._worker.end()
