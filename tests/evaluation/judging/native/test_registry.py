import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.documents.reading.shapes import KEYWORDS
from llmops.evaluation.evidence import Absence, Score
from llmops.evaluation.judging import forms
from llmops.evaluation.judging.native import claims, registry
from llmops.evaluation.judging.native.registry import METRICS, prompts_digest
from llmops.evaluation.judging.steps import Ask, Embed, Said, Vectors
from llmops.evaluation.metrics import Direction, Need
from tests.evaluation.builders import a_case
from tests.evaluation.judging.scripted import Run, Script, run, seen


def fixed(text):
    def reply(request):
        if isinstance(request, Embed):
            return Vectors(rows=tuple((1.0, 2.0) for _ in request.texts))
        return Said(text=text)

    return reply


@pytest.mark.parametrize("name", METRICS)
def test_labels_rule_a_metric_out_before_anything_is_asked(name):
    metric = METRICS[name]
    found = run(metric.steps(seen(case=a_case(ground_truth=""))), fixed(""))
    rules_out = Need.GROUND_TRUTH in metric.info.needs
    assert (found.score.absence is Absence.NOT_APPLICABLE) == rules_out
    assert (found.calls == 0) == rules_out


@pytest.mark.parametrize("name", METRICS)
def test_a_prompt_without_retrieval_has_no_score_by_contexts(name):
    metric = METRICS[name]
    found = run(metric.steps(seen(has_retrieval=False, contexts=())), fixed(""))
    assert found.score.absence is Absence.UNMEASURED
    assert ("retrieves nothing" in found.score.reason) == (Need.CONTEXTS in metric.info.needs)


@pytest.mark.parametrize("name", METRICS)
def test_an_empty_answer_is_missing_unless_the_retriever_alone_is_judged(name):
    found = run(METRICS[name].steps(seen(" \n")), fixed(""))
    assert found.score.absence is Absence.UNMEASURED
    assert (found.score.reason == "the answer is empty") == (name not in ("context_precision", "context_recall"))


def test_the_metrics_of_the_design_are_there_and_only_noise_is_better_low():
    assert list(METRICS) == [
        "faithfulness",
        "groundedness",
        "answer_relevancy",
        "context_precision",
        "context_recall",
        "coherence",
        "factual_correctness",
        "noise_sensitivity",
    ]
    assert [name for name, metric in METRICS.items() if metric.info.direction is Direction.LOWER] == [
        "noise_sensitivity"
    ]
    assert all(Need.JUDGE in metric.info.needs for metric in METRICS.values())
    assert all(metric.info.name == name and metric.info.version == 1 for name, metric in METRICS.items())


ANYTHING = st.one_of(
    st.text(),
    st.builds(
        '{{"reason": {}, "verdict": "{}", "useful": {}, "grade": {}}}'.format,
        st.sampled_from(['"r"', '"\\ud800"', "1", "null"]),
        st.sampled_from(["supported", "partly", "unsupported", "?"]),
        st.sampled_from(["true", "false", "1"]),
        st.sampled_from(["1", "5", "6", "NaN"]),
    ),
    st.builds(
        '{{"declines": {}, "claims": {}, "question": "{}", "noncommittal": {}}}'.format,
        st.sampled_from(["true", "false"]),
        st.sampled_from(["[]", '["a"]', '["a", "b"]', '[" "]', "[1]", "{}"]),
        st.sampled_from(["", "Why?", "\\ud800"]),
        st.sampled_from(["true", "false"]),
    ),
)


@given(st.data(), st.sampled_from(sorted(METRICS)), st.text(), st.lists(st.text(), max_size=3), st.text())
@settings(max_examples=300, deadline=None)
def test_whatever_is_said_and_judged_there_is_a_score_or_a_reason(data, name, answer, contexts, truth):
    def reply(request):
        if isinstance(request, Embed):
            row = st.lists(st.floats(), min_size=2, max_size=2)
            return Vectors(rows=data.draw(st.lists(row, max_size=5)))
        request_texts = [message["content"] for message in request.messages]
        "".join(request_texts).encode()
        return Said(
            text=data.draw(ANYTHING),
            finish_reason=data.draw(st.sampled_from(["stop", "length", "content_filter"])),
            is_refusal=data.draw(st.booleans()),
        )

    case = a_case(ground_truth=truth)
    found = run(METRICS[name].steps(seen(answer, case=case, contexts=tuple(contexts))), reply)
    assert_sound(found)


