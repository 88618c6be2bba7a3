"""Fakes that implement the ports. What a fake promises is checked by the same tests as the real adapter."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from llmops.documents.trees import Contributor, MemoryTree, Plan
from llmops.errors import CannotAsk, LostRace

_CO_AUTHOR = re.compile(r"^co-authored-by: *(.*?) *<(.*)>$", re.IGNORECASE | re.MULTILINE)


class FakeClock:
    """A clock that stands still until `advance` moves it."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def pause(self, attempt: int) -> None:
        """No test waits."""

    def advance(self, **parts: float) -> None:
        """Move on by `timedelta(**parts)`."""
        self._now += timedelta(**parts)


class FakeSigner:
    """An ed25519 key made from a seed word; its signatures are real SSHSIG, without any process."""

    def __init__(self, seed: str = "ada") -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        raw = self._key.public_key().public_bytes_raw()
        self._blob = _string(b"ssh-ed25519") + _string(raw)

    @property
    def public_key(self) -> str:
        return f"ssh-ed25519 {base64.b64encode(self._blob).decode()}"

    @property
    def where(self) -> str:
        return "fake"

    def sign(self, message: bytes, *, namespace: str) -> str:
        """OpenSSH PROTOCOL.sshsig: magic, version, key, namespace, reserved, hash name, signature."""
        names = (namespace.encode(), b"", b"sha512")
        signed = b"SSHSIG" + b"".join(map(_string, (*names, hashlib.sha512(message).digest())))
        signature = _string(b"ssh-ed25519") + _string(self._key.sign(signed))
        envelope = struct.pack(">I", 1) + b"".join(map(_string, (self._blob, *names, signature)))
        armor = base64.b64encode(b"SSHSIG" + envelope).decode()
        lines = [armor[start : start + 70] for start in range(0, len(armor), 70)]
        return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeCommit:
    """One commit: its parent ("" for the first), all its files, who made it."""

    parent: str
    files: Mapping[str, bytes]
    message: str
    author: Contributor

    @property
    def id(self) -> str:
        digest = hashlib.sha1(f"{self.parent}\n{self.message}\n{self.author}".encode())
        for path, data in sorted(self.files.items()):
            digest.update(f"{path}\0{hashlib.sha1(data).hexdigest()}\n".encode())
        return digest.hexdigest()


