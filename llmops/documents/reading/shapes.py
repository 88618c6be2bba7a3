"""A checker for the part of JSON Schema (2020-12) that our schemas use. What it says is meant for people.

Why not jsonschema: importing it costs about 55 ms of CPU, five times a whole `python -c pass`, and checking one file
with it takes milliseconds. Tests hold this checker to jsonschema's verdict on the same schemas and values, and refuse a
shipped schema that uses a keyword which is not listed in `KEYWORDS`.

Where a text is wanted and a plain number was written, the number's source text is taken instead: `1.10` is "1.10".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Pointer = tuple[str | int, ...]
Schema = Mapping[str, Any]

ANNOTATIONS = frozenset(("$schema", "$id", "title", "description", "default", "examples", "patternErrorMessage"))
KEYWORDS = ANNOTATIONS | frozenset((
    "$defs", "$ref", "type", "enum", "const", "anyOf", "oneOf", "properties", "required", "additionalProperties",
    "propertyNames", "minProperties", "items", "minItems", "maxItems", "uniqueItems", "minimum", "maximum",
    "exclusiveMinimum", "minLength", "maxLength", "pattern",
))  # fmt: skip

_NOUNS = {
    "object": "a mapping", "array": "a list", "string": "a text", "number": "a number", "integer": "a whole number",
    "boolean": "true or false", "null": "nothing",
}  # fmt: skip
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with the value (or, with `is_key`, the key) at `pointer`."""

    pointer: Pointer
    message: str
    fix: str
    is_key: bool = False


def check(schema: Schema, value: Any, texts: Mapping[Pointer, str]) -> tuple[Any, tuple[Problem, ...]]:
    """`value` with numbers put back into text where `schema` wants text, and all that is wrong with it."""
    checker = _Checker(schema, texts)
    checked = checker.check(schema, value, ())
    return checked, tuple(checker.problems)


