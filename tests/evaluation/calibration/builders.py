"""Builders that say only what differs."""

from collections.abc import Sequence
from typing import Any

from llmops.evaluation.calibration.calibrations import Calibration, Judged, Labelled
from llmops.evaluation.calibration.labels import Label

ANSWER = "a" * 64


def a_labelled(case: str, label: int, score: float, group: str = "") -> Labelled:
    return Labelled(case=case, answer=ANSWER, label=label, score=score, group=group)


def a_judged(case: str, score: float = 1.0, **fields: Any) -> Judged:
    return Judged(case=case, score=score, **{"answer": ANSWER, **fields})


def a_label(case: str = "c1", label: int = 1, annotator: str = "ann", **fields: Any) -> Label:
    return Label(case=case, label=label, annotator=annotator, **{"metric": "groundedness", "answer": ANSWER, **fields})


def a_calibration(rows: Sequence[Labelled], **fields: Any) -> Calibration:
    own = {"judge": "j" * 64, "metric": "groundedness", "metric_version": "1", "pass_at": 1.0, "labels": "l" * 64}
    return Calibration(rows=tuple(rows), **{**own, **fields})


def of_counts(true_pass: int, false_pass: int, false_fail: int, true_fail: int, **fields: Any) -> Calibration:
    """A calibration with this confusion, every answer a case of its own; with `copies`, as often in one group."""
    copies = fields.pop("copies", 1)
    kinds = [(1, 1.0)] * true_pass + [(0, 1.0)] * false_pass + [(1, 0.0)] * false_fail + [(0, 0.0)] * true_fail
    rows = [
        a_labelled(f"c{place}-{copy}", label, score, group=f"g{place}" if copies > 1 else "")
        for place, (label, score) in enumerate(kinds)
        for copy in range(copies)
    ]
    return a_calibration(rows, **fields)
