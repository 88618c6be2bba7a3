import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluation.evidence import Absence
from llmops.evaluation.scoring import rules

SCHEMA = {
    "type": "object",
    "properties": {"queue": {"enum": ["fees", "fraud"]}, "urgent": {"type": "boolean"}, "score": {"type": "number"}},
    "required": ["queue"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("queue: fees", "no JSON"),
        ("", "no JSON"),
        ('{"queue": "fees"} ok', "no JSON"),
        ('{"score": NaN, "queue": "fees"}', "NaN is no JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"queue": "other"}', ".queue"),
        ("{}", "'queue' is a required property"),
        ('{"queue": "fees", "extra": 1}', "Additional properties"),
    ],
)
def test_json_that_does_not_fit_fails_with_the_place(answer, reason):
    score = rules.json_valid(answer, SCHEMA)
    assert score.value == 0
    assert reason in score.reason


def test_json_that_fits_passes_in_a_code_fence_too():
    assert rules.json_valid('{"queue": "fees"}', SCHEMA).value == 1
    assert rules.json_valid('```json\n{"queue": "fees"}\n```', SCHEMA).value == 1


def test_without_a_schema_validity_is_missing():
    assert rules.json_valid("{}", None).absence is Absence.UNMEASURED


@pytest.mark.parametrize(
    ("answer", "schema", "why"),
    [
        ("1", {"$ref": "#"}, "without end"),
        ("1", {"$ref": "file:///etc/hostname"}, "not in it"),
        ("1", {"$ref": "http://127.0.0.1:9/x"}, "not in it"),
        ("9" * 401, {"multipleOf": 0.1}, "OverflowError"),
        ("[" * 800 + "]" * 800, {"items": {"$ref": "#"}}, "too deeply"),
    ],
)
def test_a_schema_that_cannot_be_checked_leaves_validity_missing(answer, schema, why):
    score = rules.json_valid(answer, schema)
    assert score.absence is Absence.UNMEASURED
    assert why in score.reason


def test_json_nested_too_deeply_to_be_compared_is_missing():
    deep = "[" * 900 + "]" * 900
    assert rules.exact_match(deep, deep, {}).absence is Absence.UNMEASURED


def test_an_exact_match_folds_case_space_and_final_stop():
    assert rules.exact_match(" Six  percent. ", "six percent").value == 1
    assert rules.exact_match("six", "seven").value == 0


def test_json_matches_by_value():
    truth = '{"queue": "fees", "urgent": true, "score": 1}'
    assert rules.exact_match('{"score": 1.0, "urgent": true, "queue": "fees"}', truth, SCHEMA).value == 1
    assert rules.exact_match('{"score": 1, "urgent": 1, "queue": "fees"}', truth, SCHEMA).value == 0
    assert rules.exact_match("fees", truth, SCHEMA).value == 0


def test_a_ground_truth_that_is_no_json_is_missing_and_not_zero():
    assert rules.exact_match('{"queue": "fees"}', "fees", SCHEMA).absence is Absence.UNMEASURED


@pytest.mark.parametrize(
    ("answer", "string", "found"),
    [
        ("The fee is 25%.", "5%", False),
        ("The fee is 5%.", "5%", True),
        ("It costs $1,550.", "550", False),
        ("It costs 5.50", "5", False),
        ("It costs 5.", "5", True),
        ("Not in  the\nGuidelines", "the guidelines", True),
        ("unfair", "fair", False),
        ("a.b", ".", True),
    ],
)
def test_strings_are_found_where_they_stand_free(answer, string, found):
    assert rules.holds(answer, string) is found
    assert rules.contains(answer, [string]).value == found
    assert rules.excludes(answer, [string]).value == (not found)


def test_what_is_absent_or_present_is_named():
    assert rules.contains("one", ["one", "two"]).reason == "lacks “two”"
    assert rules.excludes("one", ["one", "two"]).reason == "holds “one”"


@given(st.text(min_size=1, max_size=20))
def test_a_text_matches_itself(text):
    assert rules.exact_match(text, text).value == 1
