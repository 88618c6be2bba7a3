"""evalset check: words and meaning, against every prompt that names the evalset."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from llmops.errors import CannotAsk
from llmops.usecases.author import check_evalset
from llmops.usecases.results.evalsets import CheckedEvalset
from tests.worlds import CASES, PROMPT, a_prompt_file, a_world, cases_file


class Meanings:
    """Embeds by what a text is about: one axis a subject, so that other words for it are the same vector."""

    def __init__(self, *subjects: Sequence[str]) -> None:
        self.subjects = subjects

    async def embed(self, texts: Sequence[str]) -> Any:
        import numpy as np

        rows = [[float(any(word in text.lower() for word in each)) for each in self.subjects] for text in texts]
        found = np.array([[*row, 0.1] for row in rows], dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


SUBJECTS = Meanings(("bulb", "lamp takes", "light source"), ("cord", "cable"), ("switch",))


def check(files: Mapping[str, bytes], similar: float | None = None) -> CheckedEvalset:
    world = a_world()
    world.put(files)
    door: Any = None if similar is None else SUBJECTS
    return asyncio.run(check_evalset.run(world.repository.work_tree(), "lamp", similar, door))


def a_shot(user: str) -> dict[str, bytes]:
    shot = f"few_shots:\n- user: {user}\n  assistant: It depends.\n"
    return {f"prompts/{PROMPT}/prompt.yaml": a_prompt_file() + shot.encode()}


def test_an_evalset_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(CannotAsk) as caught:
        asyncio.run(check_evalset.run(a_world().repository.work_tree(), "lump", None, None))
    assert caught.value.code == "EVALSET_MISSING"


def test_a_few_shot_that_asks_a_cases_question_is_a_leak() -> None:
    found = check(a_shot("Which bulb does the lamp take?"))
    (leak,) = found.leaks
    assert (leak.case, leak.kind, leak.label) == ("bulb", "exact", "few_shots[0].user")
    assert (found.prompts, found.is_clean, found.similar) == ((PROMPT,), False, None)


def test_a_page_that_asks_a_cases_question_is_a_leak_and_one_that_answers_it_is_not() -> None:
    assert check({}).leaks == ()
    page = b"# Lamp\n\n## Asked often\n\nHow long is the cord?\n\nLong enough.\n"
    (leak,) = check({"evalsets/lamp/knowledge/asked.md": page}).leaks
    assert (leak.case, leak.path, leak.kind) == ("cord", "evalsets/lamp/knowledge/asked.md", "exact")


def test_other_words_for_a_question_are_found_by_their_meaning_alone() -> None:
    files = a_shot("Tell me about the length of the cable please")
    assert check(files).leaks == ()
    found = check(files, 0.9)
    (leak,) = found.leaks
    assert (leak.case, leak.kind) == ("cord", "embedding")
    assert leak.share > 0.9
    assert found.is_clean, "what is alike in meaning is for a person to judge"


def test_what_was_found_by_its_words_is_not_said_again() -> None:
    assert [leak.kind for leak in check(a_shot("How long is the cord?"), 0.9).leaks] == ["exact"]


def test_cases_that_ask_the_same_are_told_from_those_that_mean_the_same() -> None:
    rows = [*CASES, {**CASES[1], "id": "cord-again"}, {**CASES[1], "id": "cable", "question": "And the cable?"}]
    found = check({"evalsets/lamp/cases.jsonl": cases_file(rows)}, 0.9)
    assert found.duplicates == (("cord", "cord-again"),)
    assert {(pair.case, pair.other) for pair in found.alike} == {("cord", "cable"), ("cord-again", "cable")}
    assert not found.is_clean


def test_more_cases_than_can_be_compared_with_each_other_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_evalset, "MOST_COMPARED", 2)
    with pytest.raises(CannotAsk) as caught:
        check({}, 0.9)
    assert caught.value.code == "TOO_MANY_CASES"
