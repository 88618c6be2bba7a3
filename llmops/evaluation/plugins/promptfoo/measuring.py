"""The verdict of one assert on one answer, as a generator: it yields what it needs and is sent what came of it.

Rules, in order:

1. The protocol is the judges' (`judging.steps`), with two requests more: `Match`, an expression to be looked for within
   a deadline, and `Check`, a schema that may take long. Another rule needs nothing and returns at once.
2. What is not there (a template's value, the time of the reply, a price) makes the assert unmeasured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from llmops.documents.scanning import fitting
from llmops.errors import LlmopsError
from llmops.evaluation.judging.steps import Ask, Embed, Said, Vectors
from llmops.evaluation.plugins.promptfoo import grading, values
from llmops.evaluation.plugins.promptfoo.asserts import Assert, Found, Unmeasured, Verdict, graded, verdict
from llmops.evaluation.plugins.promptfoo.rules import expressions, overlap, structures, texts
from llmops.evaluation.plugins.promptfoo.support import SUPPORTED, Means
from llmops.evaluation.scoring.cases import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An expression of Python (flag ASCII) to be looked for in a text. It was written by somebody else."""

    pattern: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Whether it was found; `failure` says why nobody knows."""

    found: bool = False
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`is-json` or `contains-json` with a schema that may take long on some answer."""

    kind: str
    answer: str
    schema: Any
    is_inverse: bool


Asked = Ask | Embed | Match | Check
Told = Said | Vectors | Matched | Verdict | Unmeasured
Steps = Generator[tuple[Asked, ...], tuple[Told, ...], Found]


def measure(one: Assert, seen: Observation, own: Mapping[str, Any]) -> Steps:
    """The verdict of one assert; `own` are the file's variables. Never raises because of content."""
    try:
        value = values.rendered(one.value, values.variables_of(seen, own))
    except LlmopsError as error:
        return Unmeasured(reason=f"its value cannot be filled in: {error.what}")
    if value == "" != one.value:
        return Unmeasured(reason="its value is empty on this case")
    means = SUPPORTED[one.kind].means
    if one.kind in structures.RULES:
        return (yield from _checked(one, value, seen))
    if means is Means.RULE:
        return _by_rule(one, value, seen)
    if means is Means.REGEX:
        return (yield from _matched(one, value, seen))
    if means is Means.EMBEDDINGS:
        return (yield from _similar(one, value, seen))
    grader = cast(Steps, grading.grade(one, value, seen))
    return (yield from grader)


def _by_rule(one: Assert, value: Any, seen: Observation) -> Found:
    if one.kind in texts.RULES:
        try:
            return texts.RULES[one.kind](seen.answer, value, one.is_inverse)
        except ValueError as error:
            return Unmeasured(reason=str(error))
    return _FIGURES[one.kind](one, value, seen)


def _checked(one: Assert, value: Any, seen: Observation) -> Steps:
    if not value or not fitting.needs_deadline(value):
        return structures.RULES[one.kind](seen.answer, value, one.is_inverse)
    (said,) = yield (Check(kind=one.kind, answer=seen.answer, schema=value, is_inverse=one.is_inverse),)
    return cast(Found, said)


def _matched(one: Assert, value: Any, seen: Observation) -> Steps:
    try:
        pattern = expressions.to_python(value)
    except expressions.Refused as error:
        return Unmeasured(reason=str(error))
    (said,) = yield (Match(pattern=pattern, text=seen.answer),)
    matched = cast(Matched, said)
    if matched.failure:
        return Unmeasured(reason=matched.failure)
    shown = "matches" if matched.found else "does not match"
    return verdict(matched.found, one.is_inverse, f"the answer {shown} the expression")


def _similar(one: Assert, value: Any, seen: Observation) -> Steps:
    references = values.as_list(value) if isinstance(value, list | tuple) else (values.as_text(value),)
    if not seen.answer.strip():
        return Unmeasured(reason="the answer is empty")
    (said,) = yield (Embed(texts=(seen.answer, *references)),)
    if isinstance(said, Said):
        return Unmeasured(reason=f"there are no embeddings: {said.failure or 'none were given'}")
    answer, *others = cast(Vectors, said).rows
    # The nearest reference counts; inverted, the answer must be far from all of them, so it counts again.
    return graded(max(_cosine(answer, other) for other in others), _threshold(one), one.is_inverse, "the cosine")


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """From 0 to 1: what points away is as far as can be."""
    lengths = math.sqrt(math.fsum(x * x for x in one) * math.fsum(x * x for x in other))
    product = math.fsum(x * y for x, y in zip(one, other, strict=True))
    return min(1.0, max(0.0, product / lengths)) if lengths else 0.0


def _threshold(one: Assert) -> float:
    own = SUPPORTED[one.kind].threshold
    return one.threshold if one.threshold is not None else own if own is not None else 0.0


def _levenshtein(one: Assert, value: Any, seen: Observation) -> Found:
    most = _threshold(one)
    try:
        distance = overlap.levenshtein(seen.answer, value, most)
    except overlap.TooLong as error:
        return Unmeasured(reason=str(error))
    shown = f"more than {most:g}" if distance is None else str(distance)
    return verdict(distance is not None, one.is_inverse, f"the distance is {shown}, the threshold {most:g}")


def _rouge(one: Assert, value: Any, seen: Observation) -> Verdict:
    return graded(overlap.rouge_n(seen.answer, value), _threshold(one), one.is_inverse, "ROUGE-1")


def _bleu(one: Assert, value: Any, seen: Observation) -> Verdict:
    references = [value] if isinstance(value, str) else list(value)
    return graded(overlap.bleu(seen.answer, references), _threshold(one), one.is_inverse, "BLEU")


def _latency(one: Assert, _value: Any, seen: Observation) -> Found:
    if seen.latency_ms is None:
        return Unmeasured(reason="nobody said how long the reply took")
    shown = f"the reply took {seen.latency_ms} ms, the threshold is {_threshold(one):g} ms"
    return verdict(seen.latency_ms <= _threshold(one), one.is_inverse, shown)


def _cost(one: Assert, _value: Any, seen: Observation) -> Found:
    if seen.nano_usd is None:
        return Unmeasured(reason="nobody knows what the reply cost")
    shown = f"the reply cost {seen.nano_usd / 10**9:g} US dollars, the threshold is {_threshold(one):g}"
    return verdict(seen.nano_usd <= _threshold(one) * 10**9, one.is_inverse, shown)


def _finish_reason(one: Assert, value: Any, seen: Observation) -> Found:
    if not seen.finish_reason:
        return Unmeasured(reason="nobody said why the reply ended")
    shown = f"the reply ended with “{seen.finish_reason}”"
    return verdict(seen.finish_reason.lower() == value.lower(), one.is_inverse, shown)


_FIGURES: Mapping[str, Callable[[Assert, Any, Observation], Found]] = MappingProxyType(
    {
        "levenshtein": _levenshtein,
        "rouge-n": _rouge,
        "bleu": _bleu,
        "latency": _latency,
        "cost": _cost,
        "finish-reason": _finish_reason,
    }
)
