from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.models.asking.limits import Bucket


@given(
    per_minute=st.integers(1, 2000),
    steps=st.lists(st.tuples(st.floats(0, 5), st.integers(1, 20)), min_size=1, max_size=60),
)
def test_no_minute_sees_more_than_the_limit(per_minute, steps):
    now, taken = 0.0, []
    bucket = Bucket(per_minute, now=now)
    for pause, wanted in steps:
        now += pause
        for _ in range(wanted):
            now += bucket.wait_for(1, now=now)
            bucket.take(1)
            taken.append(now)
    for at in taken:
        assert sum(at <= other < at + 59.999 for other in taken) <= per_minute


@given(per_minute=st.integers(1, 2000), units=st.integers(1, 5000))
def test_whoever_waits_as_long_as_told_need_not_wait_again(per_minute, units):
    bucket = Bucket(per_minute, now=0.0)
    bucket.take(units)
    delay = bucket.wait_for(units, now=0.0)
    assert bucket.wait_for(units, now=delay) == 0.0


def test_more_than_the_bucket_holds_is_taken_from_a_full_one_and_leaves_a_debt():
    bucket = Bucket(600, now=0.0)
    assert bucket.wait_for(500, now=0.0) == 0.0
    bucket.take(500)
    assert bucket.wait_for(1, now=0.0) > 40


def test_an_estimate_that_was_too_high_comes_back():
    bucket = Bucket(600, now=0.0)
    bucket.take(500)
    bucket.give_back(490)
    assert bucket.wait_for(10, now=0.0) == 0.0
