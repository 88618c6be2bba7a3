"""eval on a page: what is unknown, cut off, missing or failed is named, within 80 columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmops.evaluation import pooling, summary
from llmops.evaluation.evidence import EvidenceRow, Score, measured, missing
from llmops.evaluation.summary import CutOff
from llmops.render.page import Page
from llmops.render.text import evaluate as text
from llmops.usecases.results.evaluating import Evaluated
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


def test_answers_that_were_cut_off_are_named() -> None:
    assert "cut off" not in shown()
    page = shown(lambda at, row: replace(row, finish_reason="length" if at else ""))
    assert "2 answers were cut off by max_tokens: cord, switch" in page
    assert "1 answer was cut off" in shown(lambda at, row: replace(row, finish_reason="" if at else "length"))


def scored(name: str, score: Score) -> Callable[[int, EvidenceRow], EvidenceRow]:
    """Changes one score of all rows but the first."""
    return lambda at, row: replace(row, scores={**row.scores, name: score}) if at else row


def test_missing_scores_name_their_cases() -> None:
    page = shown(scored("groundedness", missing("the judge was silent")))
    assert "groundedness is missing on 2 cases (cord, switch): the judge was silent" in page


def test_many_cases_are_not_all_named() -> None:
    result = an_evaluation(a_world().apply_policy().lock().subject(), GOOD)
    (first, *others) = result.summary.metrics
    lacking = replace(
        first, missing=(("silent", 8),), missing_cases={"silent": ("c1", "c2", "c3", "c4", "c5")}, is_binary=True
    )
    cut_off = CutOff(answers=9, cases=7, named=("c1", "c2"))
    page = page_of(replace(result, summary=replace(result.summary, metrics=(lacking, *others), cut_off=cut_off)))
    assert "is missing on 8 cases (c1, c2, c3, c4, c5 and 3 more): silent" in page
    assert "9 answers were cut off by max_tokens: c1, c2 and 5 more" in page


def test_what_fails_a_rule_is_named_with_the_rule_that_hit() -> None:
    assert "fails on" not in shown()
    page = shown(scored("safety", measured(0, "secret: AKIA****\n" + "and more " * 40)))
    assert "safety fails on cord: secret: AKIA**** and more" in page
    assert "safety fails on switch: secret" in page
    assert "fails on" not in shown(scored("groundedness", measured(0.1, "an invention")))
