"""What the other rooms write fits the schemas that ship."""

from __future__ import annotations

from datetime import UTC, datetime

from llmops.documents import prompts
from llmops.documents.freezing import freeze
from llmops.documents.reading import json_door, schemas, yaml_door
from llmops.evaluation import evidence
from llmops.governance import pointers, predicates, records

DIGEST = "a" * 64


def test_a_pointer_fits() -> None:
    weight = pointers.Weight(version="1.10.0", digest=DIGEST, index="", percent=100)
    pointer = pointers.Pointer(
        prompt="support", environment="demo", status="stable", version="1.10.0", digest=DIGEST, weights=(weight,),
        generation=1, record=DIGEST,
    )  # fmt: skip
    checked = schemas.check("pointer", yaml_door.parse(pointers.render(pointer), pointer.path))

    assert checked.findings == ()
    assert checked.value["weights"][0]["version"] == "1.10.0"


def test_a_record_fits() -> None:
    rejection = predicates.Rejection(
        prompt="support", version="1.0.0", release=DIGEST, environment="demo", stable="", role="reviewer", method="key",
        approver="dana", reason="it invents numbers",
    )  # fmt: skip
    payload = records.payload(
        rejection, repository="r", sequence=1, previous="0" * 64, issued_at=datetime(2026, 3, 31, tzinfo=UTC), op_id="o"
    )
    data = records.envelope(payload, keyid="SHA256:x", signature=b"signature")

    assert schemas.check("record", yaml_door.parse(data, "audit/records/0000/000001.json")).findings == ()


def test_a_row_of_evidence_fits() -> None:
    scores = {
        "mrr": evidence.measured(0.5, "second place"),
        "safety": evidence.missing("no answer", "rules"),
        "citation_validity": evidence.not_applicable("nothing claimed"),
    }
    row = evidence.EvidenceRow(case="a", input_digest=DIGEST, request_digest=DIGEST, answer="b", scores=scores)

    assert schemas.check_rows("evidence", json_door.parse_jsonl(evidence.dump(row), "a.jsonl")).findings == ()


def test_a_release_fits() -> None:
    value = {"prompt_name": "support", "version": "1.0.0", "model": "m", "template": "{{ question }}", "few_shots": []}
    bars = {"release": {"mrr": {"min": 0.5, "slices": ["hard"]}, "safety": {"require": "PASS"}}}
    rag = {"sources": ["knowledge"]}
    release = freeze.freeze(
        prompts.parse(value, "prompts/support/prompt.yaml"), rag=rag, thresholds=bars, evalset="loans",
        evalset_digest=DIGEST, base="0.9.0",
    )  # fmt: skip

    assert schemas.check("release", yaml_door.parse(release.data, "releases/support/1.0.0.json")).findings == ()
