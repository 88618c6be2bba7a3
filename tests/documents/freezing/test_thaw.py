"""A release as the YAML that people edit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from llmops.documents import prompts
from llmops.documents.freezing import freeze
from llmops.documents.freezing.thaw import thaw
from llmops.documents.reading import yaml_door
from tests.documents.prompt_builders import PROMPTS, RAGS, THRESHOLDS, a_release


def through_the_door(data):
    parsed = yaml_door.parse(data, "file.yaml")
    assert parsed.findings == (), data.decode()
    return parsed.value


def frozen_again(release):
    files = {name: through_the_door(data) for name, data in thaw(release).items()}
    prompt = prompts.parse(files["prompt.yaml"], "prompts/support/prompt.yaml")
    return freeze.freeze(
        prompt,
        rag=files.get("rag.yaml"),
        thresholds=files["thresholds.yaml"],
        evalset=prompt.evalset,
        evalset_digest=release.evalset_digest,
        base=release.base,
    )


@given(PROMPTS, RAGS, THRESHOLDS)
def test_thawed_release_freezes_again_to_the_same_digests(fields, rag, thresholds):
    release = a_release(rag=rag, thresholds=thresholds, **fields)
    again = frozen_again(release)
    assert again.behaviour_digest == release.behaviour_digest
    assert again.digest == release.digest


def test_thawing_again_gives_the_same_bytes():
    release = a_release(rag={"sources": "a"}, few_shots=[{"user": "a", "assistant": "b"}], variables=["x"])
    assert thaw(frozen_again(release)) == thaw(release)


def test_prompt_without_retrieval_has_no_rag_file():
    assert sorted(thaw(a_release())) == ["prompt.yaml", "thresholds.yaml"]
    assert sorted(thaw(a_release(rag={"sources": "a"}))) == ["prompt.yaml", "rag.yaml", "thresholds.yaml"]


def test_thawed_files_read_like_written_by_hand():
    release = a_release(
        version="1.3.0",
        template="You are SO.\n\nAnswer {{ user_role }}.",
        variables=["user_role"],
        temperature=0.1,
        changelog="v1.3.0: cites its sources",
        rag={"sources": "knowledge", "embedding": {"model": "other"}},
        thresholds={"release": {"groundedness": {"min": 0.92, "slices": ["numeric"]}}},
        few_shots=[{"user": "Why?", "assistant": "Because."}],
    )
    files = {name: data.decode() for name, data in thaw(release).items()}
    assert files["prompt.yaml"] == (
        "prompt_name: support\n"
        "version: 1.3.0\n"
        'changelog: "v1.3.0: cites its sources"\n'
        "model: gpt-4o\n"
        "temperature: 0.1\n"
        "template: |-\n"
        "  You are SO.\n"
        "\n"
        "  Answer {{ user_role }}.\n"
        "variables:\n"
        "  - user_role\n"
        "few_shots:\n"
        '  - user: "Why?"\n'
        "    assistant: Because.\n"
        "rag: rag.yaml\n"
        "evalset: cases\n"
    )
    assert files["thresholds.yaml"] == (
        "judge: embedded-lexical\n"
        "repeats: 1\n"
        "min_coverage: 1.0\n"
        "release:\n"
        "  groundedness:\n"
        "    min: 0.92\n"
        "    decide_on: mean\n"
        "    confidence: 0.95\n"
        "    slices:\n"
        "      numeric:\n"
        "        min: 0.92\n"
        "    min_cases: 1\n"
    )
    assert files["rag.yaml"].startswith("sources:\n  - knowledge\nloader: markdown\nembedding:\n  provider: embedded\n")


def test_version_that_looks_like_nothing_else_stays_a_text():
    release = a_release()
    renamed = replace(release, about={**release.about, "version": "1.10.0-rc.1"})
    assert through_the_door(thaw(renamed)["prompt.yaml"])["version"] == "1.10.0-rc.1"
