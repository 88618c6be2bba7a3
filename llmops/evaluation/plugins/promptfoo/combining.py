"""One score of many verdicts, as promptfoo makes it.

Rules, in order:

1. The score is the weighted mean of the asserts' scores. A set counts as one, with the weighted mean of its own.
2. An assert of weight 0 is looked at and told, and moves nothing.
3. One weighted assert that could not be measured makes the whole score missing: the mean of the others would be
   another figure on this case than on the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from llmops.evaluation.evidence import Score, measured, missing
from llmops.evaluation.plugins.promptfoo.asserts import Assert, AssertSet, Found, Imported, Unmeasured, Verdict

MOST_TOLD = 10


def combine(imported: Imported, found: Sequence[Found]) -> Score:
    """The score of an answer; `found` are the verdicts of `imported.each()`, in that order."""
    verdicts = iter(found)
    named = [(item, _of_item(item, verdicts)) for item in imported.asserts]
    gaps = [f"{item.label}: {one.reason}" for item, one in named if isinstance(one, Unmeasured) and item.weight]
    if gaps:
        return missing(_told(f"{len(gaps)} of {len(named)} asserts could not be measured", gaps))
    weighed = [(item.weight, one) for item, one in named if isinstance(one, Verdict)]
    failed = [f"{item.label}: {_why(one)}" for item, one in named if not (isinstance(one, Verdict) and one.passed)]
    passed = len(named) - len(failed)
    return measured(_mean(weighed), _told(f"{passed} of {len(named)} asserts passed", failed))


def _of_item(item: Assert | AssertSet, found: Iterator[Found]) -> Found:
    if isinstance(item, Assert):
        return next(found)
    inside = [(one, next(found)) for one in item.asserts]
    gaps = [f"{one.label}: {each.reason}" for one, each in inside if isinstance(each, Unmeasured) and one.weight]
    if gaps:
        return Unmeasured(reason="; ".join(gaps))
    score = _mean([(one.weight, each) for one, each in inside if isinstance(each, Verdict)])
    failed = [
        f"{one.label}: {each.reason}"
        for one, each in inside
        if isinstance(each, Verdict) and not each.passed and one.weight
    ]
    if item.threshold is None:
        return Verdict(passed=not failed, score=score, reason="; ".join(failed))
    return Verdict(
        passed=score >= item.threshold, score=score, reason=f"score {score:.4f}, the threshold is {item.threshold:g}"
    )


def _mean(weighed: Sequence[tuple[float, Verdict]]) -> float:
    total = math.fsum(weight for weight, _ in weighed)
    mean = math.fsum(weight * one.score for weight, one in weighed) / total if total else 0.0
    return min(1.0, max(0.0, mean))


def _why(one: Found) -> str:
    return f"not measured: {one.reason}" if isinstance(one, Unmeasured) else one.reason


def _told(head: str, items: Sequence[str]) -> str:
    more = len(items) - MOST_TOLD
    told = [*items[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
    return f"{head} · {' · '.join(told)}" if told else head
