"""What one metric says in every row: a value, or why there is none, and who judged."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from llmops.evaluation.evidence import Absence, Score

Item = TypeVar("Item")

NOT_ASKED, MEASURED, NOT_APPLICABLE, UNMEASURED = range(4)  # codes of a score; from here on, numbers of reasons


@dataclass(slots=True, kw_only=True)
class Marks:
    """One metric in every row. `codes` are NOT_ASKED, MEASURED, NOT_APPLICABLE, or UNMEASURED plus the number of the
    reason; `values` are 0 where nothing was measured; `judges` are "" where nobody judged. `judged` is how often each
    answer was judged, where any was judged several times."""

    values: array[float]
    codes: array[int]
    reasons: dict[str, int] = field(default_factory=dict)
    judges: list[str] = field(default_factory=list)
    judged: list[int] | None = None

    @classmethod
    def blank(cls, count: int) -> Marks:
        """A metric that was asked for in none of so many rows."""
        return cls(values=array("d", bytes(8 * count)), codes=array("q", bytes(8 * count)), judges=[""] * count)

    def note(self, at: int, score: Score) -> None:
        """Write down one score."""
        self.judges[at] = score.judge
        if score.value is not None:
            self.codes[at], self.values[at] = MEASURED, score.value
        elif score.absence is Absence.NOT_APPLICABLE:
            self.codes[at] = NOT_APPLICABLE
        else:
            self.codes[at] = self.number(score.reason)
        if len(score.judged) > 1:
            self.judged = self.judged or [1] * len(self.codes)
            self.judged[at] = len(score.judged)

    def number(self, reason: str) -> int:
        """The code of a reason."""
        return self.reasons.setdefault(reason, UNMEASURED + len(self.reasons))

    @property
    def said(self) -> dict[int, str]:
        """The reason behind each code that has one."""
        return {code: reason for reason, code in self.reasons.items()}

    def take(self, places: Sequence[int]) -> Marks:
        """The same in these rows."""
        return Marks(
            values=array("d", at(self.values, places)),
            codes=array("q", at(self.codes, places)),
            reasons=self.reasons,
            judges=at(self.judges, places),
            judged=at(self.judged, places) if self.judged else None,
        )

    def renumbered(self, other: Marks) -> array[int]:
        """The codes of another sheet's marks, its reasons numbered as here."""
        if not other.reasons:
            return other.codes
        numbers = {code: self.number(reason) for reason, code in other.reasons.items()}
        return array("q", (numbers.get(code, code) for code in other.codes))

    def extend(self, other: Marks) -> None:
        """Write down the rows of another sheet after these."""
        if self.judged or other.judged:
            self.judged = (self.judged or [1] * len(self.codes)) + (other.judged or [1] * len(other.codes))
        self.codes.extend(self.renumbered(other))
        self.values.extend(other.values)
        self.judges += other.judges

    def put(self, places: Sequence[int], other: Marks) -> None:
        """Write down marks without several judgements at these rows."""
        for place, value, code, judge in zip(places, other.values, self.renumbered(other), other.judges, strict=True):
            self.values[place], self.codes[place], self.judges[place] = value, code, judge


def at(items: Sequence[Item], places: Sequence[int]) -> list[Item]:
    """The items at these places."""
    return [items[place] for place in places]
