"""The evaluation engine under load and under fire, beside a bare client and beside others.

`make bench-eval` measures everything (`__main__`); `run` is the minute of it that `make bench` shows.
"""

from __future__ import annotations

from benchmarks.figures import Figure


def run() -> list[Figure]:
    from benchmarks.engine import clean, faults

    return [*clean.short(), *faults.short()]
