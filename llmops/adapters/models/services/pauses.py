"""How long a service asks to wait, from all the places where services say it.

The first that speaks is believed:

1. `retry-after-ms`, then `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
2. The message: "Please try again in 1m2.5s", "try again in 320ms", "retry after 26 seconds".
3. `x-ratelimit-reset-requests` or `-tokens` ("6m0s", "20ms", "7"), of the limit whose `remaining` is 0; where neither
   is said to be 0, the sooner: the worst that follows is one more question.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Mapping

LONGEST_RESET_SECONDS = 86_400.0  # more is no duration: some gateways write the time of day there
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"\d{1,9}(?:\.\d{1,6})?\s?(?:ms|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?)?|d)"
_ASKED = re.compile(rf"(?:try again|retry) (?:in|after) ((?:{_PART})(?:\s?{_PART}){{0,3}})\b", re.IGNORECASE)
_PARTS = re.compile(r"(\d+(?:\.\d+)?)\s?(ms|[smhd])")


def seconds_of(headers: Mapping[str, str], message: str, *, now: float) -> float | None:
    """The seconds to wait, None where nobody says. `headers` have small names; `now` is seconds since the epoch."""
    said = _retry_after(headers, now=now)
    if said is None and (asked := _ASKED.search(message)):
        said = duration(asked[1])
    return _reset(headers) if said is None else said


def duration(text: str) -> float | None:
    """The seconds in "1m2.5s", "20ms", "7 seconds" or "7"; None for anything else."""
    text = text.strip().lower()
    try:
        return _sane(float(text))
    except ValueError:
        parts = _PARTS.findall(text)
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts) if parts else None


def _retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    try:
        milliseconds = _sane(float(headers.get("retry-after-ms", "")))
    except ValueError:
        milliseconds = None
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return _sane(float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str]) -> float | None:
    resets = {}
    for what in ("requests", "tokens"):
        seconds = duration(headers.get(f"x-ratelimit-reset-{what}", ""))
        if seconds is not None and seconds <= LONGEST_RESET_SECONDS:
            resets[what] = seconds
    spent = [seconds for what, seconds in resets.items() if headers.get(f"x-ratelimit-remaining-{what}") == "0"]
    if spent:
        return max(spent)
    return min(resets.values(), default=None)


def _sane(seconds: float) -> float | None:
    return max(0.0, seconds) if math.isfinite(seconds) else None
