"""What a case has to show of a metric, and why it has no figure where it does not show it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops.documents.bars import reaches
from llmops.evaluation.metrics import MetricInfo
from llmops.evaluation.sheets.by_case import Roster
from llmops.evaluation.sheets.marks import MEASURED, NOT_ASKED, UNMEASURED, Marks
from llmops.evaluation.sheets.sheet import Sheet

NOT_RUN = "the case was not run"
NOT_ASKED_FOR = "the metric was not asked for when the case was run"


def out_of_range(value: float, info: MetricInfo) -> str:
    """Why a score that no scorer may give is no figure."""
    return f"its score is {value:.9g}, scores of {info.name} lie from 0 to 1"


def too_few_judgements(judged: int, wanted: int) -> str:
    """Why a score that was judged too seldom is no figure."""
    return f"judged {judged} of {wanted} times"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a case has to show of a metric."""

    info: MetricInfo
    repeats: int
    judge_repeats: int
    pass_at: float | None

    def is_answered_by(self, marks: Marks) -> bool:
        """True where one row a case is enough, and every row has a score that counts."""
        if self.repeats > 1 or self.judge_repeats > 1 or marks.codes.count(MEASURED) < len(marks.codes):
            return False
        return self.info.is_operational or not marks.values or 0 <= min(marks.values) <= max(marks.values) <= 1

    def passing(self, values: array[float]) -> array[float]:
        """The values, or which of them pass."""
        line = self.pass_at
        return values if line is None else array("d", (reaches(value, line) for value in values))

    def told(
        self, marks: Marks, sheet: Sheet, roster: Roster, expecting: Sequence[int]
    ) -> tuple[Mapping[int, float], Mapping[int, str]]:
        """The mean of each case that has one, and why others have none, by their numbers."""
        found: dict[int, float] = {}
        reasons: dict[int, str] = {}
        said, codes, line = marks.said, marks.codes, self.pass_at
        lowest, highest = (-math.inf, math.inf) if self.info.is_operational else (0.0, 1.0)
        is_once = self.repeats <= 1 and self.judge_repeats <= 1
        for number in expecting:
            places = roster.places[number]
            if is_once and len(places) == 1 and codes[places[0]] == MEASURED:
                value = marks.values[places[0]]
                if lowest <= value <= highest:
                    found[number] = value if line is None else float(reaches(value, line))
                    continue
            reason = self._problem(marks, said, sheet.repeats, places)
            if reason:
                reasons[number] = reason
                continue
            values = self.passing(array("d", (marks.values[at] for at in places if marks.codes[at] == MEASURED)))
            if values:
                found[number] = math.fsum(values) / len(values)
        return found, reasons

    def _problem(self, marks: Marks, said: Mapping[int, str], numbers: Sequence[int], places: Sequence[int]) -> str:
        """Why a case with rows at these places has no figure, "" where it has one or needs none."""
        if not places:
            return NOT_RUN
        # Of two rows with one number of a repeat the later one speaks, as everywhere a mapping is made of them.
        scores = {numbers[at]: at for at in places}
        reasons = (self._unfit(marks, said, at) for at in scores.values())
        first = next((reason for reason in reasons if reason is not None), None)
        if first is not None:
            return first
        return f"run {len(scores)} of {self.repeats} times" if len(scores) < self.repeats else ""

    def _unfit(self, marks: Marks, said: Mapping[int, str], at: int) -> str | None:
        """Why one score does not count, None where it does."""
        code, value = marks.codes[at], marks.values[at]
        if code == NOT_ASKED:
            return NOT_ASKED_FOR
        if code >= UNMEASURED:
            return said[code]
        if code == MEASURED and not self.info.is_operational and not 0 <= value <= 1:
            return out_of_range(value, self.info)
        judged = marks.judged[at] if marks.judged else 1
        if marks.judges[at] and judged < self.judge_repeats:
            return too_few_judgements(judged, self.judge_repeats)
        return None
