"""What the rows of one decision share: the cases that count, the evidence of both sides, and who may judge.

Rules, in order:

1. A judge's standing is asked a bar at a time: `calibrated` where people's labels bear it out for that metric (and,
   for a rate, for that line between pass and fail), else `advisory`. Where advisory judges are accepted, calibrated
   ones are.
2. A rate is corrected for the judge's errors wherever a calibration carries over to it, also where the environment
   would take the bare one. A mean of grades has no counterpart among people's verdicts and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from llmops.documents.bars import Threshold
from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.calibration import correcting
from llmops.evaluation.calibration.calibrations import Calibration, Judged, judged
from llmops.evaluation.calibration.correcting import Corrected, Uncorrected
from llmops.evaluation.evidence import EvidenceRow
from llmops.evaluation.gating.decisions import ADVISORY, CALIBRATED
from llmops.evaluation.gating.early.samples import Sample
from llmops.evaluation.gating.readings import Reading
from llmops.evaluation.measurements import Measurement, measure
from llmops.evaluation.metrics import Catalogue, Kind
from llmops.evaluation.pooling import Pool

Rows = Mapping[str, Sequence[EvidenceRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the rows of one decision share. `cases` are those that count; `calibrations` those of the bars' judge;
    `sample` is set where only a prefix of the order was run."""

    evalset: Evalset
    cases: tuple[Case, ...]
    candidate: Pool
    baseline: Pool | None
    baseline_problem: str
    has_serving: bool
    judge: str
    calibrations: tuple[Calibration, ...]
    accepted_judges: frozenset[str]
    min_coverage: float
    repeats: int
    judge_repeats: int
    seed: str
    catalogue: Catalogue
    behaviour: str = ""
    is_same_evidence: bool = False
    sample: Sample | None = None

    def standing(self, label: str, threshold: Threshold) -> str:
        """The standing of the judge behind a score's label; an embedding's cosine is advisory like its label says."""
        is_own = label.removesuffix(f" ({ADVISORY})") == self.judge
        return CALIBRATED if is_own and self._is_calibrated(threshold) else ADVISORY

    def accepts(self, label: str, threshold: Threshold) -> bool:
        """Whether the judge behind a score's label may decide on this bar."""
        standing = self.standing(label, threshold)
        return standing in self.accepted_judges or (standing == CALIBRATED and ADVISORY in self.accepted_judges)

    def shown(self, label: str, threshold: Threshold) -> str:
        """The judge's label with its standing."""
        name = label.removesuffix(f" ({ADVISORY})")
        return f"{name} ({CALIBRATED})" if self.standing(label, threshold) == CALIBRATED else label

    def _is_calibrated(self, threshold: Threshold) -> bool:
        if self.is_rate(threshold):
            found = self.calibration(threshold)
            return found is not None and correcting.problem(found) is None
        scored = threshold.quality or threshold.metric
        mine = (item for item in self.calibrations if item.metric == scored)
        return any(correcting.problem(item) is None for item in mine)

    def is_rate(self, threshold: Threshold) -> bool:
        """Whether the bar is on the share of cases that pass."""
        return threshold.pass_at is not None or self.catalogue.metric(threshold.metric).kind is Kind.BINARY

    def calibration(self, threshold: Threshold) -> Calibration | None:
        """The calibration that says how far to believe this rate; None for a mean of grades, or without one."""
        if not self.is_rate(threshold):
            return None
        line = 1.0 if threshold.pass_at is None else threshold.pass_at
        mine = (item for item in self.calibrations if (item.metric, item.pass_at) == (threshold.metric, line))
        return next(mine, None)

    def read(self, threshold: Threshold, inside: str = "") -> Reading:
        """What the candidate's evidence says about a bar's metric, over all cases or one slice."""
        rows = self.candidate.by_case()
        read = self._observed(threshold, rows, inside)
        return read if read.per else replace(read, corrected=self._corrected(threshold, read.seen, rows))

    def read_baseline(self, threshold: Threshold) -> Reading:
        """What the evidence of what serves says about it, as its judge saw it."""
        return self._observed(threshold, self.baseline.by_case() if self.baseline else {})

    def _observed(self, threshold: Threshold, rows: Rows, inside: str = "") -> Reading:
        seen = self.measure(threshold, rows, inside)
        if not self.catalogue.metric(threshold.metric).spend:
            return Reading(seen=seen)
        return Reading(seen=seen, per=self._quality(threshold, rows, inside))

    def measure(self, threshold: Threshold, rows: Rows, inside: str = "") -> Measurement:
        """The metric over the counting cases of `rows` (by case), all of them or those of one slice."""
        info = self.catalogue.metric(threshold.metric)
        spent = self.catalogue.metric(info.spend) if info.spend else info
        return measure(
            spent, self._inside(inside), rows, self.repeats, pass_at=threshold.pass_at, judge_repeats=self.judge_repeats
        )

    def _quality(self, threshold: Threshold, rows: Rows, inside: str) -> Measurement:
        quality = self.catalogue.metric(threshold.quality)
        return measure(quality, self._inside(inside), rows, self.repeats, judge_repeats=self.judge_repeats)

    def _inside(self, part: str) -> Sequence[Case]:
        return [case for case in self.cases if part in self.evalset.slices_of(case)] if part else self.cases

    def _corrected(self, threshold: Threshold, seen: Measurement, rows: Rows) -> Corrected | Uncorrected | None:
        """The rate as people would have it; None where nobody's judgement is in it, or where nothing is known of it."""
        found = self.calibration(threshold)
        if found is None or not seen.values or not self._is_own(seen.judges):
            return None
        answers = self._answers(found, seen, rows)
        return correcting.corrected(seen.clusters, found, threshold.confidence, answers)

    def _answers(self, found: Calibration, seen: Measurement, rows: Rows) -> tuple[Judged, ...]:
        """The run's answers where the labels were drawn from this very run, else ()."""
        mine = (row for case in seen.values for row in rows[case])
        return judged(mine, found.metric, seen.groups) if self._is_of_this_run(found) else ()

    def _is_of_this_run(self, found: Calibration) -> bool:
        run = (self.behaviour, self.evalset.digest)
        return found.is_drawn and bool(self.behaviour) and (found.behaviour, found.evalset) == run

    def corrects(self, threshold: Threshold, seen: Measurement) -> Calibration | None:
        """The calibration by which a difference of rates is corrected; None where there is none to be."""
        return self.calibration(threshold) if self._is_own(seen.judges) else None

    def _is_own(self, labels: Iterable[str]) -> bool:
        names = {label.removesuffix(f" ({ADVISORY})") for label in labels}
        return names == {self.judge}
