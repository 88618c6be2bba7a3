"""The real clock and the fake one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from llmops.adapters.clock import SystemClock
from tests.fakes import FakeClock


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock(datetime(2026, 3, 1, tzinfo=UTC))])
def test_the_time_is_utc_and_aware_and_does_not_run_back(clock: SystemClock | FakeClock) -> None:
    first = clock.now()
    assert first.utcoffset() == timedelta(0)
    assert clock.now() >= first


def test_the_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock(datetime(2026, 3, 1, tzinfo=UTC))
    clock.advance(hours=2)
    assert clock.now() == datetime(2026, 3, 1, 2, tzinfo=UTC)


def test_pauses_grow_and_stay_below_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr("random.uniform", lambda _, high: high)
    for attempt in range(60):
        SystemClock().pause(attempt)
    assert pauses[0] < pauses[3] < pauses[-1] <= 5.0
    assert pauses == sorted(pauses)
