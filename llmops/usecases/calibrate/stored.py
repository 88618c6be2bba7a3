"""Answers that people can label: those in recorded evidence of the prompt on the evalset, and the evalset's own.

Rules, in order:

1. An answer is named by its case and the SHA-256 of its text.
2. A run is the newest evaluations of one behaviour by one judge that are pooled (equal `EvidenceKey`): what a draw is
   drawn from. Its scores are the pool's.
3. A score in any other evaluation is taken over where the very judge and version of the scorer gave it, asked as often
   as the bars say; the mean, where it did so several times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmops.documents import bars as bars_of
from llmops.documents.bars import answered_by
from llmops.documents.chat import ToolCall
from llmops.documents.evalsets import Case
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk
from llmops.evaluation import evidence, pooling
from llmops.evaluation.calibration.calibrations import Judged, answer_digest, judged
from llmops.evaluation.evidence import EvidenceRow
from llmops.governance.ledger import EvaluationEntry
from llmops.governance.records import evidence_path
from llmops.usecases.evaluate.bench import version_of
from llmops.usecases.evaluate.recording import key_of
from llmops.usecases.evaluate.scorers import Scorers
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.records.ledgers import Records

Identity = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One answer to a case. `contexts` are the texts that it was given with, None where they are no longer here;
    `behaviours` are the digests of those that gave it."""

    case: Case
    text: str
    contexts: tuple[str, ...] | None
    tool_calls: tuple[ToolCall, ...] = ()
    behaviours: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The evaluations that are pooled, and what they give. `records` are their digests."""

    behaviour: str
    records: tuple[str, ...]
    pool: pooling.Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything that can be labelled, the scores that are there, and the subject's own run (None: not recorded)."""

    known: Mapping[Identity, Known]
    scores: Mapping[Identity, float]
    run: Run | None = None

    def judged(self) -> tuple[Judged, ...]:
        """Every answer as the labels' parser takes it; one without a score has 0."""
        return tuple(
            Judged(case=case, answer=answer, score=self.scores.get((case, answer), 0.0), group=known.case.group)
            for (case, answer), known in sorted(self.known.items())
        )


def stored(records: Records, subject: Subject, metric: str, scorers: Scorers) -> Stored:
    """What is recorded of the subject's prompt on its evalset, and what the evalset brings itself.

    Raises: CannotAsk EVIDENCE_UNAVAILABLE, EVIDENCE_INVALID.
    """
    finder = _Finder(subject)
    scores: dict[Identity, list[float]] = {}
    judge, version = scorers.panel.judge.digest, version_of(metric, subject, scorers)
    run = run_of(records, subject, metric, scorers)
    for entry in records.ledger.evaluations:
        said = entry.evaluation
        if (said.prompt, said.evalset_digest) != (subject.release.name, subject.evalset.digest):
            continue
        rows = rows_of(records.tree, entry)
        finder.add(rows, said.behaviour)
        if is_same_scorer(entry, metric, judge, version):
            for one in _judged(rows, metric):
                scores.setdefault((one.case, one.answer), []).append(one.score)
    found = {identity: sum(of) / len(of) for identity, of in scores.items()}
    if run is not None:
        found.update({(one.case, one.answer): one.score for one in _judged(run.pool.rows, metric)})
    return Stored(known=finder.known, scores=found, run=run)


def run_of(records: Records, subject: Subject, metric: str, scorers: Scorers) -> Run | None:
    """The subject's own newest run that the judge scored by this metric, answered by the target that the bars name;
    None without any."""
    behaviour, target = subject.release.behaviour_digest, bars_of.parse(subject.release.bars).target
    judge, version = scorers.panel.judge.digest, version_of(metric, subject, scorers)
    entries = [
        entry
        for entry in records.ledger.evaluations_of(behaviour)
        if entry.evaluation.evalset_digest == subject.evalset.digest
        and answered_by(entry.evaluation.generator) == target
        and is_same_scorer(entry, metric, judge, version)
    ]
    if not entries:
        return None
    key = key_of(entries[-1].evaluation)
    pooled = [entry for entry in entries if key_of(entry.evaluation) == key]
    return Run(
        behaviour=behaviour,
        records=tuple(entry.entry.digest for entry in pooled),
        pool=pooling.pool([rows_of(records.tree, entry) for entry in pooled]),
    )


def is_same_scorer(entry: EvaluationEntry, metric: str, judge: str, version: str) -> bool:
    """Whether the judge of this digest scored this evaluation by this version of the metric."""
    said = entry.evaluation
    return (said.judge_digest, said.metrics.get(metric)) == (judge, version)


def rows_of(tree: Tree, entry: EvaluationEntry) -> tuple[EvidenceRow, ...]:
    """The rows of one evaluation. Raises: CannotAsk EVIDENCE_UNAVAILABLE, EVIDENCE_INVALID."""
    rows: list[EvidenceRow] = []
    for digest in entry.evaluation.results:
        path = evidence_path(digest)
        data = tree.read(path)
        if data is None:
            what = f"record {entry.entry.sequence} names evidence that is not in this tree"
            raise CannotAsk("EVIDENCE_UNAVAILABLE", what, where=path, hint="fetch the records branch in full")
        rows += evidence.parse(data, where=path)
    return tuple(rows)


def _judged(rows: Sequence[EvidenceRow], metric: str) -> tuple[Judged, ...]:
    return judged(rows, metric, {row.case: row.group for row in rows})


class _Finder:
    """Collects answers with what they were given."""

    def __init__(self, subject: Subject) -> None:
        self._cases = {case.id: case for case in subject.evalset.cases}
        self._passages = {passage.id: passage.text for passage in subject.passages}
        self.known: dict[Identity, Known] = {}
        for case in self._cases.values():
            if case.answer is not None:
                self.known[(case.id, answer_digest(case.answer))] = Known(
                    case=case, text=case.answer, contexts=case.contexts, tool_calls=case.tool_calls
                )

    def add(self, rows: Iterable[EvidenceRow], behaviour: str) -> None:
        """The answers of one evaluation."""
        for row in rows:
            case = self._cases.get(row.case)
            if case is None:
                continue
            identity = (row.case, answer_digest(row.answer))
            before = self.known.get(identity)
            self.known[identity] = Known(
                case=case,
                text=row.answer,
                contexts=before.contexts if before and before.contexts is not None else self._contexts(case, row),
                tool_calls=row.tool_calls,
                behaviours=(before.behaviours if before else frozenset()) | {behaviour},
            )

    def _contexts(self, case: Case, row: EvidenceRow) -> tuple[str, ...] | None:
        own = {f"{case.id}#{at}": text for at, text in enumerate(case.contexts, 1)}
        found = [self._passages.get(name, own.get(name)) for name in row.retrieved]
        return tuple(text for text in found if text is not None) if None not in found else None
