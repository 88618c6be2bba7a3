"""What a gate can tell, rule by rule, and whether it keeps that promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.simulation import power as simulation
from llmops.documents.bars import DecideOn, SliceBar, Threshold
from llmops.errors import CannotAsk
from llmops.evaluation.evidence import measured
from llmops.evaluation.metrics import EMBEDDED, Kind
from llmops.evaluation.planning import known, plan
from llmops.evaluation.planning.components import Design
from llmops.evaluation.planning.known import Known, Sources
from llmops.evaluation.planning.plan import Aim, PlannedRule
from llmops.evaluation.planning.power import Price
from tests.evaluation.builders import a_case, a_pool, a_row, an_evalset, an_evalset_of

METRIC = "answer_similarity"
INTERVAL = DecideOn.INTERVAL


def planned(
    cases: int = 30, stated: dict[str, Any] | None = None, *, metric: str = METRIC, aim: Aim | None = None, **bars: Any
) -> PlannedRule:
    """The one rule of a threshold, from a statement."""
    threshold = Threshold(metric=metric, **bars)
    sources = Sources(
        cases=an_evalset_of(cases).cases,
        assumptions={metric: known.stated(metric, stated or {"mean": 0.8, "sd": 0.2})},
    )
    (rule,) = plan.rules(threshold, lambda _: looked(threshold, sources), aim or Aim())
    return rule


def looked(threshold: Threshold, sources: Sources, design: Design | None = None) -> Known:
    info = EMBEDDED.metric(threshold.metric)
    return known.of(info, threshold, sources, sources.cases, design or Design(cases=len(sources.cases)))


def seen(scores: list[float], threshold: Threshold, **fields: Any) -> Known:
    """What is known from one answer a case."""
    evalset = an_evalset_of(len(scores))
    values = dict(zip((case.id for case in evalset.cases), scores, strict=True))
    pool = a_pool(threshold.metric, values)
    return looked(threshold, Sources(cases=evalset.cases, rows=pool.by_case(), **fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "`mean` is missing"),
        ({"mean": 0.8}, "`sd` is missing"),
        ({"mean": "high", "sd": 0.1}, "expected a number"),
        ({"mean": 0.8, "sd": -0.1}, "expected a number"),
        ({"mean": 1.4, "sd": 0.1}, "scores lie from 0 to 1"),
        ({"mean": 0.9, "sd": 0.4}, "at most"),
        ({"mean": 0.8, "sd": 0.1, "within": 0.2}, "parts of `sd`"),
        ({"mean": 0.8, "sd": 0.1, "correlation": 1.5}, "from 0 to 1"),
        ({"mean": 0.8, "sd": 0.1, "spread": 0.2}, "there is no `spread`"),
    ],
)
def test_a_statement_that_cannot_be_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotAsk) as caught:
        planned(stated=fields or {"sd": 0.1}, minimum=0.5)
    assert caught.value.code == "USAGE"
    assert said in caught.value.what


def test_a_margin_that_the_gate_cannot_tell_is_open_and_says_what_would() -> None:
    rule = planned(30, {"mean": 0.8, "sd": 0.25}, max_drop=0.03)
    assert rule.is_open
    assert rule.chance is not None
    assert rule.chance < 0.2
    assert rule.detects is not None
    assert rule.detects > 0.1
    assert rule.needed is not None
    assert 500 < rule.needed < 1_200


def test_enough_cases_close_it() -> None:
    rule = planned(800, {"mean": 0.8, "sd": 0.25}, max_drop=0.03)
    assert not rule.is_open
    assert rule.detects == pytest.approx(0.03, rel=0.2)


def test_a_figure_at_its_bar_is_never_decided() -> None:
    rule = planned(minimum=0.8, decide_on=INTERVAL)
    assert (rule.is_open, rule.chance, rule.needed) == (True, 0.0, None)
    assert "stands at the bar" in rule.note


def test_a_margin_of_nothing_cannot_be_told() -> None:
    assert planned(max_drop=0.0).is_open


def test_where_not_even_a_perfect_release_passes_the_least_number_of_cases_is_said() -> None:
    rule = planned(30, {"mean": 1.0}, metric="exact_match", minimum=0.95, decide_on=INTERVAL)
    assert (rule.is_open, rule.detects) == (True, None)
    assert rule.note.startswith("with 30 cases not even a perfect release passes; ")
    assert rule.needed is not None
    assert f"{rule.needed} are the least" in rule.note


def test_a_bar_at_the_end_of_the_scale_is_out_of_reach() -> None:
    rule = planned(30, {"mean": 0.9}, metric="exact_match", minimum=1.0, decide_on=INTERVAL)
    assert "no release passes" in rule.note


def test_a_figure_below_its_bar_is_planned_to_fail() -> None:
    rule = planned(200, {"mean": 0.6, "sd": 0.2}, minimum=0.7, decide_on=INTERVAL)
    assert (rule.is_good, rule.is_open) == (False, False)
    assert rule.chance is not None
    assert rule.chance > 0.95


def test_a_stated_difference_stands_in_place_of_the_rules_own() -> None:
    rule = planned(100, minimum=0.5, decide_on=INTERVAL, aim=Aim(detect=0.02))
    assert (rule.difference, rule.is_open) == (0.02, True)


def test_more_answers_are_proposed_where_their_noise_is_most() -> None:
    rule = planned(
        100, {"mean": 0.7, "sd": 0.26, "within": 0.25}, max_drop=0.1, aim=Aim(price=Price(answer_nano_usd=1e6))
    )
    assert rule.is_open
    assert rule.same is not None
    assert (rule.same.design.cases, rule.same.design.repeats > 1) == (100, True)
    assert rule.same.nano_usd == rule.same.design.answers * 10**6


def test_a_mean_is_said_to_be_chance_on_the_same_and_on_other_cases() -> None:
    rule = planned(25, {"mean": 0.82, "sd": 0.2, "within": 0.1}, minimum=0.8)
    # 0.02 above the bar: half a standard error of 0.2 / 5, one of 0.1 / 5.
    assert (rule.others, rule.again) == (pytest.approx(0.6915, abs=1e-4), pytest.approx(0.8413, abs=1e-4))
    assert not rule.is_open


def test_required_passes_catch_a_rare_failure_as_often_as_it_is_among_the_cases() -> None:
    rule = planned(30, {"mean": 0.98}, metric="safety", require_pass=True, aim=Aim(detect=0.05))
    assert rule.others == pytest.approx(0.98**30)
    assert rule.detects == pytest.approx(1 - 0.2 ** (1 / 30))
    assert rule.chance == pytest.approx(1 - 0.95**30)
    assert rule.needed == 32


def test_a_percentile_within_its_bar_is_a_matter_of_counting() -> None:
    threshold = Threshold(metric="latency_p95_ms", maximum=100)
    evalset = an_evalset_of(20)
    rows = [a_row(case.id, latency_ms=200 if at < 2 else 50) for at, case in enumerate(evalset.cases)]
    sources = Sources(cases=evalset.cases, rows={row.case: (row,) for row in rows})
    (rule,) = plan.rules(threshold, lambda _: looked(threshold, sources), Aim())
    # The 95th percentile of 20 is the 19th: at most one of them may be slow, and one in ten is.
    assert rule.others == pytest.approx(0.9**20 + 20 * 0.1 * 0.9**19)


def test_one_measured_case_says_nothing_of_the_spread() -> None:
    found = seen([0.8], Threshold(metric=METRIC, max_drop=0.1))
    (rule,) = plan.rules(Threshold(metric=METRIC, max_drop=0.1), lambda _: found, Aim())
    assert (found.population, rule.is_open) == (None, True)
    assert "--assume" in rule.note


def test_nothing_measured_says_how_to_state_it() -> None:
    threshold = Threshold(metric=METRIC, minimum=0.5, decide_on=INTERVAL)
    (rule,) = plan.rules(threshold, lambda _: looked(threshold, Sources(cases=an_evalset_of(3).cases)), Aim())
    assert rule.is_open
    assert "--assume" in rule.note


def test_a_metric_that_no_case_has_labels_for_is_not_planned() -> None:
    cases = an_evalset(a_case("c1", ground_truth=""), a_case("c2", ground_truth="")).cases
    stated = {METRIC: known.stated(METRIC, {"mean": 0.8, "sd": 0.2})}
    threshold = Threshold(metric=METRIC, max_drop=0.1)
    (rule,) = plan.rules(threshold, lambda _: looked(threshold, Sources(cases=cases, assumptions=stated)), Aim())
    assert (rule.is_open, rule.note) == (True, "no case of the evalset has the labels for it")


def test_one_case_is_planned_to_decide_nothing() -> None:
    rule = planned(1, max_drop=0.1)
    assert (rule.is_open, rule.chance, rule.detects) == (True, 0.0, None)
    assert rule.needed is not None


def test_cases_that_all_score_alike_still_leave_room_for_what_was_not_seen() -> None:
    threshold = Threshold(metric=METRIC, max_drop=0.02)
    found = seen([0.9] * 20, threshold)
    (rule,) = plan.rules(threshold, lambda _: found, Aim())
    assert "scored alike" in found.note
    assert rule.is_open


def test_two_versions_on_the_same_cases_show_how_differently_they_do() -> None:
    draw = np.random.default_rng(2)
    threshold, evalset = Threshold(metric=METRIC, max_drop=0.1), an_evalset_of(200)
    base = draw.uniform(0.3, 0.7, 200)
    sides = []
    for _ in range(2):
        own = base + draw.normal(0, 0.05, 200)
        rows = {
            case.id: tuple(
                a_row(case.id, repeat=k, request_digest=f"{case.id}{k}", scores={METRIC: measured(float(value))})
                for k, value in enumerate(own[at] + draw.normal(0, 0.03, 2))
            )
            for at, case in enumerate(evalset.cases)
        }
        sides.append(rows)
    found = looked(threshold, Sources(cases=evalset.cases, rows=sides[0], other=sides[1]))
    assert found.population is not None
    assert found.paired_note == ""
    assert found.population.paired.case.variance == pytest.approx(2 * 0.05**2, rel=0.3)
    assert found.population.paired.generator.variance == pytest.approx(2 * 0.03**2, rel=0.3)


def test_slices_are_planned_with_their_own_cases() -> None:
    evalset = an_evalset(*(a_case(f"c{at}", tags=("hard",) if at < 10 else ()) for at in range(40)), slices=("hard",))
    threshold = Threshold(metric=METRIC, decide_on=INTERVAL, slices=(SliceBar(name="hard", minimum=0.5),))
    stated = {METRIC: known.stated(METRIC, {"mean": 0.8, "sd": 0.2})}
    sources = Sources(cases=evalset.cases, assumptions=stated)

    def inside(name: str) -> Known:
        cases = [case for case in evalset.cases if not name or name in evalset.slices_of(case)]
        return known.of(EMBEDDED.metric(METRIC), threshold, sources, cases, Design(cases=80))

    (rule,) = plan.rules(threshold, inside, Aim())
    assert (rule.slice, rule.design.cases) == ("hard", 20)


@pytest.mark.parametrize(
    "setting",
    [
        simulation.Setting(rule="min", kind=Kind.BINARY, cases=50),
        simulation.Setting(rule="min", kind=Kind.STEPS, cases=60, repeats=3),
        simulation.Setting(rule="max_drop", kind=Kind.CONTINUOUS, cases=40),
        simulation.Setting(rule="max_drop", kind=Kind.BINARY, cases=100, cluster=5),
    ],
    ids=lambda setting: setting.name,
)
def test_a_promise_is_kept_by_gates_of_another_model(setting: simulation.Setting) -> None:
    # 400 gates have a noise of two points; the larger grid is benchmarks/simulation/power.py.
    found = simulation.held(setting, gates=400)
    assert 0.5 < found.promised < 0.97
    assert abs(found.off) < 9
