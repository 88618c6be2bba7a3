"""Several evaluations of one thing by one yardstick, read as one.

Rules, in order:

1. Rows of equal case, repeat and request digest are one measurement: the first recorded one counts. Otherwise a run
   could be repeated until it came out well. Only cost, tokens and time that nobody said of it are taken from the
   first later one that says them.
2. The later ones are kept aside for one purpose: a `must_pass` case fails if it failed anywhere. So are rows of the
   same behaviour on the same cases under another key: no mean is taken over them.
3. Repeats are averaged within a case, so a case that ran often weighs no more than another.
4. `recompute` derives what a record may claim from the bytes alone, with the standard library only, so that a
   verifier needs nothing else. Its means are those of the scores in the rows and of the rows' own fields: which
   metrics this version offers has no say in what an old record claimed.
5. Where rows come as sheets, all of this is done on columns: no row is made that nobody looks at.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import lt
from typing import Any

from llmops.documents import canonical
from llmops.documents.bars import reaches
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import COST, LATENCY, TOKENS, EvidenceRow, RowsElsewhere, Score, measured, missing
from llmops.evaluation.metrics import CASE_RULES
from llmops.evaluation.sheets import reading
from llmops.evaluation.sheets.by_case import ByCase
from llmops.evaluation.sheets.marks import MEASURED, Marks
from llmops.evaluation.sheets.sheet import NANO, NO_COST, NO_TIME, NO_TOKENS, NOT_STREAMED, Sheet, joined

__all__ = ["NANO", "NO_COST", "NO_TIME", "NO_TOKENS", "Pool", "pool", "recompute"]

FROM_FIELDS = (COST, LATENCY, TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """`rows` count; `repeated` are kept aside: later runs of the same measurements, and runs under another key. Rows
    are in the order of their identity."""

    rows: Sequence[EvidenceRow]
    repeated: Sequence[EvidenceRow] = ()
    _kept: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def digest(self) -> str:
        """Names the content: what a seeded calculation takes its seed from."""
        if "digest" not in self._kept:
            lines = sorted(line for rows in (self.rows, self.repeated) for line in Sheet.of(rows).lines())
            self._kept["digest"] = canonical.sha256("\n".join([*lines, ""]).encode())
        return str(self._kept["digest"])

    def by_case(self) -> ByCase:
        """The counting rows of each case, in order."""
        if "by_case" not in self._kept:
            self._kept["by_case"] = ByCase.of(self.rows)
        found: ByCase = self._kept["by_case"]
        return found

    @property
    def cases(self) -> frozenset[str]:
        """The cases that a counting row is about."""
        return frozenset(self.by_case())

    def measured(self, metrics: Iterable[str]) -> frozenset[str]:
        """The cases that some counting row has a score of one of these metrics for."""
        known = self.by_case()
        columns = [known.marks(metric).codes for metric in metrics]
        found = (zip(known.sheet.cases, codes, strict=True) for codes in columns)
        return frozenset(case for pairs in found for case, code in pairs if code == MEASURED)

    def rows_of(self, cases: Collection[str]) -> tuple[EvidenceRow, ...]:
        """The rows about these cases, those that count first."""
        if not cases:
            return ()
        sheets = (Sheet.of(self.rows), Sheet.of(self.repeated))
        return tuple(sheet[at] for sheet in sheets for at, case in enumerate(sheet.cases) if case in cases)


def pool(evaluations: Iterable[Sequence[EvidenceRow]], aside: Iterable[EvidenceRow] = ()) -> Pool:
    """The evaluations as one, in the order in which they were recorded; `aside` are rows of other keys."""
    found = list(evaluations)
    if len(found) == 1 and isinstance(found[0], RowsElsewhere):
        return Pool(rows=found[0], repeated=tuple(aside))
    kept = aside if isinstance(aside, Sheet) else Sheet.of(tuple(aside))
    sheets = [rows for rows in found if isinstance(rows, Sheet)]
    together = _of_sheet(joined(sheets), kept) if sheets and len(sheets) == len(found) else None
    return together or _of_rows([row for rows in found for row in rows], kept)


def _of_sheet(rows: Sheet, aside: Sheet) -> Pool | None:
    """The pool of what was recorded one after the other; None where a later row has to complete the first one."""
    identities = rows.identities()
    if all(map(lt, identities, identities[1:])):
        return Pool(rows=rows, repeated=aside)
    first: dict[tuple[str, int, str], int] = {}
    later = [at for at, identity in enumerate(identities) if first.setdefault(identity, at) != at]
    if any(rows.unknown[first[identities[at]]] for at in later):
        return None
    repeated = joined([aside, rows.take(later)]) if later else aside
    return Pool(rows=rows.take([first[identity] for identity in sorted(first)]), repeated=repeated)


def _of_rows(found: Iterable[EvidenceRow], aside: Iterable[EvidenceRow]) -> Pool:
    counting: dict[tuple[str, int, str], EvidenceRow] = {}
    repeated = list(aside)
    for row in found:
        first = counting.setdefault(row.identity, row)
        if first is not row:
            repeated.append(row)
            counting[row.identity] = _completed(first, row)
    rows = tuple(sorted(counting.values(), key=lambda row: row.identity))
    return Pool(rows=rows, repeated=tuple(repeated))


def _completed(first: EvidenceRow, later: EvidenceRow) -> EvidenceRow:
    """The first row, with what nobody said of it and the later one says."""
    told = [name for name in first.unknown if name not in later.unknown]
    if not told:
        return first
    return replace(
        first,
        nano_usd=later.nano_usd if COST in told else first.nano_usd,
        tokens=later.tokens if TOKENS in told else first.tokens,
        latency_ms=later.latency_ms if LATENCY in told else first.latency_ms,
        unknown=tuple(name for name in first.unknown if name not in told),
    )


def score_of(row: EvidenceRow, metric: str) -> Score | None:
    """What `metric` says about the row, or None where it was not asked. Spend and speed come from the row's fields."""
    match metric:
        case "latency_ms" | "latency_p50_ms" | "latency_p95_ms":
            return missing(NO_TIME) if LATENCY in row.unknown else measured(row.latency_ms)
        case "ttft_ms":
            return missing(NOT_STREAMED) if row.ttft_ms is None else measured(row.ttft_ms)
        case "tokens":
            return missing(NO_TOKENS) if TOKENS in row.unknown else measured(row.tokens.total)
        case "cost_usd":
            return missing(NO_COST) if COST in row.unknown else measured(row.nano_usd / NANO)
    return row.scores.get(metric)


