"""eval on a page: what is unknown, cut off, missing or failed is named, within 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmops.evaluation import pooling, summary
from llmops.evaluation.evidence import EvidenceRow
from llmops.render.page import Page
from llmops.render.text import evaluate as text
from llmops.usecases.results import Evaluated
from tests.worlds import GOOD, a_world, an_evaluation


def shown(change: Callable[[int, EvidenceRow], EvidenceRow] = lambda _, row: row, **more: Any) -> str:
    """The page of an evaluation whose rows were changed, by their place."""
    subject = a_world().apply_policy().lock().subject()
    result = an_evaluation(subject, GOOD)
    rows: Sequence[EvidenceRow] = tuple(change(at, row) for at, row in enumerate(result.rows))
    found = summary.summarise(pooling.pool([rows]), subject.evalset)
    return page_of(replace(result, rows=rows, summary=found, **more))


def page_of(result: Evaluated) -> str:
    page = Page()
    text.evaluated(page, result)
    assert max(map(len, page.lines)) <= page.width
    return " ".join(str(page).split())


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        ({"provider": "vllm", "model": "fine-tune-7"}, "cost unknown (no price for fine-tune-7: add `prices`);"),
        ({"target": "answers"}, "cost unknown;"),
        ({"target": "support"}, "cost unknown (support did not say `cost_usd`);"),
    ],
)
def test_what_nobody_knows_is_called_unknown(generator: dict[str, str], said: str) -> None:
    page = shown(lambda _, row: replace(row, unknown=("cost_usd", "tokens", "latency_ms")), generator=generator)
    assert f"answers: tokens unknown; {said} latency unknown" in page


def test_totals_that_lack_some_answers_say_so() -> None:
    page = shown(lambda at, row: replace(row, unknown=() if at else ("cost_usd",)))
    assert "$0.0000 (unknown of 1 of 3 answers)" in page


def test_the_time_to_the_first_token_is_shown_where_replies_were_streamed() -> None:
    assert "first token" not in shown()
    page = shown(lambda at, row: replace(row, ttft_ms=10 + at))
    assert "latency p50 120 ms, p95 120 ms; first token p50 11 ms, p95 12 ms" in page
