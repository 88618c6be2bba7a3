"""Measuring on columns against measuring row by row, as it is said in words."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.bars import reaches
from llmops.documents.evalsets import Case
from llmops.evaluation.evidence import Absence, EvidenceRow, Score, measured, missing, not_applicable
from llmops.evaluation.measurements import WORST_SHOWN, Figures, Measurement, clustered, measure
from llmops.evaluation.metrics import EMBEDDED, Direction, Kind, MetricInfo, applies
from llmops.evaluation.pooling import Pool, pool, score_of
from llmops.evaluation.sheets.asked import NOT_RUN
from llmops.evaluation.sheets.reading import read_anew
from llmops.evaluation.statistics.quantiles import clustered_percentile_interval, percentile_interval
from llmops.evaluation.statistics.samples import LARGE, Sample
from tests.evaluation.builders import a_case, a_row
from tests.evaluation.sheets.strategies import rows_of, shard_of

MRR, SAFETY = EMBEDDED.metric("mrr"), EMBEDDED.metric("safety")
METRICS = [EMBEDDED.metric(name) for name in ("mrr", "safety", "contains", "groundedness", "latency_ms", "ttft_ms")]
METRICS += [EMBEDDED.metric(name) for name in ("tokens", "cost_usd", "latency_p95_ms")]
METRICS.append(MetricInfo(name="mrr", method="the same, where less is better", direction=Direction.LOWER))
NAMES = ("a", "b", "c", "d")
scores = st.one_of(
    st.builds(
        measured, st.sampled_from([0.0, 0.5, 1.0, 0.3]), st.sampled_from(["", "why"]), st.sampled_from(["", "j"])
    ),
    st.builds(measured, st.sampled_from([0.0, 1.0, 1.5])),
    st.builds(missing, st.sampled_from(["", "lost"])),
    st.builds(not_applicable, st.just("nothing to say"), st.sampled_from(["", "j"])),
    st.just(Score(value=0.75, judge="j", judged=(0.5, 1.0))),
)
cases = st.lists(st.sampled_from(NAMES), unique=True).flatmap(
    lambda names: st.tuples(
        *(
            st.builds(
                Case,
                id=st.just(name),
                question=st.just("?"),
                relevant=st.sampled_from([(), ("p",)]),
                contains=st.sampled_from([(), ("x",)]),
                group=st.sampled_from(["", "g", "a"]),
            )
            for name in names
        )
    )
)
few_rows = st.lists(rows_of(st.sampled_from((*NAMES, "stranger")), scores), max_size=8)
one_each = st.tuples(*(rows_of(st.just(name), scores) for name in NAMES)).map(list)


def slowly(
    info: MetricInfo, cases: Sequence[Case], rows: Mapping[str, Sequence[EvidenceRow]], asked: Mapping[str, Any]
) -> dict[str, Any]:
    """The figures of one metric, case by case and row by row."""
    labelled = [case for case in cases if applies(info, case)]
    values: dict[str, float] = {}
    absent: dict[str, str] = {}
    for case in labelled:
        found = rows.get(case.id, ())
        why = _why(info, found, asked["repeats"], asked["judge_repeats"])
        told = [score.value for row in found if (score := score_of(row, info.name)) and score.value is not None]
        line = asked["pass_at"]
        numbers = told if line is None else [float(reaches(value, line)) for value in told]
        if why:
            absent[case.id] = why
        elif numbers:
            values[case.id] = math.fsum(numbers) / len(numbers)
    scored = [(row, score) for name in values for row in rows[name] if (score := score_of(row, info.name))]
    groups = {case.id: case.group for case in labelled}
    left_out = tuple(name for name in absent if not rows.get(name))
    worst = {} if info.worst is None else dict.fromkeys(left_out, info.worst)
    return {
        "values": values,
        "missing": absent,
        "groups": groups,
        "left_out": left_out,
        "not_applicable": len(labelled) - len(values) - len(absent),
        "expected": len(values) + len(absent),
        "judges": tuple(sorted({score.judge for _, score in scored if score.judge})),
        "worst": _worst(info, scored),
        "clusters": clustered({**values, **worst}, groups),
    }


def _why(info: MetricInfo, rows: Sequence[EvidenceRow], repeats: int, judge_repeats: int) -> str:
    if not rows:
        return NOT_RUN
    by_repeat = {row.repeat: score_of(row, info.name) for row in rows}
    for score in by_repeat.values():
        if score is None:
            return "the metric was not asked for when the case was run"
        if score.absence is Absence.UNMEASURED:
            return score.reason
        if score.value is not None and not info.is_operational and not 0 <= score.value <= 1:
            return f"its score is {score.value:.9g}, scores of {info.name} lie from 0 to 1"
        if score.judge and len(score.judged or (1,)) < judge_repeats:
            return f"judged {len(score.judged) or 1} of {judge_repeats} times"
    return f"run {len(by_repeat)} of {repeats} times" if len(by_repeat) < repeats else ""


def _worst(info: MetricInfo, scored: Sequence[tuple[EvidenceRow, Score]]) -> list[tuple[str, float, str]]:
    sign = 1 if info.direction is Direction.HIGHER else -1
    known = [(row, score.value, score.reason) for row, score in scored if score.value is not None]
    found: dict[str, tuple[str, float, str]] = {}
    for row, value, reason in sorted(known, key=lambda item: (sign * item[1], item[0].identity)):
        found.setdefault(row.case, (row.case, value, reason))
    return list(found.values())[:WORST_SHOWN]


def told(seen: Measurement) -> dict[str, Any]:
    found = {name: getattr(seen, name) for name in ("values", "missing", "groups", "left_out", "not_applicable")}
    return {
        **found,
        "expected": seen.expected,
        "judges": seen.judges,
        "worst": [(item.case, item.value, item.reason) for item in seen.worst],
        "clusters": seen.clusters,
    }


def by_hand(found: Pool) -> dict[str, list[EvidenceRow]]:
    rows: dict[str, list[EvidenceRow]] = {}
    for row in found.rows:
        rows.setdefault(row.case, []).append(row)
    return rows


@given(
    st.sampled_from(METRICS),
    cases,
    few_rows | one_each,
    st.fixed_dictionaries(
        {
            "repeats": st.sampled_from([1, 1, 2]),
            "pass_at": st.sampled_from([None, None, 0.5]),
            "judge_repeats": st.sampled_from([1, 1, 2]),
        }
    ),
)
@settings(max_examples=200)
def test_columns_say_what_rows_say(
    info: MetricInfo, asked_about: tuple[Case, ...], rows: list[EvidenceRow], asked: dict[str, Any]
):
    pooled = pool([read_anew(shard_of(rows))])
    expected = slowly(info, asked_about, by_hand(pooled), asked)
    seen = measure(info, asked_about, pooled.by_case(), **asked)
    assert told(seen) == expected
    assert list(seen.values) == list(expected["values"])
    assert list(seen.missing) == list(expected["missing"])
    assert told(measure(info, asked_about, by_hand(pooled), **asked)) == expected
    figure = None
    if expected["values"] and info.percentile is None:
        numbers = [value for cluster in expected["clusters"] for value in cluster]
        figure = math.fsum(numbers) / len(numbers)
    if info.percentile is None:
        assert seen.figure == figure
    assert seen.info.kind is (info.kind if asked["pass_at"] is None else Kind.BINARY)


@pytest.mark.parametrize("value", [1.5, -0.1])
def test_a_score_out_of_range_is_no_figure(value: float):
    found = pool([read_anew(shard_of([a_row("a", scores={"safety": value}), a_row("b", scores={"safety": 1.0})]))])
    seen = measure(SAFETY, (a_case("a"), a_case("b")), found.by_case())
    assert seen.values == {"b": 1.0}
    assert "lie from 0 to 1" in seen.missing["a"]


def test_a_case_twice_in_the_evidence_counts_once():
    again = [a_row("a", scores={"safety": 1.0}), a_row("a", scores={"safety": 0.0})]
    found = pool([read_anew(shard_of(again))])
    assert measure(SAFETY, (a_case("a"),), found.by_case()).values == {"a": 1.0}
    assert [row.scores["safety"].value for row in found.repeated] == [0.0]


def test_many_cases_have_the_interval_of_the_same_cases_in_clusters():
    names = [f"c{at:06}" for at in range(LARGE + 3)]
    rows = [a_row(name, scores={"safety": (at % 7) / 7}) for at, name in enumerate(names)]
    found = pool([read_anew(shard_of(rows))])
    asked_about = tuple(a_case(name) for name in names)
    seen = measure(SAFETY, asked_about, found.by_case())
    grouped = measure(SAFETY, tuple(a_case(name, group=name) for name in names), found.by_case())
    assert seen.figure == grouped.figure
    one, other = seen.interval(0.95, "0" * 16), grouped.interval(0.95, "0" * 16)
    assert one
    assert other
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-12)
    assert [item.case for item in seen.worst] == names[0:15:7]


def test_cases_of_one_group_do_not_make_a_percentile_surer():
    info = EMBEDDED.metric("latency_p95_ms")
    times = [float(100 + at) for at in range(150)]
    values = [time for time in times for _ in range(2)]
    pairs = [[time, time] for time in times]
    sample = Sample(values=np.array(values), clusters=np.arange(len(values)) // 2)
    plain = Figures(info=info, values=values, clusters=Sample(values=np.array(values))).interval(0.95, "")
    assert plain == percentile_interval(values, 0.95, 0.95)
    for clusters in (pairs, sample):
        found = Figures(info=info, values=values, clusters=clusters).interval(0.95, "")
        assert found == clustered_percentile_interval(pairs, 0.95, 0.95)
        assert found.low < plain.low
        assert found.high > plain.high


def test_a_percentile_over_too_few_groups_has_no_interval():
    info = EMBEDDED.metric("latency_p95_ms")
    groups = [[float(at)] * 10 for at in range(20)]
    values = [value for group in groups for value in group]
    assert Figures(info=info, values=values, clusters=groups).interval(0.95, "") is None
