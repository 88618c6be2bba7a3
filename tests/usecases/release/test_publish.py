"""publish: only what is merged, only once, with everybody who had a hand in it."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, Refusal
from llmops.usecases.author import lock
from llmops.usecases.records.ledgers import RecordsBranch
from llmops.usecases.release import publish
from tests.worlds import BARS, PROMPT, RAG, World, a_prompt_file, a_team, a_world


@pytest.fixture
def world() -> World:
    return a_world().apply_policy()


def contributors(world: World, version: str) -> set[str]:
    published = world.records().ledger.published(PROMPT, version)
    assert published is not None
    return {person.email for person in published.published.contributors}


def sources(world: World, version: str) -> set[str]:
    published = world.records().ledger.published(PROMPT, version)
    assert published is not None
    return {source.path for source in published.published.sources}


def test_a_release_that_is_not_merged_is_refused(world: World) -> None:
    world.repository.refs["refs/heads/topic"] = world.repository.refs["refs/heads/main"]
    world.repository.head = "refs/heads/topic"
    world.lock()
    with pytest.raises(CannotAsk) as caught:
        publish.run(world.desk(), PROMPT, "1.0.0")
    assert caught.value.code == "RELEASE_NOT_MERGED"
    assert "merge it to main" in caught.value.hint


def test_a_release_is_published_once(world: World) -> None:
    world.lock().publish()
    with pytest.raises(Refusal) as caught:
        publish.run(world.desk(), PROMPT, "1.0.0")
    assert caught.value.code == "PUBLISHED"


def test_the_newest_is_meant_without_a_version(world: World) -> None:
    world.lock("1.0.0").lock("1.1.0", text="Other words.")
    assert publish.run(world.desk(), PROMPT, "").version == "1.1.0"


def test_contributors_count_since_the_base(world: World) -> None:
    world.lock("1.0.0", author="eve").publish("1.0.0")
    world.lock("1.1.0", author="ravi", text="Other words.").publish("1.1.0")
    assert contributors(world, "1.0.0") == {"eve@example.org", "dana@example.org"}
    assert contributors(world, "1.1.0") == {"ravi@example.org"}


def test_the_author_of_an_unpublished_release_in_between_is_a_contributor(world: World) -> None:
    world.lock("1.0.0").publish("1.0.0")
    world.lock("1.1.0", author="eve", text="Other words.")
    world.lock("1.2.0", author="ravi", text="Better words.").publish("1.2.0")
    assert contributors(world, "1.2.0") == {"eve@example.org", "ravi@example.org"}


def test_without_a_published_base_all_of_history_counts(world: World) -> None:
    world.lock("1.0.0", author="eve", text="First words.")
    world.lock("1.1.0", author="ravi", text="Other words.").publish("1.1.0")
    assert contributors(world, "1.1.0") == {"eve@example.org", "ravi@example.org", "dana@example.org"}


@pytest.mark.parametrize("path", ["evalsets/lamp/cases.jsonl", "evalsets/lamp/evalset.yaml"])
def test_whoever_edits_the_yardstick_is_a_contributor(world: World, path: str) -> None:
    world.lock("1.0.0").publish("1.0.0")
    world.put({path: world.repository.folder[path] + b"\n"}, author="eve")
    world.lock("1.1.0", author="ravi", text="Other words.").publish("1.1.0")
    assert contributors(world, "1.1.0") == {"eve@example.org", "ravi@example.org"}
    assert path in sources(world, "1.1.0")


def test_whoever_edits_a_page_of_knowledge_is_none(world: World) -> None:
    world.lock("1.0.0").publish("1.0.0")
    world.put({"evalsets/lamp/knowledge/lamp.md": b"# Lamp\n"}, author="eve")
    world.lock("1.1.0", author="ravi", text="Other words.").publish("1.1.0")
    assert contributors(world, "1.1.0") == {"ravi@example.org"}


def test_whoever_edits_a_document_that_stands_elsewhere_is_a_contributor(world: World) -> None:
    shared = {"shared/rag.yaml": RAG.encode(), "shared/thresholds.yaml": BARS.encode()}
    elsewhere = b"rag: ../../shared/rag.yaml\nthresholds: ../../shared/thresholds.yaml\n"
    words = a_prompt_file("1.1.0", text="Other words.").replace(b"rag: rag.yaml\n", elsewhere)
    world.lock("1.0.0").publish("1.0.0")
    world.put(shared, author="eve")
    world.put({f"prompts/{PROMPT}/prompt.yaml": words}, author="ravi")
    lock.run(world.repository, lock.Request(name=PROMPT), base_branch="main")
    world.repository.commit("lock", author=("Ravi", "ravi@example.org"))
    world.publish("1.1.0")
    assert contributors(world, "1.1.0") == {"eve@example.org", "ravi@example.org"}
    assert set(shared) < sources(world, "1.1.0")


def test_only_a_publisher_publishes(world: World) -> None:
    world.lock()
    before = world.refs
    with pytest.raises(Refusal) as caught:
        publish.run(world.desk("ravi"), PROMPT, "1.0.0")
    assert "publisher" in caught.value.what
    assert world.refs == before


def test_a_dry_run_says_what_would_be_recorded_and_writes_nothing(world: World) -> None:
    world.lock()
    before = world.refs
    (record,) = publish.run(world.desk(is_dry_run=True), PROMPT, "1.0.0").records
    assert (record.is_dry_run, record.commit) == (True, "")
    assert world.refs == before


def test_without_a_policy_nothing_is_published() -> None:
    with pytest.raises(CannotAsk) as caught:
        publish.run(a_world().lock().desk(), PROMPT, "1.0.0")
    assert caught.value.code == "NO_POLICY"


def test_a_missing_base_branch_is_named() -> None:
    world = a_world(a_team(records_branch="records"))
    world.branch = RecordsBranch(name="records")
    world.apply_policy()
    del world.repository.refs["refs/heads/main"]
    with pytest.raises(CannotAsk) as caught:
        publish.run(world.desk(), PROMPT, "1.0.0")
    assert caught.value.code == "BASE_BRANCH_MISSING"
    assert "git fetch" in caught.value.hint
