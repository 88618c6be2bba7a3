"""The shipped schemas, and our checker against jsonschema's verdict on the same schemas and values."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from llmops.documents.reading import json_door, schemas, shapes, yaml_door

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GOOD: dict[str, Any] = {
    "prompt": {
        "prompt_name": "support",
        "version": "1.0.0",
        "template": "{{ question }}",
        "model": "m",
        "temperature": 0.5,
        "variables": {"a": {"type": "string", "enum": ["x"], "max_length": 3}, "b": None},
        "labels": ["a"],
        "parameters": {"top_p": 1, "stop": ["a"], "odd": True},
        "few_shots": [{"user": "a", "assistant": "b"}],
        "changelog": ["a"],
        "evaluation": {"safety": "PASS", "mrr": 0.5},
        "rag": "rag.yaml",
        "tools": [{}],
    },
    "rag": {
        "sources": ["a", "b"],
        "loader": "markdown",
        "chunking": {"strategy": "fixed", "size": 5, "overlap": 0},
        "retrieval": {"strategy": "dense", "top_k": 3, "score_threshold": None},
        "freshness": {"max_age": "3d"},
        "context": {"max_tokens": 5},
        "pii": {"action": "warn"},
    },
    "thresholds": {
        "judge": "j",
        "repeats": 2,
        "min_coverage": 0.5,
        "quarantine": [{"case": "a", "reason": "b", "until": "2026-01-31"}],
        "release": {"mrr": {"min": 0.5, "slices": {"s": {"min": 1}}}, "safety": {"require": "PASS", "slices": ["s"]}},
    },
    "evalset": {
        "name": "loans",
        "version": "1.0.0",
        "columns": {"id": "key"},
        "slices": ["a"],
        "select": {"tags": ["a"]},
    },
    "case": {"id": "a", "question": "b", "tags": ["a", "b"], "must_pass": True, "answer": None, "relevant": ["a#b"]},
    "label": {"case": "a", "metric": "m", "label": 1, "annotator": "b", "answer": "0" * 64},
    "experiment": {
        "prompt": "loans",
        "versions": ["1.0.0", "working"],
        "models": ["m"],
        "rag": ["../prompts/loans/rag.yaml"],
        "evalset": "loans",
        "metrics": {"show": ["mrr"], "front": ["mrr", "cost_usd"]},
        "repeats": 2,
        "judge": "j",
    },
    "llmops": {
        "models": {"m": {"provider": "openai", "base_url": "https://h/v1", "key_env": "K", "prices": {"input": 1}}},
        "judges": {"j": {"kind": "embedded-lexical"}},
        "governance": {
            "base_branch": "main",
            "records_branch": "main",
            "principals": {"dana": {"keys": ["k"], "roles": ["root"]}},
            "exclusive": [["author", "compliance"]],
            "environments": {
                "demo": {"approvals": [{"role": "root", "count": 1}], "floors": {"mrr": {"min": 0.1}}, "after": "a"}
            },
        },
    },
    "release": {
        "behaviour": {
            "messages": [{"role": "user", "content": "a"}],
            "model": "m",
            "parameters": {},
            "retrieval": None,
        },
        "bars": {
            "thresholds": {"mrr": {"min": 1}},
            "judge": "j",
            "evalset": {"name": "e", "digest": "0" * 64},
            "repeats": 1,
            "min_coverage": 1,
            "quarantine": [],
        },
        "about": {"name": "a", "version": "1.0.0", "base": ""},
    },
    "pointer": {
        "prompt": "a",
        "environment": "demo",
        "status": "stable",
        "version": "1.0.0",
        "digest": "0" * 64,
        "weights": [{"version": "1.0.0", "digest": "0" * 64, "index": "", "percent": 100}],
        "generation": 1,
        "record": "f" * 64,
    },
    "record": {
        "payload": {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "a", "digest": {"sha256": "b"}}],
            "predicateType": "https://llmops.dev/policy/v1",
            "predicate": {
                "repository": "r",
                "sequence": 1,
                "previous": "0" * 64,
                "issuedAt": "2026-03-31T12:00:00.000Z",
                "opId": "o",
            },
        },
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "a", "sig": "b"}],
    },
    "evidence": {
        "case": "a",
        "group": "",
        "slices": [],
        "must_pass": False,
        "repeat": 0,
        "input_digest": "a",
        "request_digest": "b",
        "answer": "c",
        "retrieved": [],
        "scores": {"mrr": {"value": "0.5"}, "safety": {"missing": "unmeasured", "reason": "a"}},
        "tokens": {"input": 1, "output": 2},
        "nano_usd": 0,
        "latency_ms": 3,
    },
}


def check(kind: str, value: Any) -> tuple[Any, tuple[shapes.Problem, ...]]:
    return shapes.check(schemas.schema(kind), value, {})


def findings(kind: str, text: str) -> list[str]:
    checked = schemas.check(kind, yaml_door.parse(text.encode(), "prompt.yaml"))
    return [f"{one.location}: {one.message}  [{one.rule}]" for one in checked.findings]


def every_schema(schema: Any) -> list[dict[str, Any]]:
    found = [schema]
    for key in ("properties", "$defs"):
        found += [one for item in schema.get(key, {}).values() for one in every_schema(item)]
    for key in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(key), dict):
            found += every_schema(schema[key])
    for key in ("anyOf", "oneOf"):
        found += [one for item in schema.get(key, ()) for one in every_schema(item)]
    return found


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_schema_is_one_and_uses_only_keywords_that_our_checker_knows(kind: str) -> None:
    Draft202012Validator.check_schema(schemas.schema(kind))

    for part in every_schema(schemas.schema(kind)):
        assert set(part) <= shapes.KEYWORDS


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_key_is_described_for_the_editor(kind: str) -> None:
    for part in every_schema(schemas.schema(kind)):
        for name, item in part.get("properties", {}).items():
            assert item.get("description") or "$ref" in item, f"{kind}: {name}"


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        schemas.schema("../prompt")


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_a_good_document_has_no_problem(kind: str) -> None:
    assert check(kind, GOOD[kind]) == (GOOD[kind], ())
    assert Draft202012Validator(schemas.schema(kind)).is_valid(GOOD[kind])


@pytest.mark.parametrize("kind", schemas.KINDS)
def test_every_required_key_is_missed(kind: str) -> None:
    for key in schemas.schema(kind).get("required", ()):
        _value, problems = check(kind, {name: item for name, item in GOOD[kind].items() if name != key})
        assert [problem.message for problem in problems] == [f"the key '{key}' is missing"]


odd_values = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        1.0,
        -1,
        0.5,
        3.7,
        10**9,
        "",
        "a",
        "PASS",
        "A b",
        [],
        [1],
        ["a", "a"],
        {},
        {"a": 1},
        "x" * 300,
    ]
)


def places(value: Any, pointer: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [pointer, *(place for key, item in inner for place in places(item, (*pointer, key)))]


def changed(value: Any, pointer: tuple[Any, ...], act: str, odd: Any) -> Any:
    if not pointer:
        return odd
    copied = copy.deepcopy(value)
    holder = copied
    for key in pointer[:-1]:
        holder = holder[key]
    if act == "remove":
        del holder[pointer[-1]]
    elif act == "add" and isinstance(holder, dict):
        holder["odd-one"] = odd
    else:
        holder[pointer[-1]] = odd
    return copied


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(schemas.KINDS), st.data())
def test_our_checker_and_jsonschema_agree(kind: str, data: st.DataObject) -> None:
    value = GOOD[kind]
    for _ in range(data.draw(st.integers(1, 3))):
        pointer = data.draw(st.sampled_from(places(value)))
        value = changed(value, pointer, data.draw(st.sampled_from(["remove", "add", "replace"])), data.draw(odd_values))

    _checked, problems = check(kind, value)

    assert (not problems) == Draft202012Validator(schemas.schema(kind)).is_valid(value)
    assert all(problem.message and problem.fix for problem in problems)


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.relative_to(EXAMPLES).as_posix()
)
def test_our_checker_and_jsonschema_agree_on_the_examples(path: Path) -> None:
    kind = path.stem if path.stem in schemas.KINDS else "prompt"
    parsed = yaml_door.parse(path.read_bytes(), path.name)
    if parsed.value is None:
        assert schemas.check(kind, parsed).value is None
        return
    checked = schemas.check(kind, parsed)

    assert checked.is_valid == Draft202012Validator(schemas.schema(kind)).is_valid(checked.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("temperature: hot", "prompt.yaml:1:14: temperature is 'hot', expected a number from 0 to 2  [prompt-schema]"),
        ("temprature: 1", "prompt.yaml:1:1: unknown key 'temprature', did you mean 'temperature'?  [prompt-schema]"),
        ("xyzzy: 1", "prompt.yaml:1:1: unknown key 'xyzzy'  [prompt-schema]"),
        (
            "parameters: {top_p: 2}",
            "prompt.yaml:1:21: parameters.top_p is 2, expected a number from 0 to 1  [prompt-schema]",
        ),
        ("few_shots: [{user: 1}]", "prompt.yaml:1:13: the key 'assistant' is missing in few_shots[0]  [prompt-schema]"),
        ("messages: []", "prompt.yaml:1:11: messages has 0 entries, expected a list of at least 1  [prompt-schema]"),
        ("variables: [a, a]", "prompt.yaml:1:16: variables[1] repeats 'a'  [prompt-schema]"),
        ("variables: 3", "prompt.yaml:1:12: variables is 3, expected a list or a mapping  [prompt-schema]"),
        ("owner:", "prompt.yaml:1:7: owner is empty, expected a text that is not empty  [prompt-schema]"),
    ],
)
def test_messages_say_where_what_and_what_was_expected(text: str, message: str) -> None:
    base = "prompt_name: a\nversion: 1.0.0\nmodel: m\ntemplate: a\n"
    rest = base if "messages" not in text else base.replace("template: a\n", "")

    assert findings("prompt", f"{text}\n{rest}") == [message]


def test_all_problems_of_a_file_are_told_at_once() -> None:
    assert len(findings("prompt", "prompt_name: A b\nversion: []\ntemperature: 9\nfoo: 1\n")) == 6


def test_a_misspelled_key_is_not_also_missing() -> None:
    assert findings("prompt", "prompt_name: a\nverison: 1.0.0\nmodel: m\ntemplate: a\n") == [
        "prompt.yaml:2:1: unknown key 'verison', did you mean 'version'?  [prompt-schema]"
    ]


def test_a_secret_is_not_repeated_in_the_message() -> None:
    key = "sk-" + "a1B2c3D4" * 4

    assert key not in "".join(findings("llmops", f"models: {{m: {{provider: openai, key_env: {key}}}}}\n"))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.10", "1.10"),
        ("1", "1"),
        ("01.50", "01.50"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("'1.10'", "1.10"),
        ("1.2.0", "1.2.0"),
    ],
)
def test_a_number_where_a_text_is_wanted_is_its_source_text(text: str, version: str) -> None:
    parsed = yaml_door.parse(f"prompt_name: a\nversion: {text}\nmodel: m\ntemplate: a\n".encode(), "prompt.yaml")
    checked = schemas.check("prompt", parsed)

    assert checked.findings == ()
    assert checked.value["version"] == version


def test_source_text_is_taken_in_lists_and_in_either_branch() -> None:
    base = "prompt_name: a\nversion: 1\nmodel: m\ntemplate: a\n"
    text = f"{base}changelog: [1.10, b]\nlabels: {{x: 2.50}}\ntemperature: 1.50\n"
    value = schemas.check("prompt", yaml_door.parse(text.encode(), "prompt.yaml")).value

    assert (value["changelog"], value["labels"], value["temperature"]) == (["1.10", "b"], {"x": "2.50"}, 1.5)


def test_a_line_feed_at_the_end_is_no_part_of_a_name() -> None:
    _value, problems = check("evalset", {"name": "loans\n", "version": "1.0.0"})

    assert [problem.pointer for problem in problems] == [("name",)]


def test_true_is_no_text_and_no_number() -> None:
    assert len(findings("prompt", "prompt_name: true\nversion: 1\nmodel: m\ntemplate: a\ntemperature: true\n")) == 2


@pytest.mark.parametrize("text", ["", "# nothing", "[]", "a", "3"])
def test_a_document_that_is_no_mapping_says_so(text: str) -> None:
    assert "expected a mapping" in findings("prompt", text)[0]


def test_rows_that_fit_are_kept_with_their_index() -> None:
    rows = [{"id": "a", "question": "b"}, {"question": "c"}, [1], {"id": "d", "question": "e"}]
    parsed = json_door.parse_jsonl(b"\n".join(json.dumps(row).encode() for row in rows), "cases.jsonl")
    checked = schemas.check_rows("case", parsed)

    assert [index for index, _row in checked.value] == [0, 3]
    assert [str(finding.location) for finding in checked.findings] == ["cases.jsonl:2:1", "cases.jsonl:3:1"]
    assert checked.findings[1].message == "the case is a list, expected a mapping"
