"""Lines in a temporary file that has no name: whoever is killed leaves nothing behind.

Lines are gathered before they are written, and read with one call each (`pread`), so writing and reading share no
position. Raises: CannotAsk DISK_FULL, NOT_WRITABLE.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from llmops.adapters.filesystem import refused_by_disk

_GATHERED = 2**20  # bytes
_READ = 2**13


class FileSpool:
    """A spool in a folder (port `Spool`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - it lives as long as the rows
        except OSError as refused:
            raise refused_by_disk(folder, refused) from refused
        self._waiting = bytearray()
        self._written = 0

    def write(self, line: bytes) -> int:
        """Where the line, which ends with a line feed, can be read again."""
        place = self._written + len(self._waiting)
        self._waiting += line
        if len(self._waiting) >= _GATHERED:
            self._flush()
        return place

    def read(self, place: int) -> bytes:
        """The line that was written to this place."""
        self._flush()
        found = os.pread(self._file.fileno(), _READ, place)
        end = found.find(b"\n")
        size = _READ
        while end < 0:
            more = os.pread(self._file.fileno(), size, place + len(found))
            if not more:
                raise EOFError(f"no line begins at {place}")
            end = more.find(b"\n") + len(found) if b"\n" in more else -1
            found += more
            size *= 2
        return found[: end + 1]

    def _flush(self) -> None:
        view = memoryview(bytes(self._waiting))
        self._waiting.clear()
        try:
            while view:
                written = self._file.write(view)
                self._written += written
                view = view[written:]
        except OSError as refused:
            raise refused_by_disk(self._folder, refused) from refused
