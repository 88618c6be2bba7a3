"""The work trees that have a branch checked out: are our paths clean there, and make them follow a new commit.

A path may be overwritten only where it holds what git already has: the old content, or the new one. Anything else is
somebody's work, is named before the commit, and is left alone by a recovery after it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from llmops.adapters.filesystem import refused_by_disk, sweep, write_atomically
from llmops.adapters.git.objects import ObjectReader, read_tree
from llmops.adapters.git.opening import Place
from llmops.adapters.git.plumbing import Git, locked, text_of
from llmops.adapters.git.writing.paths import refuse_links
from llmops.documents.trees import REGULAR_FILE
from llmops.errors import CannotAsk

Entry = tuple[str, str] | None  # mode and object id; None: there is no file
Fault = Callable[[str], None]

_NO_OBJECT = "0" * 40
_IN_THE_WAY: Entry = ("in the way", "")
_LOCK_PATIENCE_S = 2.0


def checkouts_of(git: Git, place: Place, ref: str) -> list[Checkout]:
    """Every work tree of the repository that has `ref` checked out."""
    if not Path(place.common_dir, "worktrees").is_dir():
        here = git.ask("symbolic-ref", "--quiet", "HEAD").stdout.decode().strip()
        return [Checkout(place.root, place.git_dir)] if here == ref else []
    blocks = git.line("worktree", "list", "--porcelain").split("\n\n")
    rows = [block.splitlines() for block in blocks]
    roots = (lines[0].removeprefix("worktree ") for lines in rows if f"branch {ref}" in lines)
    return [Checkout(found) for found in roots if Path(found).is_dir()]


def entries_at(reader: ObjectReader, commit: str, paths: Iterable[str]) -> dict[str, Entry]:
    """What a commit ("" for none) holds at the paths."""
    wanted = list(paths)
    parents = {path.rpartition("/")[0] for path in wanted} if commit else set()
    folders = {folder: read_tree(reader, f"{commit}:{folder}") or {} for folder in parents}
    split = ((path, *path.rpartition("/")) for path in wanted)
    return {path: folders.get(folder, {}).get(name) for path, folder, _, name in split}


class Checkout:
    """One work tree with its index."""

    def __init__(self, root: str, git_dir: str = "") -> None:
        self.root = root
        self.git = Git(root)
        self._git_dir = git_dir

    def lying(self, paths: Collection[str], states: Collection[Mapping[str, Entry]]) -> dict[str, Entry]:
        """What lies in the folder, as git would store it; the exec bit is not looked at.

        Where the bytes are those of one of the `states`, that is seen here; only else git is asked, because the
        filters of its attributes may make the same of other bytes.
        """
        kinds = {path: _kind(f"{self.root}/{path}") for path in paths}
        found: dict[str, Entry] = {path: _IN_THE_WAY if kind else None for path, kind in kinds.items()}
        files = [path for path, kind in kinds.items() if kind == "file"]
        found |= {path: self._as_known(path, [state[path] for state in states]) for path in files}
        others = [path for path in files if found[path] is None]
        asked = "".join(f"{path}\n" for path in others).encode()
        ids = self.git.line("hash-object", "--stdin-paths", stdin=asked).splitlines() if others else []
        return found | {path: (REGULAR_FILE, oid) for path, oid in zip(others, ids, strict=True)}

    def dirty(self, old: Mapping[str, Entry], new: Mapping[str, Entry]) -> list[str]:
        """The paths where somebody's work would be lost. Raises: CannotAsk UNSAFE_PATH at a symlink."""
        refuse_links(self.root, old)
        index, lying = self._index(old), self.lying(old, (old, new))
        return [path for path in old if not _is_known(index[path], lying[path], (old[path], new[path]))]

    def wait_for_index(self) -> None:
        """Raises: CannotAsk GIT_LOCKED where somebody else holds the index for long."""
        git_dir = self._git_dir or self.git.line("rev-parse", "--absolute-git-dir")
        lock = Path(git_dir, "index.lock")
        deadline = time.monotonic() + _LOCK_PATIENCE_S
        while lock.exists():
            if time.monotonic() > deadline:
                raise locked(str(lock))
            time.sleep(0.02)

    def follow(
        self,
        reader: ObjectReader,
        before: Iterable[Mapping[str, Entry]],
        after: Mapping[str, Entry],
        fault: Fault,
    ) -> None:
        """Bring index and files from one of the states `before` to `after`; what is in neither state stays as it is."""
        known = tuple(before)
        index, lying = self._index(after), self.lying(after, (*known, after))
        stale = [path for path in after if index[path][1] != after[path]]
        self.stage({path: after[path] for path in stale if index[path][1] in [state[path] for state in known]})
        fault("index")
        for path, entry in after.items():
            there = _lying_or_sparse(index[path], lying[path])
            if _oid(there) != _oid(entry) and _oid(there) in [_oid(state[path]) for state in known]:
                self._put(path, reader, entry)
                fault("file")
        self.refresh([path for path, entry in after.items() if entry])
        fault("refreshed")

    def sweep(self, paths: Iterable[str]) -> None:
        """Remove temporary files that a killed writer left beside our paths. Only under the writers' lock."""
        for folder in {Path(self.root, path).parent for path in paths}:
            if folder.is_dir():
                sweep(folder)

    def stage(self, entries: Mapping[str, Entry]) -> None:
        """Put entries into the index, or take them out. Raises: CannotAsk GIT_LOCKED, …"""
        if not entries:
            return
        rows = (
            f"{mode} {oid}\t{path}\0" for path, (mode, oid) in ((p, e or ("0", _NO_OBJECT)) for p, e in entries.items())
        )
        request = "".join(rows).encode()
        self._patiently(lambda: self.git.run("update-index", "-z", "--index-info", stdin=request))

    def refresh(self, paths: Collection[str]) -> None:
        """Let the index learn the files' times, so that plumbing does not call them changed. Nothing depends on it."""
        if paths:
            asked = "".join(f"{path}\0" for path in paths).encode()
            self.git.ask("add", "--refresh", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=asked)

    def _index(self, paths: Collection[str]) -> dict[str, tuple[str, Entry]]:
        """Path to the index's tag (`H` cached, `S` not in a sparse checkout, …) and entry."""
        found: dict[str, tuple[str, Entry]] = dict.fromkeys(paths, ("", None))
        if not paths:
            return found
        for row in text_of(self.git.run("ls-files", "-t", "-s", "-z", "--", *paths)).split("\0")[:-1]:
            meta, path = row.split("\t", 1)
            tag, mode, oid, stage = meta.split()
            if path in found:
                found[path] = (tag, (mode, oid) if stage == "0" else _IN_THE_WAY)
        return found

    def _as_known(self, path: str, entries: Iterable[Entry]) -> Entry:
        known = {entry[1]: entry for entry in entries if entry is not None}
        data = Path(self.root, path).read_bytes() if known else b""
        for width in {len(oid) for oid in known}:
            algorithm = hashlib.sha1 if width == 40 else hashlib.sha256
            digest = algorithm(b"blob %d\0" % len(data) + data).hexdigest()
            if digest in known:
                return known[digest]
        return None

    def _put(self, path: str, reader: ObjectReader, entry: Entry) -> None:
        target = Path(self.root, path)
        if entry is None:
            target.unlink(missing_ok=True)
            remove_empty_folders(self.root, path)
            return
        blob = reader.get(entry[1])
        if blob is None:
            raise CannotAsk("OBJECTS_UNREADABLE", f"git has no content for {path}", where=path, hint="run `git fsck`")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as refused:
            raise refused_by_disk(target, refused) from refused
        write_atomically(target, blob.data, mode=0o755 if entry[0] == "100755" else 0o644)

    def _patiently(self, act: Callable[[], bytes]) -> None:
        deadline = time.monotonic() + _LOCK_PATIENCE_S
        while True:
            try:
                act()
            except CannotAsk as refused:
                if refused.code != "GIT_LOCKED" or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return


