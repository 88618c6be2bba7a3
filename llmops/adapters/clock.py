"""The real clock, and the pause between two tries."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

TRIES = 8  # how often a lost race is run again before giving up
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 5.0


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """The present, UTC, aware."""
        return datetime.now(UTC)

    def pause(self, attempt: int) -> None:
        """Wait before try number `attempt` + 1: a random part of a bound that doubles, so that writers come apart."""
        bound = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(attempt, 16))
        time.sleep(random.uniform(0.0, bound))  # noqa: S311 - spreading writers, no secret
