"""Coherence: is the answer well put together, whatever it says?

A grade from 1 to 5 by a written rubric, the reason first, then the grade (form-filling as in Liu et al., "G-Eval",
2023; the whole grade is taken, not its expectation over token probabilities, which most endpoints do not give). The
score is (grade - 1) / 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.evaluation.evidence import measured
from llmops.evaluation.judging.fences import section
from llmops.evaluation.judging.forms import Form, asked_one
from llmops.evaluation.judging.native.claims import conversation
from llmops.evaluation.judging.replies import shortened
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation

BEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Graded:
    grade: int
    reason: str


def _graded(value: Mapping[str, Any]) -> _Graded:
    return _Graded(grade=int(value["grade"]), reason=shortened(value["reason"]))


COHERENCE: Form[_Graded] = Form(
    name="coherence",
    task=(
        "Grade how coherent an answer is: its order, its connections, its language. Whether it is true, and how long "
        "it is, do not count.\n"
        "5: easy to follow from start to end; each sentence has its place; no contradiction, no repetition.\n"
        "4: easy to follow, with a small flaw, such as a clumsy join or a needless repetition.\n"
        "3: understandable, but the reader has to put the order or the connections right.\n"
        "2: hard to follow: sentences without connection, contradictions, or a thought that breaks off.\n"
        "1: cannot be followed: fragments, noise, or endless repetition.\n"
        'Reply with one JSON object: {"reason": "at most 15 words", "grade": 1, 2, 3, 4 or 5}'
    ),
    schema={
        "type": "object",
        "properties": {"reason": {"type": "string"}, "grade": {"type": "integer", "enum": [1, 2, 3, 4, 5]}},
        "required": ["reason", "grade"],
        "additionalProperties": False,
    },
    sections=("question", "answer"),
    read=_graded,
)


def coherence(seen: Observation) -> Steps:
    """The grade of the answer's form, from 0 to 1."""
    form = COHERENCE.ask(conversation(seen.case), section("answer", seen.answer))
    found = yield from asked_one(form)
    return measured((found.grade - 1) / (BEST - 1), f"grade {found.grade} of {BEST}: {found.reason}")
