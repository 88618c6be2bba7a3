"""Reading what a judge's model replied: an object of the wanted shape, or a reason why there is none.

Rules, in order:

1. A reply is data. Nothing in it is followed; an instruction in it is text without the wanted shape.
2. A refusal (by the endpoint's own sign, by its content filter, or in words) is told apart: asking again is no use.
3. The object is looked for in the text: fences, prose before and after, and a leading block of thoughts are let pass.
   But every brace must open an object, and all objects must be equal: a judge may quote a verdict that stands in the
   text it judges, and which object is its own is not for us to guess.
4. JSON is taken strictly: no NaN, no key twice, no nesting without end. Types are not converted: "4" is no grade. Keys
   that were not asked for are dropped, because they change nothing.
5. A reply that was cut off counts if its object is whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from llmops.documents.reading import shapes
from llmops.evaluation.judging.fences import whole
from llmops.evaluation.judging.steps import Said
from llmops.evaluation.scoring.refusals import is_refusal

LARGEST_REPLY = 64_000
MOST_OBJECTS = 16
_REFUSALS_WITHIN = 600
_THOUGHTS, _END_OF_THOUGHTS = "<think>", "</think>"


class Unusable(ValueError):
    """A reply that says nothing we asked for. Asking once more may help."""


class Refused(Unusable):
    """The judge will not, or cannot, answer this request. Asking once more is no use."""


def read(said: Said, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The object of shape `schema` in a reply. Raises: Unusable, Refused."""
    text = text_of(said)
    try:
        return object_in(text, schema)
    except Unusable as error:
        if is_refusal(text[:_REFUSALS_WITHIN]):
            raise Refused(f"the judge declined: {_shown(text)}") from error
        if said.finish_reason == "length":
            raise Unusable(f"it was cut off at the limit of tokens: {error}") from error
        raise


def text_of(said: Said) -> str:
    """The text of a reply that is one. Raises: Unusable, Refused."""
    if said.failure:
        raise Refused(f"the judge could not be asked: {whole(said.failure)}")
    if said.is_refusal or said.finish_reason == "content_filter":
        raise Refused(f"the judge refused: {_shown(said.text)}")
    if not said.text.strip():
        raise Unusable("it is empty")
    if len(said.text) > LARGEST_REPLY:
        raise Unusable(f"it has {len(said.text)} characters, at most {LARGEST_REPLY} are read")
    return said.text


def object_in(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one object in a text, if it has the shape `schema`. Raises: Unusable."""
    found = _objects(_without_thoughts(text))
    if not found:
        raise Unusable(f"it holds no JSON object: {_shown(text)}")
    if any(other != found[0] for other in found[1:]):
        raise Unusable("it holds different objects, and which was meant is not known")
    known = schema["properties"]
    value, problems = shapes.check(schema, {key: item for key, item in found[0].items() if key in known}, {})
    if problems:
        raise Unusable(problems[0].message)
    return cast(dict[str, Any], value)


def _without_thoughts(text: str) -> str:
    """The text after a leading `<think>…</think>`; "" where the thoughts do not end."""
    bare = text.lstrip()
    return bare.partition(_END_OF_THOUGHTS)[2] if bare.startswith(_THOUGHTS) else bare


def _objects(text: str) -> list[dict[str, Any]]:
    """The outermost JSON objects in a text, in order. Raises: Unusable where a brace opens something else."""
    found: list[dict[str, Any]] = []
    start = text.find("{")
    while start >= 0:
        if len(found) == MOST_OBJECTS:
            raise Unusable(f"it holds more than {MOST_OBJECTS} objects")
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            raise Unusable(f"its JSON is broken: {_shown(text[start:])}") from error
        found.append(value)
        start = text.find("{", end)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = {key: _whole(item) for key, item in pairs}
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _whole(item: Any) -> Any:
    """Strings within are made fit for UTF-8: `"\\ud800"` is JSON, and no text."""
    if isinstance(item, str):
        return whole(item)
    return [_whole(one) for one in item] if isinstance(item, list) else item


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse)


def shortened(text: str, limit: int = 200) -> str:
    """The text on one line, at most `limit` characters."""
    line = " ".join(whole(text[: 2 * limit]).split())
    return line if len(line) <= limit and len(text) <= 2 * limit else f"{line[: limit - 1]}…"


def _shown(text: str) -> str:
    return f"“{shortened(text, 80)}”"
