"""The `value` of an assert on one case: templates filled in, numbers spelled as promptfoo spells them.

Rules, in order:

1. `{{ name }}` is filled from the file's own variables, the case's variables, and `question`, `answer` (the text under
   judgement), `ground_truth` and `contexts`, the later over the earlier. The templates are those of prompts: no calls.
2. Only texts and the texts of a list are templates; a schema or a mapping is taken as it stands.
3. A name without a value is an error, never "": an assert that looks for "" passes on everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llmops.documents import canonical, templates
from llmops.evaluation.scoring.cases import Observation

_OPENS = re.compile(r"\{[{%#]")
_FIELD = re.compile(r'\s*(?:"((?:[^"\\]|\\.|"")*)"\s*(?=,|$)|([^,]*))', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\])|""')


def is_template(text: str) -> bool:
    """True where something in the text would be filled in."""
    return _OPENS.search(text) is not None


def variables_of(seen: Observation, own: Mapping[str, Any]) -> dict[str, Any]:
    """What a template may name."""
    return {
        **own,
        **seen.case.variables,
        "question": seen.case.question,
        "answer": seen.answer,
        "ground_truth": seen.case.ground_truth,
        "contexts": list(seen.contexts),
    }


def rendered(value: Any, variables: Mapping[str, Any]) -> Any:
    """The value with its templates filled in. Raises: CannotAsk TEMPLATE_…"""
    if isinstance(value, str):
        return _filled(value, variables)
    return [_filled(item, variables) if isinstance(item, str) else item for item in value] if _is_list(value) else value


def _filled(text: str, variables: Mapping[str, Any]) -> str:
    if not is_template(text):
        return text
    # Jinja drops one line feed at the end, promptfoo's engine keeps it.
    return templates.render(text, variables) + ("\n" if text.endswith("\n") else "")


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def as_text(value: Any) -> str:
    """A scalar as ECMAScript's String() spells it: 1.0 is "1"."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return canonical.number(value) if isinstance(value, int | float) else str(value)


def as_list(value: Any) -> tuple[str, ...]:
    """The items of a list, or the fields of a text with commas between; a field in quotes may hold commas.
    Raises: ValueError for a quote that is not closed."""
    if _is_list(value):
        return tuple(map(as_text, value))
    return tuple(_fields(as_text(value)))


def _fields(text: str) -> list[str]:
    fields, place = [], 0
    while place < len(text):
        found = _FIELD.match(text, place)
        if found is None:  # the second alternative matches everything
            break
        quoted, plain = found.groups()
        if quoted is None and plain.lstrip().startswith('"'):
            raise ValueError(f"a quote is not closed, or not followed by a comma: {plain.strip()[:40]}")
        if quoted is not None:
            fields.append(_ESCAPED.sub(lambda match: match[1] or '"', quoted))
        elif plain.strip():
            fields.append(plain.strip())
        place = found.end() + 1
    return fields
