"""How often and how long to try again.

Rules, in order:

1. Trouble that may pass is tried again: a broken connection, a missed deadline, a malformed reply, and what a service
   says is passing (408, 409, 425, 429, 5xx).
2. A missed deadline costs most, so it is tried again once. An endpoint that never answered anything is given up after
   a few broken connections: its address is wrong or it is not there.
3. A limit of the account is no trouble: it is waited out, as long as the endpoint says, or longer each time. While
   others are answered meanwhile, the count begins anew: an endpoint that is slow about it is not given up.
4. Pauses grow and are jittered, so that those who wait do not come back all at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from llmops.adapters.models.asking.failures import LONGEST_ASKED_SECONDS, Cause, Trouble
from llmops.adapters.models.services.service import Kind, Mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Counts of attempts, and pauses in seconds."""

    attempts: int = 6
    limited: int = 12
    timeouts: int = 2
    first_contact: int = 3
    first_pause_seconds: float = 0.25
    longest_pause_seconds: float = 20.0


class Tries:
    """The attempts of one request."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._count = 0
        self._limited = 0
        self._timeouts = 0
        self._others = 0
        self._answered = 0
        self._at_first: int | None = None
        self.mends: set[Mend] = set()

    @property
    def count(self) -> int:
        return self._count

    def begin(self, *, answered: int) -> None:
        """An attempt goes out, and the endpoint has answered so many requests so far."""
        if self._at_first is None:
            self._at_first = answered

    def others_answered(self, answered: int) -> int:
        """How many requests were answered since the first attempt began; this one was not."""
        return answered - (answered if self._at_first is None else self._at_first)

    def pause_after(self, trouble: Trouble, *, answered: int) -> float | None:
        """The seconds to wait before the next attempt, None where there is none. `answered`: how many
        requests the endpoint has answered so far."""
        self._count += 1
        count, most = self._counted(trouble, answered)
        if trouble.kind not in (Kind.AGAIN, Kind.LIMITED) or count >= most:
            return None
        grown = min(self._patience.longest_pause_seconds, self._patience.first_pause_seconds * 2.0 ** (count - 1))
        if trouble.seconds is None:
            return grown * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
        if trouble.seconds > LONGEST_ASKED_SECONDS:
            return None
        return trouble.seconds + min(grown, 0.1 * trouble.seconds) * random.random()  # noqa: S311

    def _counted(self, trouble: Trouble, answered: int) -> tuple[int, int]:
        if trouble.kind is Kind.LIMITED:
            self._limited = 1 if answered > self._answered else self._limited + 1
            self._answered = answered
            return self._limited, self._patience.limited
        if trouble.cause is Cause.TIMEOUT:
            self._timeouts += 1
            return self._timeouts, self._patience.timeouts
        self._others += 1
        is_first_contact = trouble.cause is Cause.CONNECTION and not answered
        most = self._patience.first_contact if is_first_contact else self._patience.attempts
        return self._others, min(most, self._patience.attempts)
