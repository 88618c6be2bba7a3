"""Calibrations read back from the records, for whoever corrects figures with them.

Rules, in order:

1. The newest effective one of the very judge counts, by metric, version of its scorer and line between pass and fail.
2. It corrects the run that it was drawn from as a draw, and every other run by the errors that it found. A later
   evaluation that only repeats what the run holds leaves it the run that it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from llmops.documents import canonical
from llmops.errors import CannotAsk
from llmops.evaluation.calibration.calibrations import Calibration, Labelled
from llmops.evaluation.sheets.marks import NOT_ASKED
from llmops.governance import labelled, records
from llmops.governance.labelled import LabelledRow
from llmops.governance.ledger import CalibrationEntry
from llmops.usecases.evaluate import recording
from llmops.usecases.records.ledgers import Records


def calibration_for(
    found: Records, *, judge_digest: str, metric: str, version: str, pass_at: float, evidence: Collection[str] = ()
) -> Calibration | None:
    """What is known of the judge's errors there; None where nothing is. Raises: CannotAsk EVIDENCE_UNAVAILABLE.

    `version` is that of the metric's scorer, `evidence` the digests of the evaluation records that the figure comes
    from: the calibration `is_drawn` only where it was drawn from just these, those left out that add no measurement.
    """
    entry = found.ledger.calibration(judge_digest, metric, version, canonical.decimal(pass_at))
    return None if entry is None else calibration_of(found, entry, evidence=evidence)


def calibration_of(found: Records, entry: CalibrationEntry, *, evidence: Collection[str] = ()) -> Calibration:
    """The calibration of one record. Raises: CannotAsk EVIDENCE_UNAVAILABLE."""
    said = entry.calibration
    frame = (said.counts["frame_passed"], said.counts["frame_failed"]) if said.is_drawn else (0, 0)
    return Calibration(
        judge=said.judge_digest,
        metric=said.metric,
        metric_version=said.metric_version,
        pass_at=float(said.pass_at),
        rows=labelled_of(rows_of(found, entry)),
        labels=said.labels,
        behaviour=said.behaviour,
        evalset=said.evalset_digest,
        is_drawn=said.is_drawn and _is_that_run(found, entry, frozenset(evidence)),
        record=entry.entry.digest,
        frame=frame,
    )


def _is_that_run(found: Records, entry: CalibrationEntry, evidence: frozenset[str]) -> bool:
    """Whether these evaluations say of the metric what those say that were drawn from: these, or more of them that
    repeat measurements which stand in earlier ones."""
    drawn = frozenset(entry.calibration.drawn_from)
    if not drawn < evidence:
        return drawn == evidence
    known: set[tuple[str, int, str]] = set()
    for one in found.ledger.evaluations_of(entry.calibration.behaviour):
        if one.entry.digest not in evidence:
            continue
        rows = recording.rows_of(found.tree, one)
        if one.entry.digest not in drawn:
            if not known.issuperset(rows.identities()):
                return False
            continue
        codes = rows.marks(entry.calibration.metric).codes
        known.update(row for row, code in zip(rows.identities(), codes, strict=True) if code != NOT_ASKED)
    return True


def rows_of(found: Records, entry: CalibrationEntry) -> tuple[LabelledRow, ...]:
    """The labelled rows that a calibration rests on. Raises: CannotAsk EVIDENCE_UNAVAILABLE."""
    shards = []
    for digest in entry.calibration.results:
        path = records.evidence_path(digest)
        data = found.tree.read(path)
        if data is None:
            what = f"record {entry.entry.sequence} names labelled rows that are not in this tree"
            raise CannotAsk("EVIDENCE_UNAVAILABLE", what, where=path, hint="fetch the records branch in full")
        shards.append(data)
    return labelled.parse(shards)


def labelled_of(rows: Iterable[LabelledRow]) -> tuple[Labelled, ...]:
    """Recorded rows as the mathematics takes them."""
    return tuple(
        Labelled(case=row.case, answer=row.answer, label=row.label, score=float(row.score), group=row.group)
        for row in rows
    )
