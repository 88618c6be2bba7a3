"""Several judgements of one answer are one score."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.evaluation import evidence
from llmops.evaluation.evidence import Absence, Score, Spent, measured, missing, not_applicable
from llmops.evaluation.judging import judgements
from tests.evaluation.builders import a_row


def judged(value: float, reason: str = "") -> Score:
    return replace(measured(value, reason, "strict"), spent=Spent(calls=2, nano_usd=7, latency_ms=int(100 * value)))


def test_one_failed_judgement_leaves_the_score_missing_and_says_which() -> None:
    failed = replace(missing("not JSON", "strict"), spent=Spent(calls=1, nano_usd=3))
    found = judgements.together([judged(1.0), failed, judged(0.5)])
    assert (found.value, found.absence, found.reason) == (None, Absence.UNMEASURED, "judgement 2 of 3: not JSON")
    assert found.judged == ()
    assert found.spent == Spent(calls=5, nano_usd=17, latency_ms=100)


def test_judgements_that_differ_in_whether_it_applies_are_missing() -> None:
    open_one = replace(not_applicable("claims nothing", "strict"), spent=Spent(calls=1))
    found = judgements.together([judged(1.0), open_one])
    assert (found.value, found.absence) == (None, Absence.UNMEASURED)
    assert "claims nothing" in found.reason
    assert judgements.together([open_one, open_one]).absence is Absence.NOT_APPLICABLE


def test_the_score_is_the_mean_with_the_worst_ones_reason_and_all_that_was_spent() -> None:
    found = judgements.together([judged(1.0, "fine"), judged(0.4, "one claim is not"), judged(1.0, "good")])
    assert found.value == pytest.approx(0.8)
    assert (found.judged, found.reason) == ((1.0, 0.4, 1.0), "one claim is not")
    assert found.spent == Spent(calls=6, nano_usd=21, latency_ms=100)


def test_what_no_model_was_asked_for_is_not_repeated() -> None:
    rule = measured(0.0, "a card number")
    assert judgements.together([rule, rule]) is rule


def test_evidence_keeps_every_judgement() -> None:
    row = a_row(scores={"groundedness": judgements.together([judged(0.1), judged(0.7), judged(0.7)])})
    assert evidence.parse_row(evidence.dump(row)) == row
