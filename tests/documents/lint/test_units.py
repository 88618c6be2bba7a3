from __future__ import annotations

import pytest

from llmops.documents import lint, project
from llmops.documents.trees import MemoryTree
from tests.documents.lint.builders import CONFIG, METRICS, a_prompt, a_tree, findings

WORDS = project.Vocabulary(metrics=METRICS)
TREE = a_tree(
    a_prompt(template="'{{ contexts }}'", more="rag: ../shared.yaml\n"),
    **{
        "prompts/shared.yaml": "sources: knowledge\n",
        "knowledge/a.md": "# A\n",
        "prompts/other/prompt.yaml": a_prompt(name="other"),
        "evalsets/loans/evalset.yaml": "name: loans\nversion: 1.0.0\n",
        "evalsets/loans/cases.jsonl": '{"id": "a", "question": "b"}\n',
    },
)
ALL = ("llmops.yaml", "prompts/other", "prompts/support", "evalsets/loans", "prompts/shared.yaml")
PROMPTS = ("prompts/other", "prompts/shared.yaml", "prompts/support")


def changed(path: str, text: str | None) -> MemoryTree:
    files = {**TREE.files, path: (text or "").encode()}
    if text is None:
        del files[path]
    return MemoryTree(files)


def is_unchanged(result: lint.UnitResult, tree: MemoryTree) -> bool:
    return result.inputs == lint.check_unit(tree, result.unit, WORDS).inputs


@pytest.mark.parametrize(
    ("paths", "units"),
    [
        ((), ALL),
        (("prompts/support/prompt.yaml",), ("prompts/support",)),
        (("prompts/support/",), ("prompts/support",)),
        (("prompts/support/rag.yaml", "evalsets/loans/cases.jsonl"), ("evalsets/loans", "prompts/support")),
        (("prompts",), PROMPTS),
        (("evalsets",), ("evalsets/loans",)),
        (("llmops.yaml",), tuple(sorted(ALL))),
        ((".",), tuple(sorted(ALL))),
        (("knowledge/a.md",), PROMPTS),
    ],
)
def test_paths_touch_their_units(paths: tuple[str, ...], units: tuple[str, ...]) -> None:
    assert lint.units(project.load(TREE), paths) == units


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("prompts/support/prompt.yaml", a_prompt()),
        ("prompts/shared.yaml", "sources: other\n"),
        ("prompts/shared.yaml", None),
        ("prompts/support/thresholds.yaml", "release: {}\n"),
        ("knowledge/a.md", "# B\n"),
        ("knowledge/b.md", "# B\n"),
        ("llmops.yaml", CONFIG + "judges: {other: {kind: embedded-lexical}}\n"),
        ("releases/support/1.0.0.json", "{}"),
    ],
)
def test_whatever_the_findings_depend_on_is_an_input(path: str, text: str | None) -> None:
    result = lint.check_unit(TREE, "prompts/support", WORDS)

    assert is_unchanged(result, TREE)
    assert not is_unchanged(result, changed(path, text))


@pytest.mark.parametrize("path", ["prompts/other/prompt.yaml", "evalsets/loans/cases.jsonl", "README.md"])
def test_what_they_do_not_depend_on_is_none(path: str) -> None:
    assert is_unchanged(lint.check_unit(TREE, "prompts/support", WORDS), changed(path, "x"))


def test_the_context_is_the_vocabulary_and_the_rules() -> None:
    same, other = project.Vocabulary(metrics=METRICS), project.Vocabulary(metrics=("mrr",))

    assert lint.context_digest(WORDS) == lint.context_digest(same)
    assert lint.context_digest(WORDS) != lint.context_digest(other)
    assert lint.context_digest(WORDS) != lint.context_digest(project.Vocabulary(metrics=METRICS, judges=("x",)))


def test_a_folder_without_its_document_is_an_error() -> None:
    tree = a_tree(**{"prompts/empty/notes.md": "", "evalsets/void/notes.md": ""})

    assert [(one.rule, one.location.path) for one in findings(tree)] == [
        ("document-missing", "evalsets/void/evalset.yaml"),
        ("document-missing", "prompts/empty/prompt.yaml"),
    ]


def test_a_file_that_nothing_reads_is_a_warning() -> None:
    assert [(one.rule, one.is_error) for one in findings(a_tree(**{"prompts/lone.yaml": a_prompt()}))] == [
        ("document-stray", False)
    ]
