"""eval: every case becomes rows, problems are found before money is spent, and a failure keeps what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmops.documents.chat import ChatReply, ChatRequest, ToolCall
from llmops.documents.targets import Answered, Question
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation.evidence import Absence, Score, measured, missing
from llmops.evaluation.judging.identity import JudgeIdentity
from llmops.evaluation.metrics import MetricInfo, Need
from llmops.evaluation.scoring.cases import Observation
from llmops.usecases.evaluate import run, scorers, subjects
from llmops.usecases.evaluate.answering import GivenAnswers, PromptTarget
from llmops.usecases.evaluate.bench import Bench, metric_names
from llmops.usecases.evaluate.measuring import instructions
from llmops.usecases.results.evaluating import Evaluated
from tests.fakes_models import FakeDoor
from tests.worlds import BARS, CASES, PROMPT, Silent, World, a_team, a_world, build_retriever, cases_file, documents

FILE = f"prompts/{PROMPT}/prompt.yaml"


def grounded(request: ChatRequest) -> str:
    """Copies what the page says."""
    return request.messages[0]["content"].partition("[1] ")[2].strip()


class FailingDoor(FakeDoor):
    """Answers `good` requests, then the endpoint is down."""

    good = 1

    async def chat(self, request: ChatRequest) -> ChatReply:
        if len(self.requests) >= self.good:
            raise CannotAsk("MODEL_UNAVAILABLE", "fake gave no answer", where="fake", hint="start it")
        return await super().chat(request)


async def score(world: World, door: FakeDoor, progress: Silent | None = None, **more: Any) -> Evaluated:
    subject = subjects.working(world.repository, PROMPT)
    bench = Bench(
        subject=subject,
        door=door,
        target=more.pop("target", None) or PromptTarget(door, subject.release.model),
        scorers=more.pop("scorers", None) or scorers.embedded(door, ""),
        build_retriever=build_retriever,
        progress=progress or Silent(),
        **more,
    )
    return await run.run(bench)


async def test_every_case_is_a_row_with_its_passage_and_scores() -> None:
    progress = Silent()
    result = await score(a_world(), FakeDoor(grounded), progress)
    assert [row.case for row in result.rows] == [case["id"] for case in CASES]
    assert [row.retrieved for row in result.rows] == [("lamp#bulb",), ("lamp#cord",), ("lamp#switch",)]
    assert {row.scores["groundedness"].value for row in result.rows} == {1.0}
    assert {row.scores["recall_at_k"].value for row in result.rows} == {1.0}
    assert result.rows[0].must_pass
    assert result.rows[0].slices == ("numeric",)
    assert progress.last == (3, 3, 0)


async def test_an_invention_is_scored_as_one_and_the_sentence_is_kept() -> None:
    result = await score(a_world(), FakeDoor("Whales sing in the deep ocean all winter long."))
    assert all(row.scores["groundedness"].value < 0.1 for row in result.rows)  # type: ignore[operator]
    assert "Whales" in result.rows[0].scores["groundedness"].reason


async def test_a_case_that_cannot_be_rendered_is_named_and_the_others_go_on() -> None:
    world = a_world()
    data = world.repository.folder[FILE].replace(b", default: plain", b"")
    world.put(
        {FILE: data, "evalsets/lamp/cases.jsonl": cases_file([{**CASES[0], "variables": {"tone": "x"}}, CASES[1]])}
    )
    door = FakeDoor()
    with pytest.raises(CannotAsk) as caught:
        await score(world, door)
    assert caught.value.code == "INCOMPLETE"
    assert caught.value.what == "1 of 2 cases could not be measured; nothing is recorded"
    (line,) = caught.value.details
    assert line.startswith("cord: 1 required variable has no value: tone")
    assert "[VARIABLE_MISSING]" in line
    assert len(door.requests) == 1


class Picky(FakeDoor):
    """Refuses the questions that hold a word."""

    def __init__(self, word: str, *answer: Any) -> None:
        super().__init__(*answer)
        self.word = word

    async def chat(self, request: ChatRequest) -> ChatReply:
        if self.word in str(request.messages):
            raise InputRefused("INPUT_REFUSED", "HTTP 400: too long", where="fake", hint="shorten it")
        return await super().chat(request)


async def test_a_question_that_the_model_refuses_is_named_and_the_others_are_kept() -> None:
    door = Picky("cord", grounded)
    with pytest.raises(CannotAsk) as caught:
        await score(a_world(), door)
    assert caught.value.code == "INCOMPLETE"
    assert caught.value.details == ("cord: HTTP 400: too long (fake)  [INPUT_REFUSED]; shorten it",)
    assert len(door.requests) == 2


class Judging:
    """A judge that says what it is told to; implements `Judge`."""

    identity = JudgeIdentity(name="stern", kind="native", digest="5" * 64, label="stern")
    metrics = (
        MetricInfo(name="groundedness", method="asked", needs=frozenset({Need.CONTEXTS, Need.JUDGE})),
        MetricInfo(name="coherence", method="asked", needs=frozenset({Need.JUDGE})),
    )

    def __init__(self, score: Score) -> None:
        self.said = score
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    async def score(self, seen: Observation, metrics: Sequence[str]) -> dict[str, Score]:
        self.asked.append((seen.case.id, tuple(metrics)))
        return dict.fromkeys(metrics, self.said)


async def test_judged_metrics_that_cost_are_asked_where_a_bar_or_the_user_names_them() -> None:
    judge = Judging(measured(0.5, judge="stern"))
    await score(a_world(), FakeDoor(grounded), scorers=scorers.assemble(judge, model="m"))
    assert {names for _, names in judge.asked} == {("groundedness",)}
    found = scorers.assemble(judge, model="m")
    result = await score(a_world(), FakeDoor(grounded), scorers=found, asked=("coherence",))
    assert {names for _, names in judge.asked[3:]} == {("groundedness", "coherence")}
    assert result.judge == "stern"
    assert result.scorers["coherence"] == "1"
    assert "faithfulness" not in result.scorers


async def test_a_judge_is_prepared_once_before_anything_is_asked() -> None:
    door = FakeDoor(grounded)
    asked_before: list[int] = []
    found = scorers.assemble(
        Judging(measured(0.5, judge="stern")), prepare=lambda: asked_before.append(len(door.requests))
    )
    await score(a_world(), door, scorers=found)
    assert asked_before == [0]
    assert door.requests


async def test_what_a_judge_cannot_say_is_missing_and_counts_against_coverage() -> None:
    result = await score(a_world(), FakeDoor(grounded), scorers=scorers.assemble(Judging(missing("no JSON", "stern"))))
    assert not result.is_measured
    assert {row.scores["groundedness"].absence for row in result.rows} == {Absence.UNMEASURED}


class Own:
    """A metric of one's own."""

    info = MetricInfo(name="tone", method="ours")
    identity = "ab" * 32

    async def score(self, seen: Observation) -> Score:
        return measured(len(seen.answer) / 1000, "counted")

    async def close(self) -> None:
        """Holds nothing."""


