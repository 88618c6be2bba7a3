"""What an interval is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A two-sided confidence interval at `level`."""

    low: float
    high: float
    level: float
