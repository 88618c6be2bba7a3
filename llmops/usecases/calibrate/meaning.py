"""What a calibration makes of pass rates: that of the newest run, and one that was made up to show its size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from llmops.evaluation.calibration import correcting
from llmops.evaluation.calibration.calibrations import Calibration
from llmops.usecases.calibrate.draws import answers_of
from llmops.usecases.calibrate.stored import Run
from llmops.usecases.results.calibrating import Meaning

EXAMPLE, CASES = 0.9, 100
LEVEL = 0.95


def meaning(calibration: Calibration, run: Run | None) -> Iterator[Meaning]:
    """What it makes of the newest run, where there is one, and of a rate that everybody has seen."""
    if run is not None:
        clusters = _clusters(run, calibration)
        answers = answers_of(run.pool.rows, calibration.metric) if calibration.is_drawn else ()
        naive = [value for cluster in clusters for value in cluster]
        if naive:
            refused = correcting.problem(calibration)
            corrected = refused or correcting.corrected(clusters, calibration, LEVEL, answers)
            share = sum(naive) / len(naive)
            yield Meaning(naive=share, cases=len(naive), corrected=corrected, is_example=False)
    passed = round(EXAMPLE * CASES)
    example = [[1.0]] * passed + [[0.0]] * (CASES - passed)
    corrected = correcting.corrected(example, replace(calibration, is_drawn=False), LEVEL)
    yield Meaning(naive=EXAMPLE, cases=CASES, corrected=corrected, is_example=True)


def _clusters(run: Run, calibration: Calibration) -> list[list[float]]:
    """The judge's pass share of each case, by group."""
    groups: dict[tuple[bool, str], list[float]] = {}
    for case, rows in run.pool.by_case().items():
        found = [row.scores.get(calibration.metric) for row in rows]
        scores = [score.value for score in found if score is not None and score.value is not None]
        if scores:
            passes = sum(calibration.passes(score) for score in scores) / len(scores)
            groups.setdefault((bool(rows[0].group), rows[0].group or case), []).append(passes)
    return list(groups.values())
