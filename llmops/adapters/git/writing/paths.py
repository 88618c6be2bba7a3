"""Which paths a plan may write: inside the tree on every file system, never into git's own folder.

A path is relative, POSIX, and every segment is a name that Linux, macOS and Windows keep apart from each other and from
their devices. Bytes that a terminal would act on are refused with the rest.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterable

from llmops.errors import CannotAsk

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_FORBIDDEN = frozenset('\\:*?"<>|')


def refuse_unsafe(paths: Iterable[str]) -> None:
    """Raises: CannotAsk UNSAFE_PATH, naming the first path that may not be written and why."""
    for path in paths:
        if reason := _reason(path):
            raise unsafe(path, reason)


def refuse_links(root: str, paths: Iterable[str]) -> None:
    """Raises: CannotAsk UNSAFE_PATH where a symlink stands at or above a path: writing would leave the tree."""
    for path in paths:
        segments = path.split("/")
        for count in range(1, len(segments) + 1):
            above = "/".join(segments[:count])
            if is_link(f"{root}/{above}"):
                raise unsafe(path, f"{above} is a symlink, and writing through it may leave the repository")


def is_link(path: str) -> bool:
    """Whether a symlink stands at `path`; False where nothing does."""
    try:
        return stat.S_ISLNK(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def unsafe(path: str, reason: str) -> CannotAsk:
    return CannotAsk("UNSAFE_PATH", f"{path!r} may not be written: {reason}", where=path, hint="use another name")


def _reason(path: str) -> str:
    if not path or path.startswith("/"):
        return "it is not a relative path"
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} for char in path):
        return "it holds control or invisible characters"
    reasons = (_segment_reason(segment) for segment in path.split("/"))
    return next((reason for reason in reasons if reason), "")


def _segment_reason(segment: str) -> str:
    if segment in {"", ".", ".."}:
        return f"the segment {segment!r} is no name"
    if _FORBIDDEN & set(segment):
        return 'names hold none of \\ : * ? " < > |'
    if segment.startswith(("-", " ")) or segment.endswith((".", " ")):
        return f"{segment!r} begins with a dash or blank, or ends with a dot or blank"
    if segment.casefold() in {".git", "git~1"}:
        return "git's own folder is no place for documents"
    if _RESERVED.fullmatch(segment):
        return f"{segment!r} is a device on Windows"
    if len(segment.encode()) > 255:
        return "a name is longer than 255 bytes"
    return ""
