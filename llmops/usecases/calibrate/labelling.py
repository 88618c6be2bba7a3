"""calibrate sample: which answers to label, and the loop in which somebody does.

Rules, in order:

1. Drawn is from the newest recorded run, by the judge's verdict, in the order that the evidence gives. Nobody chooses.
2. Blind: neither verdict nor score is shown, and the two kinds come in an order that gives them away no more than
   chance would. In each kind the order is that of the draw: wherever somebody stops, what is labelled is a draw.
3. A label is kept before the next answer is shown. The same command goes on where it stopped.
4. A skipped answer comes again after all others. Left out for good, it makes the rest no draw.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from llmops.documents import canonical
from llmops.documents.bars import reaches
from llmops.errors import CannotAsk, InvalidDocuments
from llmops.evaluation.calibration import labels as labels_of
from llmops.evaluation.calibration.calibrations import Judged
from llmops.evaluation.calibration.drawing import Draw
from llmops.evaluation.calibration.labels import Label
from llmops.usecases.calibrate.calibrating import check_line, judged_metric, pass_at_of
from llmops.usecases.calibrate.draws import draw_of
from llmops.usecases.calibrate.stored import Known, Stored, stored
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.records.ledgers import Records
from llmops.usecases.results.calibrating import Sampled


class Said(StrEnum):
    """What somebody says of an answer, or wants."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    SKIP = "skip"
    UNDO = "undo"
    QUIT = "quit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One answer to look at; `number` of `total`. `can_undo`: something was labelled before it in this sitting."""

    metric: str
    known: Known
    number: int
    total: int
    can_undo: bool


class Annotator(Protocol):
    """Who is asked."""

    def ask(self, shown: Shown) -> Said:
        """What they say. Raises: KeyboardInterrupt."""
        ...


