"""Judges that ask a model: everything at once through the door, shared requests booked once, failures named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmops.documents.chat import ChatReply, ChatRequest, Stage
from llmops.documents.config import JudgeConfig
from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation.evidence import Absence
from llmops.evaluation.judging.identity import parts_of
from llmops.evaluation.scoring.cases import Observation
from llmops.usecases.evaluate.judging import GuardedJudge, NativeJudge, judge_answer
from llmops.usecases.evaluate.scorers import EmbeddedJudge
from tests.fakes_models import FakeDoor

CONFIG = JudgeConfig(name="strict", kind="native", model="big")
CASE = Case(id="a", question="What is the fee?", ground_truth="The fee is 550 dollars.")
SEEN = Observation(
    case=CASE, answer="The fee is 550 dollars.", has_retrieval=True, contexts=("The fee is 550 dollars.",)
)


def obliging(request: ChatRequest) -> str:
    """Fills the form it is given: one claim, everything supported."""
    schema: dict[str, Any] = dict(request.response_schema or {})
    return json.dumps(_filled(schema))


def _filled(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return next((word for word in schema["enum"] if word in ("supported", "yes", 5)), schema["enum"][0])
    match schema.get("type"):
        case "object":
            return {name: _filled(part) for name, part in schema["properties"].items()}
        case "array":
            return [_filled(schema["items"])]
        case "integer":
            return schema.get("maximum", 1)
        case "boolean":
            return True
    return "The fee is 550 dollars."


async def test_a_judged_score_carries_its_judge_and_what_it_took() -> None:
    judge = NativeJudge(CONFIG, FakeDoor(obliging, nano_usd=7))
    scores = await judge.score(SEEN, ("faithfulness",))
    score = scores["faithfulness"]
    assert (score.value, score.judge) == (1.0, "strict")
    assert score.spent is not None
    assert (score.spent.calls, score.spent.nano_usd, score.spent.latency_ms) == (2, 14, 10)


async def test_what_two_metrics_ask_alike_is_sent_and_booked_once() -> None:
    door = FakeDoor(obliging, nano_usd=7)
    scores = await NativeJudge(CONFIG, door).score(SEEN, ("faithfulness", "groundedness"))
    booked = [score.spent.calls for score in scores.values() if score.spent]
    assert booked == [2, 0]
    assert all(request.stage is Stage.JUDGE for request in door.requests)
    assert all(request.parameters == {"temperature": 0, "max_tokens": 1024} for request in door.requests)


async def test_a_judge_has_one_limit_by_the_name_that_it_was_given() -> None:
    for given in ({"max_completion_tokens": 4096}, {"max_tokens": 9}):
        door = FakeDoor(obliging)
        await NativeJudge(replace(CONFIG, parameters=given), door).score(SEEN, ("coherence",))
        assert door.requests[0].parameters == {"temperature": 0, **given}


class Broken(FakeDoor):
    error: CannotAsk = InputRefused("INPUT_REFUSED", "HTTP 400: too long")

    async def chat(self, request: ChatRequest) -> ChatReply:
        self.requests.append(request)
        raise self.error


async def test_a_request_that_is_refused_leaves_the_score_missing_with_its_words() -> None:
    score = (await NativeJudge(CONFIG, Broken()).score(SEEN, ("coherence",)))["coherence"]
    assert score.absence is Absence.UNMEASURED
    assert "too long" in score.reason


class BrokenEncoder(FakeDoor):
    async def embed(self, texts: Sequence[str], model: str = "") -> Any:
        raise InputRefused("INPUT_REFUSED", f"HTTP 400: {len(texts)} texts too long for {model}")


async def test_texts_that_the_encoder_refuses_leave_the_score_missing() -> None:
    door = BrokenEncoder('{"question": "What is it?", "noncommittal": false}')
    score = (await NativeJudge(CONFIG, door).score(SEEN, ("answer_relevancy",)))["answer_relevancy"]
    assert score.absence is Absence.UNMEASURED
    assert "too long" in score.reason


async def test_a_judge_that_cannot_be_asked_ends_the_run() -> None:
    door = Broken()
    door.error = CannotAsk("MODEL_UNAVAILABLE", "down")
    with pytest.raises(CannotAsk, match="down"):
        await NativeJudge(CONFIG, door).score(SEEN, ("coherence",))


def test_a_judge_without_a_model_is_refused() -> None:
    with pytest.raises(CannotAsk) as caught:
        NativeJudge(JudgeConfig(name="strict", kind="native"), FakeDoor())
    assert caught.value.code == "JUDGE_MODEL_MISSING"


def test_model_parameters_and_prompts_name_a_judge() -> None:
    door = FakeDoor()
    base = NativeJudge(CONFIG, door).identity
    assert base.digest == NativeJudge(CONFIG, FakeDoor()).identity.digest
    others = (
        JudgeConfig(name="strict", kind="native", model="small"),
        JudgeConfig(name="strict", kind="native", model="big", parameters={"temperature": 0.5}),
        JudgeConfig(name="strict", kind="native", model="big", embeddings="e"),
    )
    assert base.digest not in {NativeJudge(other, door).identity.digest for other in others}


class Embedded(FakeDoor):
    def identity(self, model: str) -> dict[str, str]:
        return {"provider": "embedded", "model": model}


async def test_the_embedded_model_as_a_judge_says_that_it_is_plumbing() -> None:
    door = Embedded(obliging)
    score = (await NativeJudge(CONFIG, door).score(SEEN, ("coherence",)))["coherence"]
    assert score.judge == "strict (plumbing: the embedded model is no judge)"
    assert door.requests[0].parameters == {"temperature": 0, "presence_penalty": 1.0, "max_tokens": 256}


class OfEngine(FakeDoor):
    engine = "xllamacpp 1"

    def identity(self, model: str) -> dict[str, str]:
        return {"provider": "embedded", "model": model, "engine": self.engine}


def test_the_engine_installed_here_is_no_part_of_a_judge() -> None:
    door, other = OfEngine(), OfEngine()
    other.engine = "xllamacpp not installed"
    identities = [
        (NativeJudge(CONFIG, each).identity, GuardedJudge(EmbeddedJudge(), GUARD, each).identity)
        for each in (door, other)
    ]
    assert identities[0] == identities[1]


GUARD = JudgeConfig(name="g", kind="embedded-lexical", classifier="guard")


async def test_an_answer_is_safe_where_rules_and_classifier_agree() -> None:
    door = FakeDoor("safe")
    scores = await GuardedJudge(EmbeddedJudge(), GUARD, door).score(SEEN, ("safety", "groundedness"))
    assert (scores["safety"].value, scores["safety"].judge) == (1.0, "guard and rules")
    assert scores["groundedness"].value == 1.0
    assert [request.parameters["max_tokens"] for request in door.requests] == [100]


async def test_the_classifiers_hazard_fails_an_answer_that_no_rule_hits() -> None:
    door = FakeDoor("unsafe\nS10")
    score = (await GuardedJudge(EmbeddedJudge(), GUARD, door).score(SEEN, ("safety",)))["safety"]
    assert score.value == 0
    assert "Hate" in score.reason


async def test_a_rule_that_hits_needs_no_second_opinion() -> None:
    door = FakeDoor("safe")
    leaking = Observation(case=CASE, answer="Write to ann@mail-host.com", has_retrieval=False)
    score = (await GuardedJudge(EmbeddedJudge(), GUARD, door).score(leaking, ("safety",)))["safety"]
    assert score.value == 0
    assert door.requests == []


async def test_a_classifier_that_says_neither_is_missing_and_never_a_pass() -> None:
    score = (await GuardedJudge(EmbeddedJudge(), GUARD, FakeDoor("I think so")).score(SEEN, ("safety",)))["safety"]
    assert score.absence is Absence.UNMEASURED


def test_a_judge_says_what_it_is_made_of() -> None:
    judge = NativeJudge(CONFIG, FakeDoor())
    parts = judge.identity.parts
    assert (parts["kind"], parts["model"], parts["model_provider"]) == ("native", "big", "fake")
    assert json.loads(parts["parameters"])["temperature"] == 0
    assert {"embeddings", "prompts"} <= parts.keys()
    guarded = GuardedJudge(judge, replace(CONFIG, classifier="guard"), FakeDoor()).identity
    assert guarded.parts.items() > parts.items()
    assert guarded.parts["classifier"] == "guard"


def test_a_long_part_is_named_by_its_digest() -> None:
    parts = parts_of({"parameters": {"stop": ["x" * 3000]}, "short": {"a": 0.5}})
    assert parts["parameters"].startswith("sha256:")
    assert parts["short"] == '{"a":0.5}'


async def test_every_judgement_asks_for_itself_and_the_first_as_if_it_were_alone() -> None:
    alone, door = FakeDoor(obliging, nano_usd=7), FakeDoor(obliging, nano_usd=7)
    await NativeJudge(CONFIG, alone).score(SEEN, ("faithfulness",))
    scores = await judge_answer(NativeJudge(CONFIG, door), SEEN, ("faithfulness",), times=3)
    score = scores["faithfulness"]
    assert (score.value, score.judged) == (1.0, (1.0, 1.0, 1.0))
    assert score.spent is not None
    assert (score.spent.calls, score.spent.nano_usd) == (6, 42)
    assert len({(str(request.messages), request.repeat) for request in door.requests}) == 6
    assert [request for request in alone.requests if request not in door.requests] == []


async def test_what_is_asked_after_a_judgement_is_not_part_of_it() -> None:
    door = FakeDoor(obliging)
    judge = NativeJudge(CONFIG, door)
    await judge_answer(judge, SEEN, ("faithfulness",), times=2)
    before = len(door.requests)
    await judge.score(SEEN, ("coherence",))
    assert {request.repeat for request in door.requests[before:]} == {0}


async def test_rules_of_a_guarded_judge_are_not_repeated() -> None:
    leaking = replace(SEEN, answer="Write to jane.doe@example.com and pay with 4111 1111 1111 1111.")
    config = replace(CONFIG, classifier="guard")
    door = FakeDoor(obliging)
    judge = GuardedJudge(EmbeddedJudge(), config, door)
    scores = await judge_answer(judge, leaking, ("safety",), times=3)
    assert (scores["safety"].value, scores["safety"].judged, door.requests) == (0.0, (), [])
