"""Each rule refuses, then passes. Whole repositories with their findings stand in tests/examples."""

from __future__ import annotations

import json

import pytest

from llmops.documents import project, prompts
from llmops.documents.freezing import freeze
from llmops.documents.releases import Release
from tests.documents.lint.builders import CONFIG, METRICS, a_prompt, a_tree, findings, told


def test_a_good_repository_has_no_finding() -> None:
    assert told(a_tree()) == []


# variables


@pytest.mark.parametrize(
    ("template", "more", "hits"),
    [
        ("'Dear {{ customer }}'", "", ["variable-undefined 4:20"]),
        ("'{% if vip %}a{% else %}{{ b }}{% endif %}'", "", ["variable-undefined 4:18", "variable-undefined 4:38"]),
        ("'{% for x in rows %}{{ x }}{% endfor %}'", "", ["variable-undefined 4:24"]),
        ("'{% set a = 1 %}{{ a }}'", "", []),
        ("'{{ question }}{% for c in contexts %}{{ c.text }}{{ loop.index }}{% endfor %}'", "", []),
        ("'{{ a }}'", "variables: [a]\n", []),
        ("'{{ a }}'", "variables: {a: {max_length: 3}}\n", []),
        ("'{{ a }}'", "variables: [a, b]\n", ["variable-unused 5:16"]),
        ("'{{ a }}'", "variables: {a: , b: }\n", ["variable-unused 5:18"]),
        ("'{{ question }}'", "variables: [question]\n", ["variable-reserved 5:13"]),
        ("'{{ a.__class__ }}'", "variables: [a]\n", ["template-invalid 4:16"]),
        ("'{{ a'", "variables: [a]\n", ["template-invalid 4:12"]),
        ("'{{ a() }}'", "variables: [a]\n", ["template-invalid 4:16"]),
    ],
)
def test_templates_and_variables_are_held_together(template: str, more: str, hits: list[str]) -> None:
    told_rules = told(a_tree(a_prompt(template=template, more=more)))

    assert [hit.split()[0] for hit in told_rules] == [hit.split()[0] for hit in hits]
    if hits and hits[0].startswith("variable"):
        assert told_rules == hits


def test_a_problem_in_a_block_is_found_on_its_line() -> None:
    prompt = a_prompt(template="|\n  first\n  {{ question }} {{ nobody }}")

    assert told(a_tree(prompt)) == ["variable-undefined 6:21"]


def test_a_near_name_is_suggested() -> None:
    finding = findings(a_tree(a_prompt(template="'{{ custmer }} {{ customer }}'", more="variables: [customer]\n")))[0]

    assert "did you mean 'customer'?" in finding.message


# versions


def a_release(version: str, template: str = "{{ question }}") -> Release:
    value = {"prompt_name": "support", "version": version, "model": "smollm2", "template": template}
    prompt = prompts.parse(value, "prompts/support/prompt.yaml")
    bars = {"release": {"safety": {"require": "PASS"}}}
    return freeze.freeze(prompt, rag=None, thresholds=bars, evalset="loans", evalset_digest="0" * 64, base="")


def with_releases(version: str, *releases: Release) -> list[str]:
    files = {f"releases/support/{release.version}.json": release.data for release in releases}
    return told(a_tree(a_prompt(version=version), **files))


@pytest.mark.parametrize("version", ["1", "1.10", "v1.0.0", "1.0.0.0", "01.0.0", "1.0", "latest"])
def test_a_version_that_is_not_semantic_is_refused(version: str) -> None:
    assert told(a_tree(a_prompt(version=version))) == ["version-not-semver 2:10"]


def test_a_changed_behaviour_under_a_locked_version_is_refused() -> None:
    assert with_releases("1.0.0", a_release("1.0.0", "other {{ question }}")) == ["version-not-above-base 2:10"]


def test_the_same_behaviour_under_its_locked_version_is_fine() -> None:
    assert with_releases("1.0.0", a_release("1.0.0")) == []


@pytest.mark.parametrize(
    ("version", "is_fine"),
    [("1.1.0", False), ("1.2.9", False), ("1.4.0-rc.1", False), ("1.3.1", True), ("1.4.1", True), ("2.0.0", True)],
)
def test_a_new_version_is_above_the_newest_or_a_hotfix_of_its_line(version: str, is_fine: bool) -> None:
    hits = with_releases(version, a_release("1.3.0"), a_release("1.4.0"))

    assert hits == ([] if is_fine else ["version-not-above-base 2:10"])


