"""Experiments as units: found by themselves, cached by what they read, and without secrets."""

from __future__ import annotations

from llmops.documents import lint, project
from tests.documents.lint.builders import a_tree, findings

PATH = "experiments/versions.yaml"
EXPERIMENT = "prompt: support\nversions: [working]\nrag: [../rag/two.yaml]\n"


def test_an_experiment_is_a_unit_of_its_own() -> None:
    tree = a_tree(**{PATH: EXPERIMENT, "rag/two.yaml": "sources: [pages]\n", "pages/a.md": "# A\n\nText.\n"})
    loaded = project.load(tree)
    assert PATH in lint.units(loaded)
    assert lint.units(loaded, [PATH]) == (PATH,)
    assert lint.units(loaded, ["experiments"]) == (PATH,)
    assert findings(tree) == ()


def test_its_findings_depend_on_what_it_names() -> None:
    tree = a_tree(**{PATH: EXPERIMENT, "rag/two.yaml": "sources: [pages]\n"})
    found = lint.check_unit(tree, PATH, project.Vocabulary())
    assert [finding.rule for finding in found.findings] == ["reference-missing"]
    read = {path for path, _ in found.inputs}
    assert {PATH, "rag/two.yaml", "llmops.yaml", "pages/", "prompts/"} <= read


def test_a_secret_in_it_is_found() -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLF"
    tree = a_tree(**{PATH: f"prompt: support\nversions: [working]  # {key}\n"})
    assert [finding.rule for finding in findings(tree)] == ["secret"]
