"""What recorded calibrations say beside a new one: of the same judge with other labels, of another of the same name.

A record counts as it was written. Whoever edits labels afterwards changes nothing until they are recorded, and whoever
changes the judge has one that nobody has looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmops.governance.checks.judges import judges_apart
from llmops.governance.predicates import Calibration
from llmops.usecases.records.ledgers import Records


def recorded_as(records: Records, new: Calibration) -> str:
    """The path of the record that counts and says the same, "" where there is none."""
    entry = records.ledger.calibration(new.judge_digest, new.metric, new.metric_version, new.pass_at)
    same = entry is not None and (entry.calibration.labels, entry.calibration.counts) == (new.labels, new.counts)
    return entry.entry.path if entry is not None and same else ""


def stale(records: Records, new: Calibration) -> Iterator[str]:
    """What the newest calibrations rest on that is no longer so, each with its code."""
    entry = records.ledger.calibration(new.judge_digest, new.metric, new.metric_version, new.pass_at)
    if entry is not None and entry.calibration.labels != new.labels:
        yield (
            f"record {entry.entry.sequence} calibrates this judge with other labels "
            f"({entry.calibration.labels[:12]}, these are {new.labels[:12]}): it counts as it was recorded, until "
            "--record replaces it [LABELS_CHANGED]"
        )
    others = [
        item
        for item in records.ledger.calibrations
        if (item.calibration.judge, item.calibration.metric) == (new.judge, new.metric)
        and item.calibration.judge_digest != new.judge_digest
    ]
    if entry is None and others:
        apart = judges_apart(others[-1].calibration, new)
        yield (
            f"record {others[-1].entry.sequence} is about another judge of this name: {apart} [CALIBRATION_OTHER_JUDGE]"
        )
