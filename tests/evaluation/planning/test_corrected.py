"""Corrected rates, planned: by the gate's own interval, which labels keep wide however many cases there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from llmops.documents.bars import DecideOn, Threshold
from llmops.evaluation.calibration import agreement, correcting
from llmops.evaluation.calibration.calibrations import Calibration
from llmops.evaluation.metrics import EMBEDDED, Kind
from llmops.evaluation.planning import chances, known, plan
from llmops.evaluation.planning.chances import Population
from llmops.evaluation.planning.components import Components, Design, Part
from llmops.evaluation.planning.corrected import CorrectedBar, Correction
from llmops.evaluation.planning.known import Known, Sources
from llmops.evaluation.planning.plan import Aim, PlannedRule
from tests.evaluation.builders import a_pool, an_evalset_of
from tests.evaluation.calibration.builders import of_counts

GROUNDED = Threshold(metric="groundedness", minimum=0.7, pass_at=0.5, decide_on=DecideOn.INTERVAL)
LENIENT = of_counts(60, 10, 2, 28, pass_at=0.5)


def a_bar(calibration: Calibration, bar: float = 0.7, *, points_up: bool = True) -> CorrectedBar:
    case = Components(case=Part(variance=0.16))
    found = Population(mean=0.8, components=case, paired=case, kind=Kind.BINARY, steps=1)
    seen = agreement.errors(calibration)
    correction = Correction(errors=seen, labelled=len(calibration.rows), rate=0.8)
    return CorrectedBar(found=found, correction=correction, bar=bar, level=0.95, points_up=points_up)


def seen(scores: list[float], threshold: Threshold, calibration: Calibration | None) -> Known:
    evalset = an_evalset_of(len(scores))
    pool = a_pool(threshold.metric, dict(zip((case.id for case in evalset.cases), scores, strict=True)))
    calibrations = {threshold.key: calibration} if calibration else {}
    sources = Sources(cases=evalset.cases, rows=pool.by_case(), calibrations=calibrations)
    info, design = EMBEDDED.metric(threshold.metric), Design(cases=len(scores))
    return known.of(info, threshold, sources, evalset.cases, design)


def planned(passed: int, failed: int, calibration: Calibration | None, **fields: object) -> PlannedRule:
    threshold = Threshold(**{"metric": "groundedness", "pass_at": 0.5, "decide_on": DecideOn.INTERVAL, **fields})  # type: ignore[arg-type]
    looked = seen([1.0] * passed + [0.0] * failed, threshold, calibration)
    (rule,) = plan.rules(threshold, lambda _: looked, Aim())
    return rule


def test_a_calibration_that_corrects_nothing_leaves_the_rate_unplanned_with_its_reason() -> None:
    rule = planned(90, 10, of_counts(40, 30, 20, 15, pass_at=0.5), minimum=0.7)
    assert (rule.figure, rule.chance, rule.is_open) == (None, None, True)
    assert "CALIBRATION_USELESS" in rule.note


def test_a_drop_by_such_a_calibration_is_unplanned_too() -> None:
    rule = planned(90, 10, of_counts(40, 30, 20, 15, pass_at=0.5), max_drop=0.1)
    assert (rule.chance, rule.is_open) == (None, True)
    assert "CALIBRATION_USELESS" in rule.note


def test_the_figure_is_the_corrected_one_and_the_judges_stands_beside_it() -> None:
    rule = planned(80, 20, LENIENT, minimum=0.7)
    gate = correcting.corrected([[1.0]] * 80 + [[0.0]] * 20, LENIENT, 0.95)
    assert not isinstance(gate, correcting.Uncorrected)
    assert (rule.figure, rule.judged, rule.interval, rule.labelled) == (gate.rate, 0.8, gate.interval, 100)


def test_a_judge_whose_lenience_carries_it_over_the_bar_does_not_carry_the_plan() -> None:
    bare, corrected = (planned(76, 24, one, minimum=0.7) for one in (None, LENIENT))
    assert bare.is_good
    assert not planned(74, 26, of_counts(50, 20, 0, 30, pass_at=0.5), minimum=0.7).is_good
    assert corrected.chance is not None
    assert bare.chance is not None
    assert corrected.chance < bare.chance


@pytest.mark.parametrize("cases", [60, 400])
@pytest.mark.parametrize("points_up", [True, False])
def test_the_chance_is_that_of_the_gate(cases: int, points_up: bool) -> None:
    asked = a_bar(LENIENT, points_up=points_up)
    draws = np.random.default_rng(4).binomial(cases, asked.correction.judged(0.9 if points_up else 0.5), 400)
    told = 0
    for count in draws:
        gate = correcting.corrected([[1.0]] * int(count) + [[0.0]] * int(cases - count), LENIENT, 0.95)
        assert not isinstance(gate, correcting.Uncorrected)
        told += gate.interval.low >= 0.7 if points_up else gate.interval.high <= 0.7
    assert asked.chance(0.2, Design(cases=cases)) == pytest.approx(told / 400, abs=0.07)


@pytest.mark.parametrize(("alike", "size", "cases", "repeats"), [(0.3, 4, 120, 1), (0.0, 1, 120, 2)])
def test_the_chance_is_that_of_the_gate_with_groups_and_repeats_too(
    alike: float, size: int, cases: int, repeats: int
) -> None:
    within = 0.16 * (1 - alike)
    own = Components(
        case=Part(variance=within * (0.7 if repeats > 1 else 1.0)),
        group=Part(variance=0.16 * alike),
        generator=Part(variance=within * 0.3 if repeats > 1 else 0.0),
        crowding=size,
        group_size=size,
    )
    found = Population(mean=0.8, components=own, paired=own, kind=Kind.BINARY, steps=1)
    asked, design = replace(a_bar(LENIENT), found=found), Design(cases=cases, repeats=repeats)
    gates = chances._Draw(found.moved(asked.correction.judged(0.85))).one(design)
    told = 0
    for drawn in gates:
        groups: dict[int, list[float]] = {}
        for place, value in enumerate(drawn.values.tolist()):
            groups.setdefault(place if drawn.clusters is None else int(drawn.clusters[place]), []).append(value)
        gate = correcting.corrected(list(groups.values()), LENIENT, 0.95)
        assert not isinstance(gate, correcting.Uncorrected)
        told += gate.interval.low >= 0.7
    assert asked.chance(0.15, design) == pytest.approx(told / len(gates), abs=0.07)


def test_where_cases_are_taken_for_normal_the_chance_goes_on_where_counting_ended() -> None:
    asked = a_bar(LENIENT)
    near = [asked.chance(0.13, Design(cases=cases)) for cases in (1_990, 2_010)]
    assert near[0] == pytest.approx(near[1], abs=0.02)


def test_nearer_than_the_floor_no_number_of_cases_tells_and_further_labels_do() -> None:
    asked = a_bar(LENIENT)
    floor = asked.floor()
    assert floor is not None
    many = Design(cases=10**9)
    assert asked.chance(floor * 0.98, many) < 0.01
    assert asked.chance(floor * 1.02, many) > 0.99
    labels = asked.labels(floor * 0.98, Design(cases=100_000), 0.8)
    assert labels is not None
    assert 100 < labels < 200


def test_a_rule_nearer_to_its_bar_than_the_floor_says_so_and_names_the_labels() -> None:
    rule = planned(80, 20, LENIENT, minimum=0.72)
    assert (rule.is_open, rule.needed) == (True, None)
    assert rule.floor is not None
    assert rule.difference is not None
    assert rule.floor > rule.difference
    assert rule.labels is not None
    assert rule.labels > rule.labelled


def test_a_judge_that_sees_half_of_a_drop_needs_more_cases_for_the_same_margin() -> None:
    bare, corrected = (planned(160, 40, one, max_drop=0.1) for one in (None, of_counts(60, 20, 5, 25, pass_at=0.5)))
    assert bare.needed is not None
    assert corrected.needed is None or corrected.needed > 2 * bare.needed


def test_on_the_mean_a_corrected_rate_passes_as_often_as_the_judge_shows_it() -> None:
    rule = planned(80, 20, LENIENT, minimum=0.8, decide_on=DecideOn.MEAN)
    assert rule.others is not None
    assert rule.figure is not None
    assert (rule.others > 0.5) == (rule.figure > 0.8)


def test_a_stated_mean_is_the_judges_and_is_corrected() -> None:
    evalset = an_evalset_of(50)
    stated = {"groundedness": known.stated("groundedness", {"mean": 0.8})}
    sources = Sources(cases=evalset.cases, assumptions=stated, calibrations={GROUNDED.key: LENIENT})
    info = EMBEDDED.metric("groundedness")
    found = known.of(info, GROUNDED, sources, evalset.cases, Design(cases=50))
    assert found.correction is not None
    assert found.correction.judged(found.correction.rate) == pytest.approx(0.8)
