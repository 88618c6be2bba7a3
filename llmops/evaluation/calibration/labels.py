"""What people said of answers: the lines of `labels.jsonl`, and what they amount to.

Rules, in order:

1. A line is one judgement: case, metric, 0 or 1, annotator, digest of the answer. Its shape is the schema `label`.
2. One annotator says one thing of one answer by one metric: a second line with another label is an error, an equal
   one a warning, and counts once.
3. Of several annotators the majority decides. A tie is reported and decides nothing: it is never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from llmops.documents import canonical
from llmops.documents.reading import schemas
from llmops.documents.reading.json_door import parse_jsonl
from llmops.errors import Finding, Location, Severity
from llmops.evaluation.calibration.calibrations import Judged, Labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One judgement, and the line it stands on (0: of no file)."""

    case: str
    metric: str
    label: int
    annotator: str
    answer: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile:
    """The judgements that are in order, what is wrong with the others, and the SHA-256 of the file."""

    labels: tuple[Label, ...]
    findings: tuple[Finding, ...]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What the annotators say of one answer."""

    case: str
    answer: str
    passed: int
    failed: int

    @property
    def label(self) -> int | None:
        """The majority, or None for a tie."""
        return None if self.passed == self.failed else int(self.passed > self.failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The answers with a majority, and those without."""

    agreed: tuple[Votes, ...]
    ties: tuple[Votes, ...]


def parse(data: bytes, path: str) -> LabelFile:
    """The judgements in the bytes of a file."""
    parsed = parse_jsonl(data, path)
    checked = schemas.check_rows("label", parsed)
    findings = [*parsed.findings, *checked.findings]
    first: dict[tuple[str, str, str, str], Label] = {}
    for index, row in checked.value:
        place = parsed.at((index,))
        label = Label(**{**row, "label": int(row["label"])}, line=place.line)
        earlier = first.setdefault((label.case, label.metric, label.annotator, label.answer), label)
        if earlier is not label:
            findings.append(_again(label, earlier, place))
    return LabelFile(labels=tuple(first.values()), findings=tuple(findings), digest=canonical.sha256(data))


def line_of(label: Label) -> bytes:
    """The line to append when somebody has judged."""
    row = {
        "case": label.case,
        "metric": label.metric,
        "label": label.label,
        "annotator": label.annotator,
        "answer": label.answer,
    }
    return (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8")


def unknown(labels: Iterable[Label], known: Iterable[Judged], path: str) -> tuple[Finding, ...]:
    """Labels of cases, or of answers, that are not among `known`."""
    answers: dict[str, set[str]] = {}
    for row in known:
        answers.setdefault(row.case, set()).add(row.answer)
    return tuple(_stranger(label, path, answers) for label in labels if label.answer not in answers.get(label.case, ()))


def decided(labels: Iterable[Label], metric: str) -> Decided:
    """What the annotators say together, by metric, in the order of case and answer."""
    counts: dict[tuple[str, str], list[int]] = {}
    for label in labels:
        if label.metric == metric:
            counts.setdefault((label.case, label.answer), [0, 0])[label.label] += 1
    votes = [
        Votes(case=case, answer=answer, passed=passed, failed=failed)
        for (case, answer), (failed, passed) in sorted(counts.items())
    ]
    return Decided(
        agreed=tuple(vote for vote in votes if vote.label is not None),
        ties=tuple(vote for vote in votes if vote.label is None),
    )


def labelled(found: Decided, answers: Iterable[Judged]) -> tuple[Labelled, ...]:
    """The majority beside the judge's score, in the order of case and answer. Answers nobody labelled are left out."""
    labels = {(vote.case, vote.answer): vote.label for vote in found.agreed}
    return tuple(
        Labelled(case=row.case, answer=row.answer, label=label, score=row.score, group=row.group)
        for row in sorted(answers, key=lambda row: (row.case, row.answer))
        if (label := labels.get((row.case, row.answer))) is not None
    )


def _again(label: Label, earlier: Label, place: Location) -> Finding:
    who = f"{label.annotator} on case {label.case}, {label.metric}"
    if earlier.label == label.label:
        return Finding(
            rule="label-repeated",
            severity=Severity.WARNING,
            location=place,
            message=f"{who}: the judgement of line {earlier.line} again; it counts once",
            fix="remove one of the two lines",
        )
    return Finding(
        rule="label-contradiction",
        severity=Severity.ERROR,
        location=place,
        message=f"{who}: {label.label} here, {earlier.label} on line {earlier.line}",
        fix="keep the line that the annotator stands by",
    )


def _stranger(label: Label, path: str, answers: Mapping[str, set[str]]) -> Finding:
    is_case = label.case in answers
    what = f"case {label.case} has no answer {label.answer[:12]}…" if is_case else f"there is no case {label.case}"
    return Finding(
        rule="label-unknown-answer" if is_case else "label-unknown-case",
        severity=Severity.ERROR,
        location=Location(path=path, line=label.line, column=1),
        message=f"{what} with a score of {label.metric} in the evidence",
        fix="label the answers of this evidence, or name the evidence that was labelled",
    )
