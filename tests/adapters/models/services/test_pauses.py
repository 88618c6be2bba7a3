from __future__ import annotations

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models.services.pauses import duration, seconds_of


def seconds(message="", *, now=0.0, **headers):
    return seconds_of({name.replace("_", "-"): value for name, value in headers.items()}, message, now=now)


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "-", "Thu, 99 Foo 2026"])
def test_what_is_no_time_is_none(value):
    assert seconds(retry_after=value) is None
    assert seconds(retry_after_ms=value) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7.0),
        ("1s", 1.0),
        ("20ms", 0.02),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("1d", 86400.0),
        ("26 seconds", 26.0),
    ],
)
def test_durations_are_read_as_services_write_them(text, expected):
    assert duration(text) == pytest.approx(expected)


def test_milliseconds_go_before_seconds_and_both_before_words():
    assert seconds(retry_after_ms="1500", retry_after="2") == 1.5
    assert seconds("try again in 9s", retry_after="2") == 2.0


def test_a_date_is_a_time_from_now_and_never_before_it():
    date = email.utils.formatdate(1_000_010, usegmt=True)
    assert seconds(retry_after=date, now=1_000_000.0) == 10.0
    assert seconds(retry_after=date, now=2_000_000.0) == 0.0


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Limit 3, Used 3. Please try again in 20s. Visit…", 20.0),
        ("Please try again in 1m2.5s.", 62.5),
        ("Please try again in 320ms.", 0.32),
        ("Please retry after 26 seconds.", 26.0),
        ("Try again in 500 milliseconds", None),
        ("Please try again later.", None),
        ("Retry after 5 minutes, 2 of 3", 300.0),
    ],
)
def test_words_are_read_where_no_header_speaks(message, expected):
    assert seconds(message) == (pytest.approx(expected) if expected is not None else None)


def test_the_limit_that_is_used_up_says_when():
    headers = {"x_ratelimit_reset_requests": "1s", "x_ratelimit_reset_tokens": "6m0s"}
    assert seconds(**headers) == 1.0
    assert seconds(**headers, x_ratelimit_remaining_tokens="0", x_ratelimit_remaining_requests="5") == 360.0


def test_a_time_of_day_is_no_duration():
    assert seconds(x_ratelimit_reset_requests="1764000000") is None


@given(st.text(max_size=40), st.text(max_size=60))
def test_whatever_is_said_the_pause_is_none_or_not_negative(value, message):
    for name in ("retry_after", "retry_after_ms", "x_ratelimit_reset_tokens"):
        found = seconds(message, **{name: value})
        assert found is None or found >= 0
