"""How fast an account may be asked: so many units a minute (requests, tokens), as a bucket that fills steadily.

Rules, in order:

1. The bucket holds two seconds' worth, at least one unit: a run begins at once and never asks for a minute's worth in
   a second.
2. It fills a little slower than the limit, by what it holds beyond one unit. So no sixty seconds see more than the
   limit.
3. A taking that is larger than the bucket waits for a full one and leaves a debt.
4. What was taken on an estimate is put right when the true count is known.
"""

from __future__ import annotations

BURST_SECONDS = 2.0


class Bucket:
    """`per_minute` units; `now` is in seconds, of any one clock."""

    def __init__(self, per_minute: int, *, now: float) -> None:
        self._capacity = max(1.0, per_minute * BURST_SECONDS / 60)
        self._per_second = (per_minute - (self._capacity - 1)) / 60
        self._level = self._capacity
        self._at = now

    def wait_for(self, units: float, *, now: float) -> float:
        """The seconds until `units` may be taken, 0 where they may be taken now."""
        self._fill(now)
        lacking = min(units, self._capacity) - self._level
        # A hair's breadth more than computed: a timer that wakes a rounding error too early would only be set again.
        return lacking / self._per_second + 1e-6 if lacking > 1e-9 else 0.0

    def take(self, units: float) -> None:
        self._level -= units

    def give_back(self, units: float) -> None:
        """Put an estimate right: what was not used comes back, what was used beyond it (negative) goes."""
        self._level = min(self._capacity, self._level + units)

    def _fill(self, now: float) -> None:
        self._level = min(self._capacity, self._level + (now - self._at) * self._per_second)
        self._at = now
