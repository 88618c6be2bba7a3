"""Running git: a fixed argv, a clean environment, and failures as errors that name place and remedy.

Rules:
1. No shell. Arguments that come from people stand behind `--end-of-options` or `--`, or go in through standard input.
2. Variables that would point git at another repository (`GIT_DIR` and its kind, which hooks inherit) are removed.
   Replace refs are off and pathspecs are literal: what is read is what the digests say.
3. Messages are asked for in plain English (`LC_ALL=C`), because failures are told apart by them.
4. Reads take no optional locks, so that looking never stands in a writer's way.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping

from llmops.errors import CannotAsk

_FOREIGN_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "LANGUAGE",
)
_LOCK_HELD = re.compile(r"Unable to create '([^']+\.lock)': File exists")


class Git:
    """git, started in one folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def ask(
        self, *arguments: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """What git said, whatever its exit code. Raises: CannotAsk NO_GIT, NOT_A_FOLDER."""
        try:
            return subprocess.run(
                ("git", *arguments),
                cwd=self.folder,
                env=environment(extra),
                input=stdin,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as missing:
            raise _not_started(self.folder, missing) from missing
        except (NotADirectoryError, PermissionError) as unusable:
            raise _not_started(self.folder, unusable) from unusable

    def run(self, *arguments: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None) -> bytes:
        """The output of a command that must succeed. Raises: CannotAsk, see `failure`."""
        answer = self.ask(*arguments, stdin=stdin, extra=extra)
        if answer.returncode != 0:
            raise failure(arguments, answer.stderr, self.folder)
        return answer.stdout

    def line(self, *arguments: str, stdin: bytes = b"", extra: Mapping[str, str] | None = None) -> str:
        """The output of a command that answers with one line."""
        return text_of(self.run(*arguments, stdin=stdin, extra=extra)).rstrip("\n")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which git runs."""
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN_REPOSITORY}
    kept |= {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_LITERAL_PATHSPECS": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    return kept | dict(extra or {})


def text_of(raw: bytes) -> str:
    """What git said, as text; bytes that are no UTF-8 survive the way back."""
    return raw.decode("utf-8", "surrogateescape")


def failure(arguments: tuple[str, ...], stderr: bytes, folder: str) -> CannotAsk:
    """Why a command failed, as an error with a code of its own where there is a remedy of its own."""
    said = stderr.decode("utf-8", "replace").strip()
    if held := _LOCK_HELD.search(said):
        return locked(held[1])
    if "No space left on device" in said or "Disk quota exceeded" in said:
        return CannotAsk(
            "DISK_FULL", "git could not write: the disk is full", where=folder, hint="make room, try again"
        )
    if "Permission denied" in said or "insufficient permission" in said or "Read-only file system" in said:
        return CannotAsk(
            "NOT_WRITABLE",
            f"git may not write here: {_last_line(said)}",
            where=folder,
            hint="check owner and permissions",
        )
    return CannotAsk("GIT_FAILED", f"git {_verb(arguments)} failed: {said or 'it said nothing'}", where=folder)


def locked(path: str) -> CannotAsk:
    """Another git process holds a lock, or a killed one left it behind."""
    return CannotAsk(
        "GIT_LOCKED",
        f"git's lock {path} is held",
        where=path,
        hint="wait for the other git command; if none runs, a killed one left the lock behind: remove that file",
    )


def _verb(arguments: tuple[str, ...]) -> str:
    words = [word for word, before in zip(arguments, ("", *arguments), strict=False) if before != "-c" and word != "-c"]
    return words[0] if words else ""


def _last_line(said: str) -> str:
    return said.splitlines()[-1].removeprefix("fatal: ").removeprefix("error: ")


def _not_started(folder: str, cause: OSError) -> CannotAsk:
    if not os.path.isdir(folder):  # noqa: PTH112 - a folder that vanished is no Path question
        return CannotAsk("NOT_A_FOLDER", f"{folder} is not a folder", where=folder, hint="name an existing folder")
    if isinstance(cause, PermissionError):
        return CannotAsk(
            "NOT_WRITABLE", f"{folder} may not be entered", where=folder, hint="check owner and permissions"
        )
    return CannotAsk("NO_GIT", "the command `git` was not found", hint="install git 2.31 or later and put it on PATH")