async def test_a_metric_of_ones_own_is_a_score_like_any_other() -> None:
    judge = scorers.EmbeddedJudge()
    result = await score(a_world(), FakeDoor(grounded), scorers=scorers.assemble(judge, [Own()]))
    assert all(row.scores["tone"].reason == "counted" for row in result.rows)
    assert result.scorers["tone"] == "1-" + "ab" * 8
    assert "tone" in [item.metric for item in result.summary.metrics]


def test_a_metric_of_ones_own_cannot_take_a_name_that_is_known() -> None:
    taken = Own()
    taken.info = MetricInfo(name="safety", method="ours")
    with pytest.raises(CannotAsk) as caught:
        scorers.assemble(scorers.EmbeddedJudge(), [taken])
    assert caught.value.code == "METRIC_TAKEN"


def a_world_with_answers() -> World:
    world = a_world()
    answered = [{**case, "answer": "A lamp.", "contexts": ["The lamp needs a bulb."]} for case in CASES]
    world.put({"evalsets/lamp/cases.jsonl": cases_file(answered)})
    return world


async def test_answers_of_the_evalset_are_scored_without_asking_anybody() -> None:
    world, door = a_world_with_answers(), FakeDoor()
    given = GivenAnswers(subjects.working(world.repository, PROMPT).evalset)
    result = await score(world, door, target=given)
    assert door.requests == []
    assert [row.answer for row in result.rows] == ["A lamp."] * 3
    assert result.rows[0].retrieved == ("bulb#1",)
    assert result.generator == {"target": "answers"}
    assert {row.unknown for row in result.rows} == {("cost_usd", "tokens", "latency_ms")}


