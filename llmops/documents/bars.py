"""Bars: what a release must reach before it may serve.

Parsed from the `bars` part of a release (or a policy's floors); the gate in `evaluation` decides with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class DecideOn(StrEnum):
    """`mean` compares the mean with the bar; `interval` wants the whole confidence interval on the right side."""

    MEAN = "mean"
    INTERVAL = "interval"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceBar:
    """A bar that holds within one slice of the evalset."""

    name: str
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The bar of one metric: `minimum`, `maximum`, or `require_pass` (every case), and `max_drop` against what serves.

    `confidence` is the level of the two-sided interval, `min_cases` the least number of measured cases.
    """

    metric: str
    minimum: float | None = None
    maximum: float | None = None
    require_pass: bool = False
    max_drop: float | None = None
    decide_on: DecideOn = DecideOn.MEAN
    confidence: float = 0.95
    slices: tuple[SliceBar, ...] = ()
    min_cases: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A case that is known to be broken and does not count until a date (ISO, UTC)."""

    case: str
    reason: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Everything a release must reach, and by which yardstick (evalset, judge, repeats) it is measured."""

    thresholds: tuple[Threshold, ...]
    judge: str
    evalset: str
    evalset_digest: str
    repeats: int = 1
    min_coverage: float = 1.0
    quarantine: tuple[Quarantined, ...] = ()


def parse_threshold(metric: str, value: Mapping[str, Any]) -> Threshold:
    """The threshold of one metric from its checked mapping (thresholds.yaml, a release's bars, a policy's floor)."""
    slices = value.get("slices", {})
    bars = slices if isinstance(slices, Mapping) else {name: {} for name in slices}
    own = {"min": value.get("min"), "max": value.get("max")}
    return Threshold(
        metric=metric,
        minimum=own["min"],
        maximum=own["max"],
        require_pass=value.get("require") == "PASS",
        max_drop=value.get("max_drop"),
        decide_on=DecideOn(value.get("decide_on", "mean")),
        confidence=value.get("confidence", 0.95),
        slices=tuple(
            SliceBar(name=name, minimum=bar.get("min", own["min"]), maximum=bar.get("max", own["max"]))
            for name, bar in sorted(bars.items())
        ),
        min_cases=value.get("min_cases", 1),
    )


def parse(value: Mapping[str, Any]) -> Bars:
    """The bars in the `bars` part of a release."""
    return Bars(
        thresholds=tuple(parse_threshold(metric, fields) for metric, fields in sorted(value["thresholds"].items())),
        judge=value["judge"],
        evalset=value["evalset"]["name"],
        evalset_digest=value["evalset"]["digest"],
        repeats=value["repeats"],
        min_coverage=value["min_coverage"],
        quarantine=tuple(
            Quarantined(case=item["case"], reason=item["reason"], until=item["until"]) for item in value["quarantine"]
        ),
    )
