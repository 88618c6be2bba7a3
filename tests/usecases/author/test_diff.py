"""diff: how sides are written, and what is found between them."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, InvalidDocuments
from llmops.usecases.author import diff
from tests.worlds import PROMPT, World, a_prompt_file, a_world

FILE = f"prompts/{PROMPT}/prompt.yaml"


@pytest.fixture
def world() -> World:
    return a_world().lock("1.0.0").lock("1.1.0", text="Other words.")


def run(world: World, spec: str = "", name: str = "") -> tuple[object, ...]:
    return diff.run(world.repository, world.records(), spec, name)


def paths(results: tuple[object, ...]) -> set[str]:
    return {change.path for result in results for change in result.changes}


def test_without_sides_the_last_commit_stands_against_the_working_files(world: World) -> None:
    world.repository.write(FILE, a_prompt_file("1.2.0", text="Newest words."))
    (found,) = run(world)
    assert (found.before, found.after) == ("HEAD", diff.WORKING)
    assert any("messages" in path for path in paths((found,)))


def test_nothing_changed_is_no_difference(world: World) -> None:
    assert run(world) == ()


def test_two_releases_by_version(world: World) -> None:
    (found,) = run(world, f"{PROMPT}@1.0.0..{PROMPT}@1.1.0")
    assert (found.prompt, found.before, found.after) == (PROMPT, f"{PROMPT}@1.0.0", f"{PROMPT}@1.1.0")
    assert any("messages" in path for path in paths((found,)))


def test_what_serves_is_a_side() -> None:
    world = a_world().apply_policy().ready()
    world.promote()
    world.lock("1.1.0", text="Other words.")
    (found,) = run(world, "env:staging", PROMPT)
    assert found.before == "serving in staging"
    assert any("messages" in path for path in paths((found,)))


def test_an_environment_without_a_prompt_asks_which(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        run(world, "env:staging..env:production")
    assert caught.value.code == "NAME_MISSING"


def test_an_environment_where_nothing_serves_says_so(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        run(world, "env:staging", PROMPT)
    assert caught.value.code == "NOTHING_SERVES"


def test_an_unknown_revision_explains_what_a_side_may_be(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        run(world, "no-such-branch")
    assert caught.value.code == "REVISION_UNKNOWN"
    assert "prompt@VERSION" in caught.value.hint


def test_broken_working_files_are_reported_as_findings(world: World) -> None:
    world.repository.write(FILE, b"prompt_name: support\n")
    with pytest.raises(InvalidDocuments):
        run(world)


def test_a_broken_old_side_is_named(world: World) -> None:
    broken = world.put({FILE: b"prompt_name: support\n"})
    world.put({FILE: a_prompt_file("1.2.0")})
    with pytest.raises(CannotAsk) as caught:
        run(world, broken)
    assert (caught.value.code, caught.value.where) == ("SIDE_INVALID", broken)


def test_a_prompt_on_one_side_only_is_all_new() -> None:
    world = a_world()
    first = world.repository.resolve("HEAD")
    world.put({"prompts/other/prompt.yaml": a_prompt_file().replace(b"prompt_name: support", b"prompt_name: other")})
    world.put({"prompts/other/rag.yaml": world.repository.folder[f"prompts/{PROMPT}/rag.yaml"]})
    (found,) = run(world, str(first), "other")
    assert {change.kind for change in found.changes} == {"added"}


def test_a_prompt_nobody_has_is_an_error_not_silence(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        run(world, "HEAD", "nobody")
    assert caught.value.code == "PROMPT_MISSING"
