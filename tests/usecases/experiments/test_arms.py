"""Arms: one yardstick for all, another behaviour for another model or retrieval, and reasons for what is missing."""

from __future__ import annotations

import pytest

from llmops.documents import bars
from llmops.errors import CannotAsk, InvalidDocuments
from tests.usecases.experiments.builders import PATH, assembled, put, two_versions
from tests.worlds import PROMPT, RAG, a_prompt_file, cases_file

VARIANT = f"prompts/{PROMPT}/rag-two.yaml"


def test_left_out_means_the_version_s_own_and_the_baseline_s_bars() -> None:
    found = assembled(put(two_versions()))
    assert [arm.spec.label for arm in found.arms] == ["1.0.0", "1.1.0"]
    assert all(arm.is_release for arm in found.arms)
    assert (found.evalset.name, found.judge, found.repeats) == ("lamp", "embedded-lexical", 1)
    assert found.show == ("contains", "groundedness", "cost_usd", "latency_ms")
    assert found.objectives == found.show
    assert found.baseline == "1.0.0"


def test_another_model_or_retrieval_is_another_behaviour_and_no_release() -> None:
    world = put(two_versions(), models=["fake", "other"], rag=[f"../{VARIANT}"])
    world.put({VARIANT: RAG.replace("top_k: 1", "top_k: 2").encode()})
    found = assembled(world)
    assert [arm.spec.label for arm in found.arms] == [
        "1.0.0 / fake / rag-two",
        "1.0.0 / other / rag-two",
        "1.1.0 / fake / rag-two",
        "1.1.0 / other / rag-two",
    ]
    subjects = [arm.subject for arm in found.arms if arm.subject]
    assert len({subject.release.behaviour_digest for subject in subjects}) == 4
    assert [subject.release.model for subject in subjects] == ["fake", "other", "fake", "other"]
    assert {subject.release.behaviour["retrieval"]["retrieval"]["top_k"] for subject in subjects} == {2}
    assert len({subject.index for subject in subjects}) == 1
    assert not any(arm.is_release for arm in found.arms)


def test_naming_what_a_version_has_anyway_leaves_it_the_release() -> None:
    world = put(two_versions(), models=["fake"], rag=[f"../prompts/{PROMPT}/rag.yaml"])
    found = assembled(world)
    assert all(arm.is_release for arm in found.arms)
    digests = [arm.subject.release.behaviour_digest for arm in found.arms if arm.subject]
    assert digests == [world.subject(version).release.behaviour_digest for version in ("1.0.0", "1.1.0")]


def test_every_arm_is_measured_by_the_experiment_s_yardstick() -> None:
    world = put(two_versions(), repeats=3, evalset="bulbs", judge="j", metrics={"show": ["mrr"], "front": ["tokens"]})
    manifest = world.repository.folder["evalsets/lamp/evalset.yaml"].replace(b"name: lamp", b"name: bulbs")
    world.put({"evalsets/bulbs/evalset.yaml": manifest, "evalsets/bulbs/cases.jsonl": cases_file()})
    found = assembled(world)
    asked = [bars.parse(arm.subject.release.bars) for arm in found.arms if arm.subject]
    assert {(each.judge, each.repeats, each.evalset, each.evalset_digest) for each in asked} == {
        ("j", 3, "bulbs", found.evalset.digest)
    }
    assert (found.show, found.objectives) == (("mrr",), ("tokens",))


def test_working_files_are_an_arm_but_no_release() -> None:
    world = put(two_versions(), versions=["1.0.0", "working"])
    world.repository.write(f"prompts/{PROMPT}/prompt.yaml", a_prompt_file("1.2.0", text="Say it."))
    found = assembled(world)
    assert [arm.is_release for arm in found.arms] == [True, False]
    assert found.arms[1].subject is not None
    assert found.arms[1].subject.release.version == "1.2.0"


def test_a_version_that_is_not_there_is_an_arm_with_its_reason() -> None:
    found = assembled(put(two_versions(), versions=["1.0.0", "9.0.0"]))
    assert found.arms[0].failure is None
    assert found.arms[1].failure is not None
    assert found.arms[1].failure.code == "RELEASE_MISSING"


def test_a_baseline_that_is_not_there_leaves_no_yardstick() -> None:
    with pytest.raises(CannotAsk) as caught:
        assembled(put(two_versions(), versions=["9.0.0", "1.0.0"]))
    assert caught.value.code == "RELEASE_MISSING"


def test_a_retrieval_that_is_not_there_or_not_valid_is_named() -> None:
    world = put(two_versions(), versions=["1.0.0"], rag=["../rag/none.yaml", "../rag/broken.yaml"])
    world.put({"rag/broken.yaml": RAG.encode() + b"top: 3\n"})
    codes = [arm.failure.code for arm in assembled(world).arms if arm.failure]
    assert codes == ["REFERENCE_MISSING", "INVALID_DOCUMENTS"]
    failure = assembled(world).arms[1].failure
    assert failure is not None
    assert any("rag/broken.yaml:3" in line for line in failure.details)


def test_a_retrieval_that_this_version_does_not_do_is_named_not_ignored() -> None:
    world = put(two_versions(), versions=["1.0.0"], rag=["../rag/rerank.yaml"])
    world.put({"rag/rerank.yaml": RAG.replace("top_k: 1", "top_k: 1, reranker: r").encode()})
    failure = assembled(world).arms[0].failure
    assert failure is not None
    assert any("rag-unsupported" in line for line in failure.details)


def test_an_experiment_that_is_not_there_says_which_are() -> None:
    world = put(two_versions())
    for path in ("experiments/none.yaml", "prompts/x.yaml"):
        with pytest.raises(CannotAsk) as caught:
            assembled(world, path=path)
        assert caught.value.code == "EXPERIMENT_MISSING"
        assert PATH in caught.value.hint


def test_an_experiment_that_is_not_valid_has_its_findings() -> None:
    world = put(two_versions(), modells=["fake"])
    with pytest.raises(InvalidDocuments) as caught:
        assembled(world)
    assert [finding.rule for finding in caught.value.findings] == ["experiment-schema"]


def test_recorded_is_what_is_staged() -> None:
    world = put(two_versions())
    world.repository.write(PATH, b"prompt: support\nversions: [working]\n")
    assert [arm.spec.label for arm in assembled(world, is_staged=True).arms] == ["1.0.0", "1.1.0"]
    assert [arm.spec.label for arm in assembled(world).arms] == ["working"]
