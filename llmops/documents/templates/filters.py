"""The twelve filters of templates, and the meter that everything a template does is charged to.

Each filter measures what it would give before it builds it. The internal steps at the end are what the engine puts
in place of `~`, `+`, comparisons and loops; their names hold a space, so that no template can name them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context

from llmops.documents.templates.values import Limits, NumberedPassages

METER: Final = "the meter"
WIDEST_INDENT: Final = 32
MOST_DECIMALS: Final = 15
DEEPEST_VALUE: Final = 64
LARGEST_INTEGER: Final = 2**53


class LimitReached(Exception):
    """A limit of the rendering was reached: the error code, and what happened."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


class WrongValue(TypeError):
    """A value of a kind that the step cannot take."""


class Meter:
    """Counts what one rendering takes, and stops it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._work = 0
        self._passes = 0

    def charge(self, units: int) -> None:
        """Book work before it is done. Raises: LimitReached."""
        self._work += units + 1
        if self._work > self._limits.work:
            raise LimitReached("TEMPLATE_TOO_MUCH_WORK", f"more than {self._limits.work} units of work")

    def grow(self, length: int) -> None:
        """Book a text of `length` characters that is about to be built. Raises: LimitReached."""
        if length > self._limits.output:
            raise LimitReached("TEMPLATE_TOO_LONG", f"a text of {length} characters, {self._limits.output} are allowed")
        self.charge(length)

    def loop(self, passes: int, weight: int) -> None:
        """Book a loop: its passes, each as heavy as its body. Raises: LimitReached."""
        self._passes += passes
        if self._passes > self._limits.passes:
            raise LimitReached("TEMPLATE_TOO_MANY_PASSES", f"more than {self._limits.passes} passes through loops")
        self.charge(passes * weight)


def meter_of(context: Context) -> Meter:
    """The meter of the rendering that `context` belongs to."""
    meter: Meter = context.parent[METER]
    return meter


def kind_of(value: Any) -> str:
    """What to call a value in a message: never its Python type."""
    kinds = ((bool, "a boolean"), (str, "a text"), (int | float, "a number"), (Mapping, "a mapping"))
    for kind, name in kinds:
        if isinstance(value, kind):
            return name
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value is None else "no value that templates know"


@pass_context
def text_of(context: Context, value: Any) -> str:
    """`value` as it is printed: text as it is, numbers and booleans as Python spells them, the rest as JSON."""
    if isinstance(value, str):
        meter_of(context).charge(len(value))
        return str(value)
    if isinstance(value, Undefined):
        return str(value)  # StrictUndefined raises here
    if isinstance(value, NumberedPassages):
        meter_of(context).grow(sum(len(str(passage["text"])) + 16 for passage in value))
        return str(value)
    if isinstance(value, bool | int | float):
        return str(value)
    if value is None:
        raise WrongValue("a value that is null cannot be printed")
    return tojson(context, value)


@pass_context
def default(context: Context, value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: ARG001
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


@pass_context
def join(context: Context, value: Any, d: Any = "", attribute: Any = None) -> str:
    items = _items(context, value)
    if attribute is not None:
        items = [context.environment.getitem(item, attribute) for item in items]
    separator = text_of(context, d)
    texts = [text_of(context, item) for item in items]
    meter_of(context).grow(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


@pass_context
def length(context: Context, value: Any) -> int:
    if isinstance(value, str | Mapping):
        return len(value)
    return len(_items(context, value))


@pass_context
def lower(context: Context, value: Any) -> str:
    text = text_of(context, value)
    meter_of(context).grow(len(text))
    return text.lower()


@pass_context
def upper(context: Context, value: Any) -> str:
    text = text_of(context, value)
    meter_of(context).grow(3 * len(text) if not text.isascii() else len(text))
    return text.upper()


@pass_context
def trim(context: Context, value: Any) -> str:
    return text_of(context, value).strip()


@pass_context
def tojson(context: Context, value: Any, indent: Any = None) -> str:
    """JSON with sorted keys; `indent` from 0 to 8."""
    width = None if indent is None else _whole_number("indent", indent, 0, 8)
    meter = meter_of(context)
    plain, size = _plain(meter, value, depth=1)
    meter.grow(size * (1 + (width or 0)))
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, allow_nan=False, indent=width)


@pass_context
def replace(context: Context, value: Any, old: Any, new: Any, count: Any = None) -> str:
    text, before, after = (text_of(context, part) for part in (value, old, new))
    found = text.count(before)
    if count is not None:
        found = min(found, _whole_number("count", count, 0, LARGEST_INTEGER))
    meter_of(context).grow(len(text) + found * max(0, len(after) - len(before)))
    return text.replace(before, after, found)


@pass_context
def first(context: Context, value: Any) -> Any:
    items = _items(context, value)
    return items[0] if items else context.environment.undefined("an empty list has no first item")


@pass_context
def last(context: Context, value: Any) -> Any:
    items = _items(context, value)
    return items[-1] if items else context.environment.undefined("an empty list has no last item")


@pass_context
def round_(context: Context, value: Any, precision: Any = 0, method: Any = "common") -> float:  # noqa: ARG001
    """As Jinja's: a float, by the `common`, `ceil` or `floor` method."""
    digits = _whole_number("precision", precision, 0, MOST_DECIMALS)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue(f"round takes a number, not {kind_of(value)}")
    if method not in ("common", "ceil", "floor"):
        raise WrongValue(f"round knows the methods common, ceil and floor, not {method!r}")
    if method == "common":
        return round(float(value), digits)
    rounded: float = (math.ceil if method == "ceil" else math.floor)(value * 10**digits) / 10**digits
    return rounded


