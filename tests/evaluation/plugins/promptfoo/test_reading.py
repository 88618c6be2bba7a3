from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmops.errors import InvalidDocuments
from llmops.evaluation.plugins.promptfoo import reading, support
from llmops.evaluation.plugins.promptfoo.asserts import AssertSet
from tests.evaluation.plugins.builders import imported


def _refused(text: str) -> str:
    with pytest.raises(InvalidDocuments) as caught:
        reading.read(text.encode(), "evals/asserts.yaml", lambda _path: None)
    return "\n".join(f"{finding.location} {finding.message}" for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("just text", "the file holds no asserts"),
        ("assert: text", "`assert` is no list"),
        ("assert:\n- value: x", "assert[0] has no `type`"),
        ("assert:\n- type: contains", "the value of `contains` is not a text or a number"),
        ("assert:\n- type: contains\n  value: true", "the value of `contains` is not a text or a number"),
        ("- type: latency", "`latency` has no `threshold`"),
        ("- type: latency\n  threshold: fast", "`threshold` is 'fast'"),
        ("- type: contains\n  value: a\n  weight: -1", "`weight` is -1"),
        ("- type: regex", "the value of `regex` is not a text"),
        ("- type: contains-any\n  value: '\"open'", "the value of `contains-any` is not a list"),
        ("- type: is-json\n  value: {type: nonsense}", "no JSON Schema"),
        ("- type: word-count\n  value: {min: 5, max: 2}", "the value of `word-count`"),
        ("- type: contains\n  value: '{{ a.b() }}'", "a call is not allowed in a template"),
        ("- type: contains\n  value: '{{ a '", "not a template"),
        ("- type: is-json\n  value: file://../../../etc/schema.json", "leads out of the repository"),
        ("- type: is-json\n  value: file://schema.json", "there is no file evals/schema.json"),
        ("- {$ref: '#/assertionTemplates/none'}", "there is no assertion template"),
        ("- type: assert-set", "an assert-set has no `assert`"),
    ],
)
def test_a_malformed_assert_is_a_finding(text: str, says: str) -> None:
    assert says in _refused(text)


def test_a_finding_says_the_line() -> None:
    assert _refused("assert:\n- type: contains\n  value: a\n- type: contains\n").startswith("evals/asserts.yaml:4:3")


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ({"type": "javascript", "value": "output.length > 3"}, "code in a file is never executed"),
        ({"type": "python", "value": "file://check.py"}, "code in a file is never executed"),
        ({"type": "not-ruby", "value": "true"}, "code in a file is never executed"),
        ({"type": "webhook", "value": "http://localhost"}, "an address that the file names"),
        ({"type": "contains", "value": "file://make.js"}, "made by code"),
        ({"type": "contains", "value": "file://make.py:value"}, "made by code"),
        ({"type": "contains", "value": "package:x:y"}, "made by code"),
        ({"type": "contains", "value": "x", "transform": "output.trim()"}, "changes the answer by code"),
        ({"type": "llm-rubric", "value": "x", "rubricPrompt": "other"}, "a prompt of its own"),
        ({"type": "contains", "value": "x", "unheard": 1}, "does not know its key `unheard`"),
        ({"type": "invented", "value": "x"}, "does not know this type"),
        ({"type": "trajectory:tool-used", "value": "x"}, "traces"),
        ({"type": "regex", "value": "(a+)+$"}, "in several ways"),
        ({"type": "regex", "value": "(?i)x"}, "no group in JavaScript"),
        ({"type": "regex", "value": r"\p{L}"}, "read otherwise by the two languages"),
        ({"type": "regex", "value": "(open"}, "cannot be read"),
        ({"type": "is-json", "value": {"properties": {"a": {"pattern": "^(a+)+$"}}}}, "in several ways"),
    ],
)
def test_what_has_no_counterpart_is_left_with_the_reason(item: dict[str, object], why: str) -> None:
    made = imported([item, {"type": "contains", "value": "kept"}])
    assert [one.label for one in made.each()] == ["assert[1] contains"]
    (left,) = made.left
    assert why in left.why
    assert left.what.startswith(f"assert[0] {item['type']}")


