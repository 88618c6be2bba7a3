"""Observations and asserts for tests: only what differs is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from llmops.documents.evalsets import Case
from llmops.evaluation.judging.steps import Ask, Embed, Said, Vectors
from llmops.evaluation.plugins.promptfoo import reading
from llmops.evaluation.plugins.promptfoo.asserts import Found, Imported
from llmops.evaluation.plugins.promptfoo.measuring import Match, Matched, measure
from llmops.evaluation.scoring.cases import Observation


def an_observation(answer: str = "an answer", **fields: Any) -> Observation:
    """An observation; fields of the case are given as `case_…`."""
    case = {key.removeprefix("case_"): value for key, value in fields.items() if key.startswith("case_")}
    rest = {key: value for key, value in fields.items() if not key.startswith("case_")}
    return Observation(
        case=Case(**{"id": "c1", "question": "what is it?", **case}),
        answer=answer,
        **{"has_retrieval": False, **rest},
    )


def imported(value: Any, files: Mapping[str, bytes] = {}) -> Imported:
    """What is taken of a file with this content."""
    return reading.read(json.dumps(value).encode(), "evals/asserts.yaml", files.get)


def verdict_of(item: Mapping[str, Any], seen: Observation, answer: Callable[[Any], Any] | None = None) -> Found:
    """What one assert says; expressions are looked for at once, `answer` answers a model's requests."""
    made = imported([item])
    (one,) = made.each()
    steps = measure(one, seen, made.variables)
    try:
        batch = next(steps)
        while True:
            batch = steps.send(tuple(_reply(request, answer) for request in batch))
    except StopIteration as stop:
        return stop.value


def _reply(request: Ask | Embed | Match, answer: Callable[[Any], Any] | None) -> Said | Vectors | Matched:
    if isinstance(request, Match):
        return Matched(found=re.search(request.pattern, request.text, re.ASCII) is not None)
    assert answer is not None, "nobody answers this request"
    return answer(request)
