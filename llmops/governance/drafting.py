"""From what is to be said to the files of a plan: draft, sign outside, seal, list the changes.

A record is judged once more on top of the ledger before any file is listed: nothing void is ever written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from llmops.documents import canonical
from llmops.documents.releases import Release, path_of
from llmops.documents.trees import REGULAR_FILE, FileChange, Tree, TreeEntry
from llmops.errors import Refusal
from llmops.governance import predicates, records, sshsig
from llmops.governance.ledger import Ledger
from llmops.governance.pointers import Pointer, render
from llmops.governance.predicates import Predicate
from llmops.governance.replay import extend


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A record that only lacks its signature: sign `message` for `namespace`."""

    ledger: Ledger
    kind: str
    prompt: str
    payload: Mapping[str, Any]

    @property
    def message(self) -> bytes:
        return records.signing_bytes(self.payload)

    @property
    def namespace(self) -> str:
        return records.NAMESPACE_PREFIX + self.kind

    @property
    def short_id(self) -> str:
        return records.short_id(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A signed record: its path and bytes."""

    ledger: Ledger
    path: str
    data: bytes

    @property
    def digest(self) -> str:
        return canonical.sha256(self.data)


@dataclass(frozen=True, slots=True)
class Overlay:
    """A tree with the changes of a plan on it."""

    below: Tree
    files: Mapping[str, bytes | None]

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        folder = prefix.rstrip("/")
        kept = {entry.path: entry for entry in self.below.entries(prefix) if entry.path not in self.files}
        for path, data in self.files.items():
            if data is not None and (not folder or path == folder or path.startswith(f"{folder}/")):
                kept[path] = TreeEntry(path=path, mode=REGULAR_FILE, size=len(data))
        return tuple(kept[path] for path in sorted(kept))

    def read(self, path: str) -> bytes | None:
        return self.files[path] if path in self.files else self.below.read(path)

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = list(paths)
        found = self.below.read_many(path for path in wanted if path not in self.files)
        mine = {path: self.files[path] for path in wanted if path in self.files}
        return found | {path: data for path, data in mine.items() if data is not None}


def overlay(tree: Tree, changes: Iterable[FileChange]) -> Overlay:
    """`tree` as it will be once `changes` are applied."""
    return Overlay(tree, {change.path: change.content for change in changes})


def draft(
    ledger: Ledger, predicate: Predicate, *, issued_at: datetime, op_id: str, repository: str | None = None
) -> Draft:
    """The next record, saying `predicate`. `repository` is the new UUID of a log that is founded, else None."""
    payload = records.payload(
        predicate,
        repository=repository or ledger.repository,
        sequence=ledger.next_sequence,
        previous=ledger.head,
        issued_at=issued_at,
        op_id=op_id,
    )
    return Draft(
        ledger=ledger, kind=predicates.kind_of(predicate), prompt=predicates.prompt_of(predicate), payload=payload
    )


def seal(draft: Draft, armored_signature: str) -> Sealed:
    """The record with its signature. Raises: Refusal BAD_SIGNATURE (and the like) where it does not stand."""
    try:
        blob = sshsig.dearmor(armored_signature)
        key = sshsig.verify(blob, draft.message, draft.namespace)
    except sshsig.SignatureError as error:
        hint = "sign with a key of type ed25519, ecdsa or rsa (3072 bits or more)"
        raise Refusal(error.code, f"the signature was not accepted: {error}", hint=hint) from error
    return Sealed(
        ledger=draft.ledger,
        path=records.path_of(draft.ledger.next_sequence, draft.kind, draft.prompt),
        data=records.envelope(draft.payload, keyid=key.keyid, signature=blob),
    )


def changes(
    tree: Tree,
    sealed: Sealed,
    *,
    pointer: Pointer | None = None,
    evidence: Iterable[bytes] = (),
    release: Release | None = None,
) -> tuple[FileChange, ...]:
    """The files that carry the record. Raises: Refusal with the record's code where it would be void."""
    found = [FileChange(path=sealed.path, content=sealed.data)]
    found += [FileChange(path=records.evidence_path(canonical.sha256(shard)), content=shard) for shard in evidence]
    if release is not None:
        found.append(FileChange(path=path_of(release.name, release.version), content=release.data))
    after = advance(overlay(tree, found), sealed)
    if pointer is not None:
        pointer = replace(pointer, record=sealed.digest)
        found.append(FileChange(path=pointer.path, content=render(pointer)))
        if after.pointers().get(pointer.path) != render(pointer):
            raise Refusal("POINTER_MISMATCH", "the pointer is not what the record says", where=pointer.path)
    return tuple(found)


def advance(tree: Tree, sealed: Sealed) -> Ledger:
    """The ledger with this record on top; `tree` holds the release files. Raises: Refusal with the record's code."""
    ledger = extend(sealed.ledger, records.parse(sealed.data, sealed.path), tree)
    entry = ledger.entries[-1]
    if not entry.is_effective:
        raise Refusal(
            entry.code,
            f"the record would be void: {entry.reason}",
            where=entry.path,
            hint="nothing was written; `llmops policy show` says who may do what",
        )
    return ledger
