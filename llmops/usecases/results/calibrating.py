"""What `calibrate` and `calibrate sample` answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops.errors import Finding
    from llmops.evaluation.calibration.agreement import Agreement
    from llmops.evaluation.calibration.annotators import Between
    from llmops.evaluation.calibration.bias import Bias
    from llmops.evaluation.calibration.correcting import Corrected, Uncorrected
    from llmops.usecases.results.writing import WrittenRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the calibration makes of a pass rate. `naive` is the judge's own, over `cases`; `is_example`: no run stands
    behind it, the rate was made up to show the size of the correction."""

    naive: float
    cases: int
    corrected: Corrected | Uncorrected
    is_example: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """The judge against people, on the labelled answers.

    `answers` have a majority of people and a score; `ties` have no majority, `unscored` no score (case → reason).
    `reused` scores stood in records, the others were asked for with `asked` requests. `not_drawn` is "" where the
    answers are the draw from the newest run, else why not. `problem` says why the judge counts as not calibrated,
    `stale` what recorded calibrations do not say any more, `recorded_as` the record that says the same ("" for none).
    """

    prompt: str
    evalset: str
    metric: str
    metric_version: str
    pass_at: float
    judge: str
    judge_digest: str
    judge_parts: Mapping[str, str]
    labels: str
    labels_digest: str
    behaviour: str
    answers: int
    cases: int
    groups: int
    reused: int
    asked: int
    ties: tuple[str, ...]
    unscored: Mapping[str, str]
    agreement: Agreement
    between: Between
    by_length: Bias
    by_position: Bias
    meaning: tuple[Meaning, ...]
    not_drawn: str
    problem: Uncorrected | None
    stale: tuple[str, ...] = ()
    recorded_as: str = ""
    warnings: tuple[Finding, ...] = ()
    record: WrittenRecord | None = None

    @property
    def is_drawn(self) -> bool:
        return not self.not_drawn

    @property
    def is_calibrated(self) -> bool:
        """Whether the judge may decide where only a calibrated one may, once this is recorded."""
        return self.problem is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """The answers that were drawn to label. `passed` and `failed` are how many of the run the judge passed and failed;
    `wanted` of them are drawn, `before` were labelled already by `annotator`, `labelled` now, `skipped` are left out so
    far. `is_over`: nothing is left to label."""

    prompt: str
    version: str
    evalset: str
    metric: str
    pass_at: float
    annotator: str
    labels: str
    passed: int
    failed: int
    wanted: int
    before: int
    labelled: int
    skipped: int
    cases: tuple[str, ...]

    @property
    def left(self) -> int:
        return self.wanted - self.before - self.labelled

    @property
    def is_over(self) -> bool:
        return self.left == 0