def test_a_release_that_was_edited_is_named() -> None:
    tree = a_tree(
        a_prompt(), **{"releases/support/1.0.0.json": a_release("1.0.0").data.replace(b"question", b"answer")}
    )
    edited = a_tree(a_prompt(), **{"releases/support/1.0.0.json": a_release("1.0.0").data + b"\n"})

    assert told(tree) == ["version-not-above-base 2:10"]
    assert told(edited) == ["release-invalid 2:10"]


# models and context


def test_a_model_that_is_not_configured_is_a_warning() -> None:
    finding = findings(a_tree(**{"llmops.yaml": "models: {smollm: {provider: embedded}}\n"}))[0]

    assert (finding.rule, finding.is_error) == ("model-unknown", False)
    assert "did you mean 'smollm'?" in finding.message


def test_a_broken_configuration_makes_no_model_unknown() -> None:
    assert told(a_tree(**{"llmops.yaml": "modles: {}\n"})) == ["llmops-schema 1:1"]


@pytest.mark.parametrize(
    "more",
    [
        "variables: {a: {max_length: 8000}}\n",
        "variables: {a: {enum: ['" + "x" * 8000 + "']}}\n",
        "variables: [a]\nparameters: {max_tokens: 2045}\n",
        "variables: [a]\nfew_shots: [{user: '" + "x" * 8000 + "', assistant: b}]\n",
    ],
)
def test_the_longest_request_has_to_fit_the_window(more: str) -> None:
    assert told(a_tree(a_prompt(template="'{{ question }} {{ a }}'", more=more))) == ["context-too-long 3:8"]


@pytest.mark.parametrize(
    ("rag", "is_fine"),
    [
        ("sources: knowledge\nretrieval: {top_k: 8}\n", False),
        ("sources: knowledge\nretrieval: {top_k: 8}\ncontext: {max_tokens: 1500}\n", True),
        ("sources: knowledge\ncontext: {max_tokens: 1900}\n", False),
        ("sources: knowledge\nretrieval: {top_k: 8}\nchunking: {size: 100}\n", True),
    ],
)
def test_retrieved_passages_count_with_the_longest_request(rag: str, is_fine: bool) -> None:
    prompt = a_prompt(template="'{{ contexts }}'", more="rag: rag.yaml\n")
    hits = told(a_tree(prompt, **{"prompts/support/rag.yaml": rag, "knowledge/a.md": "# A\n"}))

    assert hits == ([] if is_fine else ["context-too-long 3:8"])


def test_the_longest_request_says_what_it_assumes_and_allows_for_the_question() -> None:
    message = findings(a_tree(a_prompt(more="parameters: {max_tokens: 2045}\n")))[0].message

    assert "4 characters a token, 120 tokens allowed for the question" in message
    assert "question 120" in message


@pytest.mark.parametrize(
    ("variables", "hits"),
    [
        ("[a]", ["context-unbounded 5:13"]),
        ("{a: {type: string}}", ["context-unbounded 5:13"]),
        ("{a: {max_length: 9}}", []),
        ("{a: {enum: [x, y]}}", []),
        ("{a: {type: integer}}", []),
    ],
)
def test_a_text_of_any_length_is_a_warning_near_the_window(variables: str, hits: list[str]) -> None:
    more = f"variables: {variables}\nparameters: {{max_tokens: 1000}}\n"
    found = findings(a_tree(a_prompt(template="'{{ question }} {{ a }}'", more=more)))

    assert [f"{one.rule} {one.location.line}:{one.location.column}" for one in found] == hits
    assert not any(one.is_error for one in found)


def test_far_from_the_window_a_text_may_be_of_any_length() -> None:
    assert told(a_tree(a_prompt(template="'{{ question }} {{ a }}'", more="variables: [a]\n"))) == []


def test_a_model_without_a_known_window_is_not_measured() -> None:
    config = CONFIG.replace("embedded", "openai")

    assert told(a_tree(a_prompt(more="parameters: {max_tokens: 900000}\n"), **{"llmops.yaml": config})) == []


# few-shots


