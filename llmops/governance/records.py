"""Records: in-toto statements in a DSSE envelope, one canonical line a file, numbered without gap.

    audit/records/<NNNN>/<NNNNNN>-<kind>-<prompt>.json

- Payload: in-toto Statement v1; `predicateType` is `https://llmops.dev/<kind>/v1`. Every predicate carries
  `repository`, `sequence`, `previous`, `issuedAt` and `opId` beside what its kind says (`predicates`).
- Signature: SSHSIG over the DSSE PAE of the canonical payload, namespace `llmops-<kind>`, at most one. `sig` is the
  base64 of the SSHSIG blob: the armor's text in one line.
- `previous` is the SHA-256 of the file before (64 zeros in the first): what `sha256sum` shows.

Reading has two steps. `parse` takes the envelope and the place in the chain: what it refuses is an integrity fault.
What the predicate says is read apart (`Record.predicate`): what is refused there makes one record void, not the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llmops.documents import canonical
from llmops.governance import predicates, sshsig
from llmops.governance.predicates import DIGEST, IDENTIFIER, Predicate, PredicateError

FOLDER = "audit/records"
EVIDENCE_FOLDER = "audit/evidence"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
NAMESPACE_PREFIX = "llmops-"
LARGEST_RECORD = 4 * 2**20
LARGEST_EVIDENCE = 20 * 2**20
LARGEST_SEQUENCE = 9_999_999
PLACE = ("repository", "sequence", "previous", "issuedAt", "opId")
_PREDICATE_TYPE = re.compile(r"https://llmops\.dev/([a-z][a-z0-9-]{0,31})/v1")
_REPOSITORY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PATH = re.compile(r"audit/records/(\d{4})/(\d{6,7})-([a-z]+)(?:-([a-z0-9.-]+))?\.json")


class RecordError(ValueError):
    """Bytes that are no record: an integrity fault, `code` says which."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record file: where it stands in the chain, and its payload as a value."""

    path: str
    data: bytes
    payload: Mapping[str, Any]
    kind: str
    repository: str
    sequence: int
    previous: str
    issued_at: datetime
    op_id: str
    keyid: str
    signature: bytes

    @property
    def digest(self) -> str:
        return canonical.sha256(self.data)

    @property
    def message(self) -> bytes:
        """The bytes that are signed."""
        return signing_bytes(self.payload)

    @property
    def namespace(self) -> str:
        return NAMESPACE_PREFIX + self.kind

    @property
    def is_signed(self) -> bool:
        return bool(self.signature)

    def predicate(self) -> Predicate:
        """What the record says. Raises: PredicateError."""
        said = {key: value for key, value in self.payload["predicate"].items() if key not in PLACE}
        predicate = predicates.read(self.kind, said)
        if self.payload["subject"] != _subject(predicate):
            raise PredicateError("the subject is not what the predicate is about")
        return predicate

    def signer(self) -> sshsig.PublicKey:
        """The key that made the signature. Raises: SignatureError."""
        if not self.is_signed:
            raise sshsig.SignatureError("UNSIGNED", "the record carries no signature")
        key = sshsig.verify(self.signature, self.message, self.namespace)
        if key.keyid != self.keyid:
            raise sshsig.SignatureError("BAD_SIGNATURE", f"keyid says {self.keyid}, signed by {key.keyid}")
        return key


def path_of(sequence: int, kind: str, prompt: str) -> str:
    """Where the record of this number, kind and prompt ("": none) stands in a tree."""
    tail = f"-{prompt}" if prompt else ""
    return f"{FOLDER}/{sequence // 1000:04d}/{sequence:06d}-{kind}{tail}.json"


def sequence_of(path: str) -> int | None:
    """The number in a record's path, None where the path is no record's."""
    match = _PATH.fullmatch(path)
    if not match or int(match[2]) // 1000 != int(match[1]):
        return None
    return int(match[2])


def evidence_path(digest: str) -> str:
    """Where the evidence shard of this digest stands in a tree."""
    return f"{EVIDENCE_FOLDER}/{digest}.jsonl"


def payload(
    predicate: Predicate, *, repository: str, sequence: int, previous: str, issued_at: datetime, op_id: str
) -> dict[str, Any]:
    """The in-toto statement that says `predicate` at this place of the chain."""
    place = {
        "repository": repository,
        "sequence": sequence,
        "previous": previous,
        "issuedAt": predicates.time_text(issued_at),
        "opId": op_id,
    }
    return {
        "_type": STATEMENT_TYPE,
        "subject": _subject(predicate),
        "predicateType": f"https://llmops.dev/{predicates.kind_of(predicate)}/v1",
        "predicate": {**predicates.write(predicate), **place},
    }


