"""Verdicts held against promptfoo's own: each row was given by promptfoo 0.121.20 for that answer and those asserts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from llmops.evaluation.plugins.promptfoo.asserts import Found, Verdict
from llmops.evaluation.plugins.promptfoo.combining import combine
from llmops.evaluation.plugins.promptfoo.measuring import Matched, measure
from tests.evaluation.plugins.builders import an_observation, imported

ROWS = [json.loads(line) for line in (Path(__file__).parent / "verdicts.jsonl").read_text().splitlines()]


def _seen(row: dict[str, Any]) -> Any:
    return an_observation(
        row["answer"],
        case_variables=row.get("vars", {}),
        latency_ms=row.get("latency"),
        nano_usd=round(row["cost"] * 10**9) if "cost" in row else None,
        finish_reason=row.get("finish", ""),
    )


def _found(one: Any, seen: Any, own: Any) -> Found:
    steps = measure(one, seen, own)
    try:
        (request,) = next(steps)
        steps.send((Matched(found=re.search(request.pattern, request.text, re.ASCII) is not None),))
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a rule asked twice")


def test_the_table_holds_every_kind_of_outcome() -> None:
    scores = [row["score"] for row in ROWS]
    assert len(ROWS) > 250
    assert min(scores.count(0), scores.count(1), sum(0 < score < 1 for score in scores)) > 40


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['asserts'][0]['type']}-{row['answer'][:12]!r}")
def test_a_verdict_is_that_of_promptfoo(row: dict[str, Any]) -> None:
    made, seen = imported(row["asserts"]), _seen(row)
    assert made.left == ()

    found = [_found(one, seen, made.variables) for one in made.each()]
    score = combine(made, found)

    assert score.value == pytest.approx(row["score"], abs=1e-9)
    if len(row["asserts"]) == 1 and isinstance(found[0], Verdict) and len(found) == 1:
        assert found[0].passed is row["passed"]
