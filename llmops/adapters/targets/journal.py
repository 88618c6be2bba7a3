"""The answers of a run that is not over: kept as they come, so that a killed run goes on where it was.

Rules, in order:

1. One line an answer, with its check sum, written through to the disk before the answer is handed out.
2. What a killed writer left half written at the end, or what fails its check sum, is cut off and asked again.
3. A journal belongs to one run: target, its source files, behaviour, evalset. It is dropped when the run completes, and
   after a day: no old answer may hide that an application has changed since.
4. One process writes a journal. A second run of the same is told to wait.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import threading
import time
import zlib
from pathlib import Path
from typing import BinaryIO

from llmops.adapters.filesystem import refused_by_disk
from llmops.documents.chat import ToolCall
from llmops.documents.targets import Answered
from llmops.errors import CannotAsk

OLDEST_SECONDS = 86_400.0
SUFFIX = ".jsonl"
FORMAT = 2
"""Of a line. Whoever names a journal puts it into the name, so that another build's lines are never read."""


class Journal:
    """Answers by the digest of their question, in one file. Opened at once."""

    def __init__(self, path: Path) -> None:
        """Raises: CannotAsk RUN_BUSY, DISK_FULL, NOT_WRITABLE."""
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _drop_old(path.parent)
            self._file = _locked(path)
            self._answers, end = _read(self._file)
            self._file.truncate(end)
            self._file.seek(end)
        except OSError as error:
            raise refused_by_disk(path, error) from error

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, digest: str) -> Answered | None:
        """The kept answer, marked as such."""
        return self._answers.get(digest)

    def put(self, answer: Answered) -> None:
        """Keep an answer; returns when it is on the disk. Raises: CannotAsk DISK_FULL, NOT_WRITABLE."""
        line = _line(answer)
        with self._lock:
            try:
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise refused_by_disk(self._path, error) from error
            self._answers[answer.request_digest] = dataclasses.replace(answer, is_cached=True)

    def drop(self) -> None:
        """The run is complete: nothing is kept any more."""
        self._answers.clear()
        self._path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        self._file.close()


def _locked(path: Path) -> BinaryIO:
    file = path.open("a+b")
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        what = "another process is evaluating the same application on the same release and cases"
        raise CannotAsk("RUN_BUSY", what, where=str(path), hint="wait until it is done, then run again") from None
    return file


def _drop_old(folder: Path) -> None:
    oldest = time.time() - OLDEST_SECONDS
    for left in folder.glob(f"*{SUFFIX}"):
        if left.stat().st_mtime < oldest:
            left.unlink(missing_ok=True)


def _read(file: BinaryIO) -> tuple[dict[str, Answered], int]:
    """The answers of the whole lines at the beginning, and where they end."""
    file.seek(0)
    found: dict[str, Answered] = {}
    end = 0
    for line in file:
        answer = _answer(line)
        if answer is None:
            break
        found[answer.request_digest] = answer
        end += len(line)
    return found, end


def _line(answer: Answered) -> bytes:
    # Texts that came in have no half surrogate pairs; a reason more to fail loudly here than to lose one later.
    body = json.dumps(dataclasses.asdict(answer), ensure_ascii=False, sort_keys=True).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _answer(line: bytes) -> Answered | None:
    checksum, _, body = line.removesuffix(b"\n").partition(b" ")
    if not body or not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(body):
        return None
    fields = json.loads(body)
    contexts = fields["contexts"]
    fields["contexts"] = None if contexts is None else tuple(contexts)
    fields["context_ids"] = tuple(fields["context_ids"])
    fields["tool_calls"] = tuple(ToolCall(**call) for call in fields["tool_calls"])
    return Answered(**{**fields, "is_cached": True})
