"""A process of our own that answers requests, one line of JSON each, and is ended when an answer takes too long.

Rules, in order:

1. `re` cannot be interrupted, not even by a thread: it holds the interpreter. What may be caught in it runs here.
2. The process knows no variable of the environment. It is started with the first request, and anew after it was ended.
3. It ends with us; should we be killed in the middle of a request, it ends itself soon after the deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from llmops.adapters.plugins.deadlines import Overdue, in_thread

# An interpreter starts in some 20 ms; a busy machine may take its time.
_STARTS_WITHIN = 60.0
_LOOP = """
import json, signal, sys
print("ready", flush=True)
for line in sys.stdin:
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm({seconds})
    try:
        said = answer(*json.loads(line))
    except Exception as error:
        said = {{"failure": f"{{type(error).__name__}}: {{error}}"}}
    if hasattr(signal, "alarm"):
        signal.alarm(0)
    print(json.dumps(said), flush=True)
"""


class Worker:
    """Answers one request at a time. `code` defines `answer`, which takes what a request holds and gives a mapping."""

    def __init__(self, code: str, seconds: float, flags: Sequence[str] = ("-I", "-S")) -> None:
        self._code = code + _LOOP.format(seconds=int(seconds) + 2)
        self._flags = flags
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None
        self._turn: asyncio.Lock | None = None

    async def ask(self, *request: Any) -> dict[str, Any]:
        """What it says; `failure` where that is why it failed. Raises: Overdue; OSError where it cannot be run."""
        line = json.dumps(request) + "\n"
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            try:
                process = self._process or await self._started()
                return await in_thread(lambda: _exchanged(process, line), self._seconds)
            except (Overdue, OSError, asyncio.CancelledError):
                self.end()  # the reply that nobody waits for must not be the next one's
                raise

    def end(self) -> None:
        """Ends the process, if there is one."""
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

    async def _started(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, *self._flags, "-c", self._code],
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


def _exchanged(process: subprocess.Popen[str], line: str) -> dict[str, Any]:
    if process.stdin is None:
        raise OSError("its input is closed")
    process.stdin.write(line)
    process.stdin.flush()
    said: dict[str, Any] = json.loads(_line(process))
    return said


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise OSError("its process has ended")
    return line
