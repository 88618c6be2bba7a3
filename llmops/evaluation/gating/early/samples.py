"""Which part of the evalset was run, where it is one that nobody chose.

Evidence on exactly the first units of the order (`planning.order`) is a random sample of the cases. Any other partial
evidence is incomplete, as ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops.documents.bars import Bars, Threshold
from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.evidence import EvidenceRow
from llmops.evaluation.gating.decisions import GateQuestion
from llmops.evaluation.measurements import Measurement, measure
from llmops.evaluation.metrics import Catalogue, applies
from llmops.evaluation.planning import order as orders
from llmops.evaluation.planning.order import Order

Rows = Mapping[str, Sequence[EvidenceRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The first `run` units of an order, run. `cases` are those of the evalset that count; `candidate` and `baseline`
    the rows by case; `corrected` the keys of bars whose rates a calibration corrects; without
    `allows_early_pass` nothing passes before every case was run."""

    order: Order
    run: int
    evalset: Evalset
    cases: tuple[Case, ...]
    candidate: Rows
    baseline: Rows | None
    has_serving: bool
    repeats: int
    judge_repeats: int
    min_coverage: float
    catalogue: Catalogue
    corrected: frozenset[str] = frozenset()
    baseline_problem: str = ""
    is_same_evidence: bool = False
    allows_early_pass: bool = True

    @property
    def reached(self) -> tuple[Case, ...]:
        """The counting cases that were run."""
        inside = {case for unit in self.order.units[: self.run] for case in unit}
        return tuple(case for case in self.cases if case.id in inside)

    def measured(self, threshold: Threshold, rows: Rows, part: str) -> Measurement:
        """The metric over the cases that were run, all of them or those of one slice."""
        info = self.catalogue.metric(threshold.metric)
        info = self.catalogue.metric(info.spend) if info.spend else info
        inside = self._inside(self.reached, part)
        return measure(info, inside, rows, self.repeats, pass_at=threshold.pass_at, judge_repeats=self.judge_repeats)

    def asked(self, threshold: Threshold, part: str) -> frozenset[str]:
        """All cases of the evalset that the bar asks about."""
        info = self.catalogue.metric(threshold.metric)
        return frozenset(case.id for case in self._inside(self.cases, part) if applies(info, case))

    def _inside(self, cases: Sequence[Case], part: str) -> Sequence[Case]:
        return [case for case in cases if part in self.evalset.slices_of(case)] if part else cases


def sample_of(
    question: GateQuestion, cases: tuple[Case, ...], bars: Bars, corrected: frozenset[str] = frozenset()
) -> Sample | None:
    """The sample that the candidate's evidence is; None unless it is exactly a proper prefix of the order."""
    candidate, evalset = question.candidate, question.evalset
    # Whoever ran every case as often as the bars ask has as many rows: the order need not be drawn to see that.
    if candidate is None or not question.behaviour or len(candidate.rows) >= len(evalset.cases) * bars.repeats:
        return None
    known = {case.id for case in evalset.cases}
    rows = {case: found for case, found in candidate.by_case().items() if case in known}
    if not rows or len(rows) == len(known):
        return None
    order = orders.of(evalset, question.behaviour)
    run = order.prefix_of(rows)
    if run is None:
        return None
    baseline = question.baseline
    return Sample(
        order=order,
        run=run,
        evalset=evalset,
        cases=cases,
        candidate=rows,
        baseline=baseline.by_case() if baseline else None,
        has_serving=question.serving_bars is not None,
        repeats=bars.repeats,
        judge_repeats=bars.judge_repeats,
        min_coverage=bars.min_coverage,
        catalogue=question.catalogue,
        corrected=corrected,
        baseline_problem=question.baseline_problem,
        is_same_evidence=baseline is not None and baseline.digest == candidate.digest,
        allows_early_pass=question.allows_early_pass,
    )