@dataclass
class FakeRepository:
    """A repository in memory: commits, refs, an index and a folder."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    head: str | None = "refs/heads/main"
    settings: dict[str, str] = field(default_factory=lambda: {"user.name": "Ada", "user.email": "ada@example.org"})
    root: str = "/fake"

    def __post_init__(self) -> None:
        self.commits: dict[str, FakeCommit] = {}
        self.refs: dict[str, str] = {}
        self.index: dict[str, bytes] = {}
        self.folder: dict[str, bytes] = {}
        self.pushed: list[str] = []
        if self.files:
            for path, data in self.files.items():
                self.write(path, data)
            self.stage(*self.files)
            self.commit("first")

    def write(self, path: str, data: bytes | None) -> None:
        """Put a file into the folder, or remove it."""
        _set(self.folder, path, data)

    def stage(self, *paths: str) -> None:
        """`git add`."""
        for path in paths:
            _set(self.index, path, self.folder.get(path))

    def commit(self, message: str, author: tuple[str, str] = ("Ada", "ada@example.org")) -> str:
        """`git commit` of what is staged, on the branch that is checked out."""
        assert self.head is not None
        who = Contributor(name=author[0], email=author[1])
        return self._record(self.head, self.refs.get(self.head, ""), dict(self.index), message, who)

    def set_remote(self, branch: str, commit: str) -> None:
        """Let the remote-tracking ref of a branch be at a commit."""
        self.refs[f"refs/remotes/origin/{branch}"] = commit

    def branch(self) -> str | None:
        return self.head

    def resolve(self, revision: str) -> str | None:
        if revision == "HEAD":
            return self.refs.get(self.head or "")
        names = (revision, f"refs/heads/{revision}", f"refs/remotes/{revision}")
        found = next((self.refs[name] for name in names if name in self.refs), None)
        return found or next((commit for commit in self.commits if revision and commit.startswith(revision)), None)

    def tree_at(self, commit: str) -> MemoryTree:
        return MemoryTree(self.commits[commit].files)

    def index_tree(self) -> MemoryTree:
        return MemoryTree(dict(self.index))

    def work_tree(self) -> MemoryTree:
        return MemoryTree(dict(self.folder))

    def records_tip(self, branch: str) -> str | None:
        local, remote = self.refs.get(f"refs/heads/{branch}"), self.refs.get(f"refs/remotes/origin/{branch}")
        if local is None or remote is None:
            return local or remote
        if local in self._history(remote):
            return remote
        if remote in self._history(local):
            return local
        raise CannotAsk("RECORDS_DIVERGED", "local and remote branch hold different commits", hint="git fetch origin")

    def contributors(self, paths: Sequence[str], *, since: str | None, until: str) -> tuple[Contributor, ...]:
        known = set(self._history(since)) if since else set()
        people: list[Contributor] = []
        for commit in (self.commits[name] for name in self._history(until) if name not in known):
            if any(_is_below(path, paths) for path in self._changed(commit)):
                people.append(commit.author)
                people += [Contributor(name=name, email=mail) for name, mail in _CO_AUTHOR.findall(commit.message)]
        return tuple(dict.fromkeys(people))

    def introduced(self, path: str, *, until: str) -> str | None:
        for name in self._history(until):
            commit = self.commits[name]
            if path in commit.files and path not in self._parent_files(commit):
                return name
        return None

    def history(self, folder: str, *, until: str, most: int) -> tuple[str, ...]:
        changed = (name for name in self._history(until) if self._touches(name, folder))
        return tuple(changed)[:most]

    def _touches(self, name: str, folder: str) -> bool:
        return any(_is_below(path, (folder,)) for path in self._changed(self.commits[name]))

    def config(self, key: str) -> str | None:
        return self.settings.get(key)

    def dirty_paths(self, paths: Sequence[str]) -> tuple[str, ...]:
        held = self.commits[self.refs[self.head]].files if self.head in self.refs else {}
        return tuple(path for path in paths if self._is_dirty(path, (held.get(path),)))

    def apply(self, plan: Plan) -> str:
        if plan.ref is None:
            for change in plan.files:
                self.write(change.path, change.content)
                if plan.stage:
                    self.stage(change.path)
            return ""
        return self._commit_plan(plan, plan.ref)

    def remote_for(self, branch: str) -> str | None:
        return "origin" if f"refs/remotes/origin/{branch}" in self.refs else None

    def fetch(self, branch: str) -> None:
        """Nothing is ever out of date here."""

    def push(self, ref: str, *, base: str) -> bool:
        branch = ref.removeprefix("refs/heads/")
        if self.remote_for(branch) is None:
            return False
        theirs = self.refs[f"refs/remotes/origin/{branch}"]
        if theirs not in self._history(self.refs[ref]):
            self.refs[ref] = base
            raise LostRace(ref)
        self.set_remote(branch, self.refs[ref])
        self.pushed.append(ref)
        return True

    def recover(self) -> None:
        """Nothing is ever left half-done here."""

    def unfinished_journals(self) -> tuple[object, ...]:
        return ()

    def stale_locks(self) -> tuple[object, ...]:
        return ()

    def close(self) -> None:
        """There is no process."""

    def _commit_plan(self, plan: Plan, ref: str) -> str:
        current = self.refs.get(ref, "")
        if current != plan.old and not self._was_fetched(ref, current, plan.old):
            raise LostRace(ref)
        before = dict(self.commits[plan.old].files) if plan.old else {}
        after = dict(before)
        for change in plan.files:
            _set(after, change.path, change.content)
        states = {change.path: (before.get(change.path), change.content) for change in plan.files}
        if ref == self.head:
            self._refuse_dirty(states)
        self.refs[ref] = plan.old or current
        if plan.old and after == before:
            return plan.old
        return self._record(ref, plan.old, after, plan.message, self._identity(), synced=states)

    def _record(
        self,
        ref: str,
        parent: str,
        files: Mapping[str, bytes],
        message: str,
        author: Contributor,
        synced: Mapping[str, object] | None = None,
    ) -> str:
        commit = FakeCommit(parent=parent, files=files, message=message, author=author)
        self.commits[commit.id] = commit
        self.refs[ref] = commit.id
        for path in synced or () if ref == self.head else ():
            _set(self.index, path, files.get(path))
            _set(self.folder, path, files.get(path))
        return commit.id

    def _identity(self) -> Contributor:
        if not self.settings.get("user.email"):
            raise CannotAsk("NO_IDENTITY", "git does not know who you are", hint="git config --global user.email …")
        return Contributor(name=self.settings.get("user.name", ""), email=self.settings["user.email"])

    def _was_fetched(self, ref: str, current: str, old: str) -> bool:
        tracking = self.refs.get(ref.replace("refs/heads/", "refs/remotes/origin/"))
        return bool(old) and tracking == old and (not current or current in self._history(old))

    def _refuse_dirty(self, states: Mapping[str, tuple[bytes | None, bytes | None]]) -> None:
        if dirty := [path for path, known in states.items() if self._is_dirty(path, known)]:
            raise CannotAsk("DIRTY_PATHS", f"uncommitted changes stand where llmops writes: {', '.join(dirty)}")

    def _is_dirty(self, path: str, known: tuple[bytes | None, ...]) -> bool:
        return self.index.get(path) not in known or self.folder.get(path) not in known

    def _history(self, commit: str) -> list[str]:
        return list(self._walk(commit))

    def _walk(self, commit: str) -> Iterator[str]:
        while commit:
            yield commit
            commit = self.commits[commit].parent

    def _parent_files(self, commit: FakeCommit) -> Mapping[str, bytes]:
        return self.commits[commit.parent].files if commit.parent else {}

    def _changed(self, commit: FakeCommit) -> list[str]:
        before = self._parent_files(commit)
        return [path for path in {*before, *commit.files} if before.get(path) != commit.files.get(path)]


def _set(files: dict[str, bytes], path: str, data: bytes | None) -> None:
    if data is None:
        files.pop(path, None)
    else:
        files[path] = data


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