def case_mean(rows: Sequence[EvidenceRow], metric: str, pass_at: float | None = None) -> float | None:
    """The mean over a case's repeats, or None where none of them was measured. With `pass_at`, the share of the repeats
    that score at least that."""
    scores = [score_of(row, metric) for row in rows]
    values = [score.value for score in scores if score is not None and score.value is not None]
    if pass_at is not None:
        values = [float(reaches(value, pass_at)) for value in values]
    return math.fsum(values) / len(values) if values else None


def must_pass_failures(
    rows: Iterable[EvidenceRow], metrics: Sequence[str] = CASE_RULES
) -> tuple[tuple[EvidenceRow, str], ...]:
    """Rows of `must_pass` cases that fail, each with the metric that says so.

    What decides are the case's own rules (`contains`, `excludes`, `safety`): they speak about one answer. A bar on
    a mean says nothing about a single case, so scores between 0 and 1 do not decide here.
    """
    return tuple(
        (row, metric)
        for row in rows
        if row.must_pass
        for metric in metrics
        if (score := row.scores.get(metric)) is not None and score.value is not None and score.value < 1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """What shards of evidence say, derived from their bytes. Means are shortest decimal strings; `judged` are the
    metrics that a judge scored somewhere."""

    rows: int
    cases: int
    means: Mapping[str, str]
    measured: Mapping[str, int]
    missing: Mapping[str, int]
    must_pass_failed: tuple[str, ...]
    judged: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """The form that an evaluation record carries: no floats."""
        return {
            "rows": self.rows,
            "cases": self.cases,
            "means": dict(self.means),
            "measured": dict(self.measured),
            "missing": dict(self.missing),
            "must_pass_failed": list(self.must_pass_failed),
        }


def recompute(shards: Iterable[bytes]) -> Recomputed:
    """What these shards say together. Raises: CannotAsk EVIDENCE_INVALID."""
    together = pool([reading.read(data) for data in shards])
    try:
        return _recomputed(together)
    except OverflowError as error:
        hint = "no scorer gives such numbers: run `llmops eval --record` again"
        raise CannotAsk("EVIDENCE_INVALID", "the scores are too large to be averaged", hint=hint) from error


def _recomputed(together: Pool) -> Recomputed:
    cases = together.by_case()
    scored = cases.sheet.scores
    known = {name: _means(cases, cases.marks(name)) for name in sorted({*FROM_FIELDS, *scored})}
    return Recomputed(
        rows=len(together.rows),
        cases=len(cases),
        means={name: canonical.decimal(math.fsum(values) / len(values)) for name, values in known.items() if values},
        measured={name: len(values) for name, values in known.items()},
        missing={name: len(cases) - len(values) for name, values in known.items() if len(values) < len(cases)},
        must_pass_failed=tuple(sorted({*_failed(cases.sheet), *_failed(Sheet.of(together.repeated))})),
        judged=frozenset(name for name, marks in scored.items() if any(marks.judges)),
    )


def _means(cases: ByCase, marks: Marks) -> Sequence[float]:
    """The mean over the repeats of every case that was measured."""
    values, codes = marks.values, marks.codes
    if codes.count(MEASURED) == len(codes) == len(cases):
        return values
    if len(codes) == len(cases):
        return [value for value, code in zip(values, codes, strict=True) if code == MEASURED]
    kept = ([values[at] for at in places if codes[at] == MEASURED] for places in cases.places.values())
    return [math.fsum(found) / len(found) for found in kept if found]


def _failed(sheet: Sheet) -> Iterator[str]:
    """The cases of `must_pass` rows that fail one of the case's own rules."""
    if not any(sheet.must_pass):
        return
    for marks in (sheet.scores[metric] for metric in CASE_RULES if metric in sheet.scores):
        found = zip(sheet.cases, sheet.must_pass, marks.codes, marks.values, strict=True)
        yield from (case for case, must_pass, code, value in found if must_pass and code == MEASURED and value < 1)
