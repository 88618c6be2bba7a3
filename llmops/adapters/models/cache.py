"""What models have answered, kept by content: one SQLite file, safe for several processes and for being killed.

Rules, in order:

1. An entry is written in a transaction of its own as soon as it is known: what a killed run paid for is kept.
2. Write-ahead logging: several processes read and write at once; whoever has to wait waits half a minute.
3. An entry never changes. The same key written twice keeps the first value: two processes then tell the same story.
4. A file that is no database, or an entry that fails its check sum, is set aside under another name, with a message;
   the run goes on with an empty cache.
5. A cache that cannot be written ends the run: an answer that cannot be kept would be paid for twice.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from llmops.errors import CannotAsk

FILE_NAME = "models.sqlite"
WAIT_SECONDS = 30.0
PAUSE_SECONDS = 0.02
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, sum INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID
"""

Result = TypeVar("Result")


def _set_wal(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. While another process opens the same new file, SQLite may say "locked" at once,
    whatever the connection's timeout is."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


class Cache:
    """Bytes by key, in `folder`. Opened on first use."""

    def __init__(self, folder: Path, *, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._connection: sqlite3.Connection | None = None

    @property
    def path(self) -> Path:
        return self._folder / FILE_NAME

    def get(self, key: str) -> bytes | None:
        """The value of `key`, or None. Raises: CannotAsk CACHE_UNWRITABLE."""
        return self._guarded(lambda: self._get(key))

    def put(self, key: str, value: bytes) -> bytes:
        """Keep `value`, unless the key has one; returns what is kept. Raises: CannotAsk CACHE_UNWRITABLE."""
        return self._guarded(lambda: self._put(key, value))

    def note(self, _key: str, value: bytes) -> bytes:
        """What is only true today is not kept."""
        return value

    def require(self, _who: str) -> None:
        """Whatever is not kept may be asked."""

    def finish(self) -> None:
        """Every entry is written already."""

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _get(self, key: str) -> bytes | None:
        row = self._open().execute("SELECT sum, value FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        checksum, value = row
        if zlib.crc32(value) != checksum:
            raise sqlite3.DatabaseError(f"the entry {key} fails its check sum")
        return bytes(value)

    def _put(self, key: str, value: bytes) -> bytes:
        connection = self._open()
        with connection:
            entry = (key, zlib.crc32(value), value)
            is_new = connection.execute("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", entry).rowcount
        if is_new:
            return value
        kept = self._get(key)
        return value if kept is None else kept

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            # One thread at a time uses it: the event loop's, or a test's.
            connection = sqlite3.connect(self.path, timeout=WAIT_SECONDS, check_same_thread=False)
            self._connection = connection
            _set_wal(connection)
            # NORMAL outlives a killed process; only a power cut may cost the last entries, never the file.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(_SCHEMA)
            connection.commit()
        return self._connection

    def _guarded(self, action: Callable[[], Result]) -> Result:
        """Do `action`; where the file turns out to be broken, set it aside and do it again on an empty one."""
        try:
            return action()
        except (sqlite3.OperationalError, OSError) as error:
            self.close()
            raise self._unwritable(error) from error
        except sqlite3.DatabaseError as error:
            self.close()
            self._set_aside(error)
        try:
            return action()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self._unwritable(error) from error

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self._free_name()
        try:
            self.path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(FILE_NAME + suffix).unlink(missing_ok=True)
        except OSError as problem:
            raise self._unwritable(problem) from problem
        self._say(f"{self.path}: the cache is broken ({error}); set aside as {aside.name}, going on with an empty one")

    def _free_name(self) -> Path:
        number = 1
        while (aside := self.path.with_name(f"{FILE_NAME}.broken-{number}")).exists():
            number += 1
        return aside

    def _unwritable(self, error: Exception) -> CannotAsk:
        return CannotAsk(
            "CACHE_UNWRITABLE",
            f"the cache of model replies cannot be written: {error}",
            where=str(self.path),
            hint="make room or give write permission, then run the same command: it goes on where it stopped",
        )