class Notebook(Protocol):
    """Where labels are kept."""

    def read(self) -> bytes:
        """Everything that is kept; b"" where nothing is. Raises: CannotAsk."""
        ...

    def append(self, line: bytes) -> None:
        """Keep one more line; returns when it is on the disk. Raises: CannotAsk."""
        ...

    def drop(self, line: bytes) -> None:
        """Take back the last line, which must be `line`. Raises: CannotAsk LABELS_MOVED."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How many answers who is to label by which metric; `path` names the notebook's file. `pass_at` as in `Asked`."""

    metric: str
    count: int
    annotator: str
    path: str
    pass_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What is to be labelled: `first` of the `draw`."""

    subject: Subject
    wanted: Wanted
    pass_at: float
    draw: Draw
    first: tuple[Judged, ...]
    stored: Stored


def sample(records: Records, subject: Subject, scorers: Scorers, wanted: Wanted) -> Sample:
    """The answers to label. Raises: CannotAsk USAGE, METRIC_NOT_JUDGED, METRIC_NO_RATE, NO_RUN."""
    check_line(wanted.pass_at)
    info = judged_metric(scorers, wanted.metric)
    found = stored(records, subject, wanted.metric, scorers)
    if found.run is None:
        release = subject.release
        what = f"no evaluation of {release.name} {release.version} by {scorers.panel.judge.name} is recorded"
        hint = f"llmops eval {release.name}@{release.version} --record"
        raise CannotAsk("NO_RUN", f"{what} on {subject.evalset.name}: there is nothing to draw from", hint=hint)
    pass_at = pass_at_of(subject, info, wanted.pass_at)
    draw = draw_of(found.run.pool, wanted.metric, pass_at)
    return Sample(
        subject=subject, wanted=wanted, pass_at=pass_at, draw=draw, first=draw.first(wanted.count), stored=found
    )


def label(asked: Sample, notebook: Notebook, annotator: Annotator) -> Sampled:
    """Let somebody label what is left. Raises: InvalidDocuments where the labels that are there are wrong."""
    left = _left(asked, notebook.read())
    done: list[Judged] = []
    skipped = _Sitting(asked, notebook, annotator, left).go(done)
    return _sampled(asked, left, done, skipped)


def listed(asked: Sample, kept: bytes) -> Sampled:
    """What there is to label beside the labels that are kept; nobody is asked. Raises: InvalidDocuments."""
    return _sampled(asked, _left(asked, kept), (), 0)


def _left(asked: Sample, kept: bytes) -> list[Judged]:
    before = _labelled(asked, kept)
    return [row for row in _mixed(asked) if (row.case, row.answer) not in before]


def _sampled(asked: Sample, left: Sequence[Judged], done: Sequence[Judged], skipped: int) -> Sampled:
    return Sampled(
        prompt=asked.subject.release.name,
        version=asked.subject.release.version,
        evalset=asked.subject.evalset.name,
        metric=asked.wanted.metric,
        pass_at=asked.pass_at,
        annotator=asked.wanted.annotator,
        labels=asked.wanted.path,
        passed=asked.draw.frame[0],
        failed=asked.draw.frame[1],
        wanted=len(asked.first),
        before=len(asked.first) - len(left),
        labelled=len(done),
        skipped=skipped,
        cases=tuple(row.case for row in left if row not in done),
    )


class _Sitting:
    """One annotator at work."""

    def __init__(self, asked: Sample, notebook: Notebook, annotator: Annotator, left: Sequence[Judged]) -> None:
        self._asked = asked
        self._notebook = notebook
        self._annotator = annotator
        self._waiting = deque(left)
        self._total = len(asked.first)
        self._skipped: set[tuple[str, str]] = set()

    def go(self, done: list[Judged]) -> int:
        """Ask until all is labelled or they leave; `done` is kept up to date. Returns how many were skipped."""
        said: list[Label] = []
        while self._waiting:
            row = self._waiting[0]
            answer = self._annotator.ask(self._shown(row, can_undo=bool(said)))
            if answer is Said.QUIT:
                break
            if answer is Said.UNDO:
                self._undo(said, done)
            elif answer is Said.SKIP:
                self._skipped.add((row.case, row.answer))
                self._waiting.rotate(-1)
            else:
                self._keep(row, answer, said, done)
        return sum((row.case, row.answer) in self._skipped for row in self._waiting)

    def _keep(self, row: Judged, answer: Said, said: list[Label], done: list[Judged]) -> None:
        label = Label(
            case=row.case,
            metric=self._asked.wanted.metric,
            label=int(answer is Said.PASS),
            annotator=self._asked.wanted.annotator,
            answer=row.answer,
        )
        self._notebook.append(labels_of.line_of(label))
        said.append(label)
        done.append(self._waiting.popleft())

    def _undo(self, said: list[Label], done: list[Judged]) -> None:
        if said:
            self._notebook.drop(labels_of.line_of(said.pop()))
            self._waiting.appendleft(done.pop())

    def _shown(self, row: Judged, *, can_undo: bool) -> Shown:
        return Shown(
            metric=self._asked.wanted.metric,
            known=self._asked.stored.known[(row.case, row.answer)],
            number=self._total - len(self._waiting) + 1,
            total=self._total,
            can_undo=can_undo,
        )


def _labelled(asked: Sample, data: bytes) -> frozenset[tuple[str, str]]:
    """The answers that this annotator has labelled by this metric. Raises: InvalidDocuments."""
    file = labels_of.parse(data, asked.wanted.path)
    if any(finding.is_error for finding in file.findings):
        raise InvalidDocuments(file.findings)
    mine = (one for one in file.labels if (one.metric, one.annotator) == (asked.wanted.metric, asked.wanted.annotator))
    return frozenset((one.case, one.answer) for one in mine)


def _mixed(asked: Sample) -> tuple[Judged, ...]:
    """The answers of both kinds, mixed by chance (of a seed), those of a kind in the order of the draw."""
    passed = [row for row in asked.first if reaches(row.score, asked.pass_at)]
    failed = [row for row in asked.first if not reaches(row.score, asked.pass_at)]
    keyed: list[tuple[str, Judged]] = []
    for rows in (passed, failed):
        keys = sorted(canonical.digest(["shown", row.case, row.answer]) for row in rows)
        keyed += zip(keys, rows, strict=True)
    return tuple(row for _, row in sorted(keyed, key=lambda pair: pair[0]))
