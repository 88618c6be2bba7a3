"""The prompt that a service holds: what was frozen, and the messages that it makes.

Rules, in order:

1. Messages are made by the code that `llmops eval` makes them with, so that what was evaluated is what is sent.
2. A prompt never changes. What it hands out are copies, in JSON's own types: they go into any client as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from llmops.documents import prompts, rendering
from llmops.documents.prompts import Message
from llmops.documents.releases import Release
from llmops.errors import CannotAsk
from llmops.runtime.errors import RenderRefused

SHORT_DIGEST = 12


class Passage(Protocol):
    """A passage as most retrievers have it; `id` may be absent."""

    @property
    def text(self) -> str: ...


class _Context(NamedTuple):
    """A tuple: made in half the time of a frozen dataclass, once a passage of every question."""

    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One version of one prompt. `digest` is the release file's SHA-256 ("" for working files, which have none),
    `behaviour_digest` names what shapes its answers: the one that evaluations name."""

    name: str
    version: str
    digest: str
    behaviour_digest: str
    environment: str = field(default="", compare=False)
    _behaviour: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def version_label(self) -> str:
        """One word for logs, traces and metrics: `name@version#digest`; working files are `name@working#digest`."""
        version = self.version if self.digest else "working"
        return f"{self.name}@{version}#{(self.digest or self.behaviour_digest)[:SHORT_DIGEST]}"

    @property
    def model(self) -> str:
        """The model's name, as llmops.yaml lists it."""
        return str(self._behaviour["model"])

    @property
    def parameters(self) -> dict[str, Any]:
        """Sampling parameters: temperature, max_tokens, …"""
        value: dict[str, Any] = self._copy("parameters")
        return value

    @property
    def tools(self) -> list[dict[str, Any]]:
        value: list[dict[str, Any]] = self._copy("tools")
        return value

    @property
    def output_schema(self) -> dict[str, Any] | None:
        """The JSON Schema that answers follow, None where they are free text."""
        value: dict[str, Any] | None = self._copy("output_schema")
        return value

    @property
    def few_shots(self) -> list[dict[str, str]]:
        """The example exchanges, each `{user, assistant}`; `render` places them."""
        value: list[dict[str, str]] = self._copy("few_shots")
        return value

    @property
    def variables(self) -> dict[str, dict[str, Any]]:
        """What `render` takes besides question and contexts: name → {type, default, max_length, enum}."""
        value: dict[str, dict[str, Any]] = self._copy("variables")
        return value

    @property
    def fallback(self) -> Any:
        """What to say instead where no model can be asked, None where nothing is declared."""
        return self._copy("fallback")

    def render(
        self,
        /,
        *,
        question: str | None = None,
        contexts: Sequence[str | Mapping[str, Any] | Passage] = (),
        turns: Sequence[Mapping[str, str]] = (),
        **variables: Any,
    ) -> list[dict[str, str]]:
        """The chat messages for one question. A context is a text, a mapping with `text` (and `id`), or an object that
        has them. `turns` are what was said before, as chat messages. Values that the prompt does not declare are left
        out; a variable named `turns` cannot be given here.

        Raises: RenderRefused VARIABLE_MISSING, VARIABLE_TYPE, VARIABLE_ENUM, VARIABLE_TOO_LONG, QUESTION_MISSING,
        CONTEXT_INVALID, TEMPLATE_….
        """
        passages = [_context(number, each) for number, each in enumerate(contexts, start=1)]
        asked = self._without_question() if question is None else question
        try:
            made = rendering.render_messages(self._behaviour, asked, passages, variables, turns=turns)
            return list(map(dict, made))
        except CannotAsk as error:
            raise RenderRefused(error.code, error.what, where=self._place(error.where), hint=_hint(error)) from error

    def _without_question(self) -> str:
        used = prompts.used_variables(Message(**each) for each in self._behaviour["messages"])
        if prompts.QUESTION in used:
            hint = "call render(question=…)"
            raise RenderRefused("QUESTION_MISSING", "this prompt asks a question", where=self.version_label, hint=hint)
        return ""

    def _place(self, where: str) -> str:
        return f"{self.version_label}, {where}" if where else self.version_label

    def _copy(self, part: str) -> Any:
        return copy.deepcopy(self._behaviour[part])


def prompt_of(release: Release, environment: str = "") -> Prompt:
    """The prompt that a release froze."""
    return Prompt(
        name=release.name,
        version=release.version,
        digest=release.digest,
        behaviour_digest=release.behaviour_digest,
        environment=environment,
        _behaviour=release.behaviour,
    )


def _context(number: int, given: str | Mapping[str, Any] | Passage) -> _Context:
    """The passage as a template sees it; without an id of its own, its number is its id."""
    if isinstance(given, str):
        return _Context(str(number), given)
    if isinstance(given, Mapping):
        text, name = given.get("text"), given.get("id")
    else:
        text, name = getattr(given, "text", None), getattr(given, "id", None)
    if not isinstance(text, str):
        what = f"context {number} is {type(given).__name__} without a text"
        hint = "give texts, mappings {id, text}, or objects with `text`"
        raise RenderRefused("CONTEXT_INVALID", what, hint=hint)
    return _Context(str(number) if name is None else str(name), text)


def _hint(error: CannotAsk) -> str:
    """Hints of the command line speak of its options."""
    if error.code == "VARIABLE_MISSING":
        return "give them by name: render(question=…, name=…), or write a default in prompt.yaml"
    return error.hint
