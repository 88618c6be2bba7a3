"""Looking for somebody else's regular expression in somebody else's text, with a deadline.

`re` cannot be interrupted, not even by a thread: it holds the interpreter. So expressions run in one small process of
their own, which knows no file and no variable of the environment, and is ended when an answer takes too long. It is
started when the first expression is looked for, and ends with us.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys

from llmops.adapters.plugins.deadlines import Overdue, in_thread
from llmops.evaluation.plugins.promptfoo.measuring import Match, Matched

SECONDS = 2.0
# An interpreter starts in some 20 ms; a busy machine may take its time.
_STARTS_WITHIN = 60.0
_WORKER = """
import json, re, sys
print("ready", flush=True)
for line in sys.stdin:
    pattern, text = json.loads(line)
    try:
        said = {"found": re.search(pattern, text, re.ASCII) is not None}
    except Exception as error:
        said = {"failure": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
"""


class Matcher:
    """Looks for one expression at a time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._turn: asyncio.Lock | None = None

    async def match(self, request: Match) -> Matched:
        """Whether the expression is found, or why nobody knows."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            try:
                process = self._process or await self._started()
                said = await in_thread(lambda: _exchanged(process, request), self._seconds)
            except Overdue:
                self._end()
                return Matched(failure=f"the expression took longer than {self._seconds:g} s on this answer")
            except asyncio.CancelledError:
                self._end()  # the reply that nobody waits for must not be the next one's
                raise
            except OSError as error:
                self._end()
                return Matched(failure=f"the expression could not be run: {error}")
        return said

    async def close(self) -> None:
        """Ends the process, if there is one."""
        self._end()

    async def _started(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={},
        )
        process = self._process
        await in_thread(lambda: _line(process), _STARTS_WITHIN)
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            # What was not yet written to a dead process cannot be flushed.
            with contextlib.suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()


def _exchanged(process: subprocess.Popen[str], request: Match) -> Matched:
    if process.stdin is None:
        raise OSError("its input is closed")
    process.stdin.write(json.dumps([request.pattern, request.text]) + "\n")
    process.stdin.flush()
    said = json.loads(_line(process))
    return Matched(found=said.get("found", False), failure=said.get("failure", ""))


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise OSError("its process has ended")
    return line
