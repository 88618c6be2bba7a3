"""Verify: every attack on the files is named by its code, its path and both digests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.documents.trees import MemoryTree, TreeEntry
from llmops.errors import Refusal
from llmops.governance import predicates, records, verification
from tests.governance.builders import (
    NOW,
    PROMPT,
    REPOSITORY,
    World,
    a_key,
    a_policy,
    a_release,
    a_world,
    evaluation,
)

FIRST, SECOND = a_release(), a_release("1.3.0", base="1.2.0")


@cache
def whole() -> World:
    """Two releases served, the second rolled back."""
    return a_world().serve(FIRST).serve(SECOND)


def a_copy() -> World:
    source = whole()
    return World(files=dict(source.files), now=source.now, mapping=source.mapping)


def record(number: int) -> str:
    return next(path for path in whole().files if f"/{number:06d}-" in path)


def faults(world: World, **more: object) -> list[tuple[str, str]]:
    return [(fault.code, fault.path) for fault in world.report(**more).faults]


def test_a_whole_tree_has_no_fault() -> None:
    report = whole().report()
    assert (report.faults, report.suspects, report.sound, report.ok) == ((), (), True, True)
    report.require_sound()


def test_an_empty_tree_is_an_empty_ledger() -> None:
    report = verification.verify(MemoryTree())
    assert report.ok
    assert report.ledger.is_empty
    assert report.ledger.policy is None


def test_an_edited_record_is_named_with_both_digests() -> None:
    world = a_copy()
    path = record(3)
    before = canonical.sha256(world.files[path])
    world.files[path] = world.files[path].replace(b'"0.71"', b'"0.91"')
    report = world.report()
    assert [(fault.code, fault.path) for fault in report.faults] == [("TAMPERED", path)]
    assert (report.faults[0].expected, report.faults[0].found) == (before, canonical.sha256(world.files[path]))
    with pytest.raises(Refusal) as caught:
        report.require_sound()
    assert caught.value.code == "VERIFICATION_FAILED"
    assert before in caught.value.details[0]


def test_a_record_in_another_spelling_is_tampered() -> None:
    world = a_copy()
    path = record(3)
    world.files[path] = json.dumps(json.loads(world.files[path])).encode()
    assert faults(world) == [("TAMPERED", path)]


def test_the_last_record_in_another_spelling_is_malformed() -> None:
    world = a_copy()
    path = max(path for path in world.files if path.startswith("audit/records"))
    world.files[path] = json.dumps(json.loads(world.files[path])).encode()
    assert faults(world) == [("MALFORMED", path)]


def test_an_edited_release_is_tampered() -> None:
    world = a_copy()
    path = "releases/mortgage-assistant/1.2.0.json"
    world.files[path] = world.files[path].replace(b"You answer", b"You guess")
    found = world.report().faults
    assert [(fault.code, fault.path, fault.expected) for fault in found] == [("TAMPERED", path, FIRST.digest)]


def test_a_removed_release_is_missing() -> None:
    world = a_copy()
    path = "releases/mortgage-assistant/1.2.0.json"
    del world.files[path]
    assert faults(world) == [("MISSING", path)]


def test_edited_evidence_is_tampered() -> None:
    world = a_copy()
    path = next(path for path in world.files if path.startswith("audit/evidence"))
    world.files[path] += b" "
    assert faults(world) == [("TAMPERED", path)]


def test_removed_evidence_is_missing() -> None:
    world = a_copy()
    path = next(path for path in world.files if path.startswith("audit/evidence"))
    del world.files[path]
    assert faults(world) == [("MISSING", path)]


def test_evidence_that_no_record_names_is_stray() -> None:
    world = a_copy()
    path = records.evidence_path(canonical.sha256(b"more"))
    world.files[path] = b"more"
    assert faults(world) == [("STRAY", path)]


def test_detached_evidence_is_unavailable_and_no_fault() -> None:
    world = a_world()
    world.publish(FIRST)
    said = evaluation(FIRST, b"large", detached=True)
    world.write("dana", said)
    report = world.report()
    assert report.ok
    assert [mark.name for mark in report.marks] == ["UNAVAILABLE"]


def test_a_removed_record_is_missing() -> None:
    world = a_copy()
    expected = canonical.sha256(world.files.pop(record(4)))
    found = world.report().faults
    assert [(fault.code, fault.path, fault.expected) for fault in found] == [
        ("MISSING", "audit/records/0000/000004-*.json", expected)
    ]


def test_swapped_records_are_reordered() -> None:
    world = a_copy()
    first, second = record(4), record(8)
    world.files[first], world.files[second] = world.files[second], world.files[first]
    assert faults(world) == [("REORDERED", first), ("REORDERED", second)]


def test_a_copied_record_is_duplicated() -> None:
    world = a_copy()
    last = len(world.report().ledger.entries)
    path = records.path_of(last + 1, "approval", PROMPT)
    world.files[path] = world.files[record(4)]
    assert faults(world) == [("DUPLICATED", path)]


def test_two_records_of_one_number_are_duplicated() -> None:
    world = a_copy()
    path = "audit/records/0000/000004-rejection-mortgage-assistant.json"
    world.files[path] = world.files[record(4)]
    assert ("DUPLICATED", path) in faults(world)


def test_a_record_under_another_name_is_misplaced() -> None:
    world = a_copy()
    path = record(4)
    other = path.replace("approval", "rejection")
    world.files[other] = world.files.pop(path)
    assert faults(world) == [("MISPLACED", other)]


def test_a_record_in_another_folder_is_misplaced() -> None:
    world = a_copy()
    path = record(4)
    other = path.replace("/0000/", "/0001/")
    world.files[other] = world.files.pop(path)
    assert ("MISPLACED", other) in faults(world)


def test_a_cut_tail_is_seen_by_the_pointer() -> None:
    world = a_copy()
    del world.files[record(9)]
    assert faults(world) == [("POINTER_MISMATCH", "environments/staging/mortgage-assistant.yaml")]


def test_a_cut_tail_is_truncated_for_whoever_remembers() -> None:
    world = a_copy()
    ledger = world.ledger
    remembered = verification.Remembered(repository=REPOSITORY, sequence=9, head=ledger.head)
    del world.files[record(9)]
    assert ("TRUNCATED", "audit/records") in faults(world, remembered=remembered)


def test_a_rewritten_history_is_seen_by_whoever_remembers() -> None:
    head = whole().ledger.head
    other = World(now=NOW + timedelta(hours=1)).found().serve(FIRST).serve(SECOND)
    remembered = verification.Remembered(repository=REPOSITORY, sequence=9, head=head)
    assert faults(other) == []
    assert faults(other, remembered=remembered) == [("REWRITTEN", record(9))]


def test_another_repository_is_seen_by_whoever_remembers() -> None:
    remembered = verification.Remembered(repository="0" * 8 + REPOSITORY[8:], sequence=9, head=whole().ledger.head)
    assert faults(whole(), remembered=remembered) == [("REWRITTEN", record(9))]


def test_another_root_is_seen_by_whoever_pins() -> None:
    assert faults(whole(), pin="0" * 64) == [("PIN_MISMATCH", record(1))]
    assert whole().report(pin="0" * 64).level == "SELF-ATTESTED"


def test_the_level_says_what_was_anchored() -> None:
    pin = canonical.sha256(whole().files[record(1)])
    remembered = verification.Remembered(repository=REPOSITORY, sequence=9, head=whole().ledger.head)
    assert whole().report().level == "SELF-ATTESTED"
    assert whole().report(pin=pin).level == "SIGNED"
    assert whole().report(pin=pin, remembered=remembered).level == "ANCHORED"


def test_an_edited_pointer_is_a_mismatch() -> None:
    world = a_copy()
    path = "environments/staging/mortgage-assistant.yaml"
    world.files[path] = world.files[path].replace(b"percent: 100", b"percent: 99")
    assert faults(world) == [("POINTER_MISMATCH", path)]


def test_a_removed_pointer_is_missing() -> None:
    world = a_copy()
    path = "environments/staging/mortgage-assistant.yaml"
    del world.files[path]
    assert faults(world) == [("MISSING", path)]


def test_a_pointer_to_where_nothing_was_promoted_is_stray() -> None:
    world = a_copy()
    path = "environments/production/mortgage-assistant.yaml"
    world.files[path] = world.files["environments/staging/mortgage-assistant.yaml"]
    assert faults(world) == [("STRAY", path)]


@pytest.mark.parametrize(
    "path", ["audit/notes.txt", "environments/staging/readme.md", "audit/records/x.json", "releases/Prompt/1.json"]
)
def test_a_file_that_does_not_belong_is_stray(path: str) -> None:
    world = a_copy()
    world.files[path] = b"x"
    assert faults(world) == [("STRAY", path)]


@dataclass(frozen=True)
class OddModes:
    """A tree in which one file has another mode or size."""

    tree: MemoryTree
    odd: dict[str, TreeEntry] = field(default_factory=dict)

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        return tuple(self.odd.get(entry.path, entry) for entry in self.tree.entries(prefix))

    def read(self, path: str) -> bytes | None:
        return self.tree.read(path)

    def read_many(self, paths: object) -> dict[str, bytes]:
        return self.tree.read_many(paths)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["120000", "100755", "160000"])
def test_symlinks_executables_and_submodules_are_refused(mode: str) -> None:
    path = "environments/staging/mortgage-assistant.yaml"
    odd = OddModes(whole().tree, {path: TreeEntry(path=path, mode=mode, size=1)})
    found = verification.verify(odd).faults
    assert [(fault.code, fault.path) for fault in found] == [("BAD_MODE", path)]


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    path = record(2)
    odd = OddModes(whole().tree, {path: TreeEntry(path=path, mode="100644", size=2**30)})
    assert ("TOO_LARGE", path) in [(fault.code, fault.path) for fault in verification.verify(odd).faults]


def test_an_unpublished_release_is_a_mark_beside_the_sources() -> None:
    world = a_copy()
    path = "releases/mortgage-assistant/9.0.0.json"
    world.files[path] = a_release("9.0.0").data
    report = world.report()
    assert report.ok
    assert [(mark.name, mark.path) for mark in report.marks] == [("UNPUBLISHED", path)]


def test_an_unpublished_release_is_stray_on_a_records_branch_of_its_own() -> None:
    world = a_world(records_branch="llmops")
    path = "releases/mortgage-assistant/9.0.0.json"
    world.files[path] = a_release("9.0.0").data
    assert faults(world) == [("STRAY", path)]


def test_another_branch_than_the_policy_names_is_a_fault() -> None:
    assert faults(whole(), branch="other") == [("OTHER_BRANCH", record(9))]
    assert faults(whole(), branch="main") == []


def test_a_first_record_that_founds_nothing_is_a_fault() -> None:
    world = World()
    mapping = a_policy()
    path = world.force("ravi", predicates.PolicyChange(governance=mapping, previous_policy=""), repository=REPOSITORY)
    assert faults(world) == [("NO_POLICY", path)]


def test_a_look_back_shows_what_served_then() -> None:
    first = whole().ledger.entries[4]
    ledger = whole().report(at=first.issued_at).ledger
    state = ledger.state("staging", PROMPT)
    assert state is not None
    assert (state.pointer.version, len(ledger.entries)) == ("1.2.0", 5)
    assert faults(whole(), at=first.issued_at) == []


def test_a_forged_record_at_the_end_is_a_suspect_until_somebody_builds_on_it() -> None:
    world = a_copy()
    path = world.force("stranger", evaluation(FIRST, b"x"))
    report = world.report()
    assert report.sound
    assert not report.ok
    assert [(entry.code, entry.path) for entry in report.suspects] == [("KEY_UNKNOWN", path)]
    world.approve("mina", FIRST, stable=SECOND.digest)
    assert world.report().ok
    assert [entry.path for entry in world.report().voids] == [path]


@given(st.data())
def test_a_flipped_byte_anywhere_is_named(data: st.DataObject) -> None:
    world = a_copy()
    path = data.draw(st.sampled_from(sorted(world.files)))
    changed = bytearray(world.files[path])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    world.files[path] = bytes(changed)
    report = world.report()
    named = {fault.path for fault in report.faults} | {entry.path for entry in report.suspects}
    assert not report.ok
    assert path in named
    assert len(named) <= 2


@given(st.integers(1, 9), st.integers(1, 9))
def test_removing_or_replacing_any_record_is_never_sound(first: int, second: int) -> None:
    world = a_copy()
    world.files[record(first)] = world.files[record(second)]
    assert world.report().sound == (first == second)
    del world.files[record(first)]
    assert first == 9 or not world.report().sound
    assert not world.report().ok


def test_pointers_are_what_replaying_gives() -> None:
    world = whole()
    found = {path: data for path, data in world.files.items() if path.startswith("environments/")}
    assert world.ledger.pointers() == found


def test_the_signer_of_a_record_is_known_by_the_bytes_of_the_key() -> None:
    entries = whole().ledger.entries
    assert [entry.signer for entry in entries][:5] == ["dana", "dana", "dana", "ravi", "opal"]
    assert a_key("dana").public.split()[1] not in str(entries[0].signer)
