"""The gate's intervals: a paired difference of graded scores, at ninety, a thousand and a million cases."""

from __future__ import annotations

import random

from benchmarks.figures import Figure, cpu_of
from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics import means

SEED = "ab" * 32


def run() -> list[Figure]:
    _interval(_cases(1_000))  # imports numpy, which is not what is measured
    ninety, thousand, million = _cases(90), _cases(1_000), _cases(1_000_000)
    gate = cpu_of(lambda: _interval(ninety), times=7)
    small = cpu_of(lambda: _interval(thousand), times=7)
    large = cpu_of(lambda: _interval(million), times=3)
    return [
        Figure(name="interval of a paired difference, n = 90", measured=gate, unit="s"),
        Figure(name="the same, n = 1,000", measured=small, unit="s", goal=0.1),
        Figure(
            name="the same, n = 1,000,000",
            measured=large,
            unit="s",
            goal=0.5,
        ),
    ]


def _cases(count: int) -> list[list[float]]:
    draw = random.Random(7)
    return [[draw.gauss(0.02, 0.2)] for _ in range(count)]


def _interval(cases: list[list[float]]) -> None:
    if means.paired_interval(cases, Kind.CONTINUOUS, 0.95, seed=SEED) is None:
        raise AssertionError("no interval")
