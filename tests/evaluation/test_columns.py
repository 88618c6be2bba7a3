"""One pass says the same as looking at every metric on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.evidence import EvidenceRow, RowsElsewhere, Tokens, dump, load, measured, missing, not_applicable
from llmops.evaluation.measurements import measure
from llmops.evaluation.metrics import EMBEDDED, Kind
from llmops.evaluation.pooling import Pool, pool
from llmops.evaluation.statistics.quantiles import percentile
from llmops.evaluation.summary import LEVEL, MetricSummary, Summary, summarise

IDS = "abcdefgh"
shares = st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.9, 1.0])
scores = st.one_of(
    st.builds(measured, shares, st.sampled_from(["", "a", "b"]), st.sampled_from(["", "j", "k"])),
    st.builds(missing, st.sampled_from(["silent", "broken", "the case was not run"])),
    st.just(not_applicable("no")),
)
cases = st.builds(
    Case,
    id=st.sampled_from(IDS),
    question=st.just("q"),
    ground_truth=st.sampled_from(["", "t"]),
    contains=st.sampled_from([(), ("x",)]),
    group=st.sampled_from(["", "", "g", "h"]),
    tags=st.sampled_from([(), ("s",), ("s", "t"), ("t",)]),
)
rows = st.builds(
    EvidenceRow,
    case=st.sampled_from(IDS + "z"),
    repeat=st.integers(0, 1),
    input_digest=st.just("i"),
    request_digest=st.just("r"),
    answer=st.just("a"),
    scores=st.dictionaries(
        st.sampled_from(["groundedness", "contains", "safety", "exact_match", "latency_ms", "cost_usd"]), scores
    ),
    latency_ms=st.integers(0, 9),
    nano_usd=st.integers(0, 5),
    tokens=st.builds(Tokens, input=st.integers(0, 3), output=st.integers(0, 3)),
)
evalsets = st.lists(cases, max_size=8, unique_by=lambda case: case.id).map(
    lambda found: Evalset(name="e", version="1.0.0", cases=tuple(found), slices=("s", "t"))
)


class Elsewhere(RowsElsewhere):
    """Rows that are held as lines."""

    def __init__(self, held: tuple[EvidenceRow, ...]) -> None:
        self._lines = [dump(row) for row in held]
        self.metrics = frozenset(name for row in held for name in row.scores)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: Any) -> Any:
        return load(self._lines[index])

    def lines(self) -> Iterator[bytes]:
        return iter(self._lines)


def metric_by_metric(found: Pool, evalset: Evalset) -> Iterator[MetricSummary]:
    asked, by_case = {name for row in found.rows for name in row.scores}, found.by_case()
    for info in (info for name, info in EMBEDDED.infos.items() if name in asked):
        for part in ("", *evalset.slices):
            inside = [case for case in evalset.cases if not part or part in case.tags]
            seen = measure(info, inside, by_case)
            if part and not seen.expected:
                continue
            yield MetricSummary(
                metric=info.name,
                slice=part,
                direction=info.direction,
                figure=seen.figure,
                interval=seen.interval(LEVEL, found.digest),
                measured=len(seen.values),
                expected=seen.expected,
                not_applicable=seen.not_applicable,
                missing=tuple(Counter(seen.missing.values()).most_common()),
                judge=", ".join(seen.judges),
                worst=seen.worst,
                missing_cases={
                    reason: tuple(sorted(case for case, why in seen.missing.items() if why == reason))[:5]
                    for reason in set(seen.missing.values())
                },
                is_binary=info.kind is Kind.BINARY,
            )


def row_by_row(found: Pool, evalset: Evalset) -> Summary:
    times = [row.latency_ms for row in found.rows] or [0]
    slowest = sorted(found.rows, key=lambda row: (-row.latency_ms, row.identity))[:3]
    return Summary(
        cases=len({row.case for row in found.rows} & {case.id for case in evalset.cases}),
        expected_cases=len(evalset.cases),
        rows=len(found.rows),
        metrics=tuple(metric_by_metric(found, evalset)),
        input_tokens=sum(row.tokens.input for row in found.rows),
        output_tokens=sum(row.tokens.output for row in found.rows),
        nano_usd=sum(row.nano_usd for row in found.rows),
        latency_p50_ms=int(percentile(times, 0.5)),
        latency_p95_ms=int(percentile(times, 0.95)),
        slowest=tuple((row.case, row.latency_ms) for row in slowest),
    )


@settings(max_examples=300, deadline=None)
@given(evalsets, st.lists(rows, max_size=14))
def test_one_pass_says_what_each_metric_says_on_its_own(evalset: Evalset, found: list[EvidenceRow]) -> None:
    together = pool([found])
    assert summarise(together, evalset) == row_by_row(together, evalset)


@settings(max_examples=100, deadline=None)
@given(evalsets, st.lists(rows, max_size=10))
def test_rows_that_are_not_held_say_the_same(evalset: Evalset, found: list[EvidenceRow]) -> None:
    held = pool([found]).rows
    elsewhere = pool([Elsewhere(tuple(held))])
    assert isinstance(elsewhere.rows, Elsewhere)
    assert summarise(elsewhere, evalset) == summarise(pool([held]), evalset)
