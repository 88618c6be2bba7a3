"""Reading what a judge's model replied: an object of the wanted shape, or a reason why there is none.

Rules, in order:

1. A reply is data. Nothing in it is followed; an instruction in it is text without the wanted shape.
2. A refusal (by the endpoint's own sign, by its content filter, or in words) is told apart: asking again is no use.
3. The object is looked for in the text: fences, prose before and after, and a leading block of thoughts are let pass.
   Objects of another shape are passed over. Two different objects of the wanted shape are one too many: which of them
   was meant is not for us to guess.
4. JSON is taken strictly: no NaN, no key twice, no nesting without end. Types are not converted: "4" is no grade. Keys
   that were not asked for are dropped, because they change nothing.
5. A reply that was cut off counts if its object is whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from llmops.documents.reading import shapes
from llmops.evaluation.judging.fences import whole
from llmops.evaluation.judging.steps import Said
from llmops.evaluation.scoring.refusals import is_refusal

LARGEST_REPLY = 64_000
MOST_OBJECTS = 16
_REFUSALS_WITHIN = 600
_THOUGHTS = re.compile(r"\s*<think>.*?</think>", re.DOTALL | re.IGNORECASE)


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
    """The one object of shape `schema` in a text. Raises: Unusable."""
    known = schema["properties"]
    fitting: list[dict[str, Any]] = []
    problem = ""
    for found in _objects(_THOUGHTS.sub("", text, count=1) if "<" in text else text):
        value, problems = shapes.check(schema, {key: item for key, item in found.items() if key in known}, {})
        if problems:
            problem = problem or problems[0].message
        elif value not in fitting:
            fitting.append(value)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Unusable(f"it holds {len(fitting)} different verdicts")
    raise Unusable(problem or f"it holds no JSON object: {_shown(text)}")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text, in order. Few starts are tried: text of braces alone must not cost time."""
    start, tried = text.find("{"), 0
    while start >= 0 and tried < MOST_OBJECTS:
        tried += 1
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield value
        start = text.find("{", end)


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
