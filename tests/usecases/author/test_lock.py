"""lock: which bytes are frozen, and when a version may not be."""

from __future__ import annotations

import pytest

from llmops.documents import releases
from llmops.errors import CannotAsk, InvalidDocuments, Refusal
from llmops.usecases.author import lock
from tests.worlds import PROMPT, World, a_prompt_file, a_world

FILE = f"prompts/{PROMPT}/prompt.yaml"
RELEASE = releases.path_of(PROMPT, "1.0.0")


@pytest.fixture
def world() -> World:
    return a_world()


def run(world: World, **options: object) -> object:
    return lock.run(world.repository, lock.Request(name=PROMPT, **options), base_branch="main")  # type: ignore[arg-type]


def test_the_index_is_frozen_and_not_the_edit_beside_it(world: World) -> None:
    world.repository.write(FILE, a_prompt_file(text="Edited and not staged."))
    run(world)
    assert b"Edited and not staged" not in world.repository.index[RELEASE]


def test_worktree_freezes_the_edit(world: World) -> None:
    world.repository.write(FILE, a_prompt_file(text="Edited and not staged."))
    run(world, from_work_tree=True)
    assert b"Edited and not staged" in world.repository.index[RELEASE]


def test_a_prompt_that_is_not_staged_at_all_is_named_with_the_remedy(world: World) -> None:
    del world.repository.index[FILE]
    with pytest.raises(CannotAsk) as caught:
        run(world)
    assert (caught.value.code, caught.value.where) == ("NOT_STAGED", FILE)
    assert "git add" in caught.value.hint


def test_a_frozen_version_with_other_content_is_taken(world: World) -> None:
    world.lock()
    world.put({FILE: a_prompt_file(text="Other words.")})
    with pytest.raises(Refusal) as caught:
        run(world)
    assert caught.value.code == "VERSION_TAKEN"
    assert len(caught.value.details) == 2
    assert "bump the version" in caught.value.hint


def test_locking_the_same_again_changes_nothing(world: World) -> None:
    world.lock()
    assert run(world).change == "unchanged"


def test_a_release_that_is_not_on_the_base_branch_yet_is_replaced(world: World) -> None:
    run(world)
    world.repository.write(FILE, a_prompt_file(text="Better words."))
    world.repository.stage(FILE)
    assert run(world).change == "replaced"


def test_check_refuses_what_is_not_locked_and_writes_nothing(world: World) -> None:
    with pytest.raises(Refusal) as caught:
        run(world, check=True)
    assert (caught.value.code, caught.value.where) == ("NOT_LOCKED", RELEASE)
    assert RELEASE not in world.repository.folder


def test_check_is_content_with_what_is_locked(world: World) -> None:
    world.lock()
    assert run(world, check=True).change == "unchanged"


def test_a_base_without_a_release_is_missing(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        run(world, base="0.9.0")
    assert caught.value.code == "BASE_MISSING"
    assert "0.9.0" in caught.value.what


def test_the_newest_release_below_is_the_base(world: World) -> None:
    world.lock("1.0.0").lock("1.1.0", text="New words.")
    world.put({FILE: a_prompt_file("1.2.0", text="Newer words.")})
    assert run(world).base == "1.1.0"


def test_a_dry_run_stages_nothing(world: World) -> None:
    assert run(world, is_dry_run=True).is_dry_run
    assert RELEASE not in world.repository.index


def test_documents_with_errors_are_not_frozen(world: World) -> None:
    world.put({FILE: b"prompt_name: support\nversion: nonsense\n"})
    with pytest.raises(InvalidDocuments) as caught:
        run(world)
    assert all(finding.location.path == FILE for finding in caught.value.findings)
    assert RELEASE not in world.repository.index


def test_an_unknown_prompt_is_answered_with_the_known_ones(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        lock.run(world.repository, lock.Request(name="suport"), base_branch="main")
    assert caught.value.code == "PROMPT_MISSING"
    assert PROMPT in caught.value.what
