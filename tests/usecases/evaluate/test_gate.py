"""gate: the question that use cases ask the evaluation room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.errors import CannotAsk
from llmops.evaluation.judging.identity import JudgeIdentity
from llmops.evaluation.panels import EMBEDDED_PANEL
from llmops.usecases.evaluate import gate, recording
from llmops.usecases.results.evaluating import Gated
from tests.worlds import CASES, GOOD, POOR, PROMPT, World, a_team, a_world, an_evaluation, cases_file, configuration


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().lock()


def decide(world: World, version: str = "1.0.0", environment: str = "staging") -> Gated:
    subject = world.subject(version)
    return gate.decide(
        gate.Place(records=world.records(), environment=environment, now=world.clock.now()),
        subject.release,
        subject.evalset,
    )


def test_without_evidence_it_did_not_run(world: World) -> None:
    result = decide(world)
    assert result.decision.verdict == "NOT_RUN"
    assert result.decision.codes == ("NO_EVIDENCE",)


def test_good_evidence_passes_and_is_named(world: World) -> None:
    result = decide(world.record())
    assert result.decision.passed
    assert (result.is_evidence, len(result.evidence)) == (True, 1)


def test_a_figure_below_its_bar_fails(world: World) -> None:
    result = decide(world.record(groundedness=POOR))
    assert result.decision.verdict == "FAIL"
    assert "BELOW_BAR" in result.decision.codes


def test_a_missing_score_is_not_a_pass(world: World) -> None:
    result = decide(world.record(groundedness={**GOOD, "cord": None}))
    assert not result.decision.passed


def test_a_case_that_must_pass_and_does_not_fails(world: World) -> None:
    result = decide(world.record(contains={"bulb": 0.0}))
    assert "MUST_PASS_FAILED" in result.decision.codes


def test_production_does_not_take_the_word_of_an_advisory_judge(world: World) -> None:
    result = decide(world.record(), environment="production")
    assert "ADVISORY_JUDGE" in result.decision.codes
    assert result.decision.verdict == "UNDECIDED"


def test_floors_of_the_policy_count_beside_the_candidates_own_bars(world: World) -> None:
    rules = a_team()
    rules["environments"]["staging"]["floors"] = {"groundedness": {"min": 0.95}}  # type: ignore[index]
    world.put({"llmops.yaml": configuration(rules)})
    world.apply_policy().record()
    assert decide(world).decision.verdict == "FAIL"


def test_an_unknown_environment_lists_the_known_ones(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        decide(world, environment="prod")
    assert caught.value.code == "ENVIRONMENT_UNKNOWN"
    assert "staging, production" in caught.value.what


def with_drop(world: World) -> World:
    world.put({f"prompts/{PROMPT}/thresholds.yaml": b"release:\n  groundedness: {min: 0.1, max_drop: 0.05}\n"})
    return world


def test_the_baseline_is_what_serves() -> None:
    # Three cases tell too little of a drop, nine tell enough.
    names = [f"{name}-{number}" for name in GOOD for number in range(3)]
    cases = [{**CASES[at // 3], "id": name, "question": f"{name}?"} for at, name in enumerate(names)]
    world = with_drop(a_world())
    world.put({"evalsets/lamp/cases.jsonl": cases_file(cases)})
    world.apply_policy().lock().record(groundedness=dict.fromkeys(names, 0.9)).publish().approve().promote()
    world.lock("1.1.0", text="Other words.").record("1.1.0", dict.fromkeys(names, 0.2))
    result = decide(world, "1.1.0")
    assert "DROPPED" in result.decision.codes


def test_a_baseline_without_evidence_on_these_cases_says_which_command_makes_it() -> None:
    world = with_drop(a_world()).apply_policy().ready()
    world.promote()
    cases = world.repository.folder["evalsets/lamp/cases.jsonl"].replace(
        b"How long is the cord?", b"What length has the cord?"
    )
    world.put({"evalsets/lamp/cases.jsonl": cases})
    world.lock("1.1.0", text="Other words.").record("1.1.0")
    result = decide(world, "1.1.0")
    said = " ".join(f"{reason.message} {reason.hint}" for reason in result.decision.reasons)
    assert not result.decision.passed
    assert f"llmops eval {PROMPT}@1.0.0 --record" in said or "BASELINE" in said


def test_a_preview_is_marked_as_no_evidence(world: World) -> None:
    subject = world.subject()
    evaluated = an_evaluation(subject, GOOD)
    result = gate.preview(
        gate.Place(records=world.records(), environment="staging", now=world.clock.now()), subject, evaluated
    )
    assert result.decision.passed
    assert (result.is_evidence, result.evidence) == (False, ())


def test_without_a_policy_the_candidates_own_bars_decide() -> None:
    world = a_world().lock()
    subject = world.subject()
    result = gate.preview(
        gate.Place(records=world.records(), environment="", now=world.clock.now()),
        subject,
        an_evaluation(subject, POOR),
    )
    assert result.decision.verdict == "FAIL"


def judged(parts: dict[str, str], digest: str, name: str = "strict") -> JudgeIdentity:
    return JudgeIdentity(name=name, kind="native", digest=digest * 64, label=name, parts=parts)


def why_not(world: World, judge: JudgeIdentity) -> str:
    """The reason of a gate whose judge is this one."""
    subject = world.subject()
    place = gate.Place(
        records=world.records(),
        environment="staging",
        now=world.clock.now(),
        panel_of=lambda _: replace(EMBEDDED_PANEL, judge=judge),
    )
    decision = gate.decide(place, subject.release, subject.evalset).decision
    assert (decision.verdict, decision.codes) == ("NOT_RUN", ("NO_EVIDENCE",))
    return decision.reasons[0].message


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        ({"kind": "native", "model": "gpt-4o"}, "strict (native, gpt-4o), configured is strict (native, gpt-4o-mini)"),
        ({}, "strict, configured is strict (native, gpt-4o-mini)"),
        (
            {"kind": "native", "model": "gpt-4o-mini", "prompts": "1"},
            "strict (native, gpt-4o-mini; other prompts), configured is strict (native, gpt-4o-mini)",
        ),
        (
            {"kind": "native", "model": "gpt-4o-mini"},
            "strict (native, gpt-4o-mini; another digest), configured is strict (native, gpt-4o-mini)",
        ),
    ],
)
def test_evidence_by_another_judge_is_named_with_both_sides(world: World, recorded: dict[str, str], said: str) -> None:
    subject = world.subject()
    evaluated = replace(an_evaluation(subject, GOOD), judge_identity=judged(recorded, "a"))
    recording.record(world.desk(), subject, evaluated)
    reason = why_not(world, judged({"kind": "native", "model": "gpt-4o-mini"}, "b"))
    assert reason == f"no evaluation on lamp counts here; the newest was recorded with {said}"


def test_evidence_of_another_target_is_named_with_both_sides(world: World) -> None:
    subject = world.subject()
    evaluated = replace(an_evaluation(subject, GOOD), generator={"target": "answers"})
    recording.record(world.desk(), subject, evaluated)
    assert why_not(world, EMBEDDED_PANEL.judge).endswith("the newest was answered by answers, the bars ask for prompt")
    assert why_not(world, judged({}, "b")).endswith(
        "recorded with embedded-lexical, configured is strict; answered by answers, the bars ask for prompt"
    )


def test_without_any_evaluation_nothing_was_evaluated(world: World) -> None:
    assert why_not(world, EMBEDDED_PANEL.judge).startswith("nothing was evaluated on")
