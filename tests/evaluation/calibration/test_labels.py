from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.calibration import labels
from llmops.evaluation.calibration.labels import line_of, parse
from tests.evaluation.calibration.builders import ANSWER, a_judged, a_label


def lines(*rows):
    return b"".join(line_of(row) for row in rows)


def rules(found):
    return [(finding.rule, finding.location.line) for finding in found]


def test_two_labels_of_one_annotator_for_one_answer_are_a_contradiction():
    found = parse(lines(a_label(), a_label("c2"), a_label(label=0)), "labels.jsonl")
    assert rules(found.findings) == [("label-contradiction", 3)]
    assert "line 1" in found.findings[0].message
    assert "c1" in found.findings[0].message


def test_the_same_judgement_twice_counts_once():
    found = parse(lines(a_label(), a_label()), "labels.jsonl")
    assert rules(found.findings) == [("label-repeated", 2)]
    assert not found.findings[0].is_error
    assert len(found.labels) == 1


def test_a_label_that_is_neither_0_nor_1_is_refused():
    for label in ("2", "0.5", "true", '"1"', "null"):
        line = f'{{"case":"c","metric":"m","label":{label},"annotator":"a","answer":"{ANSWER}"}}\n'
        assert rules(parse(line.encode(), "labels.jsonl").findings) == [("label-schema", 1)], label


def test_a_line_that_is_no_json_is_named():
    found = parse(lines(a_label()) + b"{oops\n", "labels.jsonl")
    assert rules(found.findings) == [("json-syntax", 2)]
    assert len(found.labels) == 1


def test_a_key_that_stands_twice_is_refused():
    line = f'{{"case":"c","case":"d","metric":"m","label":1,"annotator":"a","answer":"{ANSWER}"}}\n'
    assert rules(parse(line.encode(), "l").findings) == [("json-duplicate-key", 1)]


def test_labels_of_unknown_cases_and_answers_name_line_and_case():
    found = parse(lines(a_label(), a_label("c9"), a_label("c1", 0, answer="b" * 64)), "labels.jsonl")
    findings = labels.unknown(found.labels, [a_judged("c1")], "labels.jsonl")
    assert rules(findings) == [("label-unknown-case", 2), ("label-unknown-answer", 3)]
    assert "c9" in findings[0].message
    assert "c1" in findings[1].message


def test_a_tie_is_reported_and_decides_nothing():
    said = [a_label(annotator="ann"), a_label(label=0, annotator="bob"), a_label("c2", annotator="ann")]
    found = labels.decided(said, "groundedness")
    assert [(vote.case, vote.label) for vote in found.ties] == [("c1", None)]
    assert [row.case for row in labels.labelled(found, [a_judged("c1"), a_judged("c2")])] == ["c2"]


def test_the_majority_decides():
    said = [a_label(annotator="ann"), a_label(label=0, annotator="bob"), a_label(label=0, annotator="cyd")]
    found = labels.decided(said, "groundedness")
    assert labels.labelled(found, [a_judged("c1", 0.25, group="g")])[0].label == 0


def test_another_metric_has_no_say():
    assert labels.decided([a_label(metric="safety")], "groundedness").agreed == ()


words = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1)


@given(st.lists(st.tuples(words, st.integers(0, 1)), unique_by=lambda pair: pair[0]))
def test_what_is_written_is_read_back(pairs):
    rows = [a_label(case, label) for case, label in pairs]
    found = parse(lines(*rows), "labels.jsonl")
    assert found.findings == ()
    assert [(row.case, row.label) for row in found.labels] == [(row.case, row.label) for row in rows]


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_give_findings_not_exceptions(data):
    assert isinstance(parse(data, "labels.jsonl").labels, tuple)