@pytest.mark.parametrize(
    ("answer", "rules"),
    [
        ("'{\"a\": 1}'", []),
        ('\'{"a": "x"}\'', ["few-shot-breaks-schema 7:27"]),
        ("not json", ["few-shot-breaks-schema 7:27"]),
    ],
)
def test_few_shots_have_to_fit_the_output_schema(answer: str, rules: list[str]) -> None:
    schema = json.dumps({"type": "object", "properties": {"a": {"type": "integer"}}})

    assert (
        told(a_tree(a_prompt(more=f"output_schema: {schema}\nfew_shots:\n  - {{user: hi, assistant: {answer}}}\n")))
        == rules
    )


@pytest.mark.parametrize("schema", ["{type: 3}", "{properties: [a]}", "{minimum: high}"])
def test_an_output_schema_that_is_none_is_refused(schema: str) -> None:
    assert [one.rule for one in findings(a_tree(a_prompt(more=f"output_schema: {schema}\n")))] == [
        "output-schema-invalid"
    ]


def test_an_output_schema_reaches_nothing_outside_its_file() -> None:
    more = "output_schema: {$ref: 'https://host.invalid/schema.json'}\nfew_shots: [{user: a, assistant: '1'}]\n"

    assert [one.rule for one in findings(a_tree(a_prompt(more=more)))] == ["output-schema-invalid"]


