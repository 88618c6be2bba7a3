"""Whether a JSON value fits a JSON Schema, where both may have been written to do harm.

Rules, in order:

1. Nothing is fetched, neither over a network nor from a disk: a reference leads within its own schema, or nowhere.
2. A check that cannot be done says why (`Unchecked`), whatever it was that failed. It is neither a fit nor a misfit.
3. `needs_deadline` says which schemas may take long on some value. A schema without expressions, uniqueness and
   recursion is checked in a time that grows with its unfolded size and the value's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

MOST_PARTS = 20_000
ORDINARY_PARTS = 1_000
DRAFT_2020 = "2020-12"
DRAFT_7 = "7"
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_COSTLY = frozenset(
    {"pattern", "patternProperties", "uniqueItems", "unevaluatedItems", "unevaluatedProperties", "$dynamicRef"}
)

Pointer = tuple[str | int, ...]


class Unchecked(Exception):
    """Nobody knows whether the value fits; the text says why."""


def problem(value: Any, schema: Any, draft: str = DRAFT_2020) -> str:
    """Why the value does not fit; "" where it does. Raises: Unchecked."""
    from jsonschema.exceptions import best_match

    try:
        found = best_match(_validator(schema, draft).iter_errors(value))
    except Exception as error:
        raise Unchecked(_why(error)) from error
    if found is None:
        return ""
    place = "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in found.absolute_path)
    return f"{place or 'the value'}: {found.message}"


def problems(value: Any, schema: Any) -> list[tuple[Pointer, str]]:
    """Every place of the value that does not fit, the most telling first. Raises: Unchecked."""
    from jsonschema.exceptions import relevance

    try:
        found = sorted(_validator(schema, DRAFT_2020).iter_errors(value), key=relevance)
        return [(tuple(each.absolute_path), each.message) for each in found]
    except Exception as error:
        raise Unchecked(_why(error)) from error


def schema_problem(schema: Any, draft: str = DRAFT_2020) -> tuple[Pointer, str] | None:
    """Where and why a value is no JSON Schema, None where it is one."""
    from jsonschema import SchemaError

    try:
        _draft(draft).check_schema(schema)
    except SchemaError as error:
        return tuple(error.absolute_path), str(error.message)
    except Exception as error:  # noqa: BLE001  # whatever fails in it, it is no schema to check answers with
        return (), _why(error)
    return None


def _draft(draft: str) -> Any:
    import jsonschema

    return jsonschema.Draft7Validator if draft == DRAFT_7 else jsonschema.Draft202012Validator


def _validator(schema: Any, draft: str) -> Any:
    from referencing import Registry

    # An empty registry retrieves nothing. Without one, jsonschema fetches whatever a reference names.
    return _draft(draft)(schema, registry=Registry())


def _why(error: Exception) -> str:
    from referencing.exceptions import Unresolvable

    if isinstance(error, RecursionError):
        return "the schema or the value is nested too deeply, or the schema refers to itself without end"
    if isinstance(error, Unresolvable):
        return f"the schema refers to what is not in it: {str(error)[:200]}"
    return f"the schema cannot be checked: {type(error).__name__}: {str(error)[:200]}"


def references(schema: Any) -> Iterator[tuple[Pointer, str]]:
    """Every reference that leads out of the schema, with its place: it could only be followed by fetching."""
    for pointer, part in _parts(schema):
        for key in _REFERENCES:
            target = part.get(key)
            if isinstance(target, str) and not target.startswith("#"):
                yield (*pointer, key), target


def needs_deadline(schema: Any) -> bool:
    """True where the check may take long on some value."""
    # A part with an address of its own is what references in it begin from: too much to follow here.
    if any(not _COSTLY.isdisjoint(part) or (pointer and "$id" in part) for pointer, part in _parts(schema)):
        return True
    size = unfolded(schema)
    return size is None or size > ORDINARY_PARTS


def unfolded(schema: Any) -> int | None:
    """How many parts a schema has with its references written out; None where it refers to itself."""
    try:
        return _unfolded(schema, schema, {}, set())
    except (_Endless, RecursionError):
        return None


class _Endless(Exception):
    """A part leads back to itself."""


def _unfolded(part: Any, root: Any, known: dict[int, int], open_: set[int]) -> int:
    if not isinstance(part, Mapping | list | tuple):
        return 0
    if id(part) in open_:
        raise _Endless
    if id(part) not in known:
        open_.add(id(part))
        inside = part.values() if isinstance(part, Mapping) else part
        size = 1 + sum(_unfolded(each, root, known, open_) for each in inside)
        target = _target(part, root)
        known[id(part)] = size + (0 if target is None else _unfolded(target, root, known, open_))
        open_.discard(id(part))
    return known[id(part)]


def _target(part: Any, root: Any) -> Any:
    """What a part refers to. An anchor may be anywhere and an escape mean anything: they are taken for the whole."""
    reference = part.get("$ref") if isinstance(part, Mapping) else None
    if not isinstance(reference, str):
        return None
    if (reference != "#" and not reference.startswith("#/")) or "%" in reference:
        return root
    found = root
    for step in reference[2:].split("/") if reference != "#" else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping):
            found = found.get(name)
        elif isinstance(found, list | tuple) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return found


def parts(schema: Any) -> int:
    """How many mappings a schema is made of."""
    return sum(1 for _ in _parts(schema))


def _parts(schema: Any) -> Iterator[tuple[Pointer, Mapping[str, Any]]]:
    """Every mapping in a schema with its place, without recursion: it may be deep."""
    waiting: list[tuple[Pointer, Any]] = [((), schema)]
    while waiting:
        pointer, part = waiting.pop()
        if isinstance(part, Mapping):
            yield pointer, part
            waiting += [((*pointer, key), each) for key, each in part.items()]
        elif isinstance(part, list | tuple):
            waiting += [((*pointer, at), each) for at, each in enumerate(part)]
