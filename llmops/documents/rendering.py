"""The exact chat messages that a behaviour sends for one question.

Rules, in order:

1. Values for `question` and `contexts` come from the case and from retrieval, never from variables.
2. Required variables that a message uses and nobody gave are named all at once; then every value is held against
   type, enum and max_length. Values that the behaviour does not declare are left out.
3. The messages are rendered; few-shots, then the turns of the conversation so far, stand before the last user turn, as
   they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from llmops.documents import prompts, templates
from llmops.documents.prompts import Message
from llmops.errors import CannotAsk


class Context(Protocol):
    """What retrieval gives: a passage with an id and a text."""

    @property
    def id(self) -> str: ...
    @property
    def text(self) -> str: ...


def render_messages(
    behaviour: Mapping[str, Any],
    question: str,
    contexts: Sequence[Context],
    variables: Mapping[str, Any],
    *,
    turns: Sequence[Mapping[str, str]] = (),
) -> tuple[Mapping[str, str], ...]:
    """The messages of `behaviour` for one question, as the model gets them. `turns` are what was said before it.

    Raises: CannotAsk VARIABLE_RESERVED, VARIABLE_MISSING, VARIABLE_TYPE, VARIABLE_ENUM, VARIABLE_TOO_LONG, TEMPLATE_….
    """
    values = {
        **_checked_values(behaviour, variables),
        prompts.QUESTION: question,
        prompts.CONTEXTS: numbered(contexts),
    }
    messages = [
        {"role": each["role"], "content": templates.render(each["content"], values)} for each in behaviour["messages"]
    ]
    last_user = max((place for place, each in enumerate(messages) if each["role"] == "user"), default=len(messages))
    said = ({"role": each["role"], "content": each["content"]} for each in turns)
    return (*messages[:last_user], *_few_shots(behaviour), *said, *messages[last_user:])


def numbered(contexts: Sequence[Context]) -> templates.NumberedPassages:
    """The passages as a template sees them: `{id, text, number}`, numbered from 1."""
    return templates.NumberedPassages(
        {"id": each.id, "text": each.text, "number": number} for number, each in enumerate(contexts, start=1)
    )


def unknown_variables(behaviour: Mapping[str, Any], variables: Mapping[str, Any]) -> tuple[str, ...]:
    """The names among `variables` that the behaviour does not declare, sorted."""
    return tuple(sorted(set(variables) - set(behaviour["variables"])))


def from_text(behaviour: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """Values written on a command line, in the types that the behaviour declares. Raises: CannotAsk VARIABLE_TYPE."""
    declared = behaviour["variables"]
    return {name: _read(name, declared.get(name, {}).get("type", "string"), text) for name, text in texts.items()}


def _few_shots(behaviour: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    turns = []
    for each in behaviour["few_shots"]:
        turns.append({"role": "user", "content": each["user"]})
        turns.append({"role": "assistant", "content": each["assistant"]})
    return tuple(turns)


def _used(behaviour: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    return prompts.used_variables(Message(role=each["role"], content=each["content"]) for each in behaviour["messages"])


def _checked_values(behaviour: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    reserved = [name for name in prompts.RESERVED if name in given]
    if reserved:
        what = f"the variable{'s' if len(reserved) > 1 else ''} {_listed(reserved)} cannot be given as a variable"
        raise CannotAsk("VARIABLE_RESERVED", what, hint="`question` comes from the case, `contexts` from retrieval")
    declared: Mapping[str, Mapping[str, Any]] = behaviour["variables"]
    defaults = {name: fields["default"] for name, fields in declared.items() if "default" in fields}
    unset = set(declared) - set(given) - set(defaults)
    missing = sorted(unset & set(_used(behaviour))) if unset else []
    if missing:
        what = (
            f"{len(missing)} required variable{'s have' if len(missing) > 1 else ' has'} no value: {_listed(missing)}"
        )
        hint = f"give {' '.join(f'--var {name}=…' for name in missing)}, or write a default in prompt.yaml"
        raise CannotAsk("VARIABLE_MISSING", what, hint=hint)
    for name in sorted(set(declared) & set(given)):
        _check_value(name, given[name], declared[name])
    return {**defaults, **{name: given[name] for name in declared if name in given}}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
}


def is_of_type(value: Any, kind: str) -> bool:
    """True where `value` is of the JSON Schema type `kind`; `1.0` is an integer, as in JSON Schema."""
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _check_value(name: str, value: Any, fields: Mapping[str, Any]) -> None:
    kind, enum, longest = fields["type"], fields.get("enum"), fields.get("max_length")
    if not is_of_type(value, kind):
        what = f"the variable '{name}' is {_shown(value)}, its type is {kind}"
        raise CannotAsk("VARIABLE_TYPE", what, hint=f"give a value of type {kind}, or change the type in prompt.yaml")
    if enum and value not in enum:
        what = f"the variable '{name}' is {_shown(value)}, allowed are {', '.join(map(_shown, enum))}"
        raise CannotAsk("VARIABLE_ENUM", what, hint="give one of the allowed values")
    if longest is not None and isinstance(value, str | list | tuple) and len(value) > longest:
        what = f"the variable '{name}' has length {len(value)}, its max_length is {longest}"
        raise CannotAsk("VARIABLE_TOO_LONG", what, hint="shorten the value, or raise max_length in prompt.yaml")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _read(name: str, kind: str, text: str) -> Any:
    if kind == "string":
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if not is_of_type(value, kind):
        what = f"the variable '{name}' is {_shown(text)}, its type is {kind}"
        raise CannotAsk("VARIABLE_TYPE", what, hint=f"write the value as JSON of type {kind}")
    return value
