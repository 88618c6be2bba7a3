"""The rows of the gate's table: what each bar says about the evidence.

Rules, in order; the first that applies decides a row:

1. Where only a prefix of the order was run, bounds that hold at any time decide what they can (`sequential`).
2. `require: PASS`: one failed case is a no, whatever else was not measured.
3. A judge whose standing the environment does not accept decides nothing, in neither direction.
4. Too little was measured (nothing, under `min_coverage`, under `min_cases`): undecided, naming what is missing.
5. `decide_on: mean` compares the figure with the bar; `interval` wants the whole interval on one side.
6. Slices carry their own bars. Among the intervals of several slices one is soon low by chance, so that a slice
   fails only where Holm's procedure says so; to pass, each needs its whole interval on the right side.
7. `max_drop` is non-inferiority on the same cases: the interval of the paired difference against the margin, always.

Rates are corrected for the judge's errors where people's labels say how large they are (`ground`).
"""

from __future__ import annotations

from dataclasses import replace

from llmops.documents.bars import Threshold
from llmops.evaluation.gating import absolute, drops
from llmops.evaluation.gating.decisions import MetricDecision, Verdict
from llmops.evaluation.gating.early import sequential
from llmops.evaluation.gating.early.samples import Sample
from llmops.evaluation.gating.ground import Ground
from llmops.evaluation.gating.rows import advisory, blank, not_accepted
from llmops.evaluation.metrics import Catalogue, Direction


def decide(threshold: Threshold, ground: Ground) -> tuple[MetricDecision, ...]:
    """Every row of one metric: its bars, its slices, its drop."""
    refused = meaningless(threshold, ground.catalogue)
    if refused:
        return (_meaningless(threshold, refused, ground),)
    if ground.sample is not None:
        return _so_far(threshold, ground, ground.sample)
    read = ground.read(threshold)
    found = [*absolute.whole(threshold, read, ground), *absolute.slices(threshold, ground)]
    if threshold.max_drop is not None and ground.has_serving:
        found.append(drops.drop(threshold, threshold.max_drop, read, ground))
    return tuple(found)


def _so_far(threshold: Threshold, ground: Ground, sample: Sample) -> tuple[MetricDecision, ...]:
    """The rows where only a prefix of the order was run: decided as far as that is certain enough."""
    found = []
    for ruling in sequential.decide(threshold, sample):
        read = ground.read(threshold, ruling.slice)
        row = replace(blank(threshold, ruling.rule, ruling.bar, read, ground), slice=ruling.slice)
        unaccepted = not_accepted(read, threshold, ground)
        found.append(advisory(row, unaccepted, threshold, ground) if unaccepted else sequential.shown(row, ruling))
    return tuple(found)


def meaningless(threshold: Threshold, catalogue: Catalogue) -> str:
    """Why a bar says nothing, "" where it says something."""
    info = catalogue.metric(threshold.metric)
    if threshold.pass_at is not None and info.direction is Direction.LOWER:
        return f"less is better of {info.name}, so no case passes by scoring `pass_at` or more"
    if threshold.minimum is not None and info.direction is Direction.LOWER:
        return f"less is better of {info.name}, so `min` lets the worst through: set `max`"
    if threshold.max_drop is not None and info.percentile is not None:
        return f"{info.name} is a percentile: it has no difference case by case for `max_drop`"
    if info.spend and (not threshold.quality or catalogue.metric(threshold.quality).direction is Direction.LOWER):
        return f"`quality` of {info.name} has to name a metric of which more is better"
    return ""


def _meaningless(threshold: Threshold, why: str, ground: Ground) -> MetricDecision:
    info = ground.catalogue.metric(threshold.metric)
    return MetricDecision(
        metric=threshold.metric,
        rule="min" if threshold.maximum is None else "max",
        bar=next((bar for bar in (threshold.minimum, threshold.maximum, threshold.max_drop) if bar is not None), 1.0),
        direction=info.direction,
        verdict=Verdict.UNDECIDED,
        decide_on=threshold.decide_on,
        pass_at=threshold.pass_at,
        quality=threshold.quality,
        code="BAR_MEANINGLESS",
        message=f"the bar on {threshold.metric} says nothing: {why}",
        hint="mend the bar in thresholds.yaml (or the policy's floor), and lock a new version",
    )