@pytest.mark.parametrize("target", ["http://127.0.0.1:9/x", "file:///etc/hostname", "other.json"])
@pytest.mark.parametrize("key", ["$ref", "$dynamicRef"])
def test_no_schema_refers_to_what_is_elsewhere(key: str, target: str) -> None:
    schema = json.dumps({"properties": {"a": {key: target}}})
    tools = json.dumps([{"type": "function", "function": {"name": "f", "parameters": json.loads(schema)}}])

    assert [one.rule for one in findings(a_tree(a_prompt(more=f"output_schema: {schema}\n")))] == [
        "output-schema-invalid"
    ]
    assert [one.rule for one in findings(a_tree(a_prompt(more=f"tools: {tools}\n")))] == ["tool-schema-outside"]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(a|aa)+$"}}},
        {"patternProperties": {"a*a*a*a*a*b": {}}},
        {"$defs": {f"d{at}": {"anyOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(18)}},
    ],
)
def test_a_schema_that_may_take_hours_is_refused(schema: dict[str, object]) -> None:
    more = f"output_schema: {json.dumps(schema)}\n"

    assert [one.rule for one in findings(a_tree(a_prompt(more=more)))] == ["output-schema-slow"]


def test_a_schema_that_refers_to_itself_without_end_is_a_finding() -> None:
    more = "output_schema: {$ref: '#'}\nfew_shots: [{user: a, assistant: '1'}]\n"

    assert [one.rule for one in findings(a_tree(a_prompt(more=more)))] == ["output-schema-invalid"]


# privacy


@pytest.mark.parametrize("where", ["prompts/support/thresholds.yaml", "llmops.yaml", "prompts/support/prompt.yaml"])
def test_a_secret_is_found_in_every_file_even_in_a_comment(where: str) -> None:
    base = {"prompts/support/prompt.yaml": a_prompt(), "llmops.yaml": CONFIG}
    text = base.get(where, "release: {}\n") + "# " + "AKIA" + "IOSFODNN7EXAMPL2\n"

    assert [(one.rule, one.location.path) for one in findings(a_tree(**{where: text}))] == [("secret", where)]


def test_a_secret_is_found_in_a_prompt_that_is_not_valid() -> None:
    prompt = a_prompt(more="owner: [" + "AKIA" + "IOSFODNN7EXAMPL2]\n")

    assert [one.rule for one in findings(a_tree(prompt))] == ["prompt-schema", "secret"]


@pytest.mark.parametrize(("text", "is_error"), [("219-09-9999", True), ("rosa@alderfinch.net", False)])
def test_personal_data_in_templates_and_few_shots_is_found(text: str, is_error: bool) -> None:
    prompt = a_prompt(
        template=f"'{text} {{{{ question }}}}'", more=f"few_shots: [{{user: a, assistant: 'b {text}'}}]\n"
    )
    hits = findings(a_tree(prompt))

    assert [(one.rule, one.is_error, one.location.line, one.location.column) for one in hits] == [
        ("personal-data", is_error, 4, 12),
        ("personal-data", is_error, 5, 37),
    ]


def test_an_owner_may_have_an_address() -> None:
    assert told(a_tree(a_prompt(more="owner: rosa@alderfinch.net\n"))) == []


# retrieval


def with_rag(rag: str, **files: str) -> list[str]:
    pages = files or {"knowledge/a.md": "# A\n"}
    prompt = a_prompt(template="'{{ contexts }}'", more="rag: rag.yaml\n")
    return told(a_tree(prompt, **{"prompts/support/rag.yaml": rag, **pages}))


@pytest.mark.parametrize(
    "rag",
    [
        "loader: pdf\n",
        "chunking: {strategy: semantic}\n",
        "embedding: {provider: openai}\n",
        "embedding: {model: ada}\n",
        "embedding: {dimensions: 1536}\n",
        "index: {backend: qdrant}\n",
        "retrieval: {reranker: x}\n",
        "pii: {action: mask}\n",
        "freshness: {max_age: 30d}\n",
        "index: {name: loans}\n",
    ],
)
def test_what_this_version_cannot_do_is_said_and_never_ignored(rag: str) -> None:
    assert [hit.split()[0] for hit in with_rag(f"sources: knowledge\n{rag}")] == ["rag-unsupported"]


def test_everything_this_version_can_do_is_fine() -> None:
    rag = (
        "sources: [knowledge/*.md]\nloader: markdown\nchunking: {strategy: fixed, size: 50, overlap: 10}\n"
        "embedding: {provider: embedded, model: all-minilm-l6-v2, dimensions: 384}\nindex: {backend: memory}\n"
        "retrieval: {strategy: sparse, top_k: 2, score_threshold: 0.1, reranker: null}\npii: {action: refuse}\n"
    )

    assert with_rag(rag) == []


def test_sources_without_a_page_and_outside_are_found() -> None:
    assert with_rag("sources: [knowledge, nowhere, ../x]\n") == ["reference-missing 1:22", "reference-outside 1:31"]


def test_windows_that_never_move_on_are_refused() -> None:
    assert with_rag("sources: knowledge\nchunking: {size: 10, overlap: 10}\n") == ["rag-overlap 2:31"]


@pytest.mark.parametrize(("action", "count"), [("warn", 1), ("refuse", 1), ("ignore", 0)])
def test_personal_data_in_the_knowledge_is_told_by_action(action: str, count: int) -> None:
    page = {"knowledge/a.md": "# A\n\nAsk rosa@alderfinch.net or 555-0134.\n"}

    assert with_rag(f"sources: knowledge\npii: {{action: {action}}}\n", **page) == ["rag-personal-data 3:5"] * count


# thresholds


def with_bars(thresholds: str, more: str = "") -> list[str]:
    evalset = {
        "evalsets/loans/evalset.yaml": "name: loans\nversion: 1.0.0\nslices: [x]\n",
        "evalsets/loans/cases.jsonl": '{"id": "a", "question": "b", "tags": ["x"]}\n',
    }
    return told(
        a_tree(a_prompt(more=f"evalset: loans\n{more}"), **{"prompts/support/thresholds.yaml": thresholds}, **evalset)
    )


@pytest.mark.parametrize(
    ("thresholds", "hits"),
    [
        ("release: {mmr: {min: 1}}\n", ["metric-unknown 1:11"]),
        ("release: {}\nproduction: {joy: {min: 1}}\n", ["thresholds-unsupported 2:1", "metric-unknown 2:14"]),
        ("release: {mrr: {min: 1, max: 0}}\n", ["threshold-impossible 1:16"]),
        ("judge: gpt\nrelease: {}\n", ["judge-unknown 1:8"]),
        ("release: {mrr: {min: 1, slices: [y]}}\n", ["slice-unknown 1:33"]),
        ("release: {mrr: {min: 1, slices: {y: {min: 0}}}}\n", ["slice-unknown 1:33"]),
        ("release: {}\nquarantine: [{case: z, reason: r, until: 2026-01-01}]\n", ["quarantine-unknown 2:21"]),
        ("judge: embedded-lexical\nrelease: {mrr: {min: 0.1, max: 1, slices: [x]}}\n", []),
        ("release: {}\nquarantine: [{case: a, reason: r, until: 2026-01-01}]\n", []),
    ],
)
def test_thresholds_name_what_exists_and_can_be_met(thresholds: str, hits: list[str]) -> None:
    assert with_bars(thresholds) == hits


def test_without_a_vocabulary_names_of_metrics_are_not_checked() -> None:
    tree = a_tree(**{"prompts/support/thresholds.yaml": "release: {joy: {min: 1}}\n"})

    assert findings(tree, project.Vocabulary()) == ()


def test_a_missing_evalset_is_found() -> None:
    assert told(a_tree(a_prompt(more="evalset: loans\n"))) == ["evalset-missing 5:10"]


# names, places, configuration


def test_the_folder_has_the_prompts_name() -> None:
    assert told(a_tree(a_prompt(name="suport"))) == ["prompt-name 1:14"]


EVALUATION = "audit/records/0000/{number:06d}-evaluation-{name}.json"


def a_record(behaviour: str, **means: str) -> str:
    return json.dumps({"payload": {"predicate": {"behaviour": behaviour, "means": means}}}) + "\n"


def with_evaluation(said: str, **files: str) -> list[str]:
    return told(a_tree(a_prompt(more=f"evaluation: {{{said}}}\n"), **files))


BEHAVIOUR = a_release("1.0.0").behaviour_digest


@pytest.mark.parametrize(
    ("said", "is_fine"),
    [
        ("groundedness: 0.92", True),
        ("groundedness: 0.9", True),
        ("groundedness: 0.920", False),
        ("groundedness: 0.93", False),
        ("groundedness: 1", True),
        ("groundedness: 0", False),
        ("safety: PASS", False),
        ("safety: FAIL", True),
        ("mrr: PASS", True),
        ("groundedness: good", True),
        ("unmeasured: 0.1", True),
    ],
)
def test_figures_for_people_are_held_to_the_newest_evaluation_in_the_digits_written(said: str, is_fine: bool) -> None:
    old = {EVALUATION.format(number=3, name="support"): a_record(BEHAVIOUR, groundedness="0.5", safety="0.5")}
    new = {
        EVALUATION.format(number=12, name="support"): a_record(BEHAVIOUR, groundedness="0.9234", safety="0.98", mrr="1")
    }
    column = 15 + said.index(":") + 1

    assert with_evaluation(said, **old, **new) == ([] if is_fine else [f"evaluation-disagrees 5:{column}"])


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("other", a_record(BEHAVIOUR, groundedness="0.5")),
        ("support", a_record("0" * 64, groundedness="0.5")),
        ("support", "[]\n"),
        ("support", "{"),
        ("support", ""),
        ("support", a_record(BEHAVIOUR, groundedness="much")),
    ],
)
def test_figures_are_free_where_nothing_is_recorded_of_this_behaviour(name: str, record: str) -> None:
    assert with_evaluation("groundedness: 0.92", **{EVALUATION.format(number=1, name=name): record}) == []


