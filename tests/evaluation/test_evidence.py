import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import CannotAsk
from llmops.evaluation import evidence
from llmops.evaluation.evidence import Absence, EvidenceRow, Tokens, measured, missing, not_applicable
from tests.evaluation.builders import a_row

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scores = st.one_of(
    st.builds(measured, st.floats(allow_nan=False, allow_infinity=False), texts, texts),
    st.builds(missing, texts, texts),
    st.builds(not_applicable, texts, texts),
)
counts = st.integers(0, 2**53)
rows = st.builds(
    EvidenceRow,
    case=texts,
    input_digest=texts,
    request_digest=texts,
    answer=texts,
    scores=st.dictionaries(st.sampled_from(["mrr", "safety", "groundedness"]), scores),
    group=texts,
    slices=st.lists(texts, max_size=2).map(tuple),
    must_pass=st.booleans(),
    repeat=st.integers(0, 5),
    retrieved=st.lists(texts, max_size=2).map(tuple),
    tokens=st.builds(Tokens, input=counts, output=counts),
    nano_usd=counts,
    latency_ms=counts,
    unknown=st.sets(st.sampled_from(evidence.UNKNOWABLE)).map(
        lambda found: tuple(name for name in evidence.UNKNOWABLE if name in found)
    ),
)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_no_score(value):
    with pytest.raises(ValueError, match="finite"):
        measured(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b'"0.1"', b'"0.10"'),
        lambda line: line.replace(b'"0.1"', b"0.1"),
        lambda line: line.replace(b'"0.1"', b'"nan"'),
        lambda line: line.replace(b'"repeat":0', b'"repeat":"0"'),
        lambda line: line.replace(b'"repeat":0', b'"repeat": 0'),
        lambda line: line.replace(b'"must_pass":false', b'"must_pass":0'),
        lambda line: line.replace(b'"repeat":0', b'"repeat":true'),
        lambda line: line.replace(b'"nano_usd":0', b'"nano_usd":"much"'),
        lambda line: line.replace(b'"input":9', b'"input":"9"'),
        lambda line: line.replace(b'"request_digest":"r-c1"', b'"request_digest":7'),
        lambda line: line.replace(b'"retrieved":[]', b'"retrieved":[7]'),
        lambda line: line.replace(b'{"value":"0.1"}', b'{"judge":["x"],"value":"0.1"}'),
        lambda line: line.replace(b'"group":"",', b""),
        lambda line: line.replace(b'"group":"",', b'"extra":"","group":"",'),
        lambda line: line.replace(b'"value"', b'"missing":"unmeasured","value"'),
        lambda line: b"\xff" + line,
        lambda _: b"[]\n",
        lambda line: line[:-1],
    ],
)
def test_what_eval_does_not_write_is_no_evidence(change):
    line = evidence.dump(a_row(scores={"mrr": 0.1}))
    changed = change(line)
    assert changed != line
    with pytest.raises(CannotAsk) as error:
        evidence.parse(line + changed, "audit/evidence/x.jsonl")
    assert error.value.code == "EVIDENCE_INVALID"
    assert error.value.where == "audit/evidence/x.jsonl:2"


@given(rows)
def test_a_row_reads_back_as_it_was_written(row):
    assert evidence.parse(evidence.dump(row)) == (row,)


def test_scores_are_written_as_shortest_decimals():
    line = json.loads(evidence.dump(a_row(scores={"mrr": 1 / 3, "safety": 1.0, "contains": missing("no label")})))
    assert line["scores"] == {
        "mrr": {"value": "0.3333333333333333"},
        "safety": {"value": "1"},
        "contains": {"missing": "unmeasured", "reason": "no label"},
    }


def test_absences_are_kept_apart():
    row = evidence.parse_row(evidence.dump(a_row(scores={"mrr": missing("a"), "ndcg": not_applicable("b")})))
    assert (row.scores["mrr"].absence, row.scores["ndcg"].absence) == (Absence.UNMEASURED, Absence.NOT_APPLICABLE)


@given(st.lists(rows, max_size=6), st.integers(2_000, 6_000))
def test_shards_hold_every_row_and_stay_within_their_size(found, limit):
    packed = evidence.shards(found, limit)
    assert all(0 < len(data) <= limit for data in packed)
    read = [row for data in packed for row in evidence.parse(data)]
    assert read == sorted(found, key=lambda row: row.identity)


def test_equal_rows_give_equal_shards_in_any_order():
    found = [a_row(f"c{number}") for number in range(5)]
    assert evidence.shards(found) == evidence.shards(reversed(found))


def test_a_row_beyond_the_limit_is_refused_by_name():
    with pytest.raises(CannotAsk) as error:
        evidence.shards([a_row(answer="x" * 500)], limit=400)
    assert error.value.code == "EVIDENCE_ROW_TOO_LARGE"
    assert "c1" in error.value.what


@pytest.mark.parametrize(
    "unknown", [b"[]", b'["price"]', b'["tokens","cost_usd"]', b'["tokens","tokens"]', b'"tokens"']
)
def test_what_is_unknown_is_said_in_one_way(unknown):
    line = evidence.dump(a_row(unknown=("tokens",)))
    assert evidence.parse_row(line).unknown == ("tokens",)
    with pytest.raises(ValueError, match="not a row"):
        evidence.parse_row(line.replace(b'["tokens"]', unknown))


def test_a_row_of_which_all_is_known_keeps_its_bytes():
    assert b"unknown" not in evidence.dump(a_row())