def test_every_type_is_either_measured_or_has_a_reason() -> None:
    assert all(not support.why_not(kind) for kind in support.SUPPORTED)
    assert all(support.why_not(kind) for kind in ("javascript", "select-best", "meteor", "no-such-type"))


def test_asserts_of_a_configuration_are_those_that_apply_to_every_case() -> None:
    common = {"type": "contains", "value": "everywhere"}
    made = imported(
        {
            "prompts": ["{{question}}"],
            "assert": [{"type": "is-json"}],
            "defaultTest": {
                "vars": {"tone": "kind", "list": [1, 2]},
                "threshold": 0.5,
                "options": {"transform": "output.trim()"},
                "assert": [{"type": "contains", "value": "{{ tone }}"}],
            },
            "tests": [
                {"vars": {"question": "a"}, "assert": [common, {"type": "equals", "value": "one"}]},
                {"vars": {"question": "b"}, "threshold": 1, "assert": [common]},
            ],
        }
    )
    assert [one.label for one in made.each()] == [
        "assert[0] is-json",
        "defaultTest.assert[0] contains",
        "tests[0].assert[0] contains",
    ]
    assert made.variables == {"tone": "kind"}
    assert {left.what for left in made.left} == {
        "defaultTest.threshold",
        "defaultTest.options.transform",
        "defaultTest.vars.list",
        "tests[0].assert[1] equals",
        "tests[1].threshold",
    }


def test_one_test_without_variables_applies_to_every_case() -> None:
    item = {"type": "contains", "value": "a"}
    assert len(imported({"tests": [{"assert": [item]}]}).asserts) == 1
    assert imported({"tests": [{"vars": {"x": "y"}, "assert": [item]}]}).asserts == ()


def test_a_reference_to_a_template_is_followed() -> None:
    made = imported(
        {
            "assertionTemplates": {"short": {"type": "word-count", "value": {"max": 5}}},
            "assert": [{"$ref": "#/assertionTemplates/short", "weight": 2}],
        }
    )
    (one,) = made.each()
    assert (one.kind, one.weight) == ("word-count", 2.0)


def test_a_set_is_kept_together() -> None:
    made = imported([{"type": "assert-set", "threshold": 0.5, "weight": 2, "assert": [{"type": "is-json"}]}])
    (one,) = made.asserts
    assert isinstance(one, AssertSet)
    assert (one.threshold, one.weight, len(one.asserts)) == (0.5, 2.0, 1)


def test_a_schema_beside_the_file_is_read_and_named_by_its_digest() -> None:
    made = imported(
        [{"type": "is-json", "value": "file://../schemas/a.json"}], {"schemas/a.json": b'{"type": "object"}'}
    )
    (one,) = made.each()
    assert one.value == {"type": "object"}
    assert set(made.files) == {"evals/asserts.yaml", "schemas/a.json"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_KINDS = st.sampled_from([*support.SUPPORTED, "not-contains", "assert-set", "javascript", ""])
_ASSERT = st.fixed_dictionaries(
    {"type": _KINDS | _JSON}, optional={name: _JSON for name in ("value", "threshold", "weight", "assert", "$ref")}
)


@given(
    st.lists(_ASSERT, max_size=3)
    | st.fixed_dictionaries(
        {}, optional={"assert": st.lists(_ASSERT, max_size=2), "defaultTest": _JSON, "tests": _JSON}
    )
    | _JSON
)
def test_whatever_a_file_holds_ends_in_asserts_or_findings(value: object) -> None:
    data = yaml.safe_dump(value, allow_unicode=True).encode()
    try:
        kinds = [one.kind for one in reading.read(data, "evals/asserts.yaml", lambda _path: None).each()]
    except InvalidDocuments as error:
        kinds = ["contains"] if error.findings else ["no finding"]
    assert set(kinds) <= set(support.SUPPORTED)
