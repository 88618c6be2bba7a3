"""Shards read as sheets against shards read row by row."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.errors import CannotAsk
from llmops.evaluation import evidence
from llmops.evaluation.evidence import EvidenceRow, measured, missing
from llmops.evaluation.sheets.forms import Form
from llmops.evaluation.sheets.reading import MOST_FORMS, Reader, read_anew
from llmops.evaluation.sheets.sheet import FIELDS, Sheet
from tests.evaluation.builders import a_row
from tests.evaluation.sheets.strategies import rows_of, shard_of, texts


def said(data: bytes) -> tuple[str, object]:
    try:
        return "rows", tuple(read_anew(data, "shard"))
    except CannotAsk as error:
        return error.code, (error.what, error.where)


def said_slowly(data: bytes) -> tuple[str, object]:
    try:
        return "rows", tuple(evidence.parse(data, "shard"))
    except CannotAsk as error:
        return error.code, (error.what, error.where)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b'"0.1"', b'"0.10"'),
        lambda line: line.replace(b'"0.1"', b'"00.1"'),
        lambda line: line.replace(b'"0.1"', b'"0.1000000000000000055"'),
        lambda line: line.replace(b'"0.1"', b'".1"'),
        lambda line: line.replace(b'"0.1"', b'"-0"'),
        lambda line: line.replace(b'"0.1"', b'"1e5"'),
        lambda line: line.replace(b'"0.1"', b'"' + b"9" * 400 + b'"'),
        lambda line: line.replace(b'"0.1"', b'"nan"'),
        lambda line: line.replace(b'"0.1"', b"0.1"),
        lambda line: line.replace(b'"0.1"', '"٠.١"'.encode()),
        lambda line: line.replace(b'"repeat":0', '"repeat":٠'.encode()),
        lambda line: line.replace(b'"repeat":0', b'"repeat":00'),
        lambda line: line.replace(b'"repeat":0', b'"repeat":-0'),
        lambda line: line.replace(b'"repeat":0', b'"repeat": 0'),
        lambda line: line.replace(b'"repeat":0', b'"repeat":true'),
        lambda line: line.replace(b'"repeat":0', b'"repeat":9007199254740993'),
        lambda line: line.replace(b'"must_pass":false', b'"must_pass":0'),
        lambda line: line.replace(b"An answer.", b"An \\u0061nswer."),
        lambda line: line.replace(b"An answer.", b"An \\/ answer."),
        lambda line: line.replace(b"An answer.", b"An \\u000a answer."),
        lambda line: line.replace(b"An answer.", b"An \\u001F answer."),
        lambda line: line.replace(b"An answer.", b"An \x1f answer."),
        lambda line: line.replace(b"An answer.", b"An \\ud800 answer."),
        lambda line: line.replace(b"An answer.", b"An \xff answer."),
        lambda line: line.replace(b"An answer.", b"An \xed\xa0\x80 answer."),
        lambda line: line.replace(b'"value":"0.1"', b'"reason":"","value":"0.1"'),
        lambda line: line.replace(b'"value":"0.1"', b'"judge":"","value":"0.1"'),
        lambda line: line.replace(b'"value":"0.1"', b'"value":"0.1","reason":"late"'),
        lambda line: line.replace(b'"value":"0.1"', b'"value":"0.1","value":"0.1"'),
        lambda line: line.replace(b'"value":"0.1"', b'"missing":"unmeasured","value":"0.1"'),
        lambda line: line.replace(b'"value":"0.1"', b'"missing":"lost"'),
        lambda line: line.replace(b'"value":"0.1"', b'"more":"x","value":"0.1"'),
        lambda line: line.replace(b'{"mrr":', b'{"mrr":{"value":"1"},"mrr":'),
        lambda line: line.replace(b'"tokens":', b'"note":"x","tokens":'),
        lambda line: line.replace(b"}\n", b',"unknown":[]}\n'),
        lambda line: line.replace(b"}\n", b',"unknown":["tokens","cost_usd"]}\n'),
        lambda line: line.replace(b"}\n", b',"unknown":["tokens","tokens"]}\n'),
        lambda line: line.replace(b"}\n", b"} \n"),
        lambda line: line.replace(b"}\n", b"}\r\n"),
        lambda line: line.replace(b"}\n", b"}}\n"),
        lambda line: line.replace(b"}\n", b"}"),
        lambda line: b"\n" + line,
        lambda line: b"\xef\xbb\xbf" + line,
    ],
)
def test_a_line_with_other_bytes_than_its_content_is_refused_where_its_form_is_known(change):
    good = evidence.dump(a_row(scores={"mrr": 0.1}))
    assert change(good) != good
    kind, found = said(good + good + change(good))
    assert kind == "EVIDENCE_INVALID"
    assert (kind, found) == said_slowly(good + good + change(good))


@given(st.lists(rows_of(texts), max_size=6))
def test_a_sheet_holds_the_rows_and_their_columns(rows: list[EvidenceRow]):
    sheet = read_anew(shard_of(rows))
    slowly = Sheet.of(tuple(rows))
    assert tuple(sheet) == tuple(evidence.parse(shard_of(rows)))
    assert [line + "\n" for line in sheet.lines()] == [evidence.dump(row).decode() for row in rows]
    for name in FIELDS:
        assert getattr(sheet, name) == getattr(slowly, name)
    assert set(sheet.scores) == set(slowly.scores)
    for at, row in enumerate(rows):
        for metric in sheet.scores:
            marks, expected = sheet.scores[metric], slowly.scores[metric]
            assert (marks.values[at], marks.judges[at]) == (expected.values[at], expected.judges[at])
            assert (marks.judged or [1] * len(rows))[at] == (expected.judged or [1] * len(rows))[at]
            assert marks.said.get(marks.codes[at], marks.codes[at]) == expected.said.get(
                expected.codes[at], expected.codes[at]
            ), row


# Pieces that a forger might put anywhere: what JSON takes in several spellings, and what moves a boundary.
PIECES = (
    b"0",
    b"1",
    b".",
    b"-",
    b"e1",
    b'"',
    b"\\",
    b"\\u0061",
    b"\\n",
    b",",
    b" ",
    b"\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
)
PIECES += (
    b'"reason":"x",',
    b'"judge":"x",',
    b'"value":"1"',
    b'{"value":"1"}',
    b'"a":1,',
    b"true",
    b"null",
    b"\xc3",
    b"\xff",
)


@given(st.data())
@settings(max_examples=200)
def test_whatever_is_done_to_a_line_the_form_takes_it_only_where_parsing_does(data: st.DataObject):
    rows = data.draw(st.lists(rows_of(texts), min_size=1, max_size=2))
    whole = shard_of(rows)
    line = data.draw(st.sampled_from(whole.split(b"\n")[:-1])) + b"\n"
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, min(len(line), start + 12)))
    forged = line[:start] + data.draw(st.sampled_from((b"", *PIECES))) + line[end:]
    assert said(whole + forged) == said_slowly(whole + forged)


def test_lines_without_a_form_are_read_row_by_row_between_others():
    plain = a_row("c1", scores={"mrr": 1.0})
    judged = a_row("c2", scores={"mrr": evidence.Score(value=0.75, judge="j", judged=(0.5, 1.0))})
    rows = [judged, plain, judged, a_row("c3", scores={"mrr": missing("lost"), "safety": 1.0}), plain]
    sheet = read_anew(shard_of(rows))
    assert tuple(sheet) == tuple(rows)
    assert sheet.scores["mrr"].judged == [2, 1, 2, 1, 1]


def test_more_forms_than_are_kept_are_read_all_the_same():
    rows = [a_row(f"c{at:02}", scores={f"metric-{at}": 0.5}) for at in range(MOST_FORMS + 4)]
    assert tuple(read_anew(shard_of(rows))) == tuple(rows)


def test_a_form_knows_metrics_that_mean_something_to_an_expression():
    row = a_row(scores={"(a|b)*": 1.0, "\\d": measured(0.0)})
    line = evidence.dump(row).decode()[:-1]
    assert Form(sorted(row.scores)).groups(line)
    assert not Form(["a", "\\d"]).groups(line)


def test_a_shard_is_read_once_while_there_is_room():
    reader = Reader(room=1)
    one, other = shard_of([a_row("c1")]), shard_of([a_row("c2")])
    first = reader.read(one)
    assert reader.read(one) is first
    reader.read(other)
    assert reader.read(one) is not first
    assert tuple(reader.read(one)) == tuple(first)


def test_a_shard_that_was_refused_is_refused_again():
    reader = Reader()
    for _ in range(2):
        with pytest.raises(CannotAsk) as error:
            reader.read(b"{}\n", "here")
        assert (error.value.code, error.value.where) == ("EVIDENCE_INVALID", "here:1")
