"""Files outside git: written whole or not at all, hashed without being held in memory, and the ignored state folder."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from llmops.errors import CannotAsk

STATE_FOLDER = ".llmops"
_PREFIX, _SUFFIX = ".llmops-", ".tmp"


def write_atomically(path: str | Path, data: bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Put `data` at `path`, whole or not at all; `durable` survives a power cut too. The folder must exist.

    Raises: CannotAsk DISK_FULL, NOT_WRITABLE, both naming the path.
    """
    target = Path(path)
    temporary = write_beside(target, data, mode=mode, durable=durable)
    try:
        os.replace(temporary, target)  # noqa: PTH105 - beside the other os calls of this file
        if durable:
            _sync_folder(target.parent)
    except OSError as refused:
        raise refused_by_disk(target, refused) from refused
    finally:
        temporary.unlink(missing_ok=True)


def write_beside(target: Path, data: bytes, *, mode: int = 0o644, durable: bool = False) -> Path:
    """Write `data` to a temporary file in the folder of `target`, ready to be renamed. Raises: as above."""
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode & ~_umask())
            if durable:
                os.fsync(file.fileno())
    except OSError as refused:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise refused_by_disk(target, refused) from refused
    except BaseException:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise
    return temporary


def sweep(folder: Path) -> None:
    """Remove temporary files that a killed writer left in a folder. Only for whoever is its one writer."""
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        left.unlink(missing_ok=True)


def refused_by_disk(path: str | Path, cause: OSError) -> CannotAsk:
    """The error for a write that the file system refused."""
    if cause.errno in {errno.ENOSPC, errno.EDQUOT}:
        return CannotAsk("DISK_FULL", f"{path} was not written: the disk is full", where=str(path), hint="make room")
    reason = cause.strerror or str(cause)
    return CannotAsk(
        "NOT_WRITABLE", f"{path} was not written: {reason}", where=str(path), hint="check owner and permissions"
    )


def state_folder(root: str | Path, *parts: str) -> Path:
    """`.llmops/<parts>` of a repository, made on demand; git ignores all of it. Raises: CannotAsk NOT_WRITABLE."""
    state = Path(root, STATE_FOLDER)
    folder = state.joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise refused_by_disk(folder, refused) from refused
    if not (state / ".gitignore").exists():
        write_atomically(state / ".gitignore", b"*\n")
    return folder


def _umask() -> int:
    """The umask can only be read by setting it; Linux also tells it in /proc, without the moment in between."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    current = os.umask(0o022)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
