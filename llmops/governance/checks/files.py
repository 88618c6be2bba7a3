"""The files of a records tree, before any rule: paths, modes, sizes, spelling, numbers, the chain of digests.

Every fault names one file. Where a link of the chain does not hold (record n+1 says what record n was), the record
whose own signature does not verify is the one that was changed; if the later one's does, it is the earlier one.
What a record means is left to `replay`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from llmops.documents import canonical
from llmops.documents.releases import LARGEST_RELEASE
from llmops.documents.trees import REGULAR_FILE, Tree, TreeEntry
from llmops.governance import pointers, records
from llmops.governance.ledger import Fault
from llmops.governance.pointers import NOTHING
from llmops.governance.records import Record, RecordError
from llmops.governance.sshsig import SignatureError

_NAME = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
_PLACES: tuple[tuple[str, re.Pattern[str], int], ...] = (
    ("record", re.compile(r"audit/records/\d{4}/\d{6,7}-[a-z0-9-]+(?:-[a-z0-9.-]+)?\.json"), records.LARGEST_RECORD),
    ("evidence", re.compile(r"audit/evidence/[0-9a-f]{64}\.jsonl"), records.LARGEST_EVIDENCE),
    ("pointer", re.compile(rf"environments/{_NAME}/{_NAME}\.yaml"), pointers.LARGEST_POINTER),
    ("release", re.compile(rf"releases/{_NAME}/[0-9A-Za-z.+-]+\.json"), LARGEST_RELEASE),
)
FOLDERS = ("audit", "environments", "releases")
_SHARDS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What stands where. `chain` is the sound beginning of the records."""

    chain: tuple[Record, ...]
    evidence: frozenset[str]
    pointers: Mapping[str, bytes]
    releases: tuple[str, ...]
    faults: tuple[Fault, ...]


def scan(tree: Tree) -> Files:
    """Everything below the three folders, checked file by file and link by link."""
    found: dict[str, list[str]] = {kind: [] for kind, _, _ in _PLACES}
    faults: list[Fault] = []
    for entry in (entry for folder in FOLDERS for entry in tree.entries(folder)):
        kind, fault = _place(entry)
        if fault:
            faults.append(fault)
        else:
            found[kind].append(entry.path)
    chain, broken = _chain(tree.read_many(found["record"]))
    return Files(
        chain=chain,
        evidence=frozenset(path.rpartition("/")[2].removesuffix(".jsonl") for path in found["evidence"]),
        pointers=tree.read_many(found["pointer"]),
        releases=tuple(found["release"]),
        faults=(*faults, *broken, *_shards(tree, found["evidence"])),
    )


def _place(entry: TreeEntry) -> tuple[str, Fault | None]:
    """What kind of file this is, or why it may not be there."""
    for kind, pattern, largest in _PLACES:
        if pattern.fullmatch(entry.path):
            return kind, _shape(entry, largest)
    return "", Fault(code="STRAY", path=entry.path, message="no such file belongs here")


def _shape(entry: TreeEntry, largest: int) -> Fault | None:
    if entry.mode != REGULAR_FILE:
        message = f"mode {entry.mode}, expected {REGULAR_FILE}: no symlinks, submodules or executables here"
        return Fault(code="BAD_MODE", path=entry.path, message=message)
    if entry.size > largest:
        message = f"{entry.size} bytes, at most {largest} allowed"
        return Fault(code="TOO_LARGE", path=entry.path, message=message)
    return None


