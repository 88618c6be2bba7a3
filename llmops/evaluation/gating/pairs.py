"""The same cases on both sides: by how much each is worse with the candidate than with what serves.

A case of which the metric spoke with what serves, and has nothing to say any more, counts at its worst: an answer that
claims nothing makes no false claim, and without this, saying less would look like saying it right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmops.evaluation.measurements import Measurement
from llmops.evaluation.metrics import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """`drops` by case (positive: worse), `paired` those that have a figure on both sides; the others are `silenced`."""

    drops: Mapping[str, float]
    paired: tuple[str, ...]
    silenced: tuple[str, ...]

    @property
    def remark(self) -> str:
        """What a sentence about the drop has to add."""
        count = len(self.silenced)
        return f"; {count} answers give it nothing to say any more and count as the worst" if count else ""


def pairs_of(now: Measurement, before: Measurement) -> Pairs:
    """The pairs of one metric, measured on the candidate and on what serves."""
    sign = 1 if now.info.direction is Direction.HIGHER else -1
    paired = tuple(case for case in now.values if case in before.values)
    known = {*now.values, *now.missing}
    silenced = tuple(case for case in before.values if case in now.groups and case not in known)
    worst = now.info.worst or 0.0
    drops = {case: sign * (before.values[case] - now.values[case]) for case in paired}
    return Pairs(
        drops=drops | {case: sign * (before.values[case] - worst) for case in silenced},
        paired=paired,
        silenced=silenced,
    )


def is_mostly_silent(seen: Measurement) -> bool:
    """Whether the metric has nothing to say of more answers than not: a behaviour could make it so."""
    return seen.not_applicable > len(seen.values)
