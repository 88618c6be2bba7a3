"""Reading objects through one long-lived `git cat-file --batch`: no process for each file.

Requests go out in windows that fit into any pipe, then their answers are read: neither side can block the other.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from llmops.adapters.git.plumbing import environment
from llmops.errors import CannotAsk

_WINDOW_BYTES = 8_192  # the smallest pipe of a common system holds 16 KiB


class GitObject(NamedTuple):  # made a hundred thousand times in a run: a tuple costs a third of a dataclass
    """One object: its name, its type (`blob`, `tree`, `commit`, `tag`) and its bytes."""

    oid: str
    kind: str
    data: bytes


class ObjectReader:
    """The objects of one repository, by name: an object id, `<commit>:<path>`, …"""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def get(self, name: str) -> GitObject | None:
        """One object, or None where there is none of that name."""
        return next(iter(self.get_many((name,))))

    def get_many(self, names: Sequence[str]) -> list[GitObject | None]:
        """The objects, in the order of their names. Raises: CannotAsk OBJECTS_UNREADABLE when git fails half-way."""
        found: list[GitObject | None] = []
        with self._lock:
            try:
                for window in _windows(name.encode("utf-8", "surrogateescape") + b"\n" for name in names):
                    found.extend(self._exchange(window))
            except (BrokenPipeError, EOFError) as broken:
                self._stop()
                raise _unreadable(self._folder) from broken
            except BaseException:  # interrupted between question and answer: the next reader must not get this answer
                self._stop()
                raise
        return found

    def close(self) -> None:
        """End the process; a later question starts a new one."""
        with self._lock:
            self._stop()

    def _exchange(self, requests: list[bytes]) -> Iterator[GitObject | None]:
        process = self._process or self._start()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - asked for below
        process.stdin.write(b"".join(requests))
        process.stdin.flush()
        read_line, read = process.stdout.readline, process.stdout.read
        for _ in requests:
            header = read_line()
            if not header:
                raise EOFError
            if header.endswith((b" missing\n", b" ambiguous\n")):
                yield None
                continue
            oid, kind, size = header.split()
            yield GitObject(oid.decode(), kind.decode(), read(int(size) + 1)[:-1])

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ("git", "cat-file", "--batch"),
            cwd=self._folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._process = process
        weakref.finalize(self, _end, process)
        return process

    def _stop(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None


def read_tree(reader: ObjectReader, name: str) -> dict[str, tuple[str, str]] | None:
    """One folder: name → (mode, object id), or None where there is no such folder.

    A tree object is `<mode> <name>NUL<raw id>`, again and again.
    """
    found = reader.get(name)
    if found is None or found.kind != "tree":
        return None
    raw, width, at = found.data, len(found.oid) // 2, 0
    entries: dict[str, tuple[str, str]] = {}
    while at < len(raw):
        end = raw.index(b"\0", at)
        mode, _, path = raw[at:end].partition(b" ")
        entries[path.decode("utf-8", "surrogateescape")] = (mode.decode(), raw[end + 1 : end + 1 + width].hex())
        at = end + 1 + width
    return entries


def _windows(requests: Iterable[bytes]) -> Iterator[list[bytes]]:
    window: list[bytes] = []
    length = 0
    for request in requests:
        if window and length + len(request) > _WINDOW_BYTES:
            yield window
            window, length = [], 0
        window.append(request)
        length += len(request)
    if window:
        yield window


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            # A question that a dead process never read stands in the buffer; closing tries to send it once more.
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    process.wait()


def _unreadable(folder: str) -> CannotAsk:
    return CannotAsk(
        "OBJECTS_UNREADABLE",
        "git stopped while it was reading objects",
        where=folder,
        hint="run `git fsck` there: an object may be damaged",
    )
