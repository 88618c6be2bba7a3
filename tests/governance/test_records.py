"""Records: one spelling, one place, and a short id for what is said."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.governance import drafting, policy, predicates, records, sshsig
from llmops.governance.predicates import PredicateError
from tests.governance.builders import (
    NOW,
    PROMPT,
    REPOSITORY,
    a_key,
    a_pointer,
    a_policy,
    a_release,
    evaluation,
    published,
)

APPROVAL = predicates.Approval(
    prompt=PROMPT,
    version="1.2.0",
    release="a" * 64,
    environment="production",
    stable="",
    ramp=(10, 100),
    evidence=("b" * 64,),
    bars=("groundedness: 0.60 in place of 0.65",),
    role="reviewer",
    method="key",
    approver="ravi",
    finish_by=NOW,
)
PROMOTION = predicates.Promotion(
    prompt=PROMPT,
    version="1.2.0",
    release="a" * 64,
    index="",
    environment="production",
    from_record="0" * 64,
    generation=1,
    weights=a_pointer().weights,
    evidence=(),
    approvals=(),
    exceptions=(),
    release_hold=False,
)
ROLLBACK = predicates.Rollback(
    prompt=PROMPT,
    target="off",
    release="a" * 64,
    index="",
    environment="production",
    from_record="0" * 64,
    generation=2,
    weights=a_pointer().weights,
    incident="INC-7",
    reason="wrong rates\n\u202e",
    exceptions=("no approval",),
)
REJECTION = predicates.Rejection(
    prompt=PROMPT,
    version="1.2.0",
    release="a" * 64,
    environment="production",
    stable="",
    role="reviewer",
    method="key",
    approver="ravi",
    reason="no",
)
EVERY: tuple[predicates.Predicate, ...] = (
    predicates.PolicyChange(governance=policy.freeze(a_policy()), previous_policy=""),
    published(a_release()),
    evaluation(a_release(), b"shard"),
    APPROVAL,
    REJECTION,
    PROMOTION,
    ROLLBACK,
)


def a_payload(predicate: predicates.Predicate = APPROVAL, **changes: Any) -> dict[str, Any]:
    place: dict[str, Any] = {
        "repository": REPOSITORY,
        "sequence": 4,
        "previous": "c" * 64,
        "issued_at": NOW,
        "op_id": "op-1",
        **changes,
    }
    return records.payload(predicate, **place)


def a_file(predicate: predicates.Predicate = APPROVAL, *, payload: dict[str, Any] | None = None) -> tuple[bytes, str]:
    said = payload or a_payload(predicate)
    kind = predicates.kind_of(predicate)
    blob = a_key("ravi").blob(records.signing_bytes(said), f"llmops-{kind}")
    keyid = sshsig.parse_public_key(a_key("ravi").public).keyid
    path = records.path_of(4, kind, predicates.prompt_of(predicate))
    return records.envelope(said, keyid=keyid, signature=blob), path


def refusal(data: bytes, path: str = "audit/records/0000/000004-approval-mortgage-assistant.json") -> str:
    with pytest.raises(records.RecordError) as caught:
        records.parse(data, path)
    return caught.value.code


def changed(**changes: Any) -> bytes:
    """A record file whose envelope differs."""
    value = json.loads(a_file()[0])
    value.update(changes)
    return canonical.record_bytes(value)


@pytest.mark.parametrize(
    "spell",
    [
        lambda data: data + b"\n",
        lambda data: data.rstrip(),
        lambda data: b" " + data,
        lambda data: json.dumps(json.loads(data), indent=1).encode(),
        lambda data: data.replace(b"reviewer", b"\\u0072eviewer"),
        lambda data: data.replace(b'"payload":', b'"payload":{},"payload":', 1),
        lambda data: b"\xff" + data,
        lambda _: b"[" * 10_000,
        lambda _: b"",
    ],
)
def test_another_spelling_is_malformed(spell: Any) -> None:
    assert refusal(spell(a_file()[0])) == "MALFORMED"


def test_an_unknown_key_in_the_envelope_is_malformed() -> None:
    assert refusal(changed(comment="x")) == "MALFORMED"


def test_another_payload_type_is_malformed() -> None:
    assert refusal(changed(payloadType="text/plain")) == "MALFORMED"


def test_two_signatures_are_malformed() -> None:
    signature = json.loads(a_file()[0])["signatures"][0]
    assert refusal(changed(signatures=[signature, signature])) == "MALFORMED"


def test_a_second_spelling_of_a_signature_is_malformed() -> None:
    signature = json.loads(a_file()[0])["signatures"][0]
    padded = base64.b64encode(base64.b64decode(signature["sig"])[:-1]).decode()
    loose = padded[:-3] + chr(ord(padded[-3]) ^ 1) + padded[-2:]
    assert refusal(changed(signatures=[{**signature, "sig": loose + "="}])) == "MALFORMED"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("repository", "here"),
        ("sequence", 0),
        ("sequence", True),
        ("sequence", "4"),
        ("previous", "C" * 64),
        ("issuedAt", "2026-03-02T09:00:00Z"),
        ("issuedAt", "2026-02-31T09:00:00.000Z"),
        ("opId", "../op"),
        ("opId", None),
    ],
)
def test_a_place_that_is_none_is_malformed(key: str, value: object) -> None:
    payload = a_payload()
    payload["predicate"] = {**payload["predicate"], key: value}
    assert refusal(a_file(payload=payload)[0]) == "MALFORMED"


def test_a_record_for_another_prompt_is_misplaced() -> None:
    assert refusal(a_file()[0], "audit/records/0000/000004-approval-other.json") == "MISPLACED"


def test_a_huge_record_is_refused_before_it_is_read() -> None:
    assert refusal(b"{" * (records.LARGEST_RECORD + 1)) == "TOO_LARGE"


@pytest.mark.parametrize("predicate", EVERY, ids=predicates.kind_of)
def test_every_kind_reads_back_as_it_was_said(predicate: predicates.Predicate) -> None:
    data, path = a_file(predicate)
    record = records.parse(data, path)
    assert record.predicate() == predicate
    assert record.signer() == sshsig.parse_public_key(a_key("ravi").public)
    assert record.digest == canonical.sha256(data)
    assert path == record.path


@pytest.mark.parametrize("predicate", EVERY, ids=predicates.kind_of)
def test_an_unknown_or_missing_key_is_no_statement_of_its_kind(predicate: predicates.Predicate) -> None:
    kind, said = predicates.kind_of(predicate), predicates.write(predicate)
    with pytest.raises(PredicateError, match="unknown key 'surprise'"):
        predicates.read(kind, {**said, "surprise": 1})
    for key in said:
        with pytest.raises(PredicateError, match=f"missing key '{key}'"):
            predicates.read(kind, {name: value for name, value in said.items() if name != key})


@pytest.mark.parametrize("predicate", EVERY, ids=predicates.kind_of)
def test_a_value_of_another_type_is_no_statement_of_its_kind(predicate: predicates.Predicate) -> None:
    kind, said = predicates.kind_of(predicate), predicates.write(predicate)
    for key in said:
        for value in (None, 1.5, [[]], {"a": 1.5}, -1):
            if key == "governance" and isinstance(value, dict):
                continue
            with pytest.raises(PredicateError):
                predicates.read(kind, {**said, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("environment", "Production"),
        ("environment", "../x"),
        ("prompt", "-rf"),
        ("version", "1.2"),
        ("version", "01.2.0"),
        ("release", "A" * 64),
        ("ramp", [0]),
        ("ramp", [101]),
        ("method", "fax"),
        ("finishBy", "tomorrow"),
    ],
)
def test_a_text_that_does_not_fit_is_refused(key: str, value: object) -> None:
    with pytest.raises(PredicateError, match=key):
        predicates.read("approval", {**predicates.write(APPROVAL), key: value})


def test_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(PredicateError, match="'trigger'"):
        predicates.read("trigger", {})


def test_a_subject_that_is_not_what_the_predicate_is_about_is_refused() -> None:
    payload = a_payload()
    payload["subject"] = [{"name": "x", "digest": {"sha256": "d" * 64}}]
    data, path = a_file(payload=payload)
    with pytest.raises(PredicateError, match="subject"):
        records.parse(data, path).predicate()


def test_the_short_id_leaves_the_place_out_and_keeps_the_repository() -> None:
    one = records.short_id(a_payload())
    later = a_payload(sequence=9, previous="d" * 64, issued_at=NOW + timedelta(days=1), op_id="op-2")
    assert len(one) == 16
    assert records.short_id(later) == one
    assert records.short_id(a_payload(repository=REPOSITORY.replace("6f", "7f"))) != one
    assert records.short_id(a_payload(replace(APPROVAL, environment="staging"))) != one


def test_paths_are_numbered_in_folders_of_a_thousand() -> None:
    assert records.path_of(1, "policy", "") == "audit/records/0000/000001-policy.json"
    assert records.path_of(12_034, "approval", "a.b-c") == "audit/records/0012/012034-approval-a.b-c.json"
    assert records.sequence_of("audit/records/0012/012034-approval-a.b-c.json") == 12_034
    assert records.sequence_of("audit/records/0011/012034-approval-a.b-c.json") is None


def test_the_statement_is_in_toto_and_the_envelope_dsse() -> None:
    value = json.loads(a_file()[0])
    assert sorted(value) == ["payload", "payloadType", "signatures"]
    assert value["payloadType"] == "application/vnd.in-toto+json"
    assert value["payload"]["_type"] == "https://in-toto.io/Statement/v1"
    assert value["payload"]["predicateType"] == "https://llmops.dev/approval/v1"
    assert value["payload"]["subject"] == [{"name": f"{PROMPT}@1.2.0", "digest": {"sha256": "a" * 64}}]
    assert "finishBy" in value["payload"]["predicate"]
    assert "from" in predicates.write(PROMOTION)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    assert refusal(data) == "MALFORMED"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "path", "x"]), inner),
    max_leaves=6,
)


@given(st.sampled_from(EVERY), st.data())
def test_any_value_in_any_field_is_read_or_refused(predicate: predicates.Predicate, data: st.DataObject) -> None:
    kind, said = predicates.kind_of(predicate), predicates.write(predicate)
    key = data.draw(st.sampled_from(sorted(said)))
    value = {**said, key: data.draw(VALUES)}
    try:
        assert predicates.write(predicates.read(kind, value)) == value
    except PredicateError:
        assert value != said


def test_a_draft_names_the_bytes_and_the_namespace_to_sign() -> None:
    from llmops.governance.ledger import Ledger

    draft = drafting.draft(Ledger(repository=REPOSITORY), APPROVAL, issued_at=NOW, op_id="op-1")
    assert draft.namespace == "llmops-approval"
    assert draft.message.startswith(b"DSSEv1 28 application/vnd.in-toto+json ")
    assert draft.payload["predicate"]["previous"] == "0" * 64
