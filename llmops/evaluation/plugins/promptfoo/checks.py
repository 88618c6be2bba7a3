"""One assert: whether it can be taken over, and whether it is well formed.

An assert that changes the answer before it looks (`transform`), or that is judged by a prompt of its own, is left: what
it would measure here is something else. One that is measured here but malformed is a problem of the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from llmops.documents import templates
from llmops.documents.reading import yaml_door
from llmops.documents.scanning.regexes import patterns, slow
from llmops.evaluation.plugins.promptfoo.asserts import Assert, Left
from llmops.evaluation.plugins.promptfoo.references import PREFIX, Files, is_code
from llmops.evaluation.plugins.promptfoo.rules import expressions, structures
from llmops.evaluation.plugins.promptfoo.support import SUPPORTED, Means, Support, Takes, why_not
from llmops.evaluation.plugins.promptfoo.values import as_list, is_template

_TAKEN = ("type", "value", "threshold", "weight", "metric", "provider", "description")
_CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "transform": "it changes the answer by code, and code in a file is never executed",
        "contextTransform": "it makes contexts by code, and code in a file is never executed",
        "rubricPrompt": "it is judged by a prompt of its own; llmops asks with its own prompts",
        "config": "its configuration is handed to code or to a provider",
    }
)


class Problem(ValueError):
    """An assert that is not well formed."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


def assert_of(item: Any, place: str, files: Files) -> Assert | Left:
    """The assert in `item`, or why it is left. Raises: Problem, NotFound."""
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str) or not item["type"]:
        raise Problem(f"{place} has no `type`", "write a mapping with `type`")
    kind = item["type"].removeprefix("not-")
    why = why_not(kind) or _why_changed(item)
    if why:
        return Left(what=f"{place} {item['type']}", why=why)
    support = SUPPORTED[kind]
    is_script = isinstance(item.get("value"), str) and _names_code(item["value"])
    if is_script:
        return Left(what=f"{place} {item['type']}", why="its value is made by code, which is never executed")
    value = _resolved(item.get("value"), support, files)
    made = Assert(
        place=place,
        kind=kind,
        is_inverse=item["type"] != kind,
        value=value,
        threshold=number_of(item, "threshold"),
        weight=_or_one(number_of(item, "weight")),
        note=_note(item, support),
    )
    _check(made, support)
    why = _why_hostile(made, support)
    return Left(what=made.label, why=why) if why else made


def number_of(item: Mapping[str, Any], name: str) -> float | None:
    """A number of an assert, None where it has none. Raises: Problem."""
    value = item.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise Problem(f"`{name}` is {value!r}", "write a number from 0")
    return float(value)


def _or_one(weight: float | None) -> float:
    return 1.0 if weight is None else weight


def _why_changed(item: Mapping[str, Any]) -> str:
    known = next((why for key, why in _CHANGES.items() if key in item), "")
    odd = next((key for key in item if key not in _TAKEN), "")
    return known or (f"llmops does not know its key `{odd}`" if odd else "")


def _names_code(value: str) -> bool:
    return value.startswith("package:") or (value.startswith(PREFIX) and is_code(value))


def _note(item: Mapping[str, Any], support: Support) -> str:
    notes = [support.note] if support.note else []
    if "provider" in item:
        notes.append("asked of the model that llmops.yaml names, not of its own provider")
    if "metric" in item:
        notes.append("its `metric` is not reported on its own")
    return "; ".join(notes)


def _resolved(value: Any, support: Support, files: Files) -> Any:
    """The value with what a file or a text in YAML stands for."""
    if isinstance(value, str) and value.startswith(PREFIX):
        path, data = files.bytes_of(value)
        is_data = path.lower().endswith((".json", ".yaml", ".yml"))
        value = _yaml(data, path) if is_data else _text(data, path)
    if support.takes is Takes.SCHEMA and isinstance(value, str) and not is_template(value):
        value = _yaml(value.encode(), "the schema")
    return value


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(f"{path} is not UTF-8", "save the file as UTF-8") from error


def _yaml(data: bytes, path: str) -> Any:
    parsed = yaml_door.parse(data, path)
    if not parsed.is_readable:
        first = parsed.findings[0]
        raise Problem(f"{first.location}: {first.message}", first.fix)
    return parsed.value


def _check(one: Assert, support: Support) -> None:
    if support.needs_threshold and one.threshold is None:
        raise Problem(f"`{one.kind}` has no `threshold`", "write one")
    if not _FITS[support.takes](one.value):
        raise Problem(f"the value of `{one.kind}` is not {support.takes}", f"write {support.takes}")
    if support.takes is Takes.SCHEMA and one.value:
        problem = structures.schema_problem(one.value)
        if problem:
            raise Problem(f"the value of `{one.kind}` is no JSON Schema: {problem}", "mend the schema")
    for text in one.value if isinstance(one.value, list) else [one.value]:
        problems = templates.check(text) if isinstance(text, str) and is_template(text) else ()
        if problems:
            raise Problem(f"the value of `{one.kind}`: {problems[0].message}", problems[0].fix)


def _why_hostile(one: Assert, support: Support) -> str:
    """Why an expression in the assert is not taken."""
    if support.means is Means.REGEX and not is_template(one.value):
        try:
            expressions.to_python(one.value)
        except expressions.Refused as error:
            return str(error)
    whys = (slow(pattern) for _, pattern in patterns(one.value)) if support.takes is Takes.SCHEMA else ()
    return next((f"a pattern in its schema {why}" for why in whys if why), "")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    try:
        return (isinstance(value, list) or _is_text(value)) and bool(as_list(value))
    except ValueError:
        return False


def _is_count(value: Any) -> bool:
    if isinstance(value, Mapping):
        limits = [value[name] for name in ("min", "max") if name in value]
        return bool(limits) and all(map(_is_number, limits)) and limits == sorted(limits) and len(limits) == len(value)
    if isinstance(value, str):
        try:
            return math.isfinite(float(value))
        except ValueError:
            return False
    return _is_number(value)


_FITS: Mapping[Takes, Callable[[Any], bool]] = MappingProxyType(
    {
        Takes.NOTHING: lambda _value: True,
        Takes.TEXT: _is_text,
        Takes.TEXTS: lambda value: (
            _is_text(value) or (isinstance(value, list) and bool(value) and all(map(_is_text, value)))
        ),
        Takes.NUMBER: lambda value: _is_text(value) or _is_number(value),
        Takes.LIST: _is_list,
        Takes.ANY: lambda value: value is not None,
        Takes.SCHEMA: lambda value: value is None or isinstance(value, Mapping | bool),
        Takes.COUNT: _is_count,
        Takes.RUBRIC: lambda value: _is_text(value) or (isinstance(value, Mapping) and bool(value)),
    }
)
