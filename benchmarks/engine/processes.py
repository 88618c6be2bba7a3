"""Processes that are measured: what each took, from the first request that the endpoint saw to its own end.

Wall time begins with the first request, for everybody alike: so imports count for nobody, and everything that comes
after (the rest of the work, statistics, output, shutting down) counts. CPU and memory are those of the whole process
and its children.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import CHECKOUT

CHAT, EMBEDDINGS = "/v1/chat/completions", "/v1/embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A scripted endpoint in a process of its own."""

    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def stats(self) -> dict[str, Any]:
        """What it saw since it was last reset."""
        found: dict[str, Any] = json.loads(self._get("/stats"))
        return found

    def reset(self) -> None:
        self._get("/reset")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as reply:
            data: bytes = reply.read()
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one process took and what the endpoint saw of it."""

    wall: float
    cpu: float
    peak_mb: float
    output: str
    seen: Mapping[str, Any]
    code: int = 0

    @property
    def calls(self) -> int:
        return int(self.seen["requests"])


@contextmanager
def endpoint(**options: object) -> Iterator[Endpoint]:
    """A running endpoint; options as those of its command line, with underscores."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    command = (sys.executable, "-m", "tests.servers.model_server", *words)
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Endpoint(port=int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def taken(
    command: Sequence[str],
    at: Endpoint,
    *,
    folder: Path = CHECKOUT,
    extra: Mapping[str, str] | None = None,
    timeout: float = 600.0,
    goes_on: bool = False,
) -> Taken:
    """Run a command to its end; `goes_on`: the endpoint's counts are not reset before it.

    Raises: CalledProcessError where it fails, TimeoutExpired.
    """
    if not goes_on:
        at.reset()
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), **(extra or {})}
    out, err = folder / ".out", folder / ".err"
    with out.open("wb") as output, err.open("wb") as errors:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=output, stderr=errors)
        usage, status = _waited(process, command, timeout)
    ended = time.monotonic()
    seen = at.stats()
    text = out.read_text(encoding="utf-8", errors="replace")
    if status:
        said = err.read_text(encoding="utf-8", errors="replace")
        raise subprocess.CalledProcessError(status, list(command), text, said)
    return Taken(
        wall=ended - (seen["first_at"] or ended),
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
        output=text,
        seen=seen,
    )


def _waited(process: subprocess.Popen[bytes], command: Sequence[str], timeout: float) -> tuple[Any, int]:
    """`wait4` of exactly this process: its children are in its figures once it has waited for them."""
    deadline = time.monotonic() + timeout
    while True:
        found, status, usage = os.wait4(process.pid, os.WNOHANG)
        if found:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage, process.returncode
        if time.monotonic() > deadline:
            process.kill()
            os.wait4(process.pid, 0)
            process.returncode = -9
            raise subprocess.TimeoutExpired(list(command), timeout)
        time.sleep(0.01)
