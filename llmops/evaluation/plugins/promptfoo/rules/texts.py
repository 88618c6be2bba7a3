"""Asserts on the text of an answer. Unlike the metric `contains`, they compare exactly what was written.

Rules, in order:

1. Letters and white space count; the types that begin with `i` fold letter case and nothing else.
2. `equals` with a mapping or list compares JSON values: the order of keys is no difference, `1` and `true` are.
3. Words are what stands between white space.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from llmops.documents import canonical
from llmops.evaluation.plugins.promptfoo.asserts import Verdict, verdict
from llmops.evaluation.plugins.promptfoo.rules.structures import NotJson, json_of
from llmops.evaluation.plugins.promptfoo.values import as_list, as_text
from llmops.evaluation.scoring.refusals import is_refusal


def equals(answer: str, value: Any, is_inverse: bool) -> Verdict:
    """The answer is the value: as text, or as JSON where the value is a mapping, a list or null."""
    same = as_text(value) == answer if isinstance(value, str | bool | int | float) else _is_same_json(answer, value)
    return verdict(same, is_inverse, f"the answer {'equals' if same else 'does not equal'} the value")


def _is_same_json(answer: str, value: Any) -> bool:
    try:
        return canonical.dumps(json_of(answer)) == canonical.dumps(value)
    except (NotJson, canonical.CanonicalError):
        return False


def contains(answer: str, value: Any, is_inverse: bool) -> Verdict:
    """The value stands in the answer."""
    text = as_text(value)
    return verdict(text in answer, is_inverse, f"the answer {'holds' if is_inverse else 'lacks'} “{text}”")


def contains_all(answer: str, value: Any, is_inverse: bool) -> Verdict:
    """Every item of the value stands in the answer."""
    absent = [item for item in as_list(value) if item not in answer]
    found = f"the answer lacks {_listed(absent)}" if absent else "the answer holds all of them"
    return verdict(not absent, is_inverse, found)


def contains_any(answer: str, value: Any, is_inverse: bool) -> Verdict:
    """One item of the value at least stands in the answer."""
    items = as_list(value)
    present = [item for item in items if item in answer]
    found = f"the answer holds {_listed(present)}" if present else f"the answer holds none of {_listed(items)}"
    return verdict(bool(present), is_inverse, found)


def starts_with(answer: str, value: Any, is_inverse: bool) -> Verdict:
    """The answer begins with the value."""
    begins = answer.startswith(value)
    return verdict(begins, is_inverse, f"the answer {'begins' if begins else 'does not begin'} with “{value}”")


def refuses(answer: str, _value: Any, is_inverse: bool) -> Verdict:
    """The answer declines; no answer is a refusal."""
    declined = not answer.strip() or is_refusal(answer)
    return verdict(declined, is_inverse, "the answer declines" if declined else "the answer does not decline")


def word_count(answer: str, value: Any, is_inverse: bool) -> Verdict:
    """The number of words is the value, or lies between its `min` and `max`."""
    count = len(answer.split())
    if isinstance(value, Mapping):
        low, high = value.get("min", 0), value.get("max", float("inf"))
        wanted = " and ".join(f"{name} {as_text(value[name])}" for name in ("min", "max") if name in value)
    else:
        low = high = float(value)
        wanted = as_text(value)
    return verdict(low <= count <= high, is_inverse, f"the answer has {count} words, the value is {wanted}")


def _folded(
    rule: Callable[[str, Any, bool], Verdict], spell: Callable[[Any], Any]
) -> Callable[[str, Any, bool], Verdict]:
    """The rule with letter case folded on both sides."""
    return lambda answer, value, is_inverse: rule(answer.lower(), spell(value), is_inverse)


def _lower_list(value: Any) -> list[str]:
    return [item.lower() for item in as_list(value)]


def _listed(items: Any) -> str:
    return ", ".join(f"“{item}”" for item in items)


RULES: Mapping[str, Callable[[str, Any, bool], Verdict]] = MappingProxyType(
    {
        "equals": equals,
        "contains": contains,
        "icontains": _folded(contains, lambda value: as_text(value).lower()),
        "contains-all": contains_all,
        "icontains-all": _folded(contains_all, _lower_list),
        "contains-any": contains_any,
        "icontains-any": _folded(contains_any, _lower_list),
        "starts-with": starts_with,
        "is-refusal": refuses,
        "word-count": word_count,
    }
)