def signing_bytes(payload: Mapping[str, Any]) -> bytes:
    """The DSSE pre-authentication encoding of the canonical payload."""
    return sshsig.pae(PAYLOAD_TYPE, canonical.dumps(payload))


def envelope(payload: Mapping[str, Any], *, keyid: str, signature: bytes) -> bytes:
    """The record file: one canonical line."""
    text = sshsig.base64_text(signature)
    return canonical.record_bytes(
        {"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": [{"keyid": keyid, "sig": text}]}
    )


def short_id(payload: Mapping[str, Any]) -> str:
    """Names what is said, wherever it will stand: 16 hex digits over subject and predicate.

    `repository` is part of it; `sequence`, `previous`, `issuedAt` and `opId` are not.
    """
    left_out = ("sequence", "previous", "issuedAt", "opId")
    predicate = {key: value for key, value in payload["predicate"].items() if key not in left_out}
    return canonical.digest({"subject": payload["subject"], "predicate": predicate})[:16]


def parse(data: bytes, path: str) -> Record:
    """The record in `data`. Raises: RecordError MALFORMED, MISPLACED or TOO_LARGE."""
    if len(data) > LARGEST_RECORD:
        raise RecordError("TOO_LARGE", f"{len(data)} bytes, at most {LARGEST_RECORD} allowed")
    try:
        value = canonical.parse_record(data)
        record = _record(value, data, path)
    except (canonical.CanonicalError, PredicateError, sshsig.SignatureError, RecursionError) as error:
        raise RecordError("MALFORMED", str(error)) from error
    prompt = record.payload["predicate"].get("prompt", "")
    if (
        not isinstance(prompt, str)
        or path.rpartition("/")[2] != path_of(sequence_of(path) or 0, record.kind, prompt).rpartition("/")[2]
    ):
        raise RecordError("MISPLACED", f"it is a record of kind {record.kind!r} for prompt {prompt!r}")
    return record


def _record(value: Any, data: bytes, path: str) -> Record:
    outer = _keys(value, "payload", "payloadType", "signatures")
    inner = _keys(outer["payload"], "_type", "subject", "predicateType", "predicate")
    if (outer["payloadType"], inner["_type"]) != (PAYLOAD_TYPE, STATEMENT_TYPE):
        raise PredicateError(f"expected payloadType {PAYLOAD_TYPE} and _type {STATEMENT_TYPE}")
    kind = _PREDICATE_TYPE.fullmatch(inner["predicateType"] if isinstance(inner["predicateType"], str) else "")
    if not kind:
        raise PredicateError(f"predicateType {inner['predicateType']!r} is none of https://llmops.dev/<kind>/v1")
    predicate = inner["predicate"]
    if not isinstance(predicate, dict):
        raise PredicateError("the predicate is no object")
    keyid, signature = _signature(outer["signatures"])
    return Record(
        path=path,
        data=data,
        payload=inner,
        kind=kind[1],
        repository=_match(_REPOSITORY, predicate, "repository"),
        sequence=_sequence(predicate.get("sequence")),
        previous=_match(DIGEST, predicate, "previous"),
        issued_at=predicates.time_value(predicate.get("issuedAt")),
        op_id=_match(IDENTIFIER, predicate, "opId"),
        keyid=keyid,
        signature=signature,
    )


def _keys(value: Any, *keys: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != set(keys):
        raise PredicateError(f"expected an object with the keys {', '.join(keys)}")
    return value


def _match(pattern: re.Pattern[str], value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not pattern.fullmatch(found):
        raise PredicateError(f"{key} {found!r} does not fit {pattern.pattern}")
    return found


def _sequence(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST_SEQUENCE:
        raise PredicateError(f"sequence {value!r} is no number from 1 to {LARGEST_SEQUENCE}")
    return value


def _signature(value: Any) -> tuple[str, bytes]:
    if value == []:
        return "", b""
    if not isinstance(value, list) or len(value) != 1:
        raise PredicateError("signatures holds at most one signature")
    found = _keys(value[0], "keyid", "sig")
    if not all(isinstance(item, str) and len(item) <= 2 * sshsig.LARGEST_SIGNATURE for item in found.values()):
        raise PredicateError("keyid and sig are texts")
    return found["keyid"], sshsig.base64_bytes(found["sig"])


def _subject(predicate: Predicate) -> list[dict[str, Any]]:
    name, digest = predicate.subject
    return [{"name": name, "digest": {"sha256": digest}}]
