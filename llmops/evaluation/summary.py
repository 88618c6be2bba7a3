"""An evaluation as one table: what was measured, how sure, what it cost, and where to look first. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from llmops.documents.evalsets import Evalset
from llmops.evaluation.decisions import WorstCase
from llmops.evaluation.measurements import Measurement, measure
from llmops.evaluation.metrics import EMBEDDED, Catalogue, Direction
from llmops.evaluation.pooling import Pool
from llmops.evaluation.statistics import Interval, percentile

LEVEL = 0.95
SLOWEST_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """One metric over all cases or one slice; `missing` counts reasons why cases have no figure."""

    metric: str
    slice: str
    direction: Direction
    figure: float | None
    interval: Interval | None
    measured: int
    expected: int
    not_applicable: int
    missing: tuple[tuple[str, int], ...]
    judge: str
    worst: tuple[WorstCase, ...]

    @property
    def coverage(self) -> float:
        return self.measured / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The table of one evaluation. Times are the generator's, in ms; `slowest` are (case, ms)."""

    cases: int
    expected_cases: int
    rows: int
    metrics: tuple[MetricSummary, ...]
    input_tokens: int
    output_tokens: int
    nano_usd: int
    latency_p50_ms: int
    latency_p95_ms: int
    slowest: tuple[tuple[str, int], ...]

    def covers(self, share: float = 1.0) -> bool:
        """True where every case was answered and each metric was measured on this share of its cases."""
        whole = [item for item in self.metrics if not item.slice and item.expected]
        return self.cases == self.expected_cases and all(item.coverage >= share for item in whole)


def summarise(pool: Pool, evalset: Evalset, catalogue: Catalogue = EMBEDDED) -> Summary:
    """The table of `pool` against the cases of `evalset`."""
    times = [row.latency_ms for row in pool.rows] or [0]
    slowest = sorted(pool.rows, key=lambda row: (-row.latency_ms, row.identity))[:SLOWEST_SHOWN]
    return Summary(
        cases=len({row.case for row in pool.rows} & {case.id for case in evalset.cases}),
        expected_cases=len(evalset.cases),
        rows=len(pool.rows),
        metrics=tuple(_metrics(pool, evalset, catalogue)),
        input_tokens=sum(row.tokens.input for row in pool.rows),
        output_tokens=sum(row.tokens.output for row in pool.rows),
        nano_usd=sum(row.nano_usd for row in pool.rows),
        latency_p50_ms=int(percentile(times, 0.5)),
        latency_p95_ms=int(percentile(times, 0.95)),
        slowest=tuple((row.case, row.latency_ms) for row in slowest),
    )


def _metrics(pool: Pool, evalset: Evalset, catalogue: Catalogue) -> Iterator[MetricSummary]:
    """Each metric over all cases, then over each slice that has cases for it."""
    asked = {name for row in pool.rows for name in row.scores}
    rows = pool.by_case()
    seed = pool.digest
    for info in (info for name, info in catalogue.infos.items() if name in asked):
        yield _summary(measure(info, evalset.cases, rows), "", seed)
        for part in evalset.slices:
            inside = [case for case in evalset.cases if part in case.tags]
            found = measure(info, inside, rows)
            if found.expected:
                yield _summary(found, part, seed)


def _summary(found: Measurement, part: str, seed: str) -> MetricSummary:
    return MetricSummary(
        metric=found.info.name,
        slice=part,
        direction=found.info.direction,
        figure=found.figure,
        interval=found.interval(LEVEL, seed),
        measured=len(found.values),
        expected=found.expected,
        not_applicable=found.not_applicable,
        missing=tuple(Counter(found.missing.values()).most_common()),
        judge=", ".join(found.judges),
        worst=found.worst,
    )
