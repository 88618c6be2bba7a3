"""The port `Repository`: the same tests on the fake and on the real adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmops.documents.trees import Contributor, FileChange, Plan
from llmops.errors import CannotAsk, LostRace
from tests.adapters.git.conftest import a_repository
from tests.fakes import FakeRepository

ADA = Contributor(name="Ada", email="ada@example.org")
BOB = Contributor(name="Bob", email="bob@example.org")
RECORD = "audit/records/0000/000001-policy.json"
MAIN = "refs/heads/main"


class FakeWorld(FakeRepository):
    """The fake, driven by the same words as the real one."""

    @property
    def repository(self) -> FakeRepository:
        return self

    def set_head(self, ref: str) -> None:
        self.head = ref

    def forget_identity(self) -> None:
        self.settings.clear()


@pytest.fixture(params=["fake", "real"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    files = {"prompts/a/prompt.yaml": b"a: 1\n", "src/app.py": b"pass\n"}
    world = FakeWorld(files) if request.param == "fake" else a_repository(tmp_path / "repo", files)
    yield world
    world.close()


def a_plan(old: str, path: str = RECORD, content: bytes | None = b"{}\n", ref: str | None = MAIN, **more: Any) -> Plan:
    return Plan(files=(FileChange(path=path, content=content),), message="record", ref=ref, old=old, **more)


def the_tip(world: Any) -> str:
    tip = world.repository.resolve("HEAD")
    assert tip is not None
    return tip


def test_an_unknown_revision_names_no_commit(either: Any) -> None:
    assert either.repository.resolve("nothing-of-that-name") is None
    assert either.repository.resolve("") is None


def test_head_branch_and_commit_id_name_the_same_commit(either: Any) -> None:
    tip = the_tip(either)
    assert either.repository.branch() == MAIN
    assert {either.repository.resolve(name) for name in ("main", MAIN, tip, tip[:12])} == {tip}


def test_a_tree_lists_and_reads_what_was_committed(either: Any) -> None:
    tree = either.repository.tree_at(the_tip(either))
    assert [(entry.path, entry.mode, entry.size) for entry in tree.entries("prompts")] == [
        ("prompts/a/prompt.yaml", "100644", 5)
    ]
    assert tree.read("prompts/a/prompt.yaml") == b"a: 1\n"
    assert tree.read("prompts/a") is None
    assert tree.read_many(["src/app.py", "absent"]) == {"src/app.py": b"pass\n"}


def test_commit_index_and_folder_are_told_apart(either: Any) -> None:
    either.write("prompts/a/prompt.yaml", b"a: 2\n")
    either.stage("prompts/a/prompt.yaml")
    either.write("prompts/a/prompt.yaml", b"a: 3\n")
    repository = either.repository
    trees = (repository.tree_at(the_tip(either)), repository.index_tree(), repository.work_tree())
    assert [tree.read("prompts/a/prompt.yaml") for tree in trees] == [b"a: 1\n", b"a: 2\n", b"a: 3\n"]


def test_a_plan_on_an_older_commit_loses_the_race_and_writes_nothing(either: Any) -> None:
    old = the_tip(either)
    newer = either.commit("meanwhile", ("Bob", "bob@example.org"))
    with pytest.raises(LostRace):
        either.repository.apply(a_plan(old))
    assert the_tip(either) == newer
    assert either.repository.work_tree().read(RECORD) is None


def test_a_plan_that_would_create_an_existing_branch_loses_the_race(either: Any) -> None:
    with pytest.raises(LostRace):
        either.repository.apply(a_plan(""))


def test_a_plan_moves_the_branch_and_index_and_folder_follow(either: Any) -> None:
    commit = either.repository.apply(a_plan(the_tip(either)))
    repository = either.repository
    assert repository.resolve(MAIN) == commit
    trees = (repository.tree_at(commit), repository.index_tree(), repository.work_tree())
    assert [tree.read(RECORD) for tree in trees] == [b"{}\n"] * 3
    assert repository.tree_at(commit).read("src/app.py") == b"pass\n"


def test_a_plan_removes_a_file_everywhere(either: Any) -> None:
    commit = either.repository.apply(a_plan(the_tip(either), "src/app.py", None))
    repository = either.repository
    assert all(
        tree.read("src/app.py") is None
        for tree in (repository.tree_at(commit), repository.index_tree(), repository.work_tree())
    )


def test_a_plan_for_another_branch_leaves_index_and_folder_alone(either: Any) -> None:
    commit = either.repository.apply(a_plan("", ref="refs/heads/llmops"))
    assert either.repository.resolve("llmops") == commit
    assert [entry.path for entry in either.repository.tree_at(commit).entries()] == [RECORD]
    assert either.repository.index_tree().read(RECORD) is None
    assert either.repository.work_tree().read(RECORD) is None


def test_a_plan_that_changes_nothing_makes_no_commit(either: Any) -> None:
    tip = the_tip(either)
    assert either.repository.apply(a_plan(tip, "src/app.py", b"pass\n")) == tip
    assert either.repository.apply(a_plan(tip, "absent.txt", None)) == tip
    assert the_tip(either) == tip


@pytest.mark.parametrize("staged", [True, False])
def test_a_plan_is_refused_where_our_own_path_holds_somebodys_work(either: Any, staged: bool) -> None:
    tip = the_tip(either)
    either.write(RECORD, b"mine\n")
    if staged:
        either.stage(RECORD)
    with pytest.raises(CannotAsk) as refused:
        either.repository.apply(a_plan(tip))
    assert refused.value.code == "DIRTY_PATHS"
    assert RECORD in refused.value.what
    assert the_tip(either) == tip
    assert either.repository.work_tree().read(RECORD) == b"mine\n"


def test_a_plan_does_not_mind_somebodys_work_elsewhere(either: Any) -> None:
    either.write("src/app.py", b"staged\n")
    either.stage("src/app.py")
    either.write("src/app.py", b"edited\n")
    either.repository.apply(a_plan(the_tip(either)))
    assert either.repository.index_tree().read("src/app.py") == b"staged\n"
    assert either.repository.work_tree().read("src/app.py") == b"edited\n"


def test_a_plan_accepts_a_file_that_already_holds_the_new_content(either: Any) -> None:
    either.write(RECORD, b"{}\n")
    commit = either.repository.apply(a_plan(the_tip(either)))
    assert either.repository.index_tree().read(RECORD) == b"{}\n"
    assert either.repository.tree_at(commit).read(RECORD) == b"{}\n"


def test_a_commit_needs_an_identity(either: Any) -> None:
    tip = the_tip(either)
    either.forget_identity()
    with pytest.raises(CannotAsk) as refused:
        either.repository.apply(a_plan(tip))
    assert refused.value.code == "NO_IDENTITY"
    assert "user.email" in refused.value.hint
    assert the_tip(either) == tip


@pytest.mark.parametrize("stage", [True, False])
def test_a_plan_without_a_ref_writes_files_and_stages_only_where_asked(either: Any, stage: bool) -> None:
    tip = the_tip(either)
    assert either.repository.apply(a_plan("", "releases/a/1.0.0.json", ref=None, stage=stage)) == ""
    assert either.repository.work_tree().read("releases/a/1.0.0.json") == b"{}\n"
    assert either.repository.index_tree().read("releases/a/1.0.0.json") == (b"{}\n" if stage else None)
    assert the_tip(either) == tip


def test_dirty_paths_names_staged_edited_and_new_files(either: Any) -> None:
    either.write("src/app.py", b"edited\n")
    either.write("new.txt", b"new\n")
    paths = ["src/app.py", "new.txt", "prompts/a/prompt.yaml", "absent"]
    assert either.repository.dirty_paths(paths) == ("src/app.py", "new.txt")


def test_no_branch_means_no_records(either: Any) -> None:
    assert either.repository.records_tip("llmops") is None


def test_the_records_tip_is_whichever_ref_contains_the_other(either: Any) -> None:
    first = the_tip(either)
    assert either.repository.records_tip("main") == first
    second = either.commit("second")
    either.set_remote("main", first)
    assert either.repository.records_tip("main") == second
    either.set_remote("main", second)
    either.repository.apply(Plan(files=(), ref="refs/heads/llmops", old="", message="empty"))
    either.set_remote("other", second)
    assert either.repository.records_tip("other") == second


def test_diverged_refs_are_an_error(either: Any) -> None:
    first = the_tip(either)
    ours = either.repository.apply(a_plan("", ref="refs/heads/apart"))
    either.set_remote("apart", first)
    assert ours != first
    with pytest.raises(CannotAsk) as refused:
        either.repository.records_tip("apart")
    assert refused.value.code == "RECORDS_DIVERGED"
    assert "git fetch origin" in refused.value.hint


def test_a_branch_that_lags_behind_its_remote_is_moved_on_first(either: Any) -> None:
    first = the_tip(either)
    ahead = either.repository.apply(a_plan(first, "src/new.py", b"new\n", ref=MAIN))
    either.set_remote("lagging", ahead)
    commit = either.repository.apply(a_plan(ahead, ref="refs/heads/lagging"))
    tree = either.repository.tree_at(commit)
    assert (tree.read("src/new.py"), tree.read(RECORD)) == (b"new\n", b"{}\n")


def test_contributors_are_authors_and_co_authors_of_the_paths_each_once(either: Any) -> None:
    first = the_tip(either)
    either.write("prompts/a/prompt.yaml", b"a: 2\n")
    either.stage("prompts/a/prompt.yaml")
    either.commit("edit\n\nCO-AUTHORED-BY: Cyd <cyd@example.org>", ("Bob", "bob@example.org"))
    either.write("src/app.py", b"exit()\n")
    either.stage("src/app.py")
    last = either.commit("elsewhere", ("Eve", "eve@example.org"))
    found = either.repository.contributors(["prompts/a"], since=first, until=last)
    assert set(found) == {BOB, Contributor(name="Cyd", email="cyd@example.org")}
    assert set(either.repository.contributors(["prompts/a"], since=None, until=last)) == {*found, ADA}
    assert either.repository.contributors(["absent"], since=None, until=last) == ()


def test_the_history_of_a_folder_is_newest_first_and_bounded(either: Any) -> None:
    first = the_tip(either)
    edit = either.repository.apply(a_plan(first, path="prompts/a/prompt.yaml", content=b"a: 2\n"))
    other = either.repository.apply(a_plan(edit))
    gone = either.repository.apply(a_plan(other, path="prompts/a/prompt.yaml", content=None))
    assert either.repository.history("absent", until=gone, most=9) == ()
    assert either.repository.history("prompts/a", until=gone, most=9) == (gone, edit, first)
    assert either.repository.history("prompts/a", until=gone, most=2) == (gone, edit)
    assert either.repository.history("prompts/a", until=edit, most=9) == (edit, first)


def test_the_commit_that_introduced_a_file_is_found(either: Any) -> None:
    commit = either.repository.apply(a_plan(the_tip(either)))
    later = either.repository.apply(a_plan(commit, RECORD, b"{ }\n"))
    assert either.repository.introduced(RECORD, until=later) == commit
    assert either.repository.introduced("absent", until=later) is None


def test_a_setting_that_is_absent_is_none(either: Any) -> None:
    assert either.repository.config("llmops.recordsBranch") is None
    assert either.repository.config("user.name") == "Ada"


def test_a_push_without_a_remote_says_so(either: Any) -> None:
    assert either.repository.push(MAIN, base=the_tip(either)) is False
