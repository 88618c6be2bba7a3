"""The records branch: which one it is, and the loop that writes to it."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, InvalidDocuments, Refusal
from llmops.usecases.records import ledgers
from llmops.usecases.release import publish
from tests.fakes import FakeRepository
from tests.worlds import PROMPT, World, a_team, a_world, configuration


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().lock()


def test_a_lost_race_is_run_again_on_the_new_tip(world: World) -> None:
    world.repository.races = 1
    act = publish.run(world.desk(), PROMPT, "1.0.0")
    commit = world.repository.commits[act.records[0].commit]
    assert world.repository.commits[commit.parent].message == "somebody else was here"
    assert world.records().report.ok


def test_after_a_lost_race_everything_is_checked_again(world: World) -> None:
    rival = world.desk()
    done: list[str] = []

    def publish_first() -> None:
        if not done:
            done.append("once")
            publish.run(rival, PROMPT, "1.0.0")

    world.repository.races = 1
    world.repository.rival = publish_first  # type: ignore[method-assign]
    with pytest.raises(Refusal) as caught:
        publish.run(world.desk(), PROMPT, "1.0.0")
    assert caught.value.code == "PUBLISHED"
    assert len(world.records().ledger.entries) == 2


def test_a_race_lost_again_and_again_gives_up_and_says_so(world: World) -> None:
    world.repository.races = 100
    with pytest.raises(CannotAsk) as caught:
        publish.run(world.desk(), PROMPT, "1.0.0")
    assert caught.value.code == "TOO_BUSY"


def test_reading_for_a_write_refuses_a_history_that_does_not_verify(world: World) -> None:
    path = "audit/records/0000/000001-policy.json"
    world.put({path: world.repository.index[path].replace(b"dana", b"evee")})
    with pytest.raises(Refusal) as caught:
        world.desk().read()
    assert caught.value.code == "VERIFICATION_FAILED"


def a_repository(records: str = "", **settings: str) -> FakeRepository:
    rules = a_team(base_branch="main", records_branch=records or "main")
    return FakeRepository(files={"llmops.yaml": configuration(rules)}, settings=settings)


def test_the_branch_asked_for_comes_first() -> None:
    repository = a_repository("llmops", **{"llmops.recordsBranch": "configured"})
    assert ledgers.find_branch(repository, asked="asked", variable="variable").name == "asked"
    assert ledgers.find_branch(repository, variable="variable").name == "variable"
    assert ledgers.find_branch(repository).name == "configured"
    assert ledgers.find_branch(a_repository("llmops")).name == "llmops"
    assert ledgers.find_branch(FakeRepository()).name == "main"


def test_without_any_branch_it_asks_for_one() -> None:
    with pytest.raises(CannotAsk) as caught:
        ledgers.find_branch(FakeRepository(head=None))
    assert caught.value.code == "DETACHED_HEAD"
    assert "--records-branch" in caught.value.hint


def test_a_broken_llmops_yaml_is_said_and_no_branch_is_guessed() -> None:
    repository = FakeRepository({"llmops.yaml": b"governance: [\n"})
    with pytest.raises(InvalidDocuments):
        ledgers.find_branch(repository)
    assert ledgers.find_branch(repository, asked="records").name == "records"


def test_a_feature_branch_cannot_point_its_commands_at_other_records() -> None:
    repository = FakeRepository({"llmops.yaml": b"governance: {base_branch: main, records_branch: records}\n"})
    repository.stage("llmops.yaml")
    repository.commit("policy")
    repository.head = "refs/heads/feature"
    repository.write("llmops.yaml", b"governance: {base_branch: main, records_branch: mine}\n")
    repository.stage("llmops.yaml")
    repository.commit("mine")
    assert ledgers.find_branch(repository).name == "records"