def test_an_environment_where_nothing_serves_is_held_to_the_pointers_there_are() -> None:
    pointer = {"environments/staging/support.yaml": "version: 1.0.0\nstatus: stable\n"}
    (finding,) = findings(a_tree(a_prompt(more="environment: production\n"), **pointer))

    assert (finding.rule, finding.is_error) == ("pointer-disagrees", False)
    assert "serves in staging" in finding.message


def test_a_trusted_variable_is_no_more_than_a_warning() -> None:
    more = "variables: {a: {max_length: 9, trusted: true}}\n"
    (finding,) = findings(a_tree(a_prompt(template="'{{ question }} {{ a }}'", more=more)))

    assert (finding.rule, finding.is_error) == ("variable-unsupported", False)


def test_production_monitors_are_no_more_than_a_warning() -> None:
    tree = a_tree(**{"prompts/support/thresholds.yaml": "release: {}\nproduction: {mrr: {min: 0.5}}\n"})
    (finding,) = findings(tree)

    assert (finding.rule, finding.is_error, finding.location.line) == ("thresholds-unsupported", False, 2)


JUDGES = """
models: {smollm2: {provider: embedded}, small: {provider: openai}}
judges:
  %s
"""


@pytest.mark.parametrize(
    ("judge", "hits"),
    [
        ("strict: {kind: native}", ["judge-model-missing 3:11"]),
        ("strict: {kind: native, model: smal}", ["judge-model-unknown 3:33"]),
        ("strict: {kind: native, model: small, embeddings: e}", ["judge-model-unknown 3:52"]),
        ("strict: {kind: native, model: small, classifier: g}", ["judge-model-unknown 3:52"]),
        ("strict: {kind: native, model: small, classifier: small, finders: [detect-secrets]}", []),
    ],
)
def test_a_judge_names_models_that_are_configured(judge: str, hits: list[str]) -> None:
    words = project.Vocabulary(metrics=METRICS, judges=("embedded-lexical", "native"))
    tree = a_tree(**{"llmops.yaml": JUDGES.strip("\n") % judge + "\n"})

    assert [f"{one.rule} {one.location.line}:{one.location.column}" for one in findings(tree, words)] == hits


