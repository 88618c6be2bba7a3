"""What `lock` freezes."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import bars, canonical, releases
from llmops.documents.freezing import freeze
from tests.documents.prompt_builders import PROMPTS, RAGS, THRESHOLDS, a_prompt, a_release


def shuffled(value, seed):
    """`value` with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        random.Random(seed).shuffle(keys)
        return {key: shuffled(value[key], seed) for key in keys}
    return [shuffled(item, seed) for item in value] if isinstance(value, list) else value


@given(PROMPTS, RAGS, THRESHOLDS, st.integers())
def test_order_of_keys_is_irrelevant(fields, rag, thresholds, seed):
    one = a_release(rag=rag, thresholds=thresholds, **fields)
    other = a_release(rag=shuffled(rag, seed), thresholds=shuffled(thresholds, seed), **shuffled(fields, seed))
    assert one.data == other.data


@given(PROMPTS, RAGS, THRESHOLDS)
def test_frozen_file_reads_back_as_the_same_release(fields, rag, thresholds):
    release = a_release(rag=rag, thresholds=thresholds, **fields)
    again = releases.parse(release.data, releases.path_of(release.name, release.version))
    assert (again.behaviour, again.bars, again.about) == (release.behaviour, release.bars, release.about)
    assert again.digest == release.digest


@given(RAGS)
def test_retrieval_is_normalised_once_and_for_all(rag):
    if rag is not None:
        once = freeze.retrieval_of(rag)
        assert freeze.retrieval_of(once) == once


INFORMATIONAL = (
    {"status": "stable"},
    {"environment": "production"},
    {"evaluation": {"safety": "PASS"}},
)


@pytest.mark.parametrize("fields", INFORMATIONAL, ids=str)
def test_informational_fields_are_not_frozen(fields):
    assert a_release(**fields).data == a_release().data


ABOUT = (
    {"version": "1.1.0"},
    {"owner": "x"},
    {"changelog": "x"},
    {"use_case": "x"},
    {"labels": ["x"]},
    {"base": "0.9.0"},
)


@pytest.mark.parametrize("fields", ABOUT, ids=str)
def test_telling_about_a_release_changes_no_behaviour(fields):
    assert a_release(**fields).behaviour_digest == a_release().behaviour_digest
    assert a_release(**fields).digest != a_release().digest


SHAPING = (
    {"template": "Be brief."},
    {"variables": ["a"]},
    {"model": "other"},
    {"temperature": 0},
    {"parameters": {"seed": 1}},
    {"few_shots": [{"user": "a", "assistant": "b"}]},
    {"tools": [{"name": "a"}]},
    {"output_schema": {}},
    {"fallback": ""},
    {"rag": {"sources": "a"}},
)


@pytest.mark.parametrize("fields", SHAPING, ids=str)
def test_what_shapes_answers_is_behaviour(fields):
    assert a_release(**fields).behaviour_digest != a_release().behaviour_digest


SYSTEM = {"role": "system", "content": "Be kind."}
ASKING = {"role": "user", "content": "{{ question }}"}
NO_SHAPE = {"retrieval": {"top_k": 4}, "freshness": {"max_age": "1d"}, "index": {"name": "n"}}
EQUAL = (
    ({"template": "Be kind."}, {"messages": [SYSTEM, ASKING]}),
    ({"template": "{{ question }}"}, {"messages": [ASKING]}),
    ({"template": "Be kind.\n\n"}, {"template": "Be kind."}),
    ({"template": "a\r\nb"}, {"template": "a\nb"}),
    ({"temperature": 0.1}, {"parameters": {"temperature": 0.1}}),
    ({"temperature": 1}, {"temperature": 1.0}),
    ({"variables": ["a", "b"]}, {"variables": {"b": None, "a": {"type": "string", "description": "d"}}}),
    ({"variables": {"a": {"enum": ["x", "y"]}}}, {"variables": {"a": {"enum": ["y", "x", "y"]}}}),
    ({"few_shots": []}, {}),
    ({"rag": {"sources": "a/"}}, {"rag": {"sources": ["./a"], **NO_SHAPE}}),
    ({"rag": {"sources": ["a", "b"]}}, {"rag": {"sources": ["b", "a"], "embedding": {"dimensions": 384}}}),
)


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_meaning_gives_equal_behaviour(one, other):
    assert a_release(**one).behaviour_digest == a_release(**other).behaviour_digest


SPELLED = {"min": 1.0, "confidence": 0.95, "decide_on": "mean", "min_cases": 1}
EQUAL_BARS = (
    ({"release": {"a": {"min": 1}}}, {"release": {"a": SPELLED}, "repeats": 1, "min_coverage": 1}),
    ({"release": {"a": {"min": 1, "slices": ["s"]}}}, {"release": {"a": {"min": 1, "slices": {"s": {"min": 1}}}}}),
    ({"release": {}, "production": {"a": {"min": 1}}}, {"release": {}, "judge": "embedded-lexical", "quarantine": []}),
)


@pytest.mark.parametrize(("one", "other"), EQUAL_BARS)
def test_equal_meaning_gives_equal_bars(one, other):
    assert canonical.dumps(a_release(thresholds=one).bars) == canonical.dumps(a_release(thresholds=other).bars)


@given(THRESHOLDS)
def test_bars_mean_the_same_after_freezing(thresholds):
    frozen = freeze.bars_of(thresholds, "cases", "d")
    meant = tuple(bars.parse_threshold(metric, fields) for metric, fields in sorted(thresholds["release"].items()))
    assert bars.parse(frozen).thresholds == meant


def test_dimensions_of_the_default_model_say_nothing_about_another():
    other = freeze.retrieval_of({"sources": "a", "embedding": {"model": "other"}})
    assert other["embedding"] == {"provider": "embedded", "model": "other", "dimensions": None}


def test_behaviour_of_a_whole_prompt():
    prompt = a_prompt(
        template="{{ role }}\n", variables={"role": {"default": "user", "description": "who"}}, temperature=0.1
    )
    assert freeze.behaviour_of(prompt, None) == {
        "messages": [{"role": "system", "content": "{{ role }}"}, {"role": "user", "content": "{{ question }}"}],
        "variables": {"role": {"type": "string", "default": "user"}},
        "few_shots": [],
        "tools": [],
        "output_schema": None,
        "model": "gpt-4o",
        "parameters": {"temperature": 0.1},
        "retrieval": None,
        "fallback": None,
    }


def test_release_says_what_it_is():
    release = a_release(base="0.9.0", changelog="First", owner="team")
    assert release.is_system
    assert not a_release(template="{{ question }}").is_system
    assert json.loads(release.data)["about"] == {
        "format": 1, "name": "support", "version": "1.0.0", "base": "0.9.0", "changelog": "First", "owner": "team",
        "use_case": "", "labels": [],
    }  # fmt: skip


def test_double_beyond_the_exact_integers_reads_back():
    # RFC 8785 spells it 30348274784336370, which as an integer has no exact double.
    release = a_release(parameters={"seed": 3.034827478433637e16})
    again = releases.parse(release.data, "releases/support/1.0.0.json")
    assert again.behaviour["parameters"] == {"seed": 3.034827478433637e16}
