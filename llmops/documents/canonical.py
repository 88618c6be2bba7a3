"""One spelling for every value: RFC 8785 (JCS), the release file's form, and the record's restricted form.

Rules, in order:

1. Numbers are spelled as ECMAScript spells them (RFC 8785 section 3.2.2.3): `1.0` is `1`, `1e-7` is `1e-7`,
   `1e21` is `1e+21`. `json.dumps` alone spells these otherwise, so no digest may depend on it.
2. Keys are sorted: by UTF-16 code units in `dumps` (RFC 8785 section 3.2.3), by code points in `pretty`
   (what `json.dumps(sort_keys=True)` does). A digest must not depend on the order people write YAML in.
3. Records admit no floats, no integer beyond 2^53 and only ASCII keys; then RFC 8785 and
   `json.dumps(sort_keys=True, separators=(",", ":"), ensure_ascii=False)` agree.
4. A record's parser takes only the canonical bytes and one line feed: nothing else could be what was signed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

Json = None | bool | int | float | str | Sequence[Any] | Mapping[str, Any]

LARGEST_INTEGER = 2**53
_SIMPLE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_PLAIN = frozenset({str, bool, type(None)})


class CanonicalError(ValueError):
    """A value that has no canonical form, or bytes that are not the canonical form of anything."""


def sha256(data: bytes) -> str:
    """The SHA-256 of `data`, 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """The SHA-256 of the RFC 8785 form of `value`. Raises: CanonicalError."""
    return sha256(dumps(value))


def number(value: float) -> str:
    """`value` as ECMAScript's Number::toString spells it (RFC 8785 section 3.2.2.3). Raises: CanonicalError."""
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return str(value)
    if isinstance(value, int) and float(value) != value:
        raise CanonicalError(f"the integer {value} has no exact double")
    value = float(value)
    if not math.isfinite(value):
        raise CanonicalError(f"{value} is no JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    digits, exponent = _shortest_digits(abs(value))
    return sign + _place_point(digits, exponent)


def _shortest_digits(value: float) -> tuple[str, int]:
    """The shortest round-trip digits d1…dk of `value` and n with value = 0.d1…dk × 10^n."""
    mantissa, _, exponent = f"{value!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent or 0)
    return digits.rstrip("0"), point


def _place_point(digits: str, point: int) -> str:
    """ECMA-262 section 6.1.6.1.20, steps 6 to 10: where the decimal point goes."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def decimal(value: float) -> str:
    """A score as records carry it: the shortest decimal string that reads back as the same double."""
    return number(value)


def dumps(value: Any) -> bytes:
    """The RFC 8785 form of `value`, UTF-8. Raises: CanonicalError on what JSON cannot say."""
    if _is_simple(value):  # rule 3: json's own encoder spells these alike, in a fifth of the time
        return _encode(_SIMPLE.encode(value))
    return _encode(_write(value, indent=None, level=0, utf16=True))


def pretty(value: Any) -> bytes:
    """The release file's form: two-space indent, keys sorted, numbers as RFC 8785, one line feed at the end."""
    return _encode(_write(value, indent=2, level=0, utf16=False) + "\n")


def _is_simple(value: Any) -> bool:
    # A loop and no `all` where it counts: every request of an evaluation passes here, schema and all.
    kind: type = type(value)
    if kind in _PLAIN:
        return True
    if kind is int:
        return bool(abs(value) <= LARGEST_INTEGER)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii() or not (type(item) in _PLAIN or _is_simple(item)):
                return False
        return True
    if kind is list or kind is tuple:
        return all(type(item) in _PLAIN or _is_simple(item) for item in value)
    return False


def _encode(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError("a string holds half of a surrogate pair") from error


def _write(value: Any, *, indent: int | None, level: int, utf16: bool) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return encode_basestring(value)
        case int() | float():
            return number(value)
        case Mapping():
            items = [
                f"{encode_basestring(key)}:{' ' if indent else ''}"
                f"{_write(value[key], indent=indent, level=level + 1, utf16=utf16)}"
                for key in _sorted_keys(value, utf16=utf16)
            ]
            return _join("{", items, "}", indent=indent, level=level)
        case list() | tuple():
            items = [_write(item, indent=indent, level=level + 1, utf16=utf16) for item in value]
            return _join("[", items, "]", indent=indent, level=level)
    raise CanonicalError(f"{type(value).__name__} is no JSON value")


def _sorted_keys(value: Mapping[str, Any], *, utf16: bool) -> list[str]:
    if not all(isinstance(key, str) for key in value):
        raise CanonicalError("an object has a key that is no string")
    # surrogatepass: a lone surrogate must reach _encode, which names it.
    return sorted(value, key=(lambda key: key.encode("utf-16-be", "surrogatepass")) if utf16 else None)


def _join(opening: str, items: list[str], closing: str, *, indent: int | None, level: int) -> str:
    if not items:
        return opening + closing
    if not indent:
        return opening + ",".join(items) + closing
    pad = "\n" + " " * (indent * (level + 1))
    return opening + pad + f",{pad}".join(items) + "\n" + " " * (indent * level) + closing


def record_bytes(value: Any) -> bytes:
    """The canonical line of a record: restricted RFC 8785 and one line feed. Raises: CanonicalError."""
    if not _is_simple(value):  # what is simple has passed: rule 3 asks for nothing else
        _check_record_value(value)
    return dumps(value) + b"\n"


def parse_record(data: bytes) -> Any:
    """The value of a canonical record line; takes nothing but canonical bytes. Raises: CanonicalError."""
    try:
        value = json.loads(data.decode("utf-8"))
        spelled = record_bytes(value)
    except (ValueError, RecursionError) as error:
        raise CanonicalError(f"not a canonical record: {error}") from error
    if spelled != data:
        raise CanonicalError("not a canonical record: its bytes differ from the canonical form of its content")
    return value


def _check_record_value(value: Any) -> None:
    if isinstance(value, float):
        raise CanonicalError("a record holds no floats: write a decimal string")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
        raise CanonicalError(f"a record holds no integer beyond 2^53: {value}")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise CanonicalError(f"a record's keys are ASCII: {key!r}")
            _check_record_value(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_record_value(item)
