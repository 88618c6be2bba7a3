"""diff: how sides are written, and what is found between them."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, InvalidDocuments
from llmops.usecases.author import diff
from tests.worlds import CASES, PROMPT, World, a_prompt_file, a_world, cases_file

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


EVALSET = "evalsets/lamp/cases.jsonl"


def an_easier_evalset() -> bytes:
    plain = {key: value for key, value in CASES[0].items() if key != "must_pass"}
    return cases_file([{**plain, "contains": ["watts"]}, CASES[1], {**CASES[2], "id": "knob"}])


def test_cases_that_changed_are_named_with_their_fields(world: World) -> None:
    world.repository.write(EVALSET, an_easier_evalset())
    world.repository.write(FILE, a_prompt_file("1.2.0", text="Newest words."))
    (found,) = run(world)
    assert [(case.case, case.kind) for case in found.evalset.cases] == [
        ("bulb", "changed"),
        ("knob", "added"),
        ("switch", "removed"),
    ]
    assert [field.name for field in found.evalset.cases[0].fields] == ["contains", "must_pass"]
    assert found.is_together
    assert found.yardstick == ("evalset",)


def test_a_prompt_that_changes_alone_changes_no_yardstick(world: World) -> None:
    world.repository.write(FILE, a_prompt_file("1.2.0", text="Newest words."))
    (found,) = run(world)
    assert (found.evalset, found.yardstick, found.is_together) == (None, (), False)


def test_a_lowered_bar_beside_other_words_is_a_yardstick_that_changed_with_them(world: World) -> None:
    bars = f"prompts/{PROMPT}/thresholds.yaml"
    world.repository.write(bars, world.repository.folder[bars].replace(b"{min: 0.6}", b"{min: 0.2}"))
    assert not run(world)[0].is_together
    world.repository.write(FILE, a_prompt_file("1.2.0", text="Newest words."))
    (found,) = run(world)
    assert (found.yardstick, found.is_together) == (("thresholds",), True)


def test_cases_of_a_frozen_release_are_found_in_the_history() -> None:
    world = a_world().apply_policy().lock("1.0.0")
    world.put({EVALSET: an_easier_evalset()})
    world.lock("1.1.0", text="Other words.")
    (found,) = run(world, f"{PROMPT}@1.0.0..{PROMPT}@1.1.0")
    assert [case.case for case in found.evalset.removed] == ["switch"]
    world.repository.history = lambda *_, **__: ()  # type: ignore[method-assign]
    world.repository.introduced = lambda *_, **__: None  # type: ignore[method-assign]
    (lost,) = run(world, f"{PROMPT}@1.0.0..{PROMPT}@1.1.0")
    assert lost.evalset is None
    assert "which support 1.0.0 is measured on, are not to be found" in lost.evalset_problem
