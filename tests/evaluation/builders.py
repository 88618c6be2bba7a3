"""Builders that say only what differs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from llmops.documents.bars import Bars, Threshold
from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.calibration.calibrations import Calibration, Labelled
from llmops.evaluation.evidence import EvidenceRow, Score, Tokens, measured
from llmops.evaluation.gating.decisions import GateQuestion
from llmops.evaluation.pooling import Pool, pool

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_case(name: str = "c1", **fields: Any) -> Case:
    return Case(id=name, **{"question": "What is the rate?", "ground_truth": "6%", **fields})


def an_evalset(*cases: Case, slices: tuple[str, ...] = ()) -> Evalset:
    return Evalset(name="mortgage", version="1.0.0", cases=cases, slices=slices)


def an_evalset_of(count: int) -> Evalset:
    return an_evalset(*(a_case(f"c{number:03}") for number in range(count)))


def a_row(case: str = "c1", *, scores: Mapping[str, Score | float] | None = None, **fields: Any) -> EvidenceRow:
    made = {name: measured(item) if isinstance(item, int | float) else item for name, item in (scores or {}).items()}
    row = EvidenceRow(
        case=case,
        input_digest="i",
        request_digest=f"r-{case}",
        answer="An answer.",
        scores=made,
        tokens=Tokens(input=9),
    )
    return replace(row, **fields)


def a_pool(metric: str, values: Mapping[str, Score | float], **fields: Any) -> Pool:
    return pool([[a_row(case, scores={metric: value}, **fields) for case, value in values.items()]])


def a_bar(metric: str = "answer_similarity", **fields: Any) -> Threshold:
    return Threshold(metric=metric, **fields)


def some_bars(evalset: Evalset, *thresholds: Threshold, **fields: Any) -> Bars:
    own = {"judge": "embedded-lexical", "evalset": evalset.name, "evalset_digest": evalset.digest}
    return Bars(thresholds=thresholds, **{**own, **fields})


def a_question(evalset: Evalset, candidate: Pool | None, *thresholds: Threshold, **fields: Any) -> GateQuestion:
    own: dict[str, Any] = {
        "bars": some_bars(evalset, *thresholds),
        "now": NOW,
        "accepted_judges": frozenset({"calibrated", "advisory"}),
    }
    return GateQuestion(evalset=evalset, candidate=candidate, **{**own, **fields})


def a_calibration(metric: str, *, pass_at: float = 0.5, **counts: int) -> Calibration:
    """A calibration with so many answers that `both_pass`, `both_fail`, that the judge alone passes (`judge_passes`),
    and that people alone pass (`people_pass`)."""
    kinds = {"both_pass": (1, 1.0), "both_fail": (0, 0.0), "judge_passes": (0, 1.0), "people_pass": (1, 0.0)}
    rows = tuple(
        Labelled(case=f"{kind}-{at}", answer=f"{at:064x}", label=kinds[kind][0], score=kinds[kind][1])
        for kind, count in counts.items()
        for at in range(count)
    )
    return Calibration(judge="a" * 64, metric=metric, metric_version="1", pass_at=pass_at, rows=rows, labels="b" * 64)
