"""What the write door is about to do, on disk, so that a killed run is finished or dropped by the next one.

One journal at a time: the writers' lock guards it. The file appears whole or not at all (temp, fsync, rename).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from llmops.adapters.filesystem import sweep as sweep_temporary_files
from llmops.adapters.filesystem import write_atomically
from llmops.adapters.git.writing.paths import refuse_unsafe
from llmops.errors import CannotAsk

SCRATCH = "blobs-"  # folders of contents on their way into the object store
_OBJECT_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """`ref` moves from `old` ("" where it did not exist) to `new`, and these paths differ between the two."""

    ref: str
    old: str
    new: str
    paths: tuple[str, ...]


def folder(common_dir: str) -> Path:
    """Where lock, journal and unfinished blobs live: beside git's own files, shared by all work trees."""
    place = Path(common_dir, "llmops")
    try:
        place.mkdir(exist_ok=True)
    except OSError as refused:
        raise CannotAsk(
            "NOT_WRITABLE", f"{place} cannot be made: {refused.strerror}", where=str(place), hint="check permissions"
        ) from refused
    return place


@contextlib.contextmanager
def writers_lock(common_dir: str, *, patience_s: float = 60.0) -> Iterator[None]:
    """One writer at a time; the kernel lets go when a process dies. Raises: CannotAsk WRITE_LOCKED, NOT_WRITABLE."""
    path = folder(common_dir) / "lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as refused:
        raise CannotAsk(
            "NOT_WRITABLE", f"{path} cannot be opened: {refused.strerror}", where=str(path), hint="check permissions"
        ) from refused
    try:
        _wait_for(handle, path, time.monotonic() + patience_s)
        yield
    finally:
        os.close(handle)


def write(common_dir: str, journal: Journal) -> None:
    """Put the journal in its place; a crash leaves the whole of it or nothing."""
    write_atomically(_file(common_dir), json.dumps(asdict(journal), sort_keys=True).encode(), durable=True)


def read(common_dir: str) -> Journal | None:
    """The journal that an unfinished run left, or None. Raises: CannotAsk JOURNAL_BROKEN."""
    path = _file(common_dir)
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _parse(raw)
    except (ValueError, KeyError, TypeError, AttributeError, CannotAsk) as broken:
        raise CannotAsk(
            "JOURNAL_BROKEN",
            "the journal of an unfinished write is not one that llmops wrote",
            where=str(path),
            hint="compare branch and work tree with `git status`, then remove that file",
        ) from broken


def drop(common_dir: str) -> None:
    """The write is finished, or never began."""
    _file(common_dir).unlink(missing_ok=True)


def sweep(common_dir: str) -> None:
    """Remove what a killed writer left beside the journal. Only under the writers' lock."""
    place = folder(common_dir)
    sweep_temporary_files(place)
    for left in place.glob(f"{SCRATCH}*"):
        shutil.rmtree(left)


def _file(common_dir: str) -> Path:
    return Path(common_dir, "llmops", "journal.json")


def _parse(raw: bytes) -> Journal:
    found = json.loads(raw)
    journal = Journal(ref=found["ref"], old=found["old"], new=found["new"], paths=tuple(found["paths"]))
    refuse_unsafe(journal.paths)
    ids = [journal.new, *([journal.old] if journal.old else [])]
    if not journal.ref.startswith("refs/") or not all(_OBJECT_ID.fullmatch(name) for name in ids):
        raise ValueError(journal.ref)
    return journal


def _wait_for(handle: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            if time.monotonic() > deadline:
                raise CannotAsk(
                    "WRITE_LOCKED",
                    "another llmops command has been writing to this repository for a long time",
                    where=str(path),
                    hint="wait for it, or end it; the lock goes with its process",
                ) from held
            time.sleep(0.01)
        else:
            return
