"""Asserts that a model judges: what it is asked, and how its reply is read.

The prompts are ours, so scores are not those of promptfoo with the same model; the meaning of a type is the same:

1. `llm-rubric` and `g-eval`: how far the answer meets the rubric, from 0 to 1, and whether it does.
2. `model-graded-closedqa`: whether the answer meets a criterion, yes or no.
3. `factuality`: how the answer's facts stand to the reference's. Contradicting it fails; holding less, more, the same,
   or differing in what does not matter passes.
4. `answer-relevance`, `context-faithfulness` and `context-recall` are metrics of the native judge.

A reply without a verdict makes the assert unmeasured. It is never a fail, and never a pass.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from llmops.documents import canonical
from llmops.evaluation.judging import fences
from llmops.evaluation.judging.forms import Form, NoVerdict, Reading, asked_one
from llmops.evaluation.judging.native import registry
from llmops.evaluation.judging.replies import Unusable
from llmops.evaluation.plugins.promptfoo.asserts import Assert, Found, Unmeasured, Verdict, graded
from llmops.evaluation.plugins.promptfoo.values import as_text
from llmops.evaluation.scoring.cases import Observation

_TEXT = {"type": "string"}


def _shape(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _grade(value: Mapping[str, Any]) -> Verdict:
    score = value["score"]
    if not math.isfinite(score) or not 0 <= score <= 1:
        raise Unusable(f"the score is {score}, expected a number from 0 to 1")
    return Verdict(passed=value["pass"], score=float(score), reason=value["reason"])


def _yes_or_no(value: Mapping[str, Any]) -> Verdict:
    return Verdict(passed=value["pass"], score=float(value["pass"]), reason=value["reason"])


_RELATIONS = ("less", "more", "same", "contradicts", "immaterial")


def _relation(value: Mapping[str, Any]) -> Verdict:
    passed = value["relation"] != "contradicts"
    return Verdict(passed=passed, score=float(passed), reason=f"{value['relation']}: {value['reason']}")


RUBRIC: Form[Verdict] = Form(
    name="rubric",
    task=(
        "You grade an answer by a rubric. First write in one or two sentences what speaks for and against the answer. "
        "Then give a score from 0 (meets nothing of the rubric) to 1 (meets all of it), and say whether the answer "
        "passes: true only where it meets the rubric. Reply with one JSON object: "
        '{"reason": text, "score": number, "pass": true or false}.'
    ),
    schema=_shape(reason=_TEXT, score={"type": "number"}, **{"pass": {"type": "boolean"}}),
    read=_grade,
    sections=("rubric", "question", "answer"),
)
CRITERION: Form[Verdict] = Form(
    name="criterion",
    task=(
        "You check an answer against one criterion. First write in one or two sentences how the answer stands to it. "
        "Then say whether the answer meets the criterion. Reply with one JSON object: "
        '{"reason": text, "pass": true or false}.'
    ),
    schema=_shape(reason=_TEXT, **{"pass": {"type": "boolean"}}),
    read=_yes_or_no,
    sections=("criterion", "question", "answer"),
)
FACTS: Form[Verdict] = Form(
    name="facts",
    task=(
        "You compare the facts of an answer with those of a reference; style, grammar and length do not count. "
        "First write in one or two sentences how they differ. Then name their relation: `less` where the answer holds "
        "a part of the reference's facts and nothing against them, `more` where it holds all of them and further ones "
        "that do not contradict them, `same` where it holds the same, `contradicts` where a fact of the answer and one "
        "of the reference cannot both be true, `immaterial` where they differ only in what does not matter. Reply "
        'with one JSON object: {"reason": text, "relation": one of the five words}.'
    ),
    schema=_shape(reason=_TEXT, relation={"type": "string", "enum": list(_RELATIONS)}),
    read=_relation,
    sections=("reference", "question", "answer"),
)


def _asked(form: Form[Verdict], text: str, seen: Observation) -> Reading[Verdict]:
    question = form.ask(
        fences.section(form.sections[0], text),
        fences.section("question", seen.case.question),
        fences.section("answer", seen.answer),
    )
    return (yield from asked_one(question))


def _spelled(value: Any) -> str:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, indent=1)
    return "\n".join(map(as_text, value)) if isinstance(value, list | tuple) else as_text(value)


def _rubric(one: Assert, value: Any, seen: Observation) -> Reading[Found]:
    found = yield from _asked(RUBRIC, _spelled(value), seen)
    if one.threshold is not None:
        # A grade of g-eval is its score alone; a rubric's own verdict counts beside its threshold.
        agrees = found.passed or one.kind == "g-eval"
        found = replace(found, passed=agrees and found.score >= one.threshold)
    return _turned(found, one)


def _criterion(one: Assert, value: Any, seen: Observation) -> Reading[Found]:
    return _turned((yield from _asked(CRITERION, value, seen)), one)


def _facts(one: Assert, value: Any, seen: Observation) -> Reading[Found]:
    return _turned((yield from _asked(FACTS, value, seen)), one)


def _turned(found: Verdict, one: Assert) -> Verdict:
    return replace(found, passed=not found.passed, score=1 - found.score) if one.is_inverse else found


_NATIVE = MappingProxyType(
    {
        "answer-relevance": "answer_relevancy",
        "context-faithfulness": "faithfulness",
        "context-recall": "context_recall",
    }
)


def _native(one: Assert, value: Any, seen: Observation) -> Reading[Found]:
    name = _NATIVE[one.kind]
    asked = replace(seen, case=replace(seen.case, ground_truth=value)) if one.kind == "context-recall" else seen
    score = yield from registry.METRICS[name].steps(asked)
    if score.value is None:
        return Unmeasured(reason=score.reason)
    return graded(score.value, one.threshold or 0.0, one.is_inverse, name)


_GRADERS: Mapping[str, Callable[[Assert, Any, Observation], Reading[Found]]] = MappingProxyType(
    {
        "llm-rubric": _rubric,
        "g-eval": _rubric,
        "model-graded-closedqa": _criterion,
        "factuality": _facts,
        "model-graded-factuality": _facts,
        **dict.fromkeys(_NATIVE, _native),
    }
)


def grade(one: Assert, value: Any, seen: Observation) -> Reading[Found]:
    """What the model says on one assert: yields its requests, returns the verdict."""
    try:
        return (yield from _GRADERS[one.kind](one, value, seen))
    except NoVerdict as error:
        return Unmeasured(reason=str(error))


def prompts_digest() -> str:
    """Names every prompt and shape in this file, and those of the native metrics."""
    own = [form.spelled for form in (RUBRIC, CRITERION, FACTS)]
    return canonical.digest({"forms": own, "native": registry.prompts_digest()})
