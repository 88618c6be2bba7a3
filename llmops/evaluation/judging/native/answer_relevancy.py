"""Answer relevancy: does the answer speak to the question?

The judge writes n = 3 questions that the answer would answer; the score is the mean cosine of their embeddings with
the embedding of the real question (Es et al., "RAGAS", 2023, section 3, "Answer relevance"). An answer that is called
noncommittal all three times has 0, as in ragas. Cosines count as they are; a mean below 0 counts as 0.

At temperature 0 one question asked three times gives one answer three times. So each of the three is asked for with
another reader in mind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops.evaluation.evidence import measured
from llmops.evaluation.judging.fences import section
from llmops.evaluation.judging.forms import Filled, Form, NoVerdict, asked, embedded
from llmops.evaluation.judging.replies import Unusable, shortened
from llmops.evaluation.judging.steps import Steps
from llmops.evaluation.scoring.cases import Observation
from llmops.evaluation.scoring.embeddings import cosine

_ASKERS = (
    "Word it as most people would.",
    "Word it as somebody new to the subject would.",
    "Word it as somebody who knows the subject well would.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guess:
    """A question that the answer would answer ("" where it answers none)."""

    question: str
    is_noncommittal: bool


def _guess(value: Mapping[str, Any]) -> _Guess:
    question = " ".join(value["question"].split())
    if not question and not value["noncommittal"]:
        raise Unusable("its question is empty")
    return _Guess(question=question, is_noncommittal=value["noncommittal"])


def _form(number: int, asker: str) -> Form[_Guess]:
    return Form(
        name=f"question {number}",
        task=(
            "Write the one question that a text most likely answers, in the language of the text. "
            f"{asker}\n"
            "Say besides whether the text is noncommittal: evasive or vague, or a remark that it does not know.\n"
            'Reply with one JSON object: {"question": "…", "noncommittal": true or false}'
        ),
        schema={
            "type": "object",
            "properties": {"question": {"type": "string"}, "noncommittal": {"type": "boolean"}},
            "required": ["question", "noncommittal"],
            "additionalProperties": False,
        },
        sections=("text",),
        read=_guess,
    )


QUESTIONS = tuple(_form(number, asker) for number, asker in enumerate(_ASKERS, 1))


def answer_relevancy(seen: Observation) -> Steps:
    """The mean cosine of three guessed questions with the real one."""
    guesses = yield from asked(_asks(seen.answer))
    if all(guess.is_noncommittal for guess in guesses):
        return measured(0, "the answer is noncommittal")
    questions = [guess.question for guess in guesses if guess.question]
    rows = yield from embedded((seen.case.question, *questions))
    cosines = _cosines(rows)
    value = math.fsum(cosines) / len(cosines)
    _, farthest = min(zip(cosines, questions, strict=True))
    return measured(min(max(value, 0.0), 1.0), f"farthest from the question: “{shortened(farthest)}”")


def _asks(answer: str) -> tuple[Filled[_Guess], ...]:
    return tuple(form.ask(section("text", answer)) for form in QUESTIONS)


def _cosines(rows: Sequence[Sequence[float]]) -> list[float]:
    if len({len(row) for row in rows}) != 1:
        raise NoVerdict("the embeddings differ in length")
    found = [cosine(rows[0], row) for row in rows[1:]]
    cosines = [value for value in found if value is not None]
    if len(cosines) != len(found):
        raise NoVerdict("an embedding of a question is zero or not finite")
    return cosines