class _Checker:
    def __init__(self, root: Schema, texts: Mapping[Pointer, str]) -> None:
        self._root = root
        self._texts = texts
        self.problems: list[Problem] = []

    def check(self, schema: Schema, value: Any, pointer: Pointer) -> Any:
        if "$ref" in schema:
            schema = self._root["$defs"][schema["$ref"].rpartition("/")[2]]
        value, fits = self._take_type(schema, value, pointer)
        if not fits:
            return value
        if not _is_listed(schema, value):
            self._unexpected(schema, value, pointer)
            return value
        if isinstance(value, dict):
            value = self._mapping(schema, value, pointer)
        elif isinstance(value, list):
            value = self._list(schema, value, pointer)
        else:
            self._scalar(schema, value, pointer)
        if "anyOf" in schema:
            value = self._any_of(schema, value, pointer)
        if "oneOf" in schema:
            self._one_of(schema["oneOf"], value, pointer)
        return value

    def _refuse(self, pointer: Pointer, message: str, fix: str, *, is_key: bool = False) -> None:
        self.problems.append(Problem(pointer=pointer, message=message, fix=fix, is_key=is_key))

    def _unexpected(self, schema: Schema, value: Any, pointer: Pointer) -> None:
        wanted = expected(schema)
        self._refuse(pointer, f"{name_of(pointer)} is {shown(value)}, expected {wanted}", _fix(schema, wanted))

    def _take_type(self, schema: Schema, value: Any, pointer: Pointer) -> tuple[Any, bool]:
        types = _types(schema)
        if not types or any(_is_type(value, one) for one in types):
            return value, True
        if "string" in types and _is_type(value, "number") and pointer in self._texts:
            return self._texts[pointer], True
        self._unexpected(schema, value, pointer)
        return value, False

    def _mapping(self, schema: Schema, value: dict[str, Any], pointer: Pointer) -> dict[str, Any]:
        properties: Schema = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        names = schema.get("propertyNames")
        changed: dict[str, Any] = {}
        meant: set[str] = set()
        for key, item in value.items():
            place = (*pointer, key)
            if names is not None and not _fits_quietly(names, key):
                wanted = expected(names)
                self._refuse(place, f"the name '{key}' is not {wanted}", f"rename it to {wanted}", is_key=True)
            if key in properties:
                checked = self.check(properties[key], item, place)
            elif extra is False:
                meant.add(self._unknown_key(properties, key, place))
                continue
            else:
                checked = item if extra is True else self.check(extra, item, place)
            if checked is not item:
                changed[key] = checked
        self._sizes_of_mapping(schema, value, pointer, meant)
        return {**value, **changed} if changed else value

    def _unknown_key(self, properties: Schema, key: str, place: Pointer) -> str:
        near = nearest(key, tuple(properties))
        within = f" in {name_of(place[:-1])}" if len(place) > 1 else ""
        hint = f", did you mean '{near}'?" if near else ""
        fix = f"write '{near}', or remove the key" if near else f"remove it; known keys are {_listed(properties)}"
        self._refuse(place, f"unknown key '{key}'{within}{hint}", fix, is_key=True)
        return near

    def _sizes_of_mapping(self, schema: Schema, value: dict[str, Any], pointer: Pointer, meant: set[str]) -> None:
        for key in schema.get("required", ()):
            if key not in value and key not in meant:
                self._missing_key(schema, key, pointer)
        if len(value) < schema.get("minProperties", 0):
            self._refuse(pointer, f"{name_of(pointer)} is empty", "fill it, or remove it")

    def _missing_key(self, schema: Schema, key: str, pointer: Pointer) -> None:
        within = f" in {name_of(pointer)}" if pointer else ""
        example = schema.get("properties", {}).get(key, {}).get("examples", ("…",))[0]
        self._refuse(pointer, f"the key '{key}' is missing{within}", f"add it, for example `{key}: {example}`")

    def _list(self, schema: Schema, value: list[Any], pointer: Pointer) -> list[Any]:
        items = schema.get("items")
        if items is not None:
            checked = [self.check(items, item, (*pointer, index)) for index, item in enumerate(value)]
            if any(new is not old for new, old in zip(checked, value, strict=True)):
                value = checked
        self._sizes_of_list(schema, value, pointer)
        return value

    def _sizes_of_list(self, schema: Schema, value: list[Any], pointer: Pointer) -> None:
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        if not least <= len(value) <= most:
            wanted = expected(schema)
            self._refuse(pointer, f"{name_of(pointer)} has {len(value)} entries, expected {wanted}", f"write {wanted}")
        if schema.get("uniqueItems"):
            seen: set[str] = set()
            for index, item in enumerate(value):
                mark = _mark(item)
                if mark in seen:
                    place = (*pointer, index)
                    self._refuse(place, f"{name_of(place)} repeats {shown(item)}", "keep one of the two")
                seen.add(mark)

    def _scalar(self, schema: Schema, value: Any, pointer: Pointer) -> None:
        if not _scalar_fits(schema, value):
            self._unexpected(schema, value, pointer)

    def _any_of(self, schema: Schema, value: Any, pointer: Pointer) -> Any:
        """The first branch that fits; else the problems of the branch whose type the value has."""
        likely: tuple[Problem, ...] | None = None
        for branch in schema["anyOf"]:
            trial = _Checker(self._root, self._texts)
            checked = trial.check(branch, value, pointer)
            if not trial.problems:
                return checked
            if likely is None and "type" in branch and _has_type(branch, value):
                likely = tuple(trial.problems)
        self.problems.extend(likely or (self._of_several(schema["anyOf"], value, pointer),))
        return value

    def _one_of(self, branches: list[Schema], value: Any, pointer: Pointer) -> None:
        fitting = [branch for branch in branches if not _problems(branch, value)]
        if len(fitting) == 0:
            self.problems.append(self._of_several(branches, value, pointer))
        elif len(fitting) > 1:
            names = " and ".join(f"'{_listed(branch['required'])}'" for branch in fitting)
            within = f" in {name_of(pointer)}" if pointer else ""
            self._refuse(pointer, f"{names} exclude each other{within}", "keep one of the two")

    def _of_several(self, branches: list[Schema], value: Any, pointer: Pointer) -> Problem:
        if all("required" in branch and "type" not in branch for branch in branches):
            names = _either([f"'{_listed(branch['required'])}'" for branch in branches])
            within = f" in {name_of(pointer)}" if pointer else ""
            return Problem(pointer=pointer, message=f"{names} is missing{within}", fix=f"add {names}")
        wanted = " or ".join(dict.fromkeys(expected(branch) for branch in branches))
        message = f"{name_of(pointer)} is {shown(value)}, expected {wanted}"
        return Problem(pointer=pointer, message=message, fix=f"write {wanted}")


def _problems(schema: Schema, value: Any) -> tuple[Problem, ...]:
    return check(schema, value, {})[1]


