"""status and why: what serves, what waits, and the chain behind it."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk
from llmops.usecases.release import status
from llmops.usecases.results.releasing import EnvironmentStatus
from tests.worlds import PROMPT, World, a_world


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().lock().record().publish()


def rows(world: World) -> dict[str, EnvironmentStatus]:
    found = status.status(world.records(), world.branch, world.clock.now())
    return {row.environment: row for row in found.rows}


def test_what_waits_names_every_missing_approval(world: World) -> None:
    waiting = rows(world)["staging"].waiting
    assert {role for role in ("reviewer", "compliance") if any(role in need for need in waiting)} == {
        "reviewer",
        "compliance",
    }
    assert all(need.startswith("1.0.0: ") for need in waiting)


def test_what_is_approved_waits_for_its_promotion(world: World) -> None:
    world.approve()
    assert rows(world)["staging"].waiting == ("1.0.0: all approvals are there",)


def test_what_serves_waits_for_nothing(world: World) -> None:
    world.approve()
    world.promote()
    staging = rows(world)["staging"]
    assert staging.waiting == ()
    assert staging.pointer is not None
    assert staging.served_since.startswith("2026-03-02T09:")


def test_an_unknown_prompt_is_no_empty_table(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        status.status(world.records(), world.branch, world.clock.now(), "nobody")
    assert caught.value.code == "PROMPT_UNKNOWN"


def test_why_holds_from_pointer_to_policy(world: World) -> None:
    world.approve()
    world.promote()
    found = status.why(world.records(), PROMPT, "staging")
    assert found.is_whole
    assert [link.what for link in found.links] == [
        "pointer",
        "promotion",
        "release",
        "release record",
        "evaluation",
        "approval",
        "approval",
        "policy",
    ]


def test_why_shows_the_figures_that_the_bars_name_and_rounds_them(world: World) -> None:
    world.approve()
    world.promote()
    (evaluation,) = [link for link in status.why(world.records(), PROMPT, "staging").links if link.what == "evaluation"]
    assert evaluation.detail == "3 cases, embedded-lexical (advisory): contains 1, groundedness 0.9"


def test_why_without_anything_that_serves_says_so(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        status.why(world.records(), PROMPT, "staging")
    assert caught.value.code == "NOTHING_SERVES"
