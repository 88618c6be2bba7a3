"""restore: an old release in the working files freezes to the same behaviour again."""

from __future__ import annotations

import pytest

from llmops.documents import releases
from llmops.documents.reading import yaml_door
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


MONITORS = b"production:\n  groundedness: {min: 0.5}\n"
BARS_FILE = f"prompts/{PROMPT}/thresholds.yaml"


def test_production_monitors_of_the_present_file_are_kept_and_freeze_the_same() -> None:
    world = a_world().lock("1.0.0")
    world.put({BARS_FILE: world.repository.folder[BARS_FILE].replace(b"0.6", b"0.7") + MONITORS})
    notes = run(world, "1.0.0").notes
    restored = yaml_door.parse(world.repository.folder[BARS_FILE], BARS_FILE).value
    assert restored["production"] == {"groundedness": {"min": 0.5}}
    assert restored["release"]["groundedness"]["min"] == 0.6
    assert any("keeps the `production:` section" in note for note in notes)
    request = lock.Request(name=PROMPT, from_work_tree=True, check=True)
    assert lock.run(world.repository, request, base_branch="main").change == "unchanged"


def test_what_a_release_does_not_hold_is_said() -> None:
    notes = run(a_world().lock(), "1.0.0").notes
    assert any("descriptions" in note and "git diff" in note for note in notes)
    assert not any("production" in note for note in notes)


def test_a_present_file_that_cannot_be_read_is_not_overwritten() -> None:
    world = a_world().lock()
    world.put({BARS_FILE: b"release: {\n"})
    with pytest.raises(CannotAsk) as caught:
        run(world, "1.0.0")
    assert (caught.value.code, caught.value.where) == ("DOCUMENT_UNREADABLE", BARS_FILE)
    assert world.repository.folder[BARS_FILE] == b"release: {\n"
