"""How the gate's sentences spell figures, intervals, places and cases."""

from __future__ import annotations

from collections.abc import Sequence

from llmops.evaluation.gating.decisions import MetricDecision
from llmops.evaluation.statistics.intervals import Interval

NAMED_CASES = 5


def place(row: MetricDecision) -> str:
    """What the row is about."""
    name = row.metric
    if row.pass_at is not None:
        name = f"the share of cases with {row.metric} at {spelled(row.pass_at)} or more"
    if row.quality:
        name = f"{row.metric} by {row.quality}"
    if row.rule == "max_drop":
        name = f"the drop of {name}"
    return f"{name} in slice {row.slice}" if row.slice else name


def between(interval: Interval | None) -> str:
    """An interval in brackets after its figure, "" without one."""
    return f" ({spelled(interval.low)} to {spelled(interval.high)})" if interval else ""


def named(cases: Sequence[str]) -> str:
    """The first cases by name, the others by number."""
    shown = ", ".join(cases[:NAMED_CASES])
    return f"{shown} and {len(cases) - NAMED_CASES} more" if len(cases) > NAMED_CASES else shown


def spelled(value: float) -> str:
    """At most four decimals: enough to tell both sides of a comparison apart."""
    return f"{round(value, 4):.9g}"


def seen_as(row: MetricDecision) -> str:
    """What the judge saw, where the figure is corrected for its errors."""
    if row.corrected is None or row.observed is None:
        return ""
    return f"; the judge saw {spelled(row.observed)}, corrected by {row.corrected.labelled} labels"
