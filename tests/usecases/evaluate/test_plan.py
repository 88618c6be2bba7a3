"""plan: what is known from records or statements, and what the gate of an environment can tell."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk
from llmops.evaluation.planning.known import Assumption
from llmops.usecases.evaluate import gate, plan
from llmops.usecases.evaluate.plan import Request
from llmops.usecases.results.planning import Planned
from tests.usecases.calibrate import builders as calibrating
from tests.worlds import PROMPT, World, a_team, a_world, configuration

DROP = b"release:\n  groundedness: {min: 0.1, max_drop: 0.05}\n"


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().lock()


def planned(world: World, request: Request | None = None, version: str = "1.0.0", env: str = "staging") -> Planned:
    place = gate.Place(records=world.records(), environment=env, now=world.clock.now())
    return plan.run(place, world.subject(version), request or Request())


def refused(world: World, request: Request) -> CannotAsk:
    with pytest.raises(CannotAsk) as caught:
        planned(world, request)
    return caught.value


def test_without_evidence_and_statement_it_says_how_to_get_either(world: World) -> None:
    error = refused(world, Request())
    assert error.code == "NO_EVIDENCE"
    assert f"llmops eval {PROMPT} --record" in error.hint
    assert "--assume" in error.hint


@pytest.mark.parametrize("power", [0.0, 1.0, -1.0, 2.0, float("nan")])
def test_a_power_that_is_no_chance_is_refused(world: World, power: float) -> None:
    assert refused(world, Request(power=power)).code == "USAGE"


@pytest.mark.parametrize("detect", [0.0, -0.1, float("nan"), float("inf")])
def test_a_difference_that_is_none_is_refused(world: World, detect: float) -> None:
    assert refused(world, Request(detect=detect)).code == "USAGE"


@pytest.mark.parametrize("usd", [-1.0, float("nan"), float("inf")])
def test_a_price_of_a_case_that_is_none_is_refused(world: World, usd: float) -> None:
    assert refused(world, Request(case_usd=usd)).code == "USAGE"


def test_an_unknown_metric_is_refused(world: World) -> None:
    assert refused(world.record(), Request(metrics=("grondedness",))).code == "METRIC_UNKNOWN"


def test_a_metric_without_a_bar_is_refused_and_those_with_one_are_named(world: World) -> None:
    error = refused(world.record(), Request(metrics=("safety",)))
    assert error.code == "METRIC_UNKNOWN"
    assert "contains, groundedness" in error.hint


def test_a_statement_stands_in_place_of_evidence(world: World) -> None:
    request = Request(assumptions={"groundedness": Assumption(mean=0.8, sd=0.2)}, metrics=("groundedness",))
    result = planned(world, request)
    assert (result.evidence, result.noise[0].is_assumed) == ("", True)
    assert result.rules[0].figure == 0.8


def test_the_releases_own_evidence_comes_first(world: World) -> None:
    result = planned(world.record())
    assert result.evidence == "version 1.0.0, 3 cases"
    assert {rule.metric for rule in result.rules} == {"contains", "groundedness"}
    assert not result.is_open


def test_versions_that_behave_the_same_are_all_named(world: World) -> None:
    result = planned(world.record().publish().lock("1.0.1"), version="1.0.1")
    assert result.evidence == "versions (of one behaviour) 1.0.0, 1.0.1, 3 cases"


def test_cases_without_a_score_are_not_what_a_metric_is_known_from(world: World) -> None:
    words = planned(world.record(groundedness={"bulb": 0.9, "cord": None, "switch": 0.8})).evidence  # type: ignore[dict-item]
    assert words == "version 1.0.0, 3 cases (groundedness on 2)"


def test_a_release_that_nobody_evaluated_is_planned_from_what_serves() -> None:
    world = a_world()
    world.put({f"prompts/{PROMPT}/thresholds.yaml": DROP})
    world.apply_policy().ready().promote()
    world.lock("1.1.0", text="Other words.")
    result = planned(world, version="1.1.0")
    assert result.evidence == "version 1.0.0, 3 cases"
    (drop,) = (rule for rule in result.rules if rule.rule == "max_drop")
    assert (drop.is_open, result.is_open) == (True, True)
    assert "correlate" in drop.note


def test_two_versions_on_the_same_cases_are_seen_side_by_side() -> None:
    world = a_world()
    world.put({f"prompts/{PROMPT}/thresholds.yaml": DROP})
    world.apply_policy().ready().promote()
    world.lock("1.1.0", text="Other words.").record("1.1.0", {"bulb": 0.7, "cord": 0.9, "switch": 0.8})
    result = planned(world, version="1.1.0")
    assert (result.evidence, result.other) == ("version 1.1.0, 3 cases", "version 1.0.0, 3 cases")
    (drop,) = (rule for rule in result.rules if rule.rule == "max_drop")
    assert drop.note == ""


def test_an_earlier_state_of_the_evalset_is_better_than_nothing_and_is_named(world: World) -> None:
    world.record()
    cases = world.repository.folder["evalsets/lamp/cases.jsonl"].replace(b"How long is", b"What length has")
    world.put({"evalsets/lamp/cases.jsonl": cases})
    world.lock("1.1.0", text="Other words.")
    assert planned(world, version="1.1.0").evidence.endswith("on an earlier state of the evalset")


def test_floors_of_the_policy_are_planned_too(world: World) -> None:
    rules = a_team()
    rules["environments"]["staging"]["floors"] = {"groundedness": {"min": 0.85, "decide_on": "interval"}}  # type: ignore[index]
    world.put({"llmops.yaml": configuration(rules)})
    world.apply_policy().record()
    (rule,) = (rule for rule in planned(world).rules if rule.metric == "groundedness")
    assert (rule.bar, rule.is_open) == (0.85, True)


def test_other_numbers_than_the_bars_can_be_asked_for(world: World) -> None:
    result = planned(world.record(), Request(cases=300, repeats=2, judge_repeats=3))
    assert (result.design.cases, result.design.repeats, result.design.judge_repeats) == (300, 2, 3)
    assert result.asked.calls == 600
    assert {rule.design.cases for rule in result.rules} == {300}


def test_the_judge_stands_as_it_does_at_the_gate() -> None:
    team = calibrating.a_world()
    place = gate.Place(records=team.records(), environment="", now=team.clock.now())
    assert plan.run(place, team.subject("1.0.0"), Request()).calibrated == ()
    calibrating.calibrate(team, who="quinn")
    place = gate.Place(records=team.records(), environment="", now=team.clock.now())
    assert plan.run(place, team.subject("1.0.0"), Request()).calibrated == ("groundedness",)
