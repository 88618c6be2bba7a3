"""An evaluation as one table: what was measured, how sure, what it cost, and where to look first. Decides nothing."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from llmops.documents.evalsets import Evalset
from llmops.evaluation.columns import ALL, CASES_NAMED, Column, Roster
from llmops.evaluation.evidence import COST, LATENCY, TOKENS, UNKNOWABLE, EvidenceRow, RowsElsewhere
from llmops.evaluation.gating.decisions import WorstCase
from llmops.evaluation.metrics import EMBEDDED, Catalogue, Direction, Kind
from llmops.evaluation.pooling import Pool
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.quantiles import percentile

LEVEL = 0.95
SLOWEST_SHOWN = 3
CUT_OFF = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """One metric over all cases or one slice; `missing` counts reasons why cases have no figure, `missing_cases` names
    the first cases of each. Where `is_binary`, a case passes or fails."""

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
    missing_cases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_binary: bool = False

    @property
    def coverage(self) -> float:
        return self.measured / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """Answers that ended at `max_tokens`: how many, of how many cases, and the first of these."""

    answers: int = 0
    cases: int = 0
    named: tuple[str, ...] = ()

    def with_one_of(self, case: str, *, is_new: bool) -> CutOff:
        """One more answer, of a case that was not met before where `is_new`."""
        named = (*self.named, case) if is_new and len(self.named) < CASES_NAMED else self.named
        return CutOff(answers=self.answers + 1, cases=self.cases + is_new, named=named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The table of one evaluation. Times are the generator's, in ms; `slowest` are (case, ms).

    Totals are over the rows that know them, None where there are rows and none knows; `unknown` counts the rows that do
    not, by field. `ttft_p50_ms` and `ttft_p95_ms` are None where no reply was streamed.
    """

    cases: int
    expected_cases: int
    rows: int
    metrics: tuple[MetricSummary, ...]
    input_tokens: int | None
    output_tokens: int | None
    nano_usd: int | None
    latency_p50_ms: int | None
    latency_p95_ms: int | None
    slowest: tuple[tuple[str, int], ...]
    unknown: Mapping[str, int] = field(default_factory=dict)
    ttft_p50_ms: int | None = None
    ttft_p95_ms: int | None = None
    cut_off: CutOff = field(default_factory=CutOff)

    def covers(self, share: float = 1.0) -> bool:
        """True where every case was answered and each metric was measured on this share of its cases."""
        whole = [item for item in self.metrics if not item.slice and item.expected]
        return self.cases == self.expected_cases and all(item.coverage >= share for item in whole)


def summarise(pool: Pool, evalset: Evalset, catalogue: Catalogue = EMBEDDED) -> Summary:
    """The table of `pool` against the cases of `evalset`. Cases and rows are each gone through once."""
    roster = Roster(evalset)
    asked = _asked(pool.rows)
    columns = [Column(info, roster) for name, info in catalogue.infos.items() if name in asked]
    totals = _Totals()
    for place, rows in roster.matched(totals.counted(pool.rows)):
        totals.cases += bool(rows)
        for column in columns:
            column.look(place, rows)
    known = totals.known(len(pool.rows))
    # Only figures without bounds draw; to name the content, every row is spelled.
    seed = pool.digest if any(column.info.is_operational for column in columns) else ""
    return Summary(
        cases=totals.cases,
        expected_cases=len(roster),
        rows=len(pool.rows),
        metrics=tuple(_metrics(columns, roster, evalset.slices, seed)),
        input_tokens=totals.input_tokens if known[TOKENS] else None,
        output_tokens=totals.output_tokens if known[TOKENS] else None,
        nano_usd=totals.nano_usd if known[COST] else None,
        latency_p50_ms=_percentile(totals.times or [0], 0.5) if known[LATENCY] else None,
        latency_p95_ms=_percentile(totals.times or [0], 0.95) if known[LATENCY] else None,
        unknown={name: count for name, count in totals.unknown.items() if count},
        ttft_p50_ms=_percentile(totals.first_tokens, 0.5),
        ttft_p95_ms=_percentile(totals.first_tokens, 0.95),
        cut_off=totals.cut_off,
        slowest=tuple((identity[0], -time) for time, identity in totals.slowest),
    )


def _percentile(times: Sequence[int], share: float) -> int | None:
    return int(percentile(times, share)) if times else None


def _asked(rows: Sequence[EvidenceRow]) -> Set[str]:
    """Every metric that has a score in some row."""
    return rows.metrics if isinstance(rows, RowsElsewhere) else {name for row in rows for name in row.scores}


@dataclass(slots=True)
class _Totals:
    """What is summed while rows pass by."""

    cases: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano_usd: int = 0
    times: array[int] = field(default_factory=lambda: array("Q"))
    first_tokens: array[int] = field(default_factory=lambda: array("Q"))
    cut_off: CutOff = field(default_factory=CutOff)
    last_cut_off: str | None = None
    unknown: dict[str, int] = field(default_factory=lambda: dict.fromkeys(UNKNOWABLE, 0))
    slowest: list[tuple[int, tuple[str, int, str]]] = field(default_factory=list)

    def counted(self, rows: Iterable[EvidenceRow]) -> Iterator[EvidenceRow]:
        """The rows, each added up as it passes."""
        for row in rows:
            for name in row.unknown:
                self.unknown[name] += 1
            if TOKENS not in row.unknown:
                self.input_tokens += row.tokens.input
                self.output_tokens += row.tokens.output
            if COST not in row.unknown:
                self.nano_usd += row.nano_usd
            if row.finish_reason == CUT_OFF:
                self.cut_off = self.cut_off.with_one_of(row.case, is_new=row.case != self.last_cut_off)
                self.last_cut_off = row.case
            self._time(row)
            yield row

    def _time(self, row: EvidenceRow) -> None:
        if row.ttft_ms is not None:
            self.first_tokens.append(row.ttft_ms)
        if LATENCY in row.unknown:
            return
        self.times.append(row.latency_ms)
        entry = (-row.latency_ms, row.identity)
        if len(self.slowest) < SLOWEST_SHOWN or entry < self.slowest[-1]:
            self.slowest = sorted((*self.slowest, entry))[:SLOWEST_SHOWN]

    def known(self, rows: int) -> Mapping[str, bool]:
        """Of which field a total can be told: some row knows it, or there is no row."""
        return {name: not rows or count < rows for name, count in self.unknown.items()}


def _metrics(columns: Sequence[Column], roster: Roster, slices: Sequence[str], seed: str) -> Iterator[MetricSummary]:
    """Each metric over all cases, then over each slice that has cases for it."""
    places = {part: roster.places(part) for part in (ALL, *slices)}
    for column in columns:
        for part, inside in places.items():
            found = _summary(column, part, inside, seed)
            if part == ALL or found.expected:
                yield found


def _summary(column: Column, part: str, inside: Sequence[int], seed: str) -> MetricSummary:
    figures, missing = column.figures(inside), column.missing(inside)
    return MetricSummary(
        metric=column.info.name,
        slice=part,
        direction=column.info.direction,
        figure=figures.figure,
        interval=figures.interval(LEVEL, seed),
        measured=len(figures.values),
        expected=len(figures.values) + sum(count for _, count in missing),
        not_applicable=column.not_applicable(inside),
        missing=missing,
        judge=", ".join(column.judges(part)),
        worst=column.worst(part),
        missing_cases=column.missing_cases(inside) if missing else {},
        is_binary=column.info.kind is Kind.BINARY,
    )
