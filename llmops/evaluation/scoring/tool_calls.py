"""Tool calls of an answer against those that a right answer makes. A rule; no model is asked.

Rules, in order:

1. The names must be the expected ones in the expected order, none left out and none added; otherwise 0.
2. Then each call counts by the share of its expected arguments that have the expected value. Arguments are compared as
   JSON values: 1 and 1.0 are equal, 1 and "1" are not, and the order of keys does not matter. Arguments beside the
   expected ones are let pass, unless none are expected.
3. The score is the mean over the calls. No calls where none are expected: 1.

These are the values of ragas' ToolCallAccuracy in strict order, except that ragas compares arguments as Python prints
them (there 1 and "1" are equal, 1 and 1.0 are not). `arguments` that are no JSON object have no expected argument
right; in the label of a case they leave the score missing, because nothing can be compared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from llmops.documents.chat import ToolCall
from llmops.evaluation.evidence import Score, measured, missing

MOST_NAMED = 10


def tool_call_accuracy(calls: Sequence[ToolCall], expected: Sequence[ToolCall]) -> Score:
    """How far the calls are the expected ones, from 0 to 1."""
    labels = [_arguments(call) for call in expected]
    for call, label in zip(expected, labels, strict=True):
        if label is None:
            return missing(_fit(f"the expected arguments of `{call.name}` are no JSON object"))
    if [call.name for call in calls] != [call.name for call in expected]:
        return measured(0, _fit(f"expected the calls {_named(expected)}, found {_named(calls)}"))
    if not expected:
        return measured(1)
    pairs = [(call.name, _arguments(call), label or {}) for call, label in zip(calls, labels, strict=True)]
    value = math.fsum(_share(found, label) for _, found, label in pairs) / len(pairs)
    problems = (_why(name, found, label) for name, found, label in pairs)
    return measured(value, _fit(" · ".join(problem for problem in problems if problem)))


def _arguments(call: ToolCall) -> Mapping[str, Any] | None:
    """The arguments as an object; None where they are none. Some models write nothing for no arguments."""
    try:
        value = json.loads(call.arguments.strip() or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _share(found: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> float:
    if found is None:
        return 0.0
    if not expected:
        return 0.0 if found else 1.0
    return sum(_is_right(name, found, expected) for name in expected) / len(expected)


def _is_right(name: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    try:
        return name in found and _equal(found[name], expected[name])
    except RecursionError:  # nested deeper than anything that a tool takes
        return False


def _equal(one: Any, other: Any) -> bool:
    """Equal as JSON values: in Python True == 1, in JSON it is not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def _why(name: str, found: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> str:
    if found is None:
        return f"`{name}`: the arguments are no JSON object"
    if not expected and found:
        return f"`{name}`: expected no arguments, found {len(found)}"
    wrong = [key for key in expected if not _is_right(key, found, expected)]
    return f"`{name}`: {', '.join(f'`{key}`' for key in wrong)} not as expected" if wrong else ""


def _named(calls: Sequence[ToolCall]) -> str:
    """The names, the first few of them."""
    rest = len(calls) - MOST_NAMED
    names = [f"`{call.name}`" for call in calls[:MOST_NAMED]]
    return ", ".join([*names, *([f"{rest} more"] if rest > 0 else [])]) or "none"


def _fit(reason: str) -> str:
    """The reason without halves of surrogate pairs, which JSON can spell in a name and evidence cannot hold."""
    return reason.encode("utf-8", "replace").decode()
