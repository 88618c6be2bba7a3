"""Why does this serve there: the chain names every file, and says which link is broken."""

from __future__ import annotations

from llmops.documents import canonical
from llmops.governance import provenance
from llmops.governance.provenance import Link
from tests.governance.builders import PROMPT, World, a_release, a_world

FIRST, SECOND = a_release(), a_release("1.3.0", base="1.2.0")


def links(world: World, environment: str = "staging") -> tuple[Link, ...]:
    return provenance.why(world.report(), world.tree, PROMPT, environment)


def test_nothing_served_there_has_no_chain() -> None:
    assert links(a_world().serve(FIRST), "production") == ()


def test_the_chain_goes_from_the_pointer_to_the_policy() -> None:
    world = a_world().serve(FIRST)
    found = links(world)
    assert [link.what for link in found] == [
        "pointer",
        "promotion",
        "release",
        "release record",
        "evaluation",
        "approval",
        "policy",
    ]
    assert all(link.ok for link in found)
    assert [link.who for link in found] == ["", "opal", "", "dana", "dana", "ravi", "dana"]
    assert all(link.digest == canonical.sha256(world.files[link.path]) for link in found)


def test_a_rollback_shows_the_promotion_that_once_brought_its_target() -> None:
    world = a_world().serve(FIRST).serve(SECOND)
    world.roll_back(reason="wrong rates")
    found = links(world)
    assert [link.what for link in found][:2] == ["pointer", "rollback"]
    assert "back to 1.2.0: wrong rates" in found[1].detail
    assert "promotion" in [link.what for link in found]


def test_a_canary_shows_both_releases() -> None:
    world = a_world().serve(FIRST)
    world.publish(SECOND)
    world.evaluate(SECOND)
    world.approve("ravi", SECOND, ramp=(10, 100))
    world.promote(SECOND, percent=10)
    assert [link.name for link in links(world) if link.what == "release"] == [f"{PROMPT}@1.2.0", f"{PROMPT}@1.3.0"]


def test_a_changed_pointer_breaks_its_link() -> None:
    world = a_world().serve(FIRST)
    path = f"environments/staging/{PROMPT}.yaml"
    world.files[path] = world.files[path].replace(b"generation: 1", b"generation: 2")
    broken = [link for link in links(world) if not link.ok]
    assert [(link.what, link.path) for link in broken] == [("pointer", path)]
    assert "POINTER_MISMATCH" in broken[0].detail


def test_changed_evidence_breaks_its_link() -> None:
    world = a_world().serve(FIRST)
    path = next(path for path in world.files if path.startswith("audit/evidence"))
    world.files[path] += b" "
    broken = [link for link in links(world) if not link.ok]
    assert [link.what for link in broken] == ["evaluation"]
    assert "evidence missing or changed" in broken[0].detail


def test_a_changed_release_breaks_its_link_with_both_digests() -> None:
    world = a_world().serve(FIRST)
    path = f"releases/{PROMPT}/1.2.0.json"
    world.files[path] = world.files[path].replace(b"You answer", b"You guess")
    broken = [link for link in links(world) if not link.ok]
    assert [(link.what, link.path) for link in broken] == [("release", path)]
    assert FIRST.digest in broken[0].detail
    assert broken[0].digest == canonical.sha256(world.files[path])


def test_the_judge_is_shown_with_what_it_is_made_of() -> None:
    world = a_world()
    parts = {"kind": "native", "model": "gpt-4o", "model_endpoint": "https://api.openai.com/v1"}
    world.publish(FIRST)
    world.evaluate(FIRST, judge="strict", judge_parts=parts)
    world.approve("ravi", FIRST)
    world.promote(FIRST)
    (found,) = [link for link in links(world) if link.what == "evaluation"]
    assert "30 cases, strict: native, gpt-4o (" in found.detail
