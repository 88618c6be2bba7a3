"""How far long work is: a bar on a terminal, a line now and then elsewhere. Standard error, always."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

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
            sys.stderr.write(f"{_text(done, total, now - self.started, spent_nano_usd)}\n")
            sys.stderr.flush()


@dataclass(slots=True)
class Bar:
    """For terminals: one line that is rewritten, and removed at the end."""

    started: float = field(default_factory=time.monotonic)

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:
        text = _text(done, total, time.monotonic() - self.started, spent_nano_usd)
        filled = round(24 * done / max(1, total))
        line = f"\r\x1b[2K[{'#' * filled}{'.' * (24 - filled)}] {text}"
        sys.stderr.write(line if done < total else "\r\x1b[2K")
        sys.stderr.flush()


def _text(done: int, total: int, seconds: float, spent_nano_usd: int) -> str:
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
    spent = f", ${spent_nano_usd / 1e9:.4f} spent" if spent_nano_usd else ""
    return f"{done} of {total} cases, {rate:.1f} a second{left}{spent}"