@pass_context
def indent(context: Context, value: Any, width: Any = 4, first: Any = False, blank: Any = False) -> str:
    pad = " " * _whole_number("width", width, 0, WIDEST_INDENT)
    text = text_of(context, value)
    lines = text.split("\n")
    meter_of(context).grow(len(text) + len(pad) * len(lines))
    return "\n".join(pad + line if (number or first) and (line or blank) else line for number, line in enumerate(lines))


@pass_context
def count_passes(context: Context, value: Any, weight: int) -> list[Any]:
    """What a loop goes through, booked before its first pass."""
    items = _items(context, value)
    meter_of(context).loop(len(items), weight)
    return items


@pass_context
def concatenate(context: Context, *parts: Any) -> str:
    """`~`: the parts as printed, one after the other."""
    texts = [text_of(context, part) for part in parts]
    meter_of(context).grow(sum(map(len, texts)))
    return "".join(texts)


@pass_context
def add(context: Context, left: Any, right: Any) -> Any:
    """`+`: two texts, two lists or two numbers."""
    meter = meter_of(context)
    for value in (left, right):
        if isinstance(value, Undefined):
            str(value)
    if isinstance(left, str) and isinstance(right, str):
        meter.grow(len(left) + len(right))
        return left + right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        meter.grow(len(left) + len(right))
        return [*left, *right]
    if not (_is_number(left) and _is_number(right)):
        raise WrongValue(f"+ adds two texts, two lists or two numbers, not {kind_of(left)} and {kind_of(right)}")
    total = left + right
    if abs(total) > LARGEST_INTEGER and isinstance(total, int):
        raise WrongValue(f"+ gives {total}, beyond the largest whole number {LARGEST_INTEGER}")
    return total


@pass_context
def weigh(context: Context, value: Any) -> Any:
    """A side of a comparison, booked with its size."""
    if isinstance(value, str):
        meter_of(context).charge(len(value))
    elif isinstance(value, Mapping | list | tuple):
        _plain(meter_of(context), value, depth=1)
    return value


def _items(context: Context, value: Any) -> list[Any]:
    if isinstance(value, Undefined):
        str(value)
    if not isinstance(value, str | list | tuple | Mapping):
        raise WrongValue(f"a list, a mapping or a text is wanted here, not {kind_of(value)}")
    meter_of(context).charge(len(value))
    return list(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole_number(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        shown = value if isinstance(value, int) else kind_of(value)
        raise WrongValue(f"{name} is a whole number from {least} to {most}, not {shown}")
    return value


def _plain(meter: Meter, value: Any, *, depth: int) -> tuple[Any, int]:
    """`value` in JSON's own types and about how long its JSON is; booked while it is walked."""
    if depth > DEEPEST_VALUE:
        raise WrongValue(f"a value is nested deeper than {DEEPEST_VALUE} levels")
    if isinstance(value, Undefined):
        str(value)
    if isinstance(value, str):
        meter.charge(len(value))
        return str(value), 2 * len(value) + 4
    if value is None or isinstance(value, bool | int | float):
        meter.charge(8)
        return value, 24
    if isinstance(value, Mapping):
        pairs = [(_key(key), *_plain(meter, item, depth=depth + 1)) for key, item in value.items()]
        meter.charge(len(pairs))
        return {key: item for key, item, _ in pairs}, sum(len(key) + size + 4 for key, _, size in pairs) + 2
    if isinstance(value, list | tuple):
        items = [_plain(meter, item, depth=depth + 1) for item in value]
        meter.charge(len(items))
        return [item for item, _ in items], sum(size + 2 for _, size in items) + 2
    raise WrongValue("this is no text, number, list or mapping")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise WrongValue("a mapping has a key that is no text")
    return key


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "default": default,
    "join": join,
    "length": length,
    "lower": lower,
    "upper": upper,
    "trim": trim,
    "tojson": tojson,
    "replace": replace,
    "first": first,
    "last": last,
    "round": round_,
    "indent": indent,
}

STEPS: Final[Mapping[str, Callable[..., Any]]] = {
    "count passes": count_passes,
    "concatenate": concatenate,
    "add": add,
    "weigh": weigh,
}


def chunks_within(chunks: Iterator[str], limits: Limits, meter: Meter) -> Iterator[str]:
    """The chunks of a rendering, as long as they stay within `limits.output`. Raises: LimitReached."""
    total = 0
    for chunk in chunks:
        total += len(chunk)
        meter.charge(len(chunk))
        if total > limits.output:
            raise LimitReached("TEMPLATE_TOO_LONG", f"more than {limits.output} characters")
        yield chunk