class Telling(FakeDoor):
    """Says of each reply what it is told to."""

    told: Mapping[str, Any] = {}

    async def chat(self, request: ChatRequest) -> ChatReply:
        return replace(await super().chat(request), **self.told)


@pytest.mark.parametrize(
    ("told", "unknown"),
    [
        ({}, ()),
        ({"is_priced": False}, ("cost_usd",)),
        ({"input_tokens": 0, "output_tokens": 0}, ("cost_usd", "tokens")),
    ],
)
async def test_a_price_or_count_that_nobody_knows_is_no_zero(told: Mapping[str, Any], unknown: tuple[str, ...]) -> None:
    door = Telling(grounded)
    door.told = told
    result = await score(a_world(), door)
    assert {row.unknown for row in result.rows} == {unknown}
    assert (result.summary.nano_usd is None) == bool(unknown)


def test_an_evalset_without_answers_cannot_be_the_target() -> None:
    with pytest.raises(CannotAsk) as caught:
        GivenAnswers(subjects.working(a_world().repository, PROMPT).evalset)
    assert caught.value.code == "NO_ANSWERS"


async def test_the_turns_before_a_question_stand_before_it() -> None:
    world = a_world()
    turns = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]
    world.put({"evalsets/lamp/cases.jsonl": cases_file([{**CASES[0], "messages": turns}])})
    door = FakeDoor(grounded)
    await score(world, door)
    assert list(door.requests[0].messages[-3:-1]) == turns


class Streaming(FakeDoor):
    async def chat(self, request: ChatRequest) -> ChatReply:
        calls = (ToolCall(name="look"),)
        return replace(await super().chat(request), ttft_ms=3, finish_reason="length", tool_calls=calls)


async def test_what_a_reply_brings_along_is_in_its_row() -> None:
    row = (await score(a_world(), Streaming(grounded))).rows[0]
    assert (row.ttft_ms, row.finish_reason, row.tool_calls) == (3, "length", (ToolCall(name="look"),))


async def test_an_endpoint_that_fails_says_how_many_answers_are_kept() -> None:
    with pytest.raises(CannotAsk) as caught:
        await score(a_world(), FailingDoor(grounded))
    assert (caught.value.code, caught.value.where) == ("MODEL_UNAVAILABLE", "fake")
    assert caught.value.hint == "start it; 1 of 3 answers are kept, the same command continues; missing: cord, switch"


async def test_repeats_ask_again_and_are_rows_of_their_own() -> None:
    world = a_world()
    world.put({f"prompts/{PROMPT}/thresholds.yaml": b"repeats: 2\nrelease:\n  groundedness: {min: 0.6}\n"})
    door = FakeDoor(grounded)
    result = await score(world, door)
    assert [(row.case, row.repeat) for row in result.rows[:2]] == [("bulb", 0), ("bulb", 1)]
    assert len(door.requests) == 6


async def test_an_unchanged_run_asks_no_model() -> None:
    door = FakeDoor(grounded)
    first = await score(a_world(), door)
    asked = door.calls
    again = await score(a_world(), door)
    assert door.calls == asked
    assert again.rows == first.rows


async def test_what_is_spent_is_shown_and_cached_answers_cost_nothing() -> None:
    door, progress = FakeDoor(grounded, nano_usd=7), Silent()
    await score(a_world(), door, progress)
    assert progress.last == (3, 3, 21)
    await score(a_world(), door, progress)
    assert progress.last == (3, 3, 0)


