"""The quick spelling and the quick reading of rows, held to the general ones."""

import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.documents.chat import ToolCall
from llmops.evaluation import evidence, lines
from llmops.evaluation.evidence import Score, Spent, measured
from tests.evaluation.builders import a_row
from tests.evaluation.test_evidence import rows, texts

floats = st.floats(allow_nan=False, allow_infinity=False)
spent = st.builds(Spent, calls=st.integers(0, 2**53), latency_ms=st.integers(0, 9))
scores = st.builds(Score, value=floats, reason=texts, judge=texts, spent=st.none() | spent)


def generally(row):
    """The line of a row by the general rules alone."""
    return evidence._canonical_line(row)


def read_generally(line):
    """A row as it was read before: canonical bytes, then a row, then the same bytes once more."""
    try:
        row = evidence._row(canonical.parse_record(line))
        is_alike = generally(row) == line
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return row if is_alike else None


def read(line):
    try:
        return evidence.parse_row(line)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "row",
    [
        a_row(repeat=True),
        a_row(repeat=-1),
        a_row(nano_usd=2**53 + 1),
        a_row(latency_ms=1.0),
        a_row(must_pass=1),
        a_row(scores={"größe": 1.0}),
        a_row(scores={"mrr": Score(value=float("inf"))}),
        a_row(scores={"mrr": Score(value=1.0, spent=Spent(calls=True))}),
        a_row(group=None),
        a_row(ttft_ms=-1),
        a_row(tool_calls=(ToolCall(name="look"),)),
    ],
)
def test_what_is_not_plain_is_left_to_the_general_rules(row):
    with pytest.raises((TypeError, ValueError)):
        lines.line_of(row)


@given(rows, st.dictionaries(st.sampled_from(["mrr", 'a "metric"', "b\n"]), scores))
def test_a_row_has_one_spelling(row, more):
    row = replace(row, scores={**row.scores, **more})
    assert lines.line_of(row).encode() == generally(row) == evidence.dump(row)


@given(st.one_of(floats, st.integers(-(10**15), 10**15).map(lambda value: value / 1000), st.integers(-9, 9).map(float)))
def test_a_score_has_one_spelling(value):
    (said,) = json.loads(lines.line_of(a_row(scores={"mrr": measured(value)})))["scores"].values()
    assert said == {"value": canonical.decimal(value)}


PLAIN = a_row(
    scores={
        "groundedness": Score(value=0.75, reason='not "supported"', judge="someone", spent=Spent(calls=2)),
        "mrr": measured(0.1),
        "safety": evidence.missing("no label"),
    },
    slices=("a", "ö"),
    retrieved=("lamp#bulb",),
    unknown=("tokens",),
    ttft_ms=12,
    finish_reason="length",
)
JUDGED = {**PLAIN.scores, "ndcg": Score(value=0.5, judge="someone", judged=(0.25, 0.75))}
LINE = evidence.dump(PLAIN)
LINES = (LINE, evidence.dump(replace(PLAIN, scores=JUDGED, tool_calls=(ToolCall(name="look"),))))
PIECES = (
    b"0", b"1", b"-0", b"1.0", b"1e0", b"0.10", b"1e-7", b"0.0000001", b"9007199254740993", b"true", b"null", b'""',
    b"{}", b"[]", b" ", b"\\u0061", b"\\ud800", b"\\/", b'"', b",", b":", b"\xff", b"\xc3\xb6", b'"value":"1"',
    b'"unknown":[],', b'"ttft_ms":3,', b'"x":0,', b'"case":"c1",', b'"missing":"unmeasured",', b'"judged":["1","1"],',
)  # fmt: skip


@given(st.randoms(use_true_random=False))
def test_a_line_is_read_just_where_it_was_read_before(drawn: random.Random):
    line = bytearray(drawn.choice(LINES))
    for _ in range(drawn.randint(1, 3)):
        start = drawn.randrange(len(line))
        end = min(len(line), start + drawn.choice((0, 0, 1, 1, 2, 5, 12)))
        line[start:end] = drawn.choice((b"", *PIECES, bytes(line[end : end + 3])))
    found = read(bytes(line))
    assert found == read_generally(bytes(line))
    assert found is None or evidence.dump(found) == bytes(line)


@pytest.mark.parametrize("piece", PIECES)
def test_no_piece_in_any_place_is_read_otherwise_than_before(piece):
    for whole in LINES:
        for at in (at for at, byte in enumerate(whole) if chr(byte) in '{}[]":,'):
            for line in (whole[:at] + piece + whole[at:], whole[:at] + piece + whole[at + 1 :]):
                assert read(line) == read_generally(line)


def test_what_is_fuzzed_is_spelled_quickly():
    assert lines.line_of(PLAIN).encode() == LINE


def test_a_changed_copy_of_a_row_that_was_read_is_spelled_anew():
    row = evidence.parse_row(LINE)
    assert evidence.dump(row) == LINE
    assert json.loads(evidence.dump(replace(row, case="c2")))["case"] == "c2"
