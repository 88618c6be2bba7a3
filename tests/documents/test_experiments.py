"""An experiment as a value: its arms in order, their labels, and what is no experiment."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.documents import canonical, experiments
from llmops.documents.experiments import ArmSpec
from llmops.documents.trees import MemoryTree
from llmops.errors import CannotAsk, InvalidDocuments

PATH = "experiments/models.yaml"


def read(text: str) -> Any:
    return experiments.read(MemoryTree({PATH: text.encode()}), PATH)


def test_arms_go_through_versions_then_models_then_retrieval() -> None:
    found = read(
        "prompt: support\nversions: [1.0.0, working]\nmodels: [a, b]\nrag: [../prompts/x/rag.yaml, ../rag/wide.yaml]\n"
    )
    assert [arm.label for arm in found.arms] == [
        "1.0.0 / a / rag",
        "1.0.0 / a / wide",
        "1.0.0 / b / rag",
        "1.0.0 / b / wide",
        "working / a / rag",
        "working / a / wide",
        "working / b / rag",
        "working / b / wide",
    ]
    assert found.arms[0] == ArmSpec(label="1.0.0 / a / rag", version="1.0.0", model="a", rag="prompts/x/rag.yaml")


def test_what_is_left_out_is_not_in_the_label() -> None:
    found = read("prompt: support\nversions: [1.0.0]\n")
    assert found.arms == (ArmSpec(label="1.0.0", version="1.0.0"),)
    assert (found.evalset, found.show, found.front, found.repeats, found.judge) == ("", (), (), 0, "")


def test_files_of_one_name_are_told_apart_by_their_paths() -> None:
    found = read("prompt: support\nversions: [1.0.0]\nrag: [../a/rag.yaml, ../b/rag.yaml]\n")
    assert [arm.label for arm in found.arms] == ["1.0.0 / a/rag.yaml", "1.0.0 / b/rag.yaml"]


def test_it_is_named_by_its_path_and_the_digest_of_its_bytes() -> None:
    text = "prompt: support\nversions: [1.0.0]  # a note\n"
    found = read(text)
    assert (found.name, found.path, found.digest) == ("models", PATH, canonical.sha256(text.encode()))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("experiments/a.yaml", "a"),
        ("experiments/a.yml", ""),
        ("experiments/rag/a.yaml", ""),
        ("prompts/a.yaml", ""),
        ("experiments", ""),
    ],
)
def test_only_yaml_files_right_in_the_folder_are_experiments(path: str, name: str) -> None:
    assert experiments.name_of(path) == name
    assert list(experiments.paths_in(MemoryTree({path: b""}))) == ([path] if name else [])


def test_what_is_not_there_and_what_is_not_valid_are_refused() -> None:
    with pytest.raises(CannotAsk) as caught:
        experiments.read(MemoryTree({}), PATH)
    assert (caught.value.code, caught.value.hint) == ("EXPERIMENT_MISSING", "there is: none yet")
    with pytest.raises(InvalidDocuments):
        read("prompt: support\n")
