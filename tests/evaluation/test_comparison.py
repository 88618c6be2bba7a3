"""Comparing behaviours: differences on the same cases, Holm over the arms, and a front that nobody on it is behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents.evalsets import Case, Evalset
from llmops.errors import CannotAsk
from llmops.evaluation import comparison, pooling
from llmops.evaluation.comparison import Arm, ArmResult, Comparison, Question, Sign, Standing
from llmops.evaluation.evidence import EvidenceRow, measured, missing
from llmops.evaluation.metrics import EMBEDDED

QUALITY = "groundedness"
BASE = "1.0.0"


def an_evalset(count: int) -> Evalset:
    cases = tuple(Case(id=f"c-{at:03d}", question="q", contexts=("p",), ground_truth="t") for at in range(count))
    return Evalset(name="short", version="1.0.0", cases=cases)


def an_arm(
    label: str,
    scores: Sequence[float | None],
    *,
    cost: Sequence[int] | int = 1000,
    latency: Sequence[int] | int = 100,
    unknown: Mapping[str, str] | None = None,
) -> Arm:
    def at(values: Sequence[int] | int, place: int) -> int:
        return values if isinstance(values, int) else values[place]

    rows = [
        EvidenceRow(
            case=f"c-{place:03d}",
            input_digest="1" * 64,
            request_digest="2" * 64,
            answer=label,
            scores={QUALITY: missing("no sentence") if score is None else measured(score)},
            nano_usd=at(cost, place),
            latency_ms=at(latency, place),
        )
        for place, score in enumerate(scores)
    ]
    return Arm(label=label, pool=pooling.pool([rows]), unknown=unknown or {})


def compare(arms: Sequence[Arm], count: int, **changes: Any) -> Comparison:
    question = {
        "evalset": an_evalset(count),
        "catalogue": EMBEDDED,
        "metrics": (QUALITY, "cost_usd", "latency_ms"),
        "objectives": (QUALITY, "cost_usd", "latency_ms"),
        "baseline": BASE,
        **changes,
    }
    return comparison.compare(arms, Question(**question))


def arm_of(found: Comparison, label: str) -> ArmResult:
    return next(arm for arm in found.arms if arm.label == label)


def standings(found: Comparison) -> dict[str, str]:
    return {arm.label: arm.standing.value for arm in found.arms}


STEPS = [at / 400 for at in range(300)]


def test_figures_and_differences_are_those_of_the_cases() -> None:
    better = [score + 0.2 + 0.01 * (at % 3) for at, score in enumerate(STEPS)]
    found = compare([an_arm(BASE, STEPS), an_arm("1.1.0", better, cost=3000)], 300)
    base, other = (arm_of(found, label).reading(QUALITY) for label in (BASE, "1.1.0"))
    assert base is not None
    assert other is not None
    assert base.figure == pytest.approx(sum(STEPS) / 300)
    assert base.difference is None
    assert other.difference is not None
    assert other.difference.figure == pytest.approx(0.21)
    assert other.difference.cases == 300
    assert other.difference.sign is Sign.BETTER
    assert other.difference.interval is not None
    assert base.interval is not None
    assert other.interval is not None
    # The pairing sees more than the two intervals do, each of which is wider than that of the difference.
    widths = [one.high - one.low for one in (other.difference.interval, base.interval, other.interval)]
    assert 0.19 < other.difference.interval.low < 0.21 < other.difference.interval.high < 0.23
    assert widths[0] < min(widths[1:]) / 2
    cost = arm_of(found, "1.1.0").reading("cost_usd")
    assert cost is not None
    assert cost.difference is not None
    assert cost.figure == pytest.approx(3e-6)
    assert cost.difference.sign is Sign.WORSE


def test_a_difference_is_taken_over_the_cases_that_both_measured() -> None:
    found = compare([an_arm(BASE, [None, 0.5, 0.5]), an_arm("1.1.0", [0.9, 0.7, None])], 3)
    reading = arm_of(found, "1.1.0").reading(QUALITY)
    assert reading is not None
    assert reading.difference is not None
    assert reading.difference.figure == pytest.approx(0.2)
    assert (reading.difference.cases, reading.difference.interval, reading.difference.sign) == (1, None, None)
    assert (reading.measured, reading.expected, reading.reason) == (2, 3, "no sentence")


def test_percentiles_have_no_paired_difference() -> None:
    found = compare([an_arm(BASE, STEPS), an_arm("1.1.0", STEPS)], 300, metrics=("latency_p95_ms",))
    reading = arm_of(found, "1.1.0").reading("latency_p95_ms")
    assert reading is not None
    assert (reading.figure, reading.difference) == (100, None)


def test_of_many_arms_a_small_difference_is_not_marked_though_its_interval_leaves_0_out() -> None:
    # Alone this difference would count, among ten arms it may well be chance.
    shifts = [0.1 * (at % 5 - 2) + 0.06 for at in range(90)]
    better = [0.5 + shift for shift in shifts]
    base = [0.5] * 90
    alone = compare([an_arm(BASE, base), an_arm("1.1.0", better)], 90)
    noise = [
        an_arm(f"2.{at}.0", [0.5 + (0.1 if (place + at) % 2 else -0.1) for place in range(90)]) for at in range(12)
    ]
    among = compare([an_arm(BASE, base), an_arm("1.1.0", better), *noise], 90)
    one, other = (arm_of(found, "1.1.0").reading(QUALITY) for found in (alone, among))
    assert one is not None
    assert other is not None
    assert one.difference is not None
    assert other.difference is not None
    assert one.difference.interval == other.difference.interval
    assert one.difference.interval is not None
    assert one.difference.interval.low > 0
    assert (one.difference.sign, other.difference.sign) == (Sign.BETTER, Sign.UNCLEAR)


def test_an_arm_that_is_clear_leaves_more_room_for_the_next() -> None:
    clear = [an_arm(f"3.{at}.0", [0.9 + 0.001 * (place % 2) for place in range(90)]) for at in range(12)]
    shifts = [0.1 * (at % 5 - 2) + 0.06 for at in range(90)]
    found = compare([an_arm(BASE, [0.5] * 90), an_arm("1.1.0", [0.5 + each for each in shifts]), *clear], 90)
    signs = [reading.difference for arm in found.arms if (reading := arm.reading(QUALITY)) and reading.difference]
    assert {difference.sign for difference in signs} == {Sign.BETTER}


def test_the_front_weighs_quality_against_cost_and_speed() -> None:
    found = compare(
        [
            an_arm(BASE, [0.6 + 0.01 * (at % 3) for at in range(30)], cost=1000, latency=100),
            an_arm("dear and good", [0.9 + 0.01 * (at % 3) for at in range(30)], cost=9000, latency=300),
            an_arm("dear and poor", [0.3 + 0.01 * (at % 3) for at in range(30)], cost=9000, latency=400),
        ],
        30,
    )
    assert found.front == (BASE, "dear and good")
    poor = arm_of(found, "dear and poor")
    assert (poor.standing, poor.dominated_by) == (Standing.BEHIND, (BASE, "dear and good"))


def test_behind_by_figures_alone_is_near() -> None:
    swing = [0.5 + (0.3 if at % 2 else -0.3) for at in range(12)]
    found = compare([an_arm(BASE, [0.51] * 12), an_arm("1.1.0", swing)], 12)
    assert standings(found) == {BASE: "front", "1.1.0": "near"}
    assert arm_of(found, "1.1.0").dominated_by == (BASE,)


def test_near_needs_doubt_about_each_arm_that_dominates() -> None:
    swing = [0.5 + (0.3 if at % 2 else -0.3) for at in range(12)]
    far_better = [0.95 + 0.01 * (at % 2) for at in range(12)]
    found = compare(
        [an_arm(BASE, [0.51] * 12), an_arm("1.1.0", swing), an_arm("1.2.0", far_better, cost=500, latency=50)], 12
    )
    assert standings(found) == {BASE: "behind", "1.1.0": "behind", "1.2.0": "front"}


def test_equal_arms_share_the_front() -> None:
    found = compare([an_arm(BASE, STEPS), an_arm("1.1.0", STEPS)], 300)
    assert found.front == (BASE, "1.1.0")


def test_an_unknown_price_is_no_price_of_0() -> None:
    free = an_arm("1.1.0", [0.9] * 5, cost=0, latency=1, unknown={"cost_usd": "nobody knows"})
    found = compare([an_arm(BASE, [0.5] * 5), free], 5)
    assert standings(found) == {BASE: "front", "1.1.0": "unplaced"}
    reading = arm_of(found, "1.1.0").reading("cost_usd")
    assert reading is not None
    assert (reading.figure, reading.interval, reading.difference, reading.reason) == (None, None, None, "nobody knows")


def test_against_an_unknown_price_there_is_no_difference() -> None:
    found = compare([an_arm(BASE, [0.5] * 5, unknown={"cost_usd": "nobody knows"}), an_arm("1.1.0", [0.9] * 5)], 5)
    reading = arm_of(found, "1.1.0").reading("cost_usd")
    assert reading is not None
    assert reading.figure == pytest.approx(1e-6)
    assert reading.difference is None


def test_what_no_arm_has_is_left_out_of_the_front_by_name() -> None:
    unknown = {"cost_usd": "nobody knows"}
    arms = [an_arm(BASE, [0.5] * 5, unknown=unknown), an_arm("1.1.0", [0.9] * 5, unknown=unknown)]
    found = compare(arms, 5)
    assert (found.objectives, found.left_out) == ((QUALITY, "latency_ms"), ("cost_usd",))
    assert found.front == ("1.1.0",)


def test_without_anything_to_weigh_nobody_is_on_the_front() -> None:
    found = compare([an_arm(BASE, [None] * 3)], 3, objectives=(QUALITY,))
    assert (found.front, standings(found)) == ((), {BASE: "unplaced"})


def test_without_the_baseline_there_are_no_differences() -> None:
    found = compare([an_arm("1.1.0", STEPS)], 300)
    assert found.baseline == ""
    assert all(reading.difference is None for arm in found.arms for reading in arm.readings)


def test_a_metric_that_nothing_measures_is_refused() -> None:
    with pytest.raises(CannotAsk) as caught:
        compare([an_arm(BASE, [0.5])], 1, metrics=("groundednes",))
    assert caught.value.code == "METRIC_UNKNOWN"


points = st.dictionaries(
    st.text(st.characters(codec="ascii"), max_size=3), st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=12
)


@given(points)
def test_no_point_of_the_front_is_dominated_and_every_other_is_by_one_of_the_front(
    found: dict[str, tuple[int, int, int]],
) -> None:
    front = comparison.front(found)
    assert front
    for label, point in found.items():
        dominating = [other for other in front if comparison.dominates(found[other], point)]
        assert (label in front) == (not dominating)


@given(st.tuples(*[st.integers(0, 4)] * 3), st.tuples(*[st.integers(0, 4)] * 3), st.tuples(*[st.integers(0, 4)] * 3))
def test_domination_is_a_strict_order(one: tuple[int, ...], two: tuple[int, ...], three: tuple[int, ...]) -> None:
    assert not comparison.dominates(one, one)
    assert not (comparison.dominates(one, two) and comparison.dominates(two, one))
    if comparison.dominates(one, two) and comparison.dominates(two, three):
        assert comparison.dominates(one, three)


shares = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=4, max_size=4)
an_outcome = st.tuples(shares, st.integers(0, 5), st.integers(1, 5))


@settings(max_examples=40, deadline=None)
@given(st.lists(an_outcome, min_size=1, max_size=5), st.randoms())
def test_the_table_keeps_the_laws_of_the_front_in_any_order(outcomes: list[Any], random: Any) -> None:
    arms = [
        an_arm(f"{at}.0.0", scores, cost=cost, latency=latency) for at, (scores, cost, latency) in enumerate(outcomes)
    ]
    found = compare(arms, 4, baseline="0.0.0")
    for arm in found.arms:
        assert (arm.standing is Standing.FRONT) == (not arm.dominated_by)
        assert set(arm.dominated_by) <= set(found.front)
    shuffled = list(arms)
    random.shuffle(shuffled)
    again = compare(shuffled, 4, baseline="0.0.0")
    assert standings(again) == standings(found)
