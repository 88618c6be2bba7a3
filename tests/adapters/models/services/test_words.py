from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models.services.words import holds_error, read


@pytest.mark.parametrize(
    "value",
    [
        {"error": {"message": "No."}},
        {"error": "No."},
        {"object": "error", "message": "No."},
        {"statusCode": 401, "message": "No."},
        {"detail": "No."},
        {"detail": {"error": {"message": "No."}}},
        [{"error": {"message": "No."}}],
    ],
    ids=json.dumps,
)
def test_every_shape_has_its_message(value):
    assert read(json.dumps(value).encode()).message == "No."


def test_types_and_codes_are_names_and_numbers_are_a_status():
    found = read(b'{"error": {"message": "m", "type": "BadRequestError", "code": 400, "param": "messages"}}')
    assert (found.names, found.status, found.param) == ({"badrequesterror"}, 400, "messages")
    assert read(b'{"error": {"message": "m", "code": "429"}}').status == 429
    assert read(b'{"error": {"message": "m", "code": "content_filter", "type": null}}').names == {"content_filter"}


def test_what_a_filter_found_is_named_and_what_it_let_pass_is_not():
    result = {
        "hate": {"filtered": False},
        "violence": {"filtered": True, "severity": "high"},
        "jailbreak": {"filtered": True},
    }
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result}
    for error in ({"innererror": inner}, {"provider_specific_fields": {"innererror": inner}}):
        found = read(json.dumps({"error": {"message": "m", **error}}).encode())
        assert found.filtered == ("violence: high", "jailbreak")


def test_the_field_that_fastapi_complains_about_is_named():
    found = read(b'{"detail": [{"loc": ["body", "temperature"], "msg": "not a number"}]}')
    assert (found.message, found.param) == ("temperature: not a number", "temperature")


def test_a_page_is_told_from_plain_words_and_shows_no_tags():
    page = read(b"<html><body><h1>404 Not  Found</h1>\n<hr>nginx</body></html>")
    assert (page.message, page.is_page) == ("404 Not Found nginx", True)
    assert (read(b"404 page not found").message, read(b"404 page not found").is_page) == ("404 page not found", False)


@pytest.mark.parametrize("seconds", ["-1", "1e999", "NaN", '"soon"', "null"])
def test_an_estimate_that_cannot_be_is_none(seconds):
    assert read(f'{{"error": "loading", "estimated_time": {seconds}}}'.encode()).seconds is None


FIELDS = [
    "error",
    "message",
    "detail",
    "type",
    "code",
    "param",
    "innererror",
    "content_filter_result",
    "loc",
    "msg",
    "provider_specific_fields",
    "estimated_time",
    "object",
    "status",
    "filtered",
    "severity",
    "hate",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_no_json_breaks_the_reader(value):
    found = read(json.dumps(value).encode())
    assert "\n" not in found.message
    assert holds_error(value) in (True, False)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data):
    assert "\n" not in read(data).message


def test_a_deeply_nested_reply_does_not_break_the_reader():
    assert read(b"[" * 100_000).names == frozenset()


def test_an_estimate_that_no_number_holds_is_none():
    found = read(b'{"error": "loading", "estimated_time": 1' + b"0" * 400 + b"}")
    assert (found.message, found.seconds) == ("loading", None)