def _fits_quietly(schema: Schema, value: Any) -> bool:
    return not _problems(schema, value)


def _types(schema: Schema) -> tuple[str, ...]:
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def _has_type(schema: Schema, value: Any) -> bool:
    return any(_is_type(value, one) for one in _types(schema))


def _is_type(value: Any, name: str) -> bool:
    """JSON Schema Validation, section 6.1.1: a number without a fraction is an integer; true is no number."""
    match name:
        case "string":
            return isinstance(value, str)
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return name == "number" or isinstance(value, int) or value.is_integer()


def _is_listed(schema: Schema, value: Any) -> bool:
    """False where `schema` names the values it takes, and this is none of them."""
    if "enum" in schema:
        return any(_mark(value) == _mark(one) for one in schema["enum"])
    return "const" not in schema or _mark(value) == _mark(schema["const"])


def _scalar_fits(schema: Schema, value: Any) -> bool:
    if isinstance(value, str):
        return _text_fits(schema, value)
    return not _is_type(value, "number") or _number_fits(schema, value)


def _text_fits(schema: Schema, value: str) -> bool:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", math.inf):
        return False
    pattern = schema.get("pattern")
    return pattern is None or _compiled(pattern).search(value) is not None


def _number_fits(schema: Schema, value: float) -> bool:
    least, most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    return bool(least <= value <= most and value > schema.get("exclusiveMinimum", -math.inf))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # ECMA-262 `$` is the very end; Python's would also match before a last line feed.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def _mark(value: Any) -> str:
    """Equal for equal JSON values: 1 and 1.0 are equal, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list):
        return f"[{','.join(map(_mark, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{key!r}:{_mark(value[key])}' for key in sorted(value))}}}"
    return repr(value)


def name_of(pointer: Pointer) -> str:
    """A pointer as people write it: `few_shots[1].user`; the document itself is "the file"."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in pointer)
    return text.lstrip(".") or "the file"


def shown(value: Any) -> str:
    """A value in a message: short, quoted where it is a text."""
    if isinstance(value, dict | list):
        return f"{_NOUNS['object' if isinstance(value, dict) else 'array']}" if value else "empty"
    if value is None or isinstance(value, bool):
        return {None: "empty", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"'{_short(value)}'"
    return str(value)


def _short(text: str) -> str:
    """At most sixty characters, without the secret that may stand in it."""
    from llmops.documents.scanning.patterns import find_secrets

    for hit in reversed(find_secrets(text)):
        text = text[: hit.start] + hit.masked + text[hit.end :]
    text = text.replace("\n", "\\n")
    return text if len(text) <= 60 else f"{text[:57]}…"


def expected(schema: Schema) -> str:
    """What `schema` wants, in words."""
    if "patternErrorMessage" in schema:
        return str(schema["patternErrorMessage"])
    if "const" in schema:
        return shown(schema["const"])
    if "enum" in schema:
        values = [str(one) for one in schema["enum"]]
        return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    words = " or ".join(_NOUNS[one] for one in _types(schema)) or "something else"
    return words + "".join(_limits(schema))


def _limits(schema: Schema) -> Iterator[str]:
    least, most = schema.get("minimum", _MISSING), schema.get("maximum", _MISSING)
    if least is not _MISSING and most is not _MISSING:
        yield f" from {least} to {most}"
    elif least is not _MISSING:
        yield f" of at least {least}"
    elif most is not _MISSING:
        yield f" of at most {most}"
    if "exclusiveMinimum" in schema:
        yield f" above {schema['exclusiveMinimum']}"
    if schema.get("minLength") == 1:
        yield " that is not empty"
    if "maxLength" in schema:
        yield f", at most {schema['maxLength']} characters"
    if "minItems" in schema or "maxItems" in schema:
        yield f" of {_count(schema.get('minItems', 0), schema.get('maxItems'))}"


def _count(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least}"
    return f"{least}" if least == most else f"{least} to {most}"


def _fix(schema: Schema, wanted: str) -> str:
    examples = schema.get("examples")
    return f"write {wanted}, for example {examples[0]}" if examples else f"write {wanted}"


def _listed(names: Any) -> str:
    return ", ".join(names)


def _either(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def nearest(word: str, known: tuple[str, ...]) -> str:
    """The known word that was probably meant, or ""."""
    import difflib

    near = difflib.get_close_matches(word, known, n=1, cutoff=0.78)
    return near[0] if near else ""