def _shards(tree: Tree, paths: list[str]) -> Iterator[Fault]:
    for start in range(0, len(paths), _SHARDS_AT_ONCE):
        for path, data in tree.read_many(paths[start : start + _SHARDS_AT_ONCE]).items():
            expected, found = path.rpartition("/")[2].removesuffix(".jsonl"), canonical.sha256(data)
            if expected != found:
                message = "the evidence is not what its name says"
                yield Fault(code="TAMPERED", path=path, message=message, expected=expected, found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """One number of the chain: the file that stands there, the record in it, or what is wrong with it."""

    path: str
    data: bytes
    record: Record | None = None
    fault: Fault | None = None

    @property
    def digest(self) -> str:
        return canonical.sha256(self.data)


def _chain(files: Mapping[str, bytes]) -> tuple[tuple[Record, ...], tuple[Fault, ...]]:
    """The records before the first fault, and all faults of the chain."""
    slots, faults = _slots(files)
    for number in range(1, max(slots, default=0) + 1):
        after = slots.get(number + 1)
        if number not in slots:
            faults[number] = _gap(number, after)
        elif fault := slots[number].fault or _link(slots.get(number - 1), slots[number], after):
            faults.setdefault(number, _precise(fault, slots[number], after))
    for number in [number for number, slot in slots.items() if number + 1 in slots]:
        if number not in faults and number + 1 not in faults and (fault := _changed(slots[number], slots[number + 1])):
            faults[number] = fault
    sound = range(1, min(faults, default=len(slots) + 1))
    chain = tuple(slot.record for slot in (slots[number] for number in sound) if slot.record)
    return chain, tuple(faults[number] for number in sorted(faults))


def _slots(files: Mapping[str, bytes]) -> tuple[dict[int, _Slot], dict[int, Fault]]:
    slots: dict[int, _Slot] = {}
    faults: dict[int, Fault] = {}
    digests = {canonical.sha256(data): path for path, data in sorted(files.items(), reverse=True)}
    for path, data in sorted(files.items()):
        number = records.sequence_of(path) or 0
        slot = _slot(path, data, number, digests)
        if number in slots:
            message = f"{slots[number].path} has the same number"
            faults[number] = Fault(code="DUPLICATED", path=path, message=message, found=slot.digest)
        elif number:
            slots[number] = slot
        else:
            faults[0] = Fault(code="MISPLACED", path=path, message="the folder is not the number divided by 1000")
    return slots, faults


def _slot(path: str, data: bytes, number: int, digests: Mapping[str, str]) -> _Slot:
    try:
        record = records.parse(data, path)
    except RecordError as error:
        found = canonical.sha256(data)
        return _Slot(path=path, data=data, fault=Fault(code=error.code, path=path, message=str(error), found=found))
    if record.sequence == number:
        return _Slot(path=path, data=data, record=record)
    return _Slot(path=path, data=data, fault=_misnumbered(record, number, digests))


def _misnumbered(record: Record, number: int, digests: Mapping[str, str]) -> Fault:
    original = digests[record.digest]
    message = f"it is record {record.sequence}, at the place of record {number}"
    code = "REORDERED" if _verifies(record) else "TAMPERED"
    if original != record.path:
        code, message = "DUPLICATED", f"{message}: a copy of {original}"
    return Fault(code=code, path=record.path, message=message, found=record.digest)


def _link(before: _Slot | None, slot: _Slot, after: _Slot | None) -> Fault | None:
    """A record that names another predecessor and whose own signature does not verify: it was changed itself."""
    expected = before.digest if before else NOTHING
    record = slot.record
    is_first = before is None and records.sequence_of(slot.path) == 1
    if record is None or record.previous == expected or (before is None and not is_first):
        return None
    is_vouched = after is not None and _vouches(after, slot)
    if not is_first and (is_vouched or _verifies(record)):
        return None
    message = "its `previous` is not the record before"
    said = after.record.previous if after and after.record else ""
    return Fault(code="TAMPERED", path=slot.path, message=message, expected=said, found=slot.digest)


def _changed(slot: _Slot, after: _Slot) -> Fault | None:
    """The later record, signed and whole, says that this one was another."""
    if after.record is None or after.record.previous == slot.digest:
        return None
    message = f"{after.path} says this record was another"
    return Fault(code="TAMPERED", path=slot.path, message=message, expected=after.record.previous, found=slot.digest)


def _precise(fault: Fault, slot: _Slot, after: _Slot | None) -> Fault:
    """A file that cannot be read and is not what the next record says it was: that is tampering, with both digests."""
    if fault.code != "MALFORMED" or after is None or after.record is None or after.record.previous == slot.digest:
        return fault
    return Fault(
        code="TAMPERED", path=fault.path, message=fault.message, expected=after.record.previous, found=slot.digest
    )


def _gap(number: int, after: _Slot | None) -> Fault:
    path = f"{records.FOLDER}/{number // 1000:04d}/{number:06d}-*.json"
    expected = after.record.previous if after and after.record else ""
    return Fault(code="MISSING", path=path, message=f"record {number} is missing", expected=expected)


def _vouches(after: _Slot, slot: _Slot) -> bool:
    """Whether a later record, whose signature stands, names these bytes."""
    record = after.record
    return record is not None and record.previous == slot.digest and _verifies(record)


def _verifies(record: Record) -> bool:
    try:
        record.signer()
    except SignatureError:
        return False
    return True


def named_evidence(chain: Iterable[Record]) -> frozenset[str]:
    """Every evidence digest that some record names, void or not."""
    names: set[str] = set()
    for record in chain:
        predicate = record.payload["predicate"]
        arms = predicate.get("arms", [])
        for holder in (predicate, *(arms if isinstance(arms, list) else ())):
            results = holder.get("results", []) if isinstance(holder, dict) else []
            names.update(item for item in (results if isinstance(results, list) else ()) if isinstance(item, str))
    return frozenset(names)
