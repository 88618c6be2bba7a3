"""Pools of sheets, and what is recomputed from shards, against pools of rows."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.errors import CannotAsk
from llmops.evaluation import evidence
from llmops.evaluation.evidence import EvidenceRow, measured
from llmops.evaluation.pooling import FROM_FIELDS, Pool, case_mean, must_pass_failures, pool, recompute, score_of
from llmops.evaluation.sheets.reading import read_anew
from llmops.evaluation.sheets.sheet import Sheet, joined
from tests.evaluation.builders import a_row
from tests.evaluation.sheets.strategies import rows_of, scores, shard_of

likely = st.one_of(st.builds(measured, st.sampled_from([0.0, 1.0, 0.1, 0.7])), scores)
runs = st.lists(st.lists(rows_of(st.sampled_from(["a", "b", "c"]), likely), max_size=4), max_size=3)
aside = st.lists(rows_of(st.sampled_from(["a", "z"]), likely), max_size=2)


def recomputed_slowly(found: Pool) -> dict[str, Any]:
    cases: dict[str, list[EvidenceRow]] = {}
    for row in found.rows:
        cases.setdefault(row.case, []).append(row)
    names = {*FROM_FIELDS, *(metric for row in found.rows for metric in row.scores)}
    means = {name: [case_mean(rows, name) for rows in cases.values()] for name in names}
    known = {name: [value for value in values if value is not None] for name, values in means.items()}
    failed = must_pass_failures((*found.rows, *found.repeated))
    return {
        "rows": len(found.rows),
        "cases": len(cases),
        "means": {name: canonical.decimal(math.fsum(values) / len(values)) for name, values in known.items() if values},
        "measured": {name: len(values) for name, values in known.items()},
        "missing": {name: len(cases) - len(values) for name, values in known.items() if len(values) < len(cases)},
        "must_pass_failed": sorted({row.case for row, _ in failed}),
    }


def digest_slowly(found: Pool) -> str:
    return canonical.sha256(b"".join(sorted(map(evidence.dump, (*found.rows, *found.repeated)))))


def _value(row: EvidenceRow, metric: str) -> float | None:
    score = score_of(row, metric)
    return score.value if score else None


@given(runs, aside)
def test_sheets_are_pooled_as_rows_are(evaluations: Sequence[list[EvidenceRow]], others: list[EvidenceRow]):
    by_row = pool(evaluations, aside=others)
    sheets = [read_anew(shard_of(rows)) for rows in evaluations]
    by_sheet = pool(sheets, aside=joined([read_anew(shard_of(others))]))
    assert tuple(by_sheet.rows) == tuple(by_row.rows)
    assert tuple(by_sheet.repeated) == tuple(by_row.repeated)
    assert by_sheet.digest == by_row.digest == digest_slowly(by_row)
    assert dict(by_sheet.by_case()) == dict(by_row.by_case())
    assert by_sheet.cases == {row.case for row in by_row.rows}
    measured_rows = [row for row in by_row.rows for name in ("mrr", "tokens") if _value(row, name) is not None]
    assert by_sheet.measured(["mrr", "tokens"]) == {row.case for row in measured_rows}
    everything = (*by_row.rows, *by_row.repeated)
    assert by_sheet.rows_of({"a", "c"}) == tuple(row for row in everything if row.case in {"a", "c"})


@given(runs)
def test_what_is_recomputed_is_what_rows_say(evaluations: Sequence[list[EvidenceRow]]):
    expected: dict[str, Any] | None
    try:
        expected = recomputed_slowly(pool(evaluations))
    except OverflowError:
        expected = None
    shards = [shard_of(rows) for rows in evaluations]
    if expected is None:
        with pytest.raises(CannotAsk, match="too large"):
            recompute(shards)
        return
    found = recompute(shards)
    assert found.as_json() == expected
    judged = {name for row in pool(evaluations).rows for name, score in row.scores.items() if score.judge}
    assert found.judged == judged


def test_a_pool_with_other_rows_has_another_digest():
    sheet = read_anew(shard_of([a_row("a", scores={"mrr": 0.5})]))
    first = pool([sheet])
    before = first.digest
    assert Pool(rows=first.rows, repeated=(a_row("b"),)).digest != before
    assert first.digest == before


def test_joined_sheets_keep_their_own_reasons():
    one = read_anew(shard_of([a_row("a", scores={"mrr": evidence.missing("lost")})]))
    other = Sheet.of((a_row("b", scores={"mrr": evidence.missing("late")}), a_row("c")))
    marks = joined([one, other]).marks("mrr")
    assert [marks.said.get(code) for code in marks.codes] == ["lost", "late", None]