def remove_empty_folders(root: str, path: str) -> None:
    """git knows no empty folders: those above a removed file go with it, up to the root."""
    folder = Path(root, path).parent
    with contextlib.suppress(OSError):
        while folder != Path(root):
            folder.rmdir()
            folder = folder.parent


def _is_known(index: tuple[str, Entry], lying: Entry, states: tuple[Entry, Entry]) -> bool:
    there = _lying_or_sparse(index, lying)
    return index[1] in states and _oid(there) in [_oid(state) for state in states]


def _lying_or_sparse(index: tuple[str, Entry], lying: Entry) -> Entry:
    """A file that a sparse checkout leaves out is as clean as its index entry."""
    tag, entry = index
    return entry if lying is None and tag == "S" else lying


def _oid(entry: Entry) -> str | None:
    return None if entry is None else entry[1]


def _kind(path: str) -> str:
    """`file`, "" for nothing, else what stands in the way of a file."""
    if os.path.isdir(path):  # noqa: PTH112 - no Path for each of many files
        return "folder"
    if os.path.lexists(path):
        return "file" if os.path.isfile(path) else "special"  # noqa: PTH113
    above = os.path.dirname(path)  # noqa: PTH120
    while above and not os.path.lexists(above):
        above = os.path.dirname(above)  # noqa: PTH120
    return "" if os.path.isdir(above) else "a file above it"  # noqa: PTH112
