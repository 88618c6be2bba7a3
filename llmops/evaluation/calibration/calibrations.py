"""What a calibration says: answers that people and one judge looked at, by one metric, with one line between pass and
fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One answer with both verdicts. `answer` is its SHA-256, `label` 1 where people pass it (else 0), `score` the
    judge's. Answers of one `group` share a source."""

    case: str
    answer: str
    label: int
    score: float
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The judge of digest `judge` against people, on `metric`: it passes what scores at least `pass_at`.

    `behaviour` is the digest of the one whose answers were labelled, "" where they come from several or from elsewhere;
    `is_drawn`: the labelled answers are a random draw from its evidence on `evalset` (a digest), stratified by the
    judge's verdict, and can correct that very run. `record` is the digest of the record that says so.
    """

    judge: str
    metric: str
    metric_version: str
    pass_at: float
    rows: tuple[Labelled, ...]
    labels: str
    behaviour: str = ""
    evalset: str = ""
    is_drawn: bool = False
    record: str = ""

    def passes(self, score: float) -> bool:
        """The judge's verdict."""
        return score >= self.pass_at
