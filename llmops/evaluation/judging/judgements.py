"""Several judgements of one answer: each asks anew, and together they are one score.

Rules, in order:

1. A request of a later judgement carries a number of its own, so that neither a cache nor a request under way answers
   for it. Those of the first one are what they would be without the others: what is kept stays of use.
2. The score is the mean of all judgements, and keeps them. One that failed leaves the score missing with its reason:
   a mean over those that happened to succeed would be another figure. What no model was asked for is not repeated.
3. What it took is the sum; the time is that of the slowest, as they are asked at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace

from llmops.evaluation.evidence import Absence, Score, Spent, missing

_APART = 1_000  # requests that one judgement repeats by itself, because a reply was of no use, are far fewer
_number: ContextVar[int] = ContextVar("judgement", default=0)


def begin(number: int) -> None:
    """From here on in this task, requests are those of judgement `number` (from 0)."""
    _number.set(number)


def repeat_of(own: int) -> int:
    """The number that tells a request from equal ones: `own` within its judgement."""
    return own + _APART * _number.get()


def together(scores: Sequence[Score]) -> Score:
    """One score from all judgements of one answer by one metric."""
    first = scores[0]
    if len(scores) == 1 or not any(score.spent for score in scores):
        return first
    spent = _spent([score.spent for score in scores if score.spent])
    values = tuple(score.value for score in scores if score.value is not None)
    if len(values) == len(scores):
        worst = min(scores, key=lambda score: score.value or 0.0)
        return replace(first, value=math.fsum(values) / len(values), reason=worst.reason, judged=values, spent=spent)
    return replace(_absent(scores), spent=spent)


def _absent(scores: Sequence[Score]) -> Score:
    failed = [(at, score) for at, score in enumerate(scores, 1) if score.absence is Absence.UNMEASURED]
    if failed:
        at, score = failed[0]
        return missing(f"judgement {at} of {len(scores)}: {score.reason}", score.judge)
    if all(score.absence is Absence.NOT_APPLICABLE for score in scores):
        return scores[0]
    open_ones = next(score for score in scores if score.absence is Absence.NOT_APPLICABLE)
    return missing(f"judgements differ in whether it applies: {open_ones.reason}", open_ones.judge)


def _spent(parts: Sequence[Spent]) -> Spent:
    return Spent(
        calls=sum(part.calls for part in parts),
        input_tokens=sum(part.input_tokens for part in parts),
        output_tokens=sum(part.output_tokens for part in parts),
        nano_usd=sum(part.nano_usd for part in parts),
        latency_ms=max(part.latency_ms for part in parts),
    )
