"""Finding the repository around a folder, and saying plainly what is wrong where there is none.

One process answers everything. Its first option came with git 2.31; an older git hands it back unread, which is how the
version is checked without a second process.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from llmops.adapters.git.plumbing import Git, failure, text_of
from llmops.errors import CannotAsk

OLDEST_GIT = "2.31"
_QUESTION = (
    "--path-format=absolute",
    "--is-bare-repository",
    "--is-inside-work-tree",
    "--git-dir",
    "--git-common-dir",
    "--show-toplevel",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a repository lies: work tree, its own git folder, and the one that all its work trees share."""

    root: str
    git_dir: str
    common_dir: str


def find(start: str) -> Place:
    """The repository around `start`. Raises: CannotAsk with one code for each reason why there is none."""
    folder = str(Path(start).absolute())
    if not Path(folder).is_dir():
        raise CannotAsk("NOT_A_FOLDER", f"{start} is not a folder", where=start, hint="name an existing folder")
    answer = Git(folder).ask("rev-parse", *_QUESTION)
    lines = text_of(answer.stdout).splitlines()
    _refuse_an_old_git(folder, lines)
    if lines[:1] == ["true"]:
        raise _bare(folder)
    if answer.returncode != 0 or len(lines) != 5:
        raise _none(folder, answer.stderr)
    return Place(root=lines[4], git_dir=lines[2], common_dir=os.path.realpath(lines[3]))


def git_version(folder: str = ".") -> str:
    """The version of the git on PATH. Raises: CannotAsk NO_GIT, GIT_TOO_OLD."""
    found = Git(folder).line("version").removeprefix("git version ")
    numbers = [int(part) for part in found.split(".")[:2] if part.isdigit()]
    if numbers < [int(part) for part in OLDEST_GIT.split(".")]:
        raise CannotAsk(
            "GIT_TOO_OLD", f"git {found} is installed, {OLDEST_GIT} or later is needed", hint="install a newer git"
        )
    return found


def _refuse_an_old_git(folder: str, lines: list[str]) -> None:
    if lines[:1] == [_QUESTION[0]]:
        git_version(folder)


def _bare(folder: str) -> CannotAsk:
    return CannotAsk(
        "BARE_REPOSITORY",
        "this is a bare repository: it has no work tree",
        where=folder,
        hint="clone it, and run the command in the clone",
    )


def _none(folder: str, stderr: bytes) -> CannotAsk:
    said = stderr.decode("utf-8", "replace")
    if "dubious ownership" in said:
        return CannotAsk(
            "REPOSITORY_NOT_TRUSTED",
            "the repository belongs to another user, and git does not read such a one unasked",
            where=folder,
            hint=f"if you trust it: git config --global --add safe.directory {folder}",
        )
    if "must be run in a work tree" in said:
        return CannotAsk(
            "NOT_A_REPOSITORY", "this is a repository's inner folder", where=folder, hint="go up into the work tree"
        )
    if "not a git repository" not in said:
        return failure(("rev-parse",), stderr, folder)
    return CannotAsk(
        "NOT_A_REPOSITORY",
        "this is not a git repository",
        where=folder,
        hint="go to your repository (or name it with -C), or make one: git init",
    )