@pytest.mark.parametrize(
    ("metric", "hits"),
    [
        ("mrr: {plugin: acme}", ["metric-taken 3:3"]),
        ("tone: {plugin: acme, model: smal}", ["metric-model-unknown 3:31"]),
        ("tone: {promptfoo: asserts/tone.yaml}", ["reference-missing 3:21"]),
        ("tone: {plugin: acme, model: small}", []),
    ],
)
def test_a_metric_of_ones_own_has_a_name_of_its_own_and_what_it_is_made_from(metric: str, hits: list[str]) -> None:
    models = "models: {smollm2: {provider: embedded}, small: {provider: openai}}\n"
    tree = a_tree(**{"llmops.yaml": f"{models}metrics:\n  {metric}\n"})

    assert told(tree) == hits


def test_a_metric_of_ones_own_may_have_a_bar() -> None:
    own = {"llmops.yaml": CONFIG + "metrics:\n  tone: {plugin: acme}\n"}
    tree = a_tree(a_prompt(), **own, **{"prompts/support/thresholds.yaml": "release: {tone: {min: 0.5}}\n"})

    assert "metric-unknown" not in str(told(tree))


def test_a_bar_on_what_only_a_model_can_judge_wants_a_judge_with_one() -> None:
    words = project.Vocabulary(metrics=(*METRICS, "coherence"), needs_model=("coherence",))
    tree = a_tree(a_prompt(), **{"prompts/support/thresholds.yaml": "release:\n  coherence: {min: 0.5}\n"})

    assert "metric-needs-judge" in [one.rule for one in findings(tree, words)]


@pytest.mark.parametrize(("serving", "hits"), [("0.9.0", ["pointer-disagrees 2:10"]), ("1.0.0", [])])
def test_informational_fields_are_held_to_the_pointer(serving: str, hits: list[str]) -> None:
    pointer = {"environments/production/support.yaml": f"version: {serving}\nstatus: stable\n"}

    assert told(a_tree(a_prompt(more="environment: production\n"), **pointer)) == hits


def test_informational_fields_are_free_where_no_pointer_is() -> None:
    assert told(a_tree(a_prompt(more="environment: production\nstatus: stable\nevaluation: {mrr: 0.9}\n"))) == []


def test_a_judge_that_this_version_has_not_is_refused() -> None:
    config = CONFIG + "judges: {big: {kind: openai, model: smollm2}}\n"

    assert told(a_tree(**{"llmops.yaml": config})) == ["judge-unsupported 3:22"]
    assert findings(a_tree(**{"llmops.yaml": config}), project.Vocabulary(judges=("openai",))) == ()


@pytest.mark.parametrize(
    ("manifest", "rule"),
    [("name: other\nversion: 1.0.0\n", "evalset-name"), ("name: loans\nversion: one\n", "version-not-semver")],
)
def test_an_evalset_has_its_folders_name_and_a_semantic_version(manifest: str, rule: str) -> None:
    cases = {"evalsets/loans/cases.jsonl": '{"id": "a", "question": "b"}\n'}

    assert [one.rule for one in findings(a_tree(**{"evalsets/loans/evalset.yaml": manifest}, **cases))] == [rule]


def test_a_bar_in_percent_is_found() -> None:
    words = project.Vocabulary(metrics=("groundedness", "latency_ms"), shares=("groundedness",))

    def found(bar: str) -> list[tuple[str, int]]:
        bars = f"release:\n  groundedness: {{min: {bar}}}\n  latency_ms: {{max: 900}}\n"
        tree = a_tree(**{"prompts/support/thresholds.yaml": bars})
        return [(item.rule, item.location.line) for item in findings(tree, words)]

    assert found("40") == [("threshold-out-of-range", 2)]
    assert found("0.4") == []


@pytest.mark.parametrize(
    ("target", "hits"), [("answer", ["target-unknown 1:9"]), ("answers", []), ("prompt", []), ("app", [])]
)
def test_a_target_of_the_bars_is_configured(target: str, hits: list[str]) -> None:
    own = {"llmops.yaml": CONFIG + "targets: {app: {address: 'python:app:answer'}}\n"}
    tree = a_tree(a_prompt(), **own, **{"prompts/support/thresholds.yaml": f"target: {target}\nrelease: {{}}\n"})

    assert told(tree) == hits
