"""restore: an old release in the working files freezes to the same behaviour again."""

from __future__ import annotations

import pytest

from llmops.documents import releases
from llmops.errors import CannotAsk
from llmops.usecases.author import lock, restore
from tests.worlds import PROMPT, World, a_prompt_file, a_world

FILE = f"prompts/{PROMPT}/prompt.yaml"
PATH = releases.path_of(PROMPT, "1.0.0")


def run(world: World, version: str, **options: bool) -> object:
    repository = world.repository
    return restore.run(repository, world.records().tree, PROMPT, version, dirty_paths=repository.dirty_paths, **options)


def test_a_restored_release_locks_to_the_same_bytes() -> None:
    world = a_world().lock("1.0.0").lock("1.1.0", text="Other words.")
    run(world, "1.0.0")
    request = lock.Request(name=PROMPT, from_work_tree=True, check=True, base="")
    again = lock.run(world.repository, request, base_branch="main")
    frozen = releases.parse(world.repository.index[PATH], PATH)
    assert (again.change, again.digest) == ("unchanged", frozen.digest)


def test_uncommitted_edits_are_never_overwritten() -> None:
    world = a_world().lock()
    world.repository.write(FILE, a_prompt_file(text="An hour of work."))
    with pytest.raises(CannotAsk) as caught:
        run(world, "1.0.0")
    assert caught.value.code == "DIRTY_PATHS"
    assert b"An hour of work." in world.repository.folder[FILE]


def test_a_version_nobody_locked_is_missing() -> None:
    with pytest.raises(CannotAsk) as caught:
        run(a_world().lock(), "3.0.0")
    assert caught.value.code == "RELEASE_MISSING"


def test_a_dry_run_writes_nothing() -> None:
    world = a_world().lock("1.0.0").lock("1.1.0", text="Other words.")
    before = dict(world.repository.folder)
    assert run(world, "1.0.0", is_dry_run=True).files
    assert world.repository.folder == before
