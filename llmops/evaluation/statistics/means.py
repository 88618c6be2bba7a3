"""The interval of a mean, and of the mean difference between two behaviours on the same cases.

Every kind of bounded score has the same interval (`bounded`), and amounts without bounds have another (`unbounded`).
Fewer than two clusters have none: nothing tells how far apart clusters lie.
"""

from __future__ import annotations

from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics.bounded import bounded_interval
from llmops.evaluation.statistics.clusters import pseudo_values
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.samples import Data, count_of, found_in
from llmops.evaluation.statistics.spreads import spread_of
from llmops.evaluation.statistics.unbounded import amount_interval, difference_interval

SCORES = (0.0, 1.0)
DIFFERENCES = (-1.0, 1.0)
# How many clusters with all their cases at the end of the range are reckoned with beside those seen: simulated, four
# keep a two-sided interval at its level, eight keep each side of it at half the rest, which a margin is tested by.
ALIKE_MEAN = 4
ALIKE_DIFFERENCE = 8


def mean_interval(
    data: Data,
    kind: Kind,  # noqa: ARG001 - one rule holds for every kind
    level: float,
    *,
    seed: str,
    bounded: bool = True,
) -> Interval | None:
    """The interval of the mean over clusters of cases; `bounded`: the values lie from 0 to 1.

    None: fewer than two clusters. Raises: ValueError naming a value that is no number
    or outside its range.
    """
    found = found_in(data, SCORES) if bounded else found_in(data)
    if count_of(found) < 2:
        return None
    if not bounded:
        return amount_interval(pseudo_values(found), level, seed)
    return bounded_interval(spread_of(found), SCORES, level, alike=ALIKE_MEAN)


def paired_interval(
    data: Data,
    kind: Kind,  # noqa: ARG001 - one rule holds for every kind
    level: float,
    *,
    seed: str,
    bounded: bool = True,
) -> Interval | None:
    """The interval of the mean difference between two behaviours on the same cases; `bounded`: from -1 to 1.

    Each limit errs in at most (1 - level) / 2 of all samples, so that it may be held against a margin; otherwise as
    `mean_interval`.
    """
    found = found_in(data, DIFFERENCES) if bounded else found_in(data)
    if count_of(found) < 2:
        return None
    if not bounded:
        return difference_interval(pseudo_values(found), level, seed)
    return bounded_interval(spread_of(found), DIFFERENCES, level, alike=ALIKE_DIFFERENCE)
