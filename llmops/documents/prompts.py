"""A prompt, as people write it in prompt.yaml, in one shape.

Takes a mapping that the schema has already checked. `template` is turned into `messages` here: a template that uses
`question` is one user message; any other is a system message followed by the question as the user message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llmops.documents import templates
from llmops.errors import CannotAsk

QUESTION: Final = "question"
CONTEXTS: Final = "contexts"
RESERVED: Final = (QUESTION, CONTEXTS)
QUESTION_TEMPLATE: Final = "{{ question }}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A value that a prompt takes from outside; `type` is a JSON Schema type. Without a default it is required."""

    name: str
    type: str = "string"
    description: str = ""
    default: Any = None
    has_default: bool = False
    max_length: int | None = None
    enum: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; `content` is a template."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FewShot:
    """One example exchange, literal text: braces in it mean nothing."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt.yaml. `status`, `environment` and `evaluation` are informational; `rag` is a path beside `path`."""

    name: str
    version: str
    path: str
    messages: tuple[Message, ...]
    model: str
    variables: tuple[Variable, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    few_shots: tuple[FewShot, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    output_schema: Mapping[str, Any] | None = None
    fallback: Any = None
    rag: str = ""
    evalset: str = ""
    owner: str = ""
    labels: Mapping[str, str] | tuple[str, ...] = ()
    use_case: str = ""
    changelog: str = ""
    status: str = ""
    environment: str = ""
    evaluation: Mapping[str, Any] = field(default_factory=dict)


def parse(value: Mapping[str, Any], path: str) -> Prompt:
    """The prompt in the checked mapping of the prompt.yaml at `path`."""
    return Prompt(
        name=value["prompt_name"],
        version=value["version"],
        path=path,
        messages=_messages(value),
        model=value["model"],
        variables=_variables(value.get("variables") or ()),
        parameters=_parameters(value),
        few_shots=tuple(FewShot(user=each["user"], assistant=each["assistant"]) for each in value.get("few_shots", ())),
        tools=tuple(value.get("tools") or ()),
        output_schema=value.get("output_schema"),
        fallback=value.get("fallback"),
        changelog=_changelog(value.get("changelog")),
        labels=_labels(value.get("labels")),
        evaluation=value.get("evaluation") or {},
        **{key: value.get(key) or "" for key in _TEXTS},
    )


_TEXTS: Final = ("rag", "evalset", "owner", "use_case", "status", "environment")


def used_variables(messages: Iterable[Message]) -> Mapping[str, tuple[str, ...]]:
    """The names that the templates of `messages` take from outside, each with the parts used, both sorted.

    Raises: CannotAsk TEMPLATE_INVALID.
    """
    used: dict[str, set[str]] = {}
    for message in messages:
        for name, parts in templates.variables_of(message.content).items():
            used.setdefault(name, set()).update(parts)
    return {name: tuple(sorted(used[name])) for name in sorted(used)}


def _messages(value: Mapping[str, Any]) -> tuple[Message, ...]:
    if "messages" in value:
        return tuple(Message(role=each["role"], content=each["content"]) for each in value["messages"])
    template = value["template"]
    if _asks_itself(template):
        return (Message(role="user", content=template),)
    return Message(role="system", content=template), Message(role="user", content=QUESTION_TEMPLATE)


def _asks_itself(template: str) -> bool:
    """True where the template uses `question`; a template that cannot be read is reported by `templates.check`."""
    try:
        return QUESTION in templates.variables_of(template)
    except CannotAsk:
        return False


def _variables(value: Mapping[str, Any] | Iterable[str]) -> tuple[Variable, ...]:
    named = value if isinstance(value, Mapping) else {name: None for name in value}
    return tuple(_variable(name, fields or {}) for name, fields in named.items())


def _variable(name: str, fields: Mapping[str, Any]) -> Variable:
    return Variable(
        name=name,
        type=fields.get("type", "string"),
        description=fields.get("description", ""),
        default=fields.get("default"),
        has_default="default" in fields,
        max_length=fields.get("max_length"),
        enum=tuple(fields.get("enum", ())),
    )


def _parameters(value: Mapping[str, Any]) -> dict[str, Any]:
    """The sampling parameters; `temperature` at the top is the same as `parameters.temperature`, and wins."""
    parameters = dict(value.get("parameters") or {})
    if "temperature" in value:
        parameters["temperature"] = value["temperature"]
    return parameters


def _changelog(value: Any) -> str:
    """A list of changes becomes one a line."""
    return value if isinstance(value, str) else "\n".join(value or ())


def _labels(value: Any) -> Mapping[str, str] | tuple[str, ...]:
    return dict(value) if value and isinstance(value, Mapping) else tuple(value or ())
