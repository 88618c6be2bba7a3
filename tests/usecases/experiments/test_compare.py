"""compare: one door for all arms, reasons beside the table, and records that why can cite."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.documents.chat import ChatReply, ChatRequest
from llmops.errors import CannotAsk, Refusal
from llmops.evaluation.comparison import Sign, Standing
from llmops.governance import provenance
from llmops.usecases.experiments import compare
from llmops.usecases.results.experiments import Compared
from tests.fakes_models import FakeDoor
from tests.usecases.experiments.builders import a_door, assembled, many_cases, put, tools, two_versions
from tests.worlds import CASES, PROMPT, RAG, Silent, World

N = len(CASES)


def ran(world: World, door: FakeDoor | None = None, **more: Any) -> Compared:
    return compare.compare(tools(door or a_door(), **more), assembled(world))


def recorded(world: World, door: FakeDoor | None = None) -> Compared:
    return compare.compare(tools(door or a_door()), assembled(world, is_staged=True), world.desk())


def test_every_arm_is_measured_and_compared_with_the_first() -> None:
    door, cases = a_door(nano_usd=1000), many_cases()
    result = ran(put(two_versions(cases), models=["fake", "other"]), door)
    assert [arm.label for arm in result.arms] == [
        "1.0.0 / fake",
        "1.0.0 / other",
        "1.1.0 / fake",
        "1.1.0 / other",
    ]
    assert len(door.requests) == 4 * len(cases)
    assert result.ledger.nano_usd == 4 * len(cases) * 1000
    by_label = {arm.label: arm for arm in result.comparison.arms}
    worse = by_label["1.0.0 / other"].reading("groundedness")
    assert worse is not None
    assert worse.difference is not None
    assert worse.difference.sign is Sign.WORSE
    assert result.comparison.front == ("1.0.0 / fake", "1.1.0 / fake")
    assert by_label["1.1.0 / other"].standing is not Standing.FRONT
    assert result.failed == ()
    assert result.is_measured
    assert result.records == ()


def test_what_two_arms_ask_alike_is_asked_once() -> None:
    # Another strategy that finds the same passages: the model is sent the same messages.
    world = put(two_versions(), versions=["1.0.0"], rag=["../prompts/support/rag.yaml", "../rag/hybrid.yaml"])
    world.put({"rag/hybrid.yaml": RAG.replace("strategy: sparse", "strategy: hybrid").encode()})
    door = a_door()
    result = ran(world, door)
    assert len(door.requests) == N
    assert result.arms[0].behaviour != result.arms[1].behaviour
    assert [arm.model_calls for arm in result.arms][1] == 0
    assert result.comparison.front == ("1.0.0 / rag", "1.0.0 / hybrid")


def test_an_arm_that_cannot_be_asked_is_named_and_the_others_go_on() -> None:
    result = ran(put(two_versions(), models=["fake", "elsewhere"], versions=["1.0.0"]))
    assert [arm.failure.code for arm in result.failed if arm.failure] == ["MODEL_UNKNOWN"]
    assert [arm.label for arm in result.comparison.arms] == ["1.0.0 / fake"]
    assert not result.is_measured


def test_where_the_baseline_fails_there_are_no_differences() -> None:
    result = ran(put(two_versions(), models=["elsewhere", "fake", "other"], versions=["1.0.0"]))
    assert result.comparison.baseline == ""
    assert [arm.label for arm in result.comparison.arms] == ["1.0.0 / fake", "1.0.0 / other"]


def test_no_arm_at_all_is_an_error_that_names_each() -> None:
    with pytest.raises(CannotAsk) as caught:
        ran(put(two_versions(), models=["elsewhere"]))
    assert caught.value.code == "NO_ARM"
    assert [line.partition(":")[0] for line in caught.value.details] == ["1.0.0 / elsewhere", "1.1.0 / elsewhere"]


class Down(FakeDoor):
    """The endpoint of `other` breaks down after its first answer."""

    async def chat(self, request: ChatRequest) -> ChatReply:
        if request.model == "other" and any(each.model == "other" for each in self.requests):
            raise CannotAsk("MODEL_UNAVAILABLE", "other gave no answer", hint="start it")
        return await super().chat(request)


def test_an_arm_that_breaks_down_half_way_says_what_is_kept() -> None:
    result = ran(put(two_versions(), models=["other", "fake"]), Down())
    assert [arm.label for arm in result.failed] == ["1.0.0 / other", "1.1.0 / other"]
    failure = result.failed[0].failure
    assert failure is not None
    assert failure.code == "MODEL_UNAVAILABLE"
    assert f"1 of {N} answers are kept" in failure.hint


def test_a_model_without_a_price_has_no_cost() -> None:
    result = ran(put(two_versions(), models=["fake", "unpriced"], versions=["1.0.0"]), a_door(models=None))
    reading = result.comparison.arms[1].reading("cost_usd")
    assert reading is not None
    assert reading.figure is None
    assert "nobody knows the price of unpriced" in reading.reason
    assert result.comparison.arms[1].standing is Standing.UNPLACED


def test_a_metric_that_nothing_measures_is_found_out_before_the_work() -> None:
    door = a_door()
    with pytest.raises(CannotAsk) as caught:
        ran(put(two_versions(), metrics={"show": ["groundednes"]}), door)
    assert (caught.value.code, door.requests) == ("METRIC_UNKNOWN", [])


def test_repeats_are_the_experiment_s() -> None:
    door = a_door()
    result = ran(put(two_versions(), repeats=2), door)
    assert len(door.requests) == 4 * N
    assert result.repeats == 2


def test_progress_is_of_the_whole() -> None:
    progress, door = Silent(), a_door(nano_usd=5)
    given = tools(door)
    compare.compare(type(given)(**{**_fields(given), "progress": progress}), assembled(put(two_versions())))
    assert progress.last == (2 * N, 2 * N, 2 * N * 5)


def _fields(given: Any) -> dict[str, Any]:
    return {name: getattr(given, name) for name in given.__slots__}


def test_a_cap_below_the_least_cost_is_refused_before_anything_is_asked() -> None:
    door, said = a_door(nano_usd=1000), list[str]()
    with pytest.raises(CannotAsk) as caught:
        ran(put(two_versions()), door, max_nano_usd=1, say=said.append)
    assert (caught.value.code, door.requests) == ("MAX_COST", [])
    assert said[0].startswith(f"versions: {2 * N} to {2 * N} requests, $")


def test_a_cap_that_is_enough_says_the_estimate_and_goes_on() -> None:
    said = list[str]()
    result = ran(put(two_versions()), a_door(nano_usd=1000), max_nano_usd=10**12, say=said.append)
    assert len(said) == 1
    assert result.failed == ()


def test_evaluations_of_releases_and_the_experiment_are_recorded_in_one_commit() -> None:
    world = put(two_versions(), models=["fake", "other"])
    result = recorded(world)
    ledger = world.records().ledger
    assert [entry.kind for entry in ledger.entries[-3:]] == ["evaluation", "evaluation", "experiment"]
    assert all(entry.is_effective for entry in ledger.entries)
    assert len({record.commit for record in result.records}) == 1
    (found,) = ledger.experiments
    said = found.experiment
    assert (said.name, said.prompt, said.evalset) == ("versions", PROMPT, "lamp")
    assert said.front == result.comparison.front
    first, second = (item.entry.digest for item in ledger.evaluations)
    assert [(arm.label, arm.model, arm.evaluation) for arm in said.arms] == [
        ("1.0.0 / fake", "fake", first),
        ("1.0.0 / other", "other", ""),
        ("1.1.0 / fake", "fake", second),
        ("1.1.0 / other", "other", ""),
    ]
    assert [arm.evaluation for arm in result.arms] == [first, "", second, ""]
    assert world.records().report.ok


def test_an_evaluation_that_stands_there_is_cited_not_repeated() -> None:
    world, door = put(two_versions()), a_door()
    first = recorded(world, door)
    again = recorded(world, door)
    ledger = world.records().ledger
    assert [entry.kind for entry in ledger.entries].count("evaluation") == 2
    assert len(ledger.experiments) == 2
    assert len(again.records) == 1
    assert [arm.evaluation for arm in again.arms] == [arm.evaluation for arm in first.arms]
    assert all(arm.evaluation for arm in again.arms)


def test_two_versions_of_one_behaviour_share_their_evaluation() -> None:
    world = put(two_versions().lock("1.2.0", text="Reply from the page."), versions=["1.1.0", "1.2.0"])
    result = recorded(world)
    ledger = world.records().ledger
    assert len(ledger.evaluations) == 1
    assert {arm.evaluation for arm in result.arms} == {ledger.evaluations[0].entry.digest}
    assert world.records().report.ok


def test_why_cites_the_experiment_of_what_serves() -> None:
    world = put(two_versions()).record("1.0.0").publish().approve()
    world.promote()
    recorded(world)
    records = world.records()
    links = provenance.why(records.report, records.tree, PROMPT, "staging")
    (link,) = [link for link in links if link.what == "experiment"]
    assert (link.name, link.who, link.ok) == ("versions on lamp", "dana", True)
    assert link.path == records.ledger.experiments[0].entry.path


def test_an_experiment_with_a_failed_arm_is_not_recorded() -> None:
    world = put(two_versions(), models=["fake", "elsewhere"])
    before = len(world.records().ledger.entries)
    result = recorded(world)
    assert result.records == ()
    assert len(world.records().ledger.entries) == before


def test_working_files_are_never_recorded() -> None:
    world, door = put(two_versions(), versions=["1.0.0", "working"]), a_door()
    with pytest.raises(CannotAsk) as caught:
        recorded(world, door)
    assert (caught.value.code, door.requests) == ("USAGE", [])


def test_a_key_that_may_not_record_is_found_out_before_the_work() -> None:
    world, door = put(two_versions()), a_door()
    with pytest.raises(Refusal) as caught:
        compare.compare(tools(door), assembled(world, is_staged=True), world.desk("eve"))
    assert (caught.value.code, door.requests) == ("UNKNOWN_KEY", [])
