"""A commit, the index and the work tree, each as a `Tree`.

- Sizes come with the listing, so that a caller can refuse a huge file before it is read.
- Modes are told as git tells them; nothing here follows a symlink: reading one gives the text of the link.
- A commit is listed only as far as it is asked for: finding one record must not cost a walk over all of them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from llmops.adapters.git.objects import ObjectReader
from llmops.adapters.git.plumbing import Git, text_of
from llmops.documents.trees import TreeEntry
from llmops.errors import CannotAsk

_MANY = 16  # above this, one listing is cheaper than letting git walk the folders for every path
_SUBMODULE = "160000"


class CommitTree:
    """The tree of one commit, read from the object store alone."""

    def __init__(self, git: Git, reader: ObjectReader, commit: str) -> None:
        self._git = git
        self._reader = reader
        self._commit = commit
        self._listings: dict[str, tuple[TreeEntry, ...]] = {}
        self._oids: dict[str, str] = {}  # of all paths that were listed

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        folder = prefix.rstrip("/")
        if folder not in self._listings:
            self._listings[folder] = self._list(folder)
        return self._listings[folder]

    def read(self, path: str) -> bytes | None:
        return self.read_many((path,)).get(path)

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = list(dict.fromkeys(paths))
        unlisted = [path for path in wanted if path not in self._oids]
        if "" not in self._listings and (len(unlisted) > _MANY or any("\n" in path for path in unlisted)):
            self.entries()
        wanted = [path for path in wanted if path in self._oids or ("" not in self._listings and _is_plain(path))]
        return _blobs(self._reader, wanted, [self._oids.get(path) or f"{self._commit}:{path}" for path in wanted])

    def _list(self, folder: str) -> tuple[TreeEntry, ...]:
        below = ("--", folder) if folder else ()
        rows = _fields(self._git.run("ls-tree", "-r", "-l", "-z", "--full-tree", self._commit, *below))
        entries = []
        for row in rows:
            meta, path = row.split("\t", 1)
            mode, _, oid, size = meta.split()
            self._oids[path] = oid
            entries.append(TreeEntry(path=path, mode=mode, size=-1 if size == "-" else int(size)))
        return tuple(entries)


class IndexTree:
    """What is staged, as it stood when it was first asked for."""

    def __init__(self, git: Git, reader: ObjectReader, index_file: str | None = None) -> None:
        self._git = git
        self._reader = reader
        self._extra = {"GIT_INDEX_FILE": index_file} if index_file else {}

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        below = [path for path in self._staged if _is_below(path, prefix)]
        self._refuse_unmerged(path for path in self._unmerged if _is_below(path, prefix))
        modes = [self._staged[path] for path in below]
        sizes = _sizes(self._git, [oid for _, oid in modes])
        rows = zip(below, modes, sizes, strict=True)
        return tuple(TreeEntry(path=path, mode=mode, size=size) for path, (mode, _), size in rows)

    def read(self, path: str) -> bytes | None:
        return self.read_many((path,)).get(path)

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = list(dict.fromkeys(paths))
        self._refuse_unmerged(path for path in wanted if path in self._unmerged)
        wanted = [path for path in wanted if path in self._staged]
        return _blobs(self._reader, wanted, [self._staged[path][1] for path in wanted])

    @cached_property
    def _rows(self) -> list[tuple[str, str, str, str]]:
        split = (row.split("\t", 1) for row in _fields(self._git.run("ls-files", "-s", "-z", extra=self._extra)))
        parts = ((path, meta.split()) for meta, path in split)
        return [(path, mode, oid, stage) for path, (mode, oid, stage) in parts]

    @cached_property
    def _staged(self) -> Mapping[str, tuple[str, str]]:
        return {path: (mode, oid) for path, mode, oid, stage in self._rows if stage == "0"}

    @cached_property
    def _unmerged(self) -> frozenset[str]:
        return frozenset(path for path, _, _, stage in self._rows if stage != "0")

    def _refuse_unmerged(self, paths: Iterable[str]) -> None:
        if unmerged := sorted(paths):
            raise CannotAsk(
                "UNMERGED_PATHS",
                f"a merge left conflicts in the index: {', '.join(unmerged[:5])}",
                where=unmerged[0],
                hint="resolve them, then `git add` the files",
            )


class WorkTree:
    """What lies in the folder: tracked and untracked files, without what git ignores. Bytes as they are on disk."""

    def __init__(self, git: Git, root: str) -> None:
        self._git = git
        self._root = root

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        return tuple(entry for path, entry in self._files.items() if _is_below(path, prefix))

    def read(self, path: str) -> bytes | None:
        entry = self._files.get(path)
        if entry is None or entry.mode == _SUBMODULE:
            return None
        try:
            if entry.mode == "120000":
                return os.fsencode(os.readlink(f"{self._root}/{path}"))  # noqa: PTH115 - bytes, not a Path
            return Path(self._root, path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as unreadable:
            raise _not_readable(path, unreadable) from unreadable

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        read = ((path, self.read(path)) for path in dict.fromkeys(paths))
        return {path: data for path, data in read if data is not None}

    @cached_property
    def _files(self) -> Mapping[str, TreeEntry]:
        raw = self._git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name")
        found = ((path, self._look(path)) for path in sorted(set(_fields(raw))))
        return {path: entry for path, entry in found if entry is not None}

    def _look(self, path: str) -> TreeEntry | None:
        """The entry of one path, or None where no file lies there, or only one behind a symlinked folder."""
        try:
            status = os.lstat(f"{self._root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as unreadable:
            raise _not_readable(path, unreadable) from unreadable
        if self._is_behind_a_link(path.rpartition("/")[0]):
            return None
        mode = _mode(status.st_mode)
        return TreeEntry(path=path, mode=mode, size=-1 if mode == _SUBMODULE else status.st_size) if mode else None

    def _is_behind_a_link(self, folder: str) -> bool:
        if folder not in self._links:
            above = folder.rpartition("/")[0]
            self._links[folder] = self._is_behind_a_link(above) or Path(self._root, folder).is_symlink()
        return self._links[folder]

    @cached_property
    def _links(self) -> dict[str, bool]:
        return {"": False}


def _mode(st_mode: int) -> str:
    """The mode git would give a file of this kind; "" for what git does not know (a socket, a device)."""
    if stat.S_ISLNK(st_mode):
        return "120000"
    if stat.S_ISDIR(st_mode):
        return _SUBMODULE
    if stat.S_ISREG(st_mode):
        return "100755" if st_mode & 0o100 else "100644"
    return ""


def _blobs(reader: ObjectReader, paths: list[str], names: list[str]) -> dict[str, bytes]:
    pairs = zip(paths, reader.get_many(names), strict=True)
    return {path: found.data for path, found in pairs if found is not None and found.kind == "blob"}


def _sizes(git: Git, oids: list[str]) -> list[int]:
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    answers = git.run("cat-file", "--batch-check=%(objectsize)", "--buffer", stdin=asked).splitlines()
    return [-1 if answer.endswith(b"missing") else int(answer) for answer in answers]


def _fields(raw: bytes) -> list[str]:
    return text_of(raw).split("\0")[:-1]


def _is_plain(path: str) -> bool:
    """`commit:./path` would mean a path from the current folder."""
    return bool(path) and not path.startswith(("./", "../", "/")) and "\0" not in path


def _is_below(path: str, prefix: str) -> bool:
    folder = prefix.rstrip("/")
    return not folder or path == folder or path.startswith(f"{folder}/")


def _not_readable(path: str, cause: OSError) -> CannotAsk:
    return CannotAsk(
        "NOT_READABLE", f"{path} cannot be read: {cause.strerror}", where=path, hint="check owner and permissions"
    )
