"""How far long work is: a bar on a terminal, a line now and then elsewhere. Standard error, always."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any

_LINE_EVERY_SECONDS = 15


@dataclass(slots=True)
class Lines:
    """For logs: a line at most every 15 seconds, and one at the end."""

    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:
        now = time.monotonic()
        is_due = now - self.last >= _LINE_EVERY_SECONDS or (done == total and now - self.started >= 1)
        if is_due:
            self.last = now
            sys.stderr.write(f"{done} of {total} cases{_pace(done, total, now - self.started, spent_nano_usd)}\n")
            sys.stderr.flush()


class Bar:
    """For terminals: one line with rate, spend and time left, removed at the end."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:
        if self._bar is None:
            self._bar, self._task = _bar(total)
        text = _pace(done, total, time.monotonic() - self._started, spent_nano_usd)
        self._bar.update(self._task, completed=done, pace=text)
        if done == total:
            self._bar.stop()


def _bar(total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(24), MofNCompleteColumn(), TextColumn("cases{task.fields[pace]}"))
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=total, pace="")
    bar.start()
    return bar, task


def _pace(done: int, total: int, seconds: float, spent_nano_usd: int) -> str:
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
    spent = f", ${spent_nano_usd / 1e9:.4f} spent" if spent_nano_usd else ""
    return f", {rate:.1f} a second{left}{spent}"
