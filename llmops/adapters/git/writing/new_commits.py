"""Making the objects of a commit: blobs, then the trees of touched folders, then the commit. No ref moves here.

A folder that the plan does not touch is never read: beside 100,000 records a commit costs what it costs beside ten.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from llmops.adapters.filesystem import refused_by_disk
from llmops.adapters.git.objects import ObjectReader, read_tree
from llmops.adapters.git.plumbing import Git, environment, failure
from llmops.adapters.git.writing.journal import SCRATCH
from llmops.documents.trees import REGULAR_FILE
from llmops.errors import CannotAsk

# Records must outlive a power cut: git leaves loose objects and refs in the page cache unless told otherwise.
DURABLE = ("-c", "core.fsync=loose-object,reference", "-c", "core.fsyncMethod=fsync")
_FOLDER = "40000"
_NO_IDENTITY = ("Please tell me who you are", "empty ident name", "no email was given", "no name was given")


def store_blobs(git: Git, contents: Iterable[bytes], scratch: Path) -> list[str]:
    """Put the contents into the object store; returns their ids in order. One process, however many there are."""
    blobs = list(contents)
    if not blobs:
        return []
    if len(blobs) == 1:
        return [git.line(*DURABLE, "hash-object", "-w", "--stdin", stdin=blobs[0])]
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=scratch) as folder:
        names = [Path(folder, str(number)) for number in range(len(blobs))]
        try:
            for name, data in zip(names, blobs, strict=True):
                name.write_bytes(data)
        except OSError as refused:
            raise refused_by_disk(folder, refused) from refused
        asked = "".join(f"{name}\n" for name in names).encode()
        return git.line(*DURABLE, "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=asked).splitlines()


def write_tree(git: Git, reader: ObjectReader, old: str, files: Mapping[str, str | None]) -> str:
    """The tree of commit `old` ("" for none) with `files` put in (path to blob id) or taken out (None).

    Raises: CannotAsk PATH_CONFLICT where a file would replace a folder, a folder a file, or names differ only in case.
    """
    with _TreeWriter(git.folder) as writer:
        root = f"{old}^{{tree}}" if old else ""
        return _rewrite(reader, writer, root, "", files) or writer.write({})


def commit(git: Git, tree: str, parent: str, message: str) -> str:
    """Make the commit; author and committer are git's own identity. Raises: CannotAsk NO_IDENTITY.

    A wrong guess at someone's e-mail would stand in the history for good, so git is told not to guess.
    """
    options = (*DURABLE, "-c", "user.useConfigOnly=true", "-c", "i18n.commitEncoding=UTF-8")
    parents = ("-p", parent) if parent else ()
    arguments = (*options, "commit-tree", tree, *parents, "-F", "-")
    answer = git.ask(*arguments, stdin=message.encode())
    if answer.returncode == 0:
        return answer.stdout.decode().strip()
    if any(sign in answer.stderr.decode("utf-8", "replace") for sign in _NO_IDENTITY):
        raise CannotAsk(
            "NO_IDENTITY",
            "git does not know who you are, and a commit needs an author",
            where=git.folder,
            hint='git config --global user.name "Your Name" && git config --global user.email you@example.org',
        )
    raise failure(arguments, answer.stderr, git.folder)


class _TreeWriter:
    """One `git mktree` for all folders of a commit. It takes children on trust: they were read or stored just now."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def __enter__(self) -> _TreeWriter:
        self._process = subprocess.Popen(
            ("git", *DURABLE, "mktree", "-z", "--batch", "--missing"),
            cwd=self._folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def write(self, entries: Mapping[str, tuple[str, str]]) -> str:
        """Store one tree of name → (mode, id)."""
        lines = (f"{mode} {_kind(mode)} {oid}\t{name}\0" for name, (mode, oid) in entries.items())
        request = "".join(lines).encode("utf-8", "surrogateescape") + b"\0"
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin is not None and stdout is not None and stderr is not None  # noqa: S101, PT018 - asked for above
        try:
            stdin.write(request)
            stdin.flush()
            answer = stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            raise failure(("mktree",), stderr.read(), self._folder)
        return answer.decode().strip()


def _rewrite(
    reader: ObjectReader, writer: _TreeWriter, tree: str, folder: str, files: Mapping[str, str | None]
) -> str | None:
    """The id of one folder with `files` (paths relative to it) changed; None where nothing is left in it."""
    entries = read_tree(reader, tree) if tree else {}
    if entries is None:
        raise CannotAsk("OBJECTS_UNREADABLE", f"git has no tree {tree}", where=folder, hint="run `git fsck`")
    here, below = _by_folder(files)
    for name, inner in below.items():
        mode, oid = entries.get(name, (_FOLDER, ""))
        if mode == _FOLDER:
            changed = _rewrite(reader, writer, oid, f"{folder}{name}/", inner)
            _put(entries, name, (_FOLDER, changed), folder)
        elif any(inner.values()):
            raise _conflict(f"{folder}{name}", "it is a file in git, and the plan needs a folder there")
    for name, blob in here.items():
        if entries.get(name, ("", ""))[0] != _FOLDER:
            _put(entries, name, (REGULAR_FILE, blob), folder)
        elif blob is not None:
            raise _conflict(f"{folder}{name}", "it is a folder in git, and the plan needs a file there")
    return writer.write(entries) if entries else None


def _put(entries: dict[str, tuple[str, str]], name: str, entry: tuple[str, str | None], folder: str) -> None:
    mode, oid = entry
    if oid is None:
        entries.pop(name, None)
        return
    if name not in entries:
        _refuse_a_twin(entries, name, folder)
    entries[name] = (mode, oid)


def _refuse_a_twin(entries: Mapping[str, object], name: str, folder: str) -> None:
    folded = name.casefold()
    twin = next((other for other in entries if other.casefold() == folded), None)
    if twin is not None:
        raise _conflict(
            f"{folder}{name}", f"{folder}{twin} differs only in case, and some systems hold just one of them"
        )


def _by_folder(files: Mapping[str, str | None]) -> tuple[dict[str, str | None], dict[str, dict[str, str | None]]]:
    here: dict[str, str | None] = {}
    below: dict[str, dict[str, str | None]] = {}
    for path, oid in files.items():
        name, _, rest = path.partition("/")
        if rest:
            below.setdefault(name, {})[rest] = oid
        else:
            here[name] = oid
    return here, below


def _kind(mode: str) -> str:
    return {_FOLDER: "tree", "160000": "commit"}.get(mode, "blob")


def _conflict(path: str, why: str) -> CannotAsk:
    return CannotAsk("PATH_CONFLICT", f"{path} cannot be written: {why}", where=path, hint="rename one of the two")
