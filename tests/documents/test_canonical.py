from __future__ import annotations

import json
import math
import struct
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical

finite = st.floats(allow_nan=False, allow_infinity=False)
record_scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=("Cs",)))
)
scalars = record_scalars | finite
keys = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


def nested(leaves: st.SearchStrategy[object], names: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=12
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_json_number_has_no_form(value: float) -> None:
    with pytest.raises(canonical.CanonicalError):
        canonical.number(value)


def test_an_integer_without_an_exact_double_has_no_form() -> None:
    with pytest.raises(canonical.CanonicalError, match="no exact double"):
        canonical.number(2**53 + 1)


# RFC 8785, appendix B: IEEE 754 bits and the expected spelling.
@pytest.mark.parametrize(
    ("bits", "spelled"),
    [
        ("0000000000000000", "0"), ("8000000000000000", "0"), ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"), ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"), ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"), ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"), ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"), ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"), ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"), ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
    ],
)  # fmt: skip
def test_numbers_are_spelled_as_the_rfc_says(bits: str, spelled: str) -> None:
    assert canonical.number(struct.unpack(">d", bytes.fromhex(bits))[0]) == spelled


@given(finite)
def test_a_spelled_number_reads_back_as_the_same_double(value: float) -> None:
    assert float(canonical.number(value)) == value


def test_keys_are_sorted_by_utf16_in_the_rfc_form_and_by_code_point_in_the_release_form() -> None:
    value = {"\U0001f600": 1, "\ufb33": 2}

    assert canonical.dumps(value) == '{"\U0001f600":1,"\ufb33":2}'.encode()
    assert canonical.pretty(value) == '{\n  "\ufb33": 2,\n  "\U0001f600": 1\n}\n'.encode()


@given(nested(scalars, keys))
def test_the_rfc_form_reads_back_as_the_same_value(value: object) -> None:
    # Every JSON number is a double there: 18014398509481992.0 is spelled 18014398509481990.
    as_doubles = json.loads(canonical.dumps(value), parse_int=float)

    assert as_doubles == value


@given(st.dictionaries(keys, nested(st.one_of(scalars, record_scalars), keys), max_size=6))
def test_what_json_itself_spells_alike_is_the_rfc_form(value: dict[str, object]) -> None:
    key_by_key = MappingProxyType(value)  # only plain dictionaries are handed to json

    assert canonical.dumps(value) == canonical.dumps(key_by_key)


@given(nested(record_scalars, st.text("abcxyz_", max_size=6)))
def test_the_record_form_is_what_json_dumps_gives(value: object) -> None:
    spelled = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    assert canonical.record_bytes(value) == spelled
    assert canonical.parse_record(spelled) == value


@pytest.mark.parametrize(
    "value", [0.5, {"a": [1.0]}, 2**53 + 1, {"\u00e9": 1}, {"a": {"\u00e9": 1}}, "\ud800", {1: 2}, {"a": {1}}]
)
def test_a_record_refuses_what_two_parsers_could_read_differently(value: object) -> None:
    with pytest.raises(canonical.CanonicalError):
        canonical.record_bytes(value)


@pytest.mark.parametrize(
    "data",
    [b'{"a":1}', b'{"a": 1}\n', b'{"b":1,"a":2}\n', b'{"a":1,"a":1}\n', b'{"a":1.0}\n', b'{"a":"\\u0041"}\n', b"\xff\n",
     b"", b"[" * 5000, b'{"a":1}\n\n', b"NaN\n"],
)  # fmt: skip
def test_a_record_parser_takes_only_canonical_bytes(data: bytes) -> None:
    with pytest.raises(canonical.CanonicalError):
        canonical.parse_record(data)


@given(st.dictionaries(keys, scalars, max_size=6))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert canonical.digest(value) == canonical.digest(dict(reversed(value.items())))
