"""The rows of the gate's table: what each bar says about the evidence.

Rules, in order; the first that applies decides a row:

1. `require: PASS`: one failed case is a no, whatever else was not measured.
2. A judge whose standing the environment does not accept decides nothing, in neither direction.
3. Too little was measured (nothing, under `min_coverage`, under `min_cases`): undecided, naming what is missing.
4. `decide_on: mean` compares the figure with the bar; `interval` wants the whole interval on one side.
5. Slices carry their own bars. Among the intervals of several slices one is soon low by chance, so that a slice
   fails only where Holm's procedure says so; to pass, each needs its whole interval on the right side.
6. `max_drop` is non-inferiority on the same cases: the interval of the paired difference against the margin, always.

Rates are corrected for the judge's errors where people's labels say how large they are (`ground`).
"""

from __future__ import annotations

from llmops.documents.bars import Threshold
from llmops.evaluation.gating import absolute, drops
from llmops.evaluation.gating.decisions import MetricDecision
from llmops.evaluation.gating.ground import Ground


def decide(threshold: Threshold, ground: Ground) -> tuple[MetricDecision, ...]:
    """Every row of one metric: its bars, its slices, its drop."""
    read = ground.read(threshold)
    found = [*absolute.whole(threshold, read, ground), *absolute.slices(threshold, ground)]
    if threshold.max_drop is not None and ground.has_serving:
        found.append(drops.drop(threshold, threshold.max_drop, read, ground))
    return tuple(found)
