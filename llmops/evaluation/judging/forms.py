"""A form is a question with a place for the answer: instructions, the JSON object wanted, and how it is read.

Rules, in order:

1. All forms of a batch are asked at once. Those whose replies cannot be used are asked once more, together, with
   `repeat` 1 and a reminder of the shape.
2. A reply that cannot be used twice, or a refusal, ends the metric (`NoVerdict`): a share over the claims that happened
   to get a verdict would be a different figure.
3. The instructions of a form are the same in every request. What is judged stands in fences after them, what requests
   have in common first; the last word is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, cast

from llmops.evaluation.judging import fences, replies
from llmops.evaluation.judging.fences import Section
from llmops.evaluation.judging.replies import Refused, Unusable
from llmops.evaluation.judging.steps import Ask, Batch, Embed, Replies, Said, Vectors

CLOSING = "Now do the task on the text above. Reply with the one JSON object, nothing else."
REMINDER = "An earlier reply to this could not be read. Reply with one JSON object of the shape asked for."

T = TypeVar("T")
U = TypeVar("U")
Reading = Generator[Batch, Replies, T]


class NoVerdict(Exception):
    """The judge gave nothing that a score could be made of; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[T]):
    """A kind of question. `sections` are the names of those it is asked with; `read` makes the answer of the object
    (Raises: Unusable)."""

    name: str
    task: str
    schema: Mapping[str, Any]
    read: Callable[[Mapping[str, Any]], T]
    sections: tuple[str, ...]

    def ask(self, *sections: Section, about: str = "") -> Filled[T]:
        """The question about these sections; `about` names it in reasons."""
        messages = (
            {"role": "system", "content": f"{self.task}\n{fences.RULE}"},
            {"role": "user", "content": f"{fences.fenced(sections)}\n{CLOSING}"},
        )
        return Filled(form=self, ask=Ask(messages=messages, schema=self.schema), about=about or self.name)

    @property
    def spelled(self) -> dict[str, Any]:
        """Everything that could move an answer, as a JSON value: the request itself, on made-up texts."""
        asked = self.ask(*(fences.passages(name, ("one", "two")) for name in self.sections))
        again = asked.again()
        return {
            "messages": [dict(message) for message in asked.ask.messages],
            "again": [dict(message) for message in again.messages],
            "schema": self.schema,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled(Generic[T]):
    """One question, ready to be asked, and how its reply is read."""

    form: Form[T]
    ask: Ask
    about: str

    def read(self, reply: Said | Vectors) -> T | Unusable:
        """The answer, or why there is none."""
        try:
            return self.form.read(replies.read(cast(Said, reply), self.form.schema))
        except Unusable as error:
            return error

    def again(self) -> Ask:
        """The same question for the second time."""
        system, user = self.ask.messages
        reminded = {**user, "content": f"{user['content']}\n{REMINDER}"}
        return replace(self.ask, messages=(system, reminded), repeat=self.ask.repeat + 1)


def asked(questions: Sequence[Filled[T]]) -> Reading[tuple[T, ...]]:
    """The answers to all questions. Raises: NoVerdict."""
    if not questions:
        return ()
    said = yield tuple(question.ask for question in questions)
    found = [question.read(reply) for question, reply in zip(questions, said, strict=True)]
    for question, answer in zip(questions, found, strict=True):
        if isinstance(answer, Refused):
            raise _no_verdict(question, answer, "")
    failed = [index for index, answer in enumerate(found) if isinstance(answer, Unusable)]
    if failed:
        said = yield tuple(questions[index].again() for index in failed)
        for index, reply in zip(failed, said, strict=True):
            found[index] = _second(questions[index], reply)
    return cast(tuple[T, ...], tuple(found))


def _second(question: Filled[T], reply: Said | Vectors) -> T:
    answer = question.read(reply)
    if isinstance(answer, Unusable):
        raise _no_verdict(question, answer, ", asked twice")
    return answer


def _no_verdict(question: Filled[T], problem: Unusable, times: str) -> NoVerdict:
    return NoVerdict(f"the judge's reply on {question.about} cannot be used{times}: {problem}")


def asked_one(question: Filled[T]) -> Reading[T]:
    """The answer to one question. Raises: NoVerdict."""
    (answer,) = yield from asked((question,))
    return answer


def asked_both(ones: Sequence[Filled[T]], others: Sequence[Filled[U]]) -> Reading[tuple[tuple[T, ...], tuple[U, ...]]]:
    """The answers to questions of two kinds, asked in one batch. Raises: NoVerdict."""
    questions = cast(Sequence[Filled[Any]], (*ones, *others))
    answers = yield from asked(questions)
    return answers[: len(ones)], answers[len(ones) :]


def embedded(texts: Sequence[str]) -> Reading[Sequence[Sequence[float]]]:
    """The embeddings of the texts, a row a text. Raises: NoVerdict where there are none."""
    (reply,) = yield (Embed(texts=tuple(texts)),)
    if isinstance(reply, Said):
        raise NoVerdict(f"there are no embeddings: {reply.failure or 'none were given'}")
    if len(reply.rows) != len(texts):
        raise NoVerdict(f"there are {len(reply.rows)} embeddings of {len(texts)} texts")
    return reply.rows
