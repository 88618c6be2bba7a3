"""What a run was told, in a file: a second machine replays the run from it, with no network and no model.

Rules, in order:

1. A cassette holds every entry that the run used (replies, vectors, counts of tokens, what models were), as the cache
   keeps them, latencies included. No key and no header is in an entry, so none is in a cassette.
2. It is canonical JSON, a line an entry, sorted by key, behind a line with the count. Each line carries the digest of
   its key and value. The same run writes the same bytes.
3. It is written whole, when the run has ended well: a run that failed never replaces a good cassette.
4. One that was edited or cut off is refused, naming the line. What is not in it is not asked anywhere.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from llmops.documents import canonical
from llmops.errors import CannotAsk

FORMAT = 1
_BINARY = "vector/"


class Store(Protocol):
    """Where entries are kept."""

    def get(self, key: str) -> bytes | None:
        """The value of `key`, or None."""
        ...

    def put(self, key: str, value: bytes) -> bytes:
        """Keep `value`, unless the key has one; returns what is kept."""
        ...

    def note(self, key: str, value: bytes, /) -> bytes:
        """What was said of `key` in the run that is replayed, else `value`. A cache keeps no notes."""
        ...

    def require(self, who: str, /) -> None:
        """Say whether what is not kept may be asked of `who`. Raises: CannotAsk CASSETTE_MISS."""
        ...

    def finish(self) -> None:
        """The run has ended well."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class Recording:
    """A store that remembers what it handed out, and writes it to `path` when the run has ended well."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._path = path
        self._used: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        value = self._store.get(key)
        if value is not None:
            self._used[key] = value
        return value

    def put(self, key: str, value: bytes) -> bytes:
        kept = self._store.put(key, value)
        self._used[key] = kept
        return kept

    def note(self, key: str, value: bytes) -> bytes:
        self._used[key] = self._store.note(key, value)
        return self._used[key]

    def require(self, who: str) -> None:
        self._store.require(who)

    def finish(self) -> None:
        """Raises: CannotAsk CASSETTE_UNWRITABLE."""
        write(self._path, self._used)

    def close(self) -> None:
        self._store.close()


class Replay:
    """A store that has the entries of a cassette and nothing else."""

    def __init__(self, path: Path) -> None:
        """Raises: CannotAsk CASSETTE_MISSING, CASSETTE_INVALID."""
        self._path = path
        self._entries = read(path)

    def get(self, key: str) -> bytes | None:
        return self._entries.get(key)

    def put(self, key: str, value: bytes) -> bytes:
        return self._entries.setdefault(key, value)

    def note(self, key: str, value: bytes) -> bytes:
        return self._entries.get(key, value)

    def require(self, who: str) -> None:
        raise CannotAsk(
            "CASSETTE_MISS",
            f"the cassette holds no answer of model '{who}' to this request",
            where=str(self._path),
            hint="replay at the commit and with the options of the recording, or record again with a network",
        )

    def finish(self) -> None:
        """Nothing is written."""

    def close(self) -> None:
        """Nothing is open."""


def write(path: Path, entries: Mapping[str, bytes]) -> None:
    """Write a cassette, whole or not at all. Raises: CannotAsk CASSETTE_UNWRITABLE."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.writelines(_lines(entries))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise CannotAsk(
            "CASSETTE_UNWRITABLE",
            f"the cassette cannot be written: {error}",
            where=str(path),
            hint="make room or give write permission, then run the same command: what was answered is kept",
        ) from error


def _lines(entries: Mapping[str, bytes]) -> Iterable[bytes]:
    yield canonical.record_bytes({"cassette": FORMAT, "entries": len(entries)})
    for key in sorted(entries):
        value = _text_of(key, entries[key])
        yield canonical.record_bytes({"digest": _digest(key, value), "key": key, "value": value})


def read(path: Path) -> dict[str, bytes]:
    """The entries of a cassette. Raises: CannotAsk CASSETTE_MISSING, CASSETTE_INVALID."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        hint = "name the file that a recording run wrote"
        raise CannotAsk("CASSETTE_MISSING", f"no cassette: {error}", where=str(path), hint=hint) from error
    count = _count(path, lines[0] if lines else b"")
    entries: dict[str, bytes] = {}
    before = ""
    for number, line in enumerate(lines[1:], 2):
        key, value = _entry(path, number, line)
        if key <= before:
            raise _invalid(path, number, "the keys are not in order")
        entries[key], before = value, key
    if len(entries) != count:
        raise _invalid(path, len(lines) + 1, f"{len(entries)} entries, the first line says {count}")
    return entries


def _count(path: Path, line: bytes) -> int:
    value = _parsed(path, 1, line)
    if set(value) != {"cassette", "entries"} or value["cassette"] != FORMAT or type(value["entries"]) is not int:
        raise _invalid(path, 1, "not a cassette that this version reads")
    return int(value["entries"])


def _entry(path: Path, number: int, line: bytes) -> tuple[str, bytes]:
    value = _parsed(path, number, line)
    if set(value) != {"digest", "key", "value"} or not all(isinstance(item, str) for item in value.values()):
        raise _invalid(path, number, "not an entry")
    if _digest(value["key"], value["value"]) != value["digest"]:
        raise _invalid(path, number, "the entry's digest is not that of its content")
    try:
        return value["key"], _bytes_of(value["key"], value["value"])
    except binascii.Error as error:
        raise _invalid(path, number, "not an entry") from error


def _parsed(path: Path, number: int, line: bytes) -> Mapping[str, Any]:
    try:
        value = canonical.parse_record(line)
    except canonical.CanonicalError as error:
        raise _invalid(path, number, "cut off" if not line.endswith(b"\n") else str(error)) from error
    if not isinstance(value, dict):
        raise _invalid(path, number, "not an entry")
    return value


def _digest(key: str, value: str) -> str:
    return canonical.digest([key, value])


def _text_of(key: str, value: bytes) -> str:
    return base64.b64encode(value).decode() if key.startswith(_BINARY) else value.decode()


def _bytes_of(key: str, value: str) -> bytes:
    return base64.b64decode(value, validate=True) if key.startswith(_BINARY) else value.encode()


def _invalid(path: Path, number: int, what: str) -> CannotAsk:
    return CannotAsk(
        "CASSETTE_INVALID",
        f"the cassette was edited or cut off: {what}",
        where=f"{path}:{number}",
        hint="restore the file from git, or record the run again",
    )
