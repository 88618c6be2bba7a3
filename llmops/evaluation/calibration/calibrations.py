"""What a calibration says: answers that people and one judge looked at, by one metric, with one line between pass and
fail.

Rules, in order:

1. The unit is the distinct answer to a case. Cases of one group share a source and are one cluster; else a case is.
2. Labels that were drawn by the judge's verdict say nothing about how often it errs before they are weighted back by
   how many answers of either verdict there were: a calibration with `is_drawn` has a `frame`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmops.documents import canonical
from llmops.documents.bars import reaches
from llmops.evaluation.evidence import EvidenceRow


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
class Judged:
    """One distinct answer of a run with the judge's score on it (the mean, where it came in several `repeats`)."""

    case: str
    answer: str
    score: float
    group: str = ""
    repeats: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The judge of digest `judge` against people, on `metric`: it passes what scores at least `pass_at`.

    `behaviour` is the digest of the one whose answers were labelled, "" where they come from several or from elsewhere;
    `is_drawn`: the labelled answers are a random draw from its evidence on `evalset` (a digest), stratified by the
    judge's verdict, and can correct that very run. `frame`: how many distinct answers the judge passed and failed in
    the run that the labels were drawn from; (0, 0) where they are no such draw. `record` is the digest of the record
    that says so. Raises: ValueError for a draw without a frame, or with more labels than answers.
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
    frame: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.is_drawn and not any(self.frame):
            raise ValueError("labels drawn from a run need its frame: how many answers the judge passed and failed")
        if any(self.frame) and any(self.verdicts[place] > self.frame[place] for place in (0, 1)):
            raise ValueError(f"{self.verdicts} answers passed and failed are labelled, the run had {self.frame}")

    def passes(self, score: float) -> bool:
        """The judge's verdict."""
        return reaches(score, self.pass_at)

    @property
    def verdicts(self) -> tuple[int, int]:
        """How many labelled answers the judge passes, and how many it fails."""
        passed = sum(self.passes(row.score) for row in self.rows)
        return passed, len(self.rows) - passed


def cluster_of(row: Labelled | Judged) -> tuple[bool, str]:
    """What counts together: the group, or the case alone."""
    return (bool(row.group), row.group or row.case)


def answer_digest(text: str) -> str:
    """What a label calls an answer: the SHA-256 of its UTF-8."""
    return canonical.sha256(text.encode("utf-8"))


def judged(rows: Iterable[EvidenceRow], metric: str, groups: Mapping[str, str]) -> tuple[Judged, ...]:
    """The distinct answers that have a score, by case and digest; `groups` names the group of a case."""
    scores: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        score = row.scores.get(metric)
        if score is not None and score.value is not None:
            scores.setdefault((row.case, answer_digest(row.answer)), []).append(score.value)
    return tuple(
        Judged(case=case, answer=answer, score=sum(of) / len(of), group=groups.get(case, ""), repeats=len(of))
        for (case, answer), of in sorted(scores.items())
    )