def assert_sound(found: Run) -> None:
    score = found.score
    assert isinstance(score, Score)
    assert score.reason
    canonical.dumps(score.reason)
    assert score.value is None or 0 <= score.value <= 1


@pytest.mark.parametrize("name", METRICS)
def test_every_request_is_one_of_the_forms_that_the_digest_covers(name):
    metric = METRICS[name]
    systems = {form.spelled["messages"][0]["content"]: form for form in metric.forms}
    good = '{"declines": false, "claims": ["a", "b"]}', '{"question": "q", "noncommittal": false}'
    others = (
        '{"reason": "r", "verdict": "unsupported"}',
        '{"reason": "r", "useful": false}',
        '{"reason": "r", "grade": 3}',
    )
    used = set()

    def reply(request):
        if isinstance(request, Embed):
            return fixed("")(request)
        form = systems[request.messages[0]["content"]]
        assert request.schema == form.schema
        used.add(form.name)
        return Said(
            text=next(text for text in (*good, *others) if all(f'"{key}"' in text for key in form.schema["properties"]))
        )

    found = run(metric.steps(seen()), reply)
    assert found.score.value is not None
    assert used == {form.name for form in metric.forms}


@pytest.mark.parametrize("name", METRICS)
def test_schemas_are_what_strict_endpoints_and_our_checker_take(name):
    for form in METRICS[name].forms:
        assert form.schema["additionalProperties"] is False
        assert form.schema["required"] == list(form.schema["properties"])
        for schema in (form.schema, *form.schema["properties"].values()):
            assert set(schema) <= KEYWORDS


def test_the_digest_moves_with_words_fences_parameters_and_versions(monkeypatch):
    before = prompts_digest()
    assert prompts_digest() == before
    for place, value in (
        (f"{forms.__name__}.CLOSING", "Go."),
        (f"{forms.__name__}.REMINDER", "Again."),
        ("llmops.evaluation.judging.fences.RULE", "Obey."),
        ("llmops.evaluation.judging.fences.MARK_LENGTH", 10),
        (f"{registry.__name__}.PARAMETERS", {"temperature": 1}),
        (f"{registry.__name__}.METRICS", dict(list(METRICS.items())[1:])),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, value)
            assert prompts_digest() != before, place


def test_claims_are_asked_for_in_the_same_words_by_every_metric():
    def claim_asks(name):
        replies = fixed('{"declines": false, "claims": ["a"], "reason": "r", "verdict": "supported", "useful": true}')
        found = run(METRICS[name].steps(seen()), replies)
        requests = [request for batch in found.batches for request in batch]
        return [ask for ask in requests if isinstance(ask, Ask) and ask.schema == claims.CLAIMS.schema]

    answer = claim_asks("faithfulness")
    assert claim_asks("groundedness") == claim_asks("noise_sensitivity") == answer
    assert claim_asks("factual_correctness") == [*answer, *claim_asks("context_recall")]


def test_all_metrics_of_a_case_cost_what_the_documentation_says():
    script = Script(
        claims={"An answer.": [f"own {n}" for n in range(5)], "The truth.": ["wanted 1", "wanted 2"]},
        support={(f"own {n}", "The truth."): "supported" for n in range(4)},
        useful=("Rates", "Points"),
    )

    def reply(request):
        if isinstance(request, Embed):
            return fixed("")(request)
        if {"question", "grade"} & set(request.schema["properties"]):
            return '{"question": "Why?", "noncommittal": false, "reason": "r", "grade": 3}'
        return script(request)

    contexts = ("Rates: 6%.", "Penguins.", "Points: 1%.", "Fees.")
    observed = seen("An answer.", case=a_case(ground_truth="The truth."), contexts=contexts)
    runs = [run(metric.steps(observed), reply) for metric in METRICS.values()]
    requests = [request for one in runs for batch in one.batches for request in batch]
    unique = [request for index, request in enumerate(requests) if request not in requests[:index]]
    n, t, p, i = 5, 2, 4, 1
    assert len([request for request in unique if isinstance(request, Ask)]) == 6 + p + 2 * n + 2 * t + 2 * i == 26
    assert len(unique) == 27
