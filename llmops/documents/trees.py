"""A git tree as a value, and what to write into one.

Pure rooms read files only through `Tree` and change them only by returning a `Plan`. Who implements `Tree` (a commit,
the index, the work tree, a dictionary in a test) is no concern of theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

REGULAR_FILE = "100644"


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One file of a tree: POSIX path from the root, git mode, size in bytes (-1: unknown, a submodule)."""

    path: str
    mode: str
    size: int


class Tree(Protocol):
    """A frozen set of files."""

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        """Every file at or below the folder `prefix` ("" is the root), sorted by path."""
        ...

    def read(self, path: str) -> bytes | None:
        """The bytes of one file, or None where there is none."""
        ...

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The bytes of every file among `paths` that exists, in one pass."""
        ...


class StampedTree(Tree, Protocol):
    """A tree that tells cheaply which files may have changed."""

    def stamps(self) -> Mapping[str, str]:
        """A stamp of every file: while it stays the same, so do the bytes. "" says nothing: look at the bytes."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryTree:
    """A tree held in a dictionary: path to bytes. All files are regular."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        folder = prefix.rstrip("/")
        return tuple(
            TreeEntry(path=path, mode=REGULAR_FILE, size=len(data))
            for path, data in sorted(self.files.items())
            if not folder or path == folder or path.startswith(f"{folder}/")
        )

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: self.files[path] for path in paths if path in self.files}

    def stamps(self) -> Mapping[str, str]:
        return {path: hashlib.sha256(data).hexdigest() for path, data in self.files.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file of a plan: its new bytes, or None to remove it."""

    path: str
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one command wants written. It can be printed (`--dry-run`), tested, and applied.

    `ref` is the full ref name that is to move (`refs/heads/main`), or None to write files to the work tree.
    `old` is the commit that the plan was made on ("" where the ref does not exist yet): the compare of the
    compare-and-swap. With `ref` None, `stage` says whether the files are also added to the index.
    """

    files: tuple[FileChange, ...]
    message: str = ""
    ref: str | None = None
    old: str = ""
    stage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """Somebody who had a hand in a commit, as git tells it. An e-mail may deny, never prove."""

    name: str
    email: str
