"""A schema makes nobody fetch, and a check that fails is neither a fit nor a misfit."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.scanning import fitting
from llmops.documents.scanning.fitting import Unchecked


class _Counting(BaseHTTPRequestHandler):
    hits: list[str]

    def do_GET(self) -> None:
        self.hits.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    handler = type("_Handler", (_Counting,), {"hits": []})
    with HTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/x", handler.hits
        listening.shutdown()


@pytest.mark.parametrize("key", ["$ref", "$dynamicRef"])
@pytest.mark.parametrize("draft", [fitting.DRAFT_2020, fitting.DRAFT_7])
def test_nothing_is_fetched(key: str, draft: str, server: tuple[str, list[str]]) -> None:
    address, hits = server
    schema = {"allOf": [{key: address}], "$schema": address}
    fitting.schema_problem(schema, draft)
    if key == "$ref" or draft == fitting.DRAFT_2020:
        with pytest.raises(Unchecked, match="not in it"):
            fitting.problem({}, schema, draft)
        with pytest.raises(Unchecked, match="not in it"):
            fitting.problems({}, {"$id": address, "$ref": "y"})
    assert hits == []


def test_no_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type": "string"}')
    with pytest.raises(Unchecked, match="not in it"):
        fitting.problem(1, {"$ref": (tmp_path / "schema.json").as_uri()})


@pytest.mark.parametrize(
    ("value", "schema", "why"),
    [
        (1, {"$ref": "#"}, "without end"),
        (int("9" * 401), {"multipleOf": 0.1}, "OverflowError"),
        ("a", {"pattern": "("}, "cannot be checked"),
        (1, {"$ref": "#/$defs/none"}, "not in it"),
        (1, {"type": 3}, "cannot be checked"),
    ],
)
def test_a_check_that_fails_says_why(value: Any, schema: Any, why: str) -> None:
    with pytest.raises(Unchecked, match=why):
        fitting.problem(value, schema)


def test_a_value_nested_too_deeply_is_not_checked() -> None:
    value: Any = 1
    for _ in range(800):
        value = [value]
    with pytest.raises(Unchecked, match="too deeply"):
        fitting.problem(value, {"items": {"$ref": "#"}})


def test_a_schema_that_fails_while_it_is_judged_is_none() -> None:
    assert fitting.schema_problem({"pattern": "a{99999999999999999999}"}) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "x"}}},
        {"properties": {"default": {"pattern": "x"}}},
        {"patternProperties": {"x": {}}},
        {"uniqueItems": True},
        {"items": {"$ref": "#"}},
        {"$ref": "#anchor"},
        {"$ref": "#/%24defs/a", "$defs": {"a": {}}},
        {"$defs": {"a": {"$id": "x"}}},
        {"anyOf": [{"const": at} for at in range(2000)]},
    ],
)
def test_what_may_take_long_has_a_deadline(schema: Any) -> None:
    assert fitting.needs_deadline(schema)


def test_an_ordinary_schema_has_none() -> None:
    part = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a~1b"}, "b": {"enum": ["x"] * 5000}}}
    assert not fitting.needs_deadline({**part, "$id": "https://example.org/s", "$defs": {"a/b": {"type": "string"}}})


def test_references_are_written_out_to_count() -> None:
    doubling = {f"d{at}": {"anyOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(40)}
    schema = {"$defs": {**doubling, "d40": {"type": "string"}}, "$ref": "#/$defs/d0"}
    assert (fitting.unfolded(schema) or 0) > 2**40


def test_references_that_lead_out_are_found_with_their_place() -> None:
    schema = {"a": [{"$ref": "file:///x"}], "$dynamicRef": "other.json", "b": {"$ref": "#/c"}, "$ref": {"c": 1}}
    assert sorted(fitting.references(schema), key=str) == [
        (("$dynamicRef",), "other.json"),
        (("a", 0, "$ref"), "file:///x"),
    ]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)
_WORDS = st.sampled_from(
    [
        "$ref",
        "$dynamicRef",
        "$id",
        "$anchor",
        "$defs",
        "type",
        "properties",
        "items",
        "pattern",
        "patternProperties",
        "anyOf",
        "allOf",
        "oneOf",
        "not",
        "if",
        "then",
        "multipleOf",
        "minimum",
        "maxLength",
        "minItems",
        "required",
        "enum",
        "const",
        "uniqueItems",
        "contains",
        "dependentSchemas",
        "prefixItems",
        "propertyNames",
        "unevaluatedProperties",
        "unevaluatedItems",
        "additionalProperties",
        "format",
    ]
)
_SCHEMAS = st.recursive(
    st.booleans()
    | st.sampled_from(
        ["#", "#/$defs/a", "#a", "x", "file:///x", "string", "object", "(", "a", 0, 0.1, -1, None, 1e308]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS | st.just("a"), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(_VALUES, _SCHEMAS, st.sampled_from([fitting.DRAFT_2020, fitting.DRAFT_7]))
def test_whatever_is_checked_there_is_an_answer(value: Any, schema: Any, draft: str) -> None:
    assert isinstance(fitting.needs_deadline(schema), bool)
    assert all(isinstance(target, str) for _, target in fitting.references(schema))
    fitting.schema_problem(schema, draft)
    with contextlib.suppress(Unchecked):
        assert isinstance(fitting.problem(value, schema, draft), str)
