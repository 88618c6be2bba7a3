"""The file that labels are kept in, a line each: on the disk before the next answer is shown.

Rules, in order:

1. A line is one write to the end of the file, then synced. Whoever is killed loses at most the line being written.
2. What a killed writer left half written (the start of an object without its line feed) is cut off when the
   file is opened. A whole object without its line feed was written by an editor: it stays, and gets its line feed with
   the next label. Any other end is somebody else's: the file is left as it is, and refused. So is whatever is no plain
   file.
3. A file that was made here and stayed empty is taken away again; no other ever is.
4. Two writers would undo one another's lines, so the second is told to wait.
5. Who only reads makes nothing, cuts nothing and waits for nobody.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from pathlib import Path
from types import TracebackType

from llmops.adapters.filesystem import refused_by_disk
from llmops.errors import CannotAsk

LONGEST = 65_536  # bytes that a killed writer can have left; no label is as long


def kept(path: Path) -> bytes:
    """What is kept there, for who only reads: b"" where nothing is, and without what a killed writer left half written.

    Raises: CannotAsk NOT_A_FILE, NOT_READABLE, LABELS_INVALID.
    """
    if not os.path.lexists(path):
        return b""
    try:
        if not path.is_file():
            raise _no_file(path)
        data = path.read_bytes()
    except OSError as error:
        what = f"labels cannot be read: {error.strerror}"
        raise CannotAsk("NOT_READABLE", what, where=str(path), hint="check owner and permissions") from error
    return data[: _whole(data, path)]


def _no_file(path: Path) -> CannotAsk:
    what = "labels are kept in a plain file, and this is none"
    return CannotAsk("NOT_A_FILE", what, where=str(path), hint="name another: --labels FILE")


def _whole(data: bytes, path: Path) -> int:
    """How many bytes are whole lines; a last object without its line feed is one. Raises: CannotAsk LABELS_INVALID."""
    begun = data.rfind(b"\n") + 1
    last = data[begun:]
    if not last.strip() or _is_object(last):
        return len(data)
    if last.startswith(b"{") and len(last) <= LONGEST:
        return begun
    what, hint = "the last line of this file is no label", "name another: --labels FILE"
    raise CannotAsk("LABELS_INVALID", what, where=str(path), hint=hint)


def _is_object(line: bytes) -> bool:
    """Whether it is a JSON object to its end: no beginning of one is."""
    if len(line) > LONGEST:
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


class FileNotebook:
    """A notebook in a file (port `Notebook`). Use it as a context."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1
        self._is_new = False

    def __enter__(self) -> FileNotebook:
        """Raises: CannotAsk LABELS_BUSY, LABELS_INVALID, NOT_A_FILE, DISK_FULL, NOT_WRITABLE."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._is_new = not os.path.lexists(self._path)
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        except OSError as error:
            raise refused_by_disk(self._path, error) from error
        if not stat.S_ISREG(os.fstat(self._handle).st_mode):
            os.close(self._handle)
            raise _no_file(self._path)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._handle)
            what, hint = "somebody is labelling into this file already", "wait for them, or name another: --labels FILE"
            raise CannotAsk("LABELS_BUSY", what, where=str(self._path), hint=hint) from error
        try:
            self._cut()
        except CannotAsk:
            os.close(self._handle)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_empty = os.fstat(self._handle).st_size == 0
        os.close(self._handle)
        if is_empty and self._is_new:
            self._path.unlink(missing_ok=True)

    def read(self) -> bytes:
        """Everything that is kept."""
        return os.pread(self._handle, os.fstat(self._handle).st_size, 0)

    def append(self, line: bytes) -> None:
        """Keep one more line. Raises: CannotAsk DISK_FULL, NOT_WRITABLE; then nothing of the line is left."""
        end = os.fstat(self._handle).st_size
        is_open = end > 0 and os.pread(self._handle, 1, end - 1) != b"\n"
        data = b"\n" + line if is_open else line
        try:
            written = os.pwrite(self._handle, data, end)
            os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, end)
            raise refused_by_disk(self._path, error) from error
        if written < len(data):
            os.ftruncate(self._handle, end)
            raise CannotAsk("DISK_FULL", "no room for a label", where=str(self._path), hint="make room on the disk")

    def drop(self, line: bytes) -> None:
        """Take back the last line. Raises: CannotAsk LABELS_MOVED where it is another."""
        data = self.read()
        if not data.endswith(line):
            what, hint = "the file was changed while it was labelled into", "run the same command again"
            raise CannotAsk("LABELS_MOVED", what, where=str(self._path), hint=hint)
        os.ftruncate(self._handle, len(data) - len(line))
        os.fsync(self._handle)

    def _cut(self) -> None:
        data = self.read()
        whole = _whole(data, self._path)
        if whole < len(data):
            os.ftruncate(self._handle, whole)
            os.fsync(self._handle)
