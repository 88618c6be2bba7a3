"""promote: refused with everything that is missing, and written as one commit."""

from __future__ import annotations

import pytest

from llmops.documents import releases
from llmops.errors import CannotAsk, Refusal
from llmops.usecases.release import promote, rollback
from tests.worlds import POOR, PROMPT, World, a_world, alone

RELEASE = releases.path_of(PROMPT, "1.0.0")


@pytest.fixture
def world() -> World:
    return a_world().apply_policy()


def refused(world: World, version: str = "1.0.0", **more: object) -> Refusal:
    before = world.refs
    with pytest.raises(Refusal) as caught:
        world.promote(version, **more)  # type: ignore[arg-type]
    assert world.refs == before
    return caught.value


def codes(refusal: Refusal) -> set[str]:
    return {line.rpartition("[")[2].rstrip("]") for line in refusal.details if line.endswith("]")}


def test_everything_that_is_missing_is_listed_at_once(world: World) -> None:
    world.lock().publish()
    refusal = refused(world)
    assert refusal.code == "PROMOTION_REFUSED"
    text = "\n".join(refusal.details)
    assert "reviewer" in text
    assert "compliance" in text
    assert "EVIDENCE_MISSING" in text
    assert "llmops gate" in refusal.hint


def test_a_gate_that_fails_refuses(world: World) -> None:
    world.lock().record(groundedness=POOR).publish().approve()
    assert "BELOW_BAR" in "\n".join(refused(world).details)


def test_what_is_not_published_is_named(world: World) -> None:
    with pytest.raises(CannotAsk) as caught:
        world.lock().promote()
    assert caught.value.code == "NOT_PUBLISHED"


def test_an_order_of_environments_is_kept(world: World) -> None:
    world.ready()
    assert any("staging" in line for line in refused(world, environment="production").details)


def test_only_an_operator_promotes(world: World) -> None:
    world.ready()
    with pytest.raises(Refusal) as caught:
        promote.run(world.desk("ravi"), promote.Request(name=PROMPT, version="1.0.0", environment="staging"))
    assert any("operator" in line for line in caught.value.details)


def test_pointer_and_record_are_one_commit_that_verifies(world: World) -> None:
    act = world.ready().promote()
    (record,) = act.records
    files = world.repository.commits[record.commit].files
    assert record.path in files
    assert f'version: "{act.version}"'.encode() in files[f"environments/staging/{PROMPT}.yaml"]
    assert act.pointer is not None
    assert act.pointer.record == record.digest
    assert world.records().report.ok


def test_a_dry_run_writes_nothing(world: World) -> None:
    world.ready()
    before = world.refs
    request = promote.Request(name=PROMPT, version="1.0.0", environment="staging")
    assert promote.run(world.desk(is_dry_run=True), request).records[0].is_dry_run
    assert world.refs == before


def test_a_canary_shares_the_traffic_with_what_serves(world: World) -> None:
    world.ready().promote()
    world.lock("1.1.0", text="Other words.").record("1.1.0").publish("1.1.0").approve("1.1.0", ramp=(10, 100))
    act = world.promote("1.1.0", percent=10)
    assert act.pointer is not None
    assert {(weight.version, weight.percent) for weight in act.pointer.weights} == {("1.0.0", 90), ("1.1.0", 10)}
    assert act.pointer.status == "canary"
    assert world.promote("1.1.0").pointer.status == "stable"  # type: ignore[union-attr]


def test_an_approval_of_everything_is_none_of_a_first_step(world: World) -> None:
    world.ready().promote()
    world.ready("1.1.0", text="Other words.")
    assert any("agrees to 100 %, not to 10 %" in line for line in refused(world, "1.1.0", percent=10).details)


def test_a_hold_refuses_until_it_is_released(world: World) -> None:
    world.ready().promote()
    world.ready("1.1.0", text="Other words.").promote("1.1.0")
    rollback.run(world.desk("ravi"), rollback.Request(name=PROMPT, environment="staging", reason="wrong"))
    world.ready("1.2.0", text="Newest words.")
    assert any("hold" in line.lower() for line in refused(world, "1.2.0").details)
    assert world.promote("1.2.0", release_hold=True).pointer.version == "1.2.0"  # type: ignore[union-attr]


def test_solo_publishes_in_the_same_commit() -> None:
    world = a_world(alone()).apply_policy().lock().record()
    act = world.promote(environment="dev")
    assert [record.path.rpartition("-")[0].rpartition("-")[2] for record in act.records] == ["release", "promotion"]
    assert len({record.commit for record in act.records}) == 1
    assert world.records().report.ok


def test_solo_publishes_nothing_when_the_gate_refuses() -> None:
    world = a_world(alone()).apply_policy().lock().record(groundedness=POOR)
    refused(world, environment="dev")
    assert world.records().ledger.published(PROMPT, "1.0.0") is None


def test_one_changed_byte_names_the_evidence_and_the_approvals_that_are_stale(world: World) -> None:
    world.ready().promote()
    data = world.repository.index[RELEASE]
    world.put({RELEASE: data.replace(b"Answer from the page.", b"Answer from the Page.")})
    refusal = refused(world)
    assert (refusal.code, refusal.where) == ("STALE", RELEASE)
    text = "\n".join(refusal.details)
    assert "stale evidence: audit/records/0000/000002-evaluation" in text
    assert text.count("stale approval: ") == 2
    assert "git" in refusal.hint or "restore" in refusal.hint


def test_a_release_that_was_removed_is_stale_too(world: World) -> None:
    world.ready().promote()
    world.put({RELEASE: None})  # type: ignore[dict-item]
    assert refused(world).code == "STALE"


def test_a_changed_pointer_stops_every_writer(world: World) -> None:
    world.ready().promote()
    path = f"environments/staging/{PROMPT}.yaml"
    world.put({path: world.repository.index[path] + b"# mine\n"})
    assert refused(world).code == "VERIFICATION_FAILED"
