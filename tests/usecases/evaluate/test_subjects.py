"""What is evaluated: the locked release, its cases, and nothing that nobody staged."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk, InvalidDocuments
from llmops.usecases.evaluate import subjects
from tests.worlds import CASES, PROMPT, a_prompt_file, a_world, cases_file

FILE = f"prompts/{PROMPT}/prompt.yaml"
CASES_FILE = "evalsets/lamp/cases.jsonl"


def test_an_edit_nobody_staged_is_never_what_is_evaluated() -> None:
    world = a_world().lock()
    world.repository.write(FILE, a_prompt_file(text="Unstaged."))
    assert "Unstaged." not in str(world.subject().release.behaviour)
    assert "Unstaged." in str(subjects.working(world.repository, PROMPT).release.behaviour)


def test_the_newest_release_is_meant_without_a_version() -> None:
    world = a_world().lock("1.9.0").lock("1.10.0", text="Other words.")
    assert world.subject("").release.version == "1.10.0"


def test_a_missing_release_says_how_to_lock_one() -> None:
    with pytest.raises(CannotAsk) as caught:
        a_world().subject()
    assert caught.value.code == "RELEASE_MISSING"
    assert "llmops lock" in caught.value.hint


def test_changed_cases_are_not_those_of_the_release() -> None:
    world = a_world().lock()
    world.put({CASES_FILE: cases_file(CASES[:2])})
    with pytest.raises(CannotAsk) as caught:
        world.subject()
    assert caught.value.code == "EVALSET_CHANGED"


def test_a_missing_evalset_is_found_by_validation() -> None:
    world = a_world()
    world.put({CASES_FILE: None, "evalsets/lamp/evalset.yaml": None})  # type: ignore[dict-item]
    with pytest.raises(InvalidDocuments) as caught:
        subjects.working(world.repository, PROMPT)
    assert any("lamp" in finding.message for finding in caught.value.findings)


def test_sources_that_match_no_page_are_named() -> None:
    world = a_world()
    world.put({"evalsets/lamp/knowledge/lamp.md": None})  # type: ignore[dict-item]
    with pytest.raises((CannotAsk, InvalidDocuments)) as caught:
        subjects.working(world.repository, PROMPT)
    assert "evalsets/lamp/knowledge" in str(getattr(caught.value, "findings", "")) + caught.value.what


def test_a_prompt_without_thresholds_freezes_with_no_bars() -> None:
    world = a_world()
    world.put({f"prompts/{PROMPT}/thresholds.yaml": None})  # type: ignore[dict-item]
    assert subjects.working(world.repository, PROMPT).release.bars["thresholds"] == {}
