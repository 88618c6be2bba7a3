"""Which answers people shall label: a draw that nobody can choose.

Rules, in order:

1. The order within each verdict of the judge follows from the digest of the evidence and the metric, so there is one
   draw, and whoever has the evidence can check it.
2. Of either verdict at least ten are labelled, or all there are. Beyond, the stratum that stands for more answers
   gets more, by its share times the spread that is feared of it (J. Neyman, "On the two different aspects of the
   representative method", JRSS 97 (1934), section 3). Passed answers are feared to hold one failure in ten, failed
   ones to be right three times in ten: before labels, nobody knows better.
3. The first k answers to label are the first of the k+1: labelling may stop anywhere and resume.
4. Labels are a draw when they are exactly the beginning of this order in each verdict: what was picked by hand, or
   left out because it is hard, is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from llmops.documents import canonical
from llmops.documents.bars import reaches
from llmops.documents.labels import LEAST
from llmops.evaluation.calibration.calibrations import Judged, Labelled

_FEARED = (math.sqrt(0.1 * 0.9), math.sqrt(0.3 * 0.7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Every answer of a run, by the judge's verdict, in the order to label."""

    passed: tuple[Judged, ...]
    failed: tuple[Judged, ...]

    @property
    def frame(self) -> tuple[int, int]:
        """How many answers the judge passed and failed."""
        return len(self.passed), len(self.failed)

    def first(self, count: int) -> tuple[Judged, ...]:
        """The first `count` answers to label (all, where there are fewer)."""
        taken = [0, 0]
        found: list[Judged] = []
        while len(found) < min(count, sum(self.frame)):
            which = self._next(taken)
            found.append((self.passed, self.failed)[which][taken[which]])
            taken[which] += 1
        return tuple(found)

    def _next(self, taken: list[int]) -> int:
        """Whose turn it is: who is short of ten, then who is furthest behind its allotment."""
        left = [which for which in (0, 1) if taken[which] < self.frame[which]]
        short = [which for which in left if taken[which] < LEAST]
        return min(short or left, key=lambda which: self._turn(which, taken[which], is_short=bool(short)))

    def _turn(self, which: int, taken: int, *, is_short: bool) -> float:
        return (taken + 1) / (1.0 if is_short else self.frame[which] * _FEARED[which])


def seed_of(evidence: str, metric: str, pass_at: float) -> str:
    """What the order is drawn from: the evidence's digest, the metric, and where it passes."""
    return canonical.digest(["labels", evidence, metric, pass_at])


def draw(answers: Iterable[Judged], seed: str, pass_at: float) -> Draw:
    """The order in which these answers are to be labelled."""
    ordered = sorted(answers, key=lambda row: canonical.digest([seed, row.case, row.answer]))
    return Draw(
        passed=tuple(row for row in ordered if reaches(row.score, pass_at)),
        failed=tuple(row for row in ordered if not reaches(row.score, pass_at)),
    )


def is_drawn(labelled: Iterable[Labelled], of: Draw) -> bool:
    """Whether the labels are the beginning of the draw in each verdict, at least ten (or all) of either."""
    known = {(row.case, row.answer) for row in labelled}
    taken = 0
    for stratum in (of.passed, of.failed):
        inside = [(row.case, row.answer) in known for row in stratum]
        count = sum(inside)
        if not all(inside[:count]) or count < min(LEAST, len(stratum)):
            return False
        taken += count
    return taken == len(known) > 0
