"""A commit, the index and the work tree, each as a `Tree`.

- Sizes come with the listing, so that a caller can refuse a huge file before it is read.
- Modes are told as git tells them; nothing here follows a symlink: reading one gives the text of the link.
- A commit is listed only as far as it is asked for: finding one record must not cost a walk over all of them.
"""

from __future__ import annotations

import os
import stat
import time
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from llmops.adapters.git.objects import ObjectReader
from llmops.adapters.git.plumbing import Git, text_of
from llmops.documents.trees import TreeEntry
from llmops.errors import CannotAsk

_MANY = 16  # above this, one listing is cheaper than letting git walk the folders for every path
_SUBMODULE = "160000"
_SETTLED_NS = 2 * 10**9  # the coarsest clock of a common file system ticks every two seconds


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
        self._sizes: dict[str, int] = {}  # by object id

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        self._refuse_unmerged(_below(sorted(self._unmerged), prefix))
        below = _below(self._paths, prefix)
        self._measure(below)
        staged = ((path, *self._staged[path]) for path in below)
        return tuple(TreeEntry(path=path, mode=mode, size=self._sizes[oid]) for path, mode, oid in staged)

    def stamps(self) -> Mapping[str, str]:
        """Mode and object id of every file."""
        self._refuse_unmerged(self._unmerged)
        return {path: f"{mode} {oid}" for path, (mode, oid) in self._staged.items()}

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
    def _paths(self) -> list[str]:
        return sorted(self._staged)

    def _measure(self, paths: Iterable[str]) -> None:
        unknown = [oid for oid in dict.fromkeys(self._staged[path][1] for path in paths) if oid not in self._sizes]
        if unknown:
            self._sizes.update(zip(unknown, _sizes(self._git, unknown), strict=True))

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
        self._listings: dict[str, tuple[TreeEntry, ...]] = {}

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        if prefix not in self._listings:
            self._listings[prefix] = tuple(_entry(path, self._files[path]) for path in _below(self._paths, prefix))
        return self._listings[prefix]

    def stamps(self) -> Mapping[str, str]:
        """Size, inode and times of every file; "" where a file is so new that a second write could leave no trace."""
        newest = time.time_ns() - _SETTLED_NS
        return {path: _stamp(status, newest) for path, status in self._files.items()}

    def read(self, path: str) -> bytes | None:
        status = self._files.get(path)
        if status is None or stat.S_ISDIR(status.st_mode):
            return None
        try:
            if stat.S_ISLNK(status.st_mode):
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
    def _files(self) -> Mapping[str, os.stat_result]:
        raw = self._git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--full-name")
        found = ((path, self._look(path)) for path in sorted(set(_fields(raw))))
        return {path: status for path, status in found if status is not None}

    @cached_property
    def _paths(self) -> list[str]:
        return list(self._files)

    def _look(self, path: str) -> os.stat_result | None:
        """What lies at one path, or None where no file does, or only one behind a symlinked folder."""
        try:
            status = os.lstat(f"{self._root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as unreadable:
            raise _not_readable(path, unreadable) from unreadable
        if self._is_behind_a_link(path.rpartition("/")[0]):
            return None
        return status if _mode(status.st_mode) else None

    def _is_behind_a_link(self, folder: str) -> bool:
        if folder not in self._links:
            above = folder.rpartition("/")[0]
            # os.path, as this is asked ten thousand times in a large repository and a Path costs four times as much.
            self._links[folder] = self._is_behind_a_link(above) or os.path.islink(f"{self._root}/{folder}")  # noqa: PTH114
        return self._links[folder]

    @cached_property
    def _links(self) -> dict[str, bool]:
        return {"": False}


def _entry(path: str, status: os.stat_result) -> TreeEntry:
    mode = _mode(status.st_mode)
    return TreeEntry(path=path, mode=mode, size=-1 if mode == _SUBMODULE else status.st_size)


def _stamp(status: os.stat_result, newest: int) -> str:
    changed, modified = status.st_ctime_ns, status.st_mtime_ns
    if changed > newest or modified > newest:
        return ""
    return f"{status.st_mode:o} {status.st_size} {status.st_ino} {modified} {changed}"


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


def _below(paths: list[str], prefix: str) -> list[str]:
    """The paths at or below a folder; `paths` are sorted, so asking for every folder costs no more than one listing."""
    folder = prefix.rstrip("/")
    if not folder:
        return paths
    first, last = bisect_left(paths, f"{folder}/"), bisect_left(paths, f"{folder}0")  # "0" follows "/"
    at = bisect_left(paths, folder)
    return [*([folder] if paths[at : at + 1] == [folder] else []), *paths[first:last]]


def _not_readable(path: str, cause: OSError) -> CannotAsk:
    return CannotAsk(
        "NOT_READABLE", f"{path} cannot be read: {cause.strerror}", where=path, hint="check owner and permissions"
    )
