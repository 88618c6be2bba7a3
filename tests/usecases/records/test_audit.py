"""audit verify: what is remembered outside the repository shows a cut or rewritten history."""

from __future__ import annotations

import pytest

from llmops.errors import CannotAsk
from llmops.usecases.records import audit
from llmops.usecases.records.ledgers import RecordsBranch
from llmops.usecases.results.auditing import Audited
from tests.worlds import PROMPT, World, a_world


@pytest.fixture
def world() -> World:
    return a_world().apply_policy().ready()


def verify(world: World, **more: object) -> Audited:
    return audit.verify_tip(world.repository, world.branch, **more)  # type: ignore[arg-type]


def codes(audited: Audited) -> set[str]:
    return {fault.code for fault in audited.report.faults}


def test_a_whole_history_verifies(world: World) -> None:
    assert verify(world).report.ok


def test_what_is_remembered_is_a_part_of_what_is_there(world: World) -> None:
    head = audit.head_of(verify(world))
    world.promote()
    assert verify(world, remembered=head).report.ok


def test_a_history_cut_short_is_truncated(world: World) -> None:
    earlier = world.refs
    world.promote()
    head = audit.head_of(verify(world))
    world.repository.refs.update(earlier)
    found = verify(world, remembered=head)
    assert codes(found) == {"TRUNCATED"}
    assert not found.report.ok


def test_another_history_of_the_same_length_is_rewritten(world: World) -> None:
    earlier = world.refs
    world.promote()
    head = audit.head_of(verify(world))
    world.repository.refs.update(earlier)
    world.repository.index = dict(world.repository.commits[earlier["refs/heads/main"]].files)
    world.repository.folder = dict(world.repository.index)
    world.promote()
    assert "REWRITTEN" in codes(verify(world, remembered=head))


def test_another_repository_is_no_continuation(world: World) -> None:
    head = audit.head_of(verify(world))
    other = a_world()
    other.ids = 500
    assert codes(verify(other.apply_policy().ready(), remembered=head))


def test_a_pinned_root_raises_the_level(world: World) -> None:
    root = verify(world).root
    assert verify(world).report.level == "SELF-ATTESTED"
    world.branch = RecordsBranch(name="main", pin=root)
    assert verify(world).report.level != "SELF-ATTESTED"
    world.branch = RecordsBranch(name="main", pin="0" * 64)
    assert not verify(world).report.ok


def test_a_branch_that_is_not_here_says_how_to_get_it(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        audit.verify_tip(world.repository, RecordsBranch(name="llmops"))
    assert caught.value.code == "RECORDS_MISSING"
    assert "git fetch" in caught.value.hint


def test_an_earlier_commit_can_be_verified(world: World) -> None:
    commit = world.repository.resolve("HEAD")
    world.promote()
    earlier = verify(world, revision=commit)
    assert len(earlier.report.ledger.entries) + 1 == len(verify(world).report.ledger.entries)


def test_the_log_of_one_prompt_keeps_what_speaks_of_all(world: World) -> None:
    found = audit.log(world.records(), world.branch, "another")
    assert [entry.kind for entry in found.entries] == ["policy"]
    assert len(audit.log(world.records(), world.branch, PROMPT).entries) == 5