def test_what_is_costly_is_measured_where_somebody_wants_it() -> None:
    subject = subjects.working(a_world().repository, PROMPT)
    free = metric_names(subject)
    assert "answer_similarity" in free
    costly = frozenset({Need.EMBEDDINGS})
    left = metric_names(subject, costly=costly)
    assert set(free) - set(left) == {"answer_similarity", "answer_relevancy"}
    assert "answer_similarity" in metric_names(subject, asked=("answer_similarity",), costly=costly)


def test_a_judge_with_embeddings_elsewhere_makes_comparing_by_rule_costly() -> None:
    judge = scorers.EmbeddedJudge()
    assert scorers.assemble(judge).costly == frozenset()
    assert scorers.assemble(judge, model="big").costly == {Need.JUDGE}
    assert scorers.assemble(judge, model="big", embeddings="vectors").costly == {Need.JUDGE, Need.EMBEDDINGS}


def test_the_prompts_own_words_are_those_written_where_they_need_passages() -> None:
    subject = subjects.working(a_world().repository, PROMPT)
    (case, *_) = subject.evalset.cases
    behaviour = {
        **subject.release.behaviour,
        "messages": [{"role": "system", "content": "{{ contexts[0].text }} only"}],
    }
    assert instructions(behaviour, case) == "{{ contexts[0].text }} only"


class Overdue:
    """Checks no schema in time."""

    asked = 0

    async def json_valid(self, answer: str, schema: Mapping[str, Any]) -> Score:  # noqa: ARG002  # it gives up on all
        self.asked += 1
        return missing("the schema was not checked within 5 s")

    async def close(self) -> None:
        """Holds nothing."""


@pytest.mark.parametrize(("schema", "is_asked"), [("{pattern: '^x+$'}", True), ("{type: string}", False)])
async def test_a_schema_that_may_take_long_is_checked_elsewhere_and_the_run_goes_on(
    schema: str, is_asked: bool
) -> None:
    world = a_world()
    path = f"prompts/{PROMPT}/prompt.yaml"
    world.put({path: documents(a_team())[path] + f"output_schema: {schema}\n".encode()}, "schema")
    checker = Overdue()
    found = await score(world, FakeDoor(grounded), scorers=replace(scorers.embedded(FakeDoor(), ""), checker=checker))
    assert bool(checker.asked) is is_asked
    assert [row.scores["json_valid"].value for row in found.rows] == [None if is_asked else 0.0] * len(found.rows)


class Application:
    """Answers with passages of its own."""

    def __init__(self, ids: tuple[str, ...] = ()) -> None:
        self.ids = ids
        self.identity = {"kind": "python"}

    async def answer(self, question: Question) -> Answered:
        return Answered(
            text="A lamp.", request_digest=question.case, contexts=("The lamp needs a bulb.",), context_ids=self.ids
        )


async def test_passages_without_ids_are_compared_with_no_label() -> None:
    world, door = a_world(), FakeDoor()
    nameless = await score(world, door, target=Application(), target_name="app")
    assert {row.scores["recall_at_k"].absence for row in nameless.rows} == {Absence.UNMEASURED}
    named = await score(world, door, target=Application(("lamp#bulb",)), target_name="app")
    assert [row.scores["recall_at_k"].value for row in named.rows] == [1.0, 0.0, 0.0]


async def test_a_mean_of_several_judgements_is_another_measure_than_one_judgement() -> None:
    world = a_world()
    world.put({f"prompts/{PROMPT}/thresholds.yaml": BARS.encode() + b"judge_repeats: 3\n"})
    found = scorers.assemble(Judging(measured(0.5, judge="stern")), model="m")
    result = await score(world, FakeDoor(grounded), scorers=found)
    assert result.scorers["groundedness"] == "1 x3"
    assert result.scorers["contains"] == "1"
    by_rule = await score(world, FakeDoor(grounded), scorers=scorers.assemble(Judging(measured(0.5))))
    assert by_rule.scorers["groundedness"] == "1"
