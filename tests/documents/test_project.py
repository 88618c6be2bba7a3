from __future__ import annotations

from dataclasses import replace

import pytest

from llmops.documents import project
from llmops.documents.trees import MemoryTree, TreeEntry

PROMPT = "prompt_name: support\nversion: 1.0.0\nmodel: smollm2\ntemplate: '{{ question }}'\n"
MANIFEST = "name: loans\nversion: 1.0.0\n"
CASES = '{"id": "a", "question": "b", "tags": ["x"]}\n{"id": "c", "question": "d"}\n'


def a_tree(**files: str) -> MemoryTree:
    paths = {
        "config": "llmops.yaml",
        "prompt": "prompts/support/prompt.yaml",
        "rag": "prompts/support/rag.yaml",
        "thresholds": "prompts/support/thresholds.yaml",
        "manifest": "evalsets/loans/evalset.yaml",
        "cases": "evalsets/loans/cases.jsonl",
    }
    return MemoryTree({paths.get(name, name): text.encode() for name, text in files.items()})


def rules(tree: MemoryTree) -> list[str]:
    return [finding.rule for finding in project.load(tree).findings]


@pytest.mark.parametrize("reference", ["", "/etc/passwd", "../../../secret", "..\\rag.yaml", "a\0b", ".", "../../.."])
def test_a_reference_that_leaves_the_tree_is_none(reference: str) -> None:
    assert project.resolve("prompts/support/prompt.yaml", reference) in (None, "prompts/support")
    if reference != ".":
        assert project.resolve("prompts/support/prompt.yaml", reference) is None


@pytest.mark.parametrize(
    ("reference", "path"),
    [("rag.yaml", "prompts/support/rag.yaml"), ("../shared/rag.yaml", "prompts/shared/rag.yaml"), ("../../a", "a")],
)
def test_a_reference_is_relative_to_its_file(reference: str, path: str) -> None:
    assert project.resolve("prompts/support/prompt.yaml", reference) == path


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("rag", "rag.yaml", "reference-missing"),
        ("rag", "../../../rag.yaml", "reference-outside"),
        ("thresholds", "other.yaml", "reference-missing"),
        ("thresholds", "/thresholds.yaml", "reference-outside"),
    ],
)
def test_a_reference_to_nothing_is_found_where_it_stands(key: str, value: str, rule: str) -> None:
    finding = project.load(a_tree(prompt=f"{PROMPT}{key}: {value}\n")).findings[0]

    assert (finding.rule, finding.location.line, finding.location.column) == (rule, 5, len(key) + 3)


def test_findings_of_all_files_come_together_in_order() -> None:
    tree = a_tree(
        config="modles: {}\n", prompt=f"{PROMPT}ownr: a\n", thresholds="[]\n", manifest="name: 3 4\n", cases="{\n"
    )

    assert rules(tree) == ["evalset-schema", "evalset-schema", "llmops-schema", "prompt-schema", "thresholds-schema"]


def test_a_prompt_finds_its_documents() -> None:
    tree = a_tree(prompt=f"{PROMPT}rag: rag.yaml\n", rag="sources: knowledge\n", thresholds="release: {}\n")
    folder = project.load(tree).prompt("support")

    assert folder is not None
    assert folder.is_valid
    assert [document.kind for document in folder.documents] == ["prompt", "rag", "thresholds"]
    assert folder.rag is not None
    assert folder.rag.value == {"sources": "knowledge"}


def test_thresholds_elsewhere_are_taken_instead_of_those_beside() -> None:
    tree = a_tree(
        prompt=f"{PROMPT}thresholds: ../strict.yaml\n",
        thresholds="release: {}\n",
        **{"prompts/strict.yaml": "release: {}\n"},
    )
    folder = project.load(tree).prompt("support")

    assert folder is not None
    assert folder.thresholds is not None
    assert folder.thresholds.path == "prompts/strict.yaml"


def test_an_invalid_document_has_no_values() -> None:
    folder = project.load(a_tree(prompt=f"{PROMPT}ownr: a\n")).prompt("support")

    assert folder is not None
    assert folder.prompt.value == {}
    assert not folder.is_valid


def test_what_is_not_there_is_none() -> None:
    loaded = project.load(a_tree(**{"prompts/empty/notes.md": ""}))

    assert loaded.prompt_names == ("empty",)
    assert (loaded.prompt("empty"), loaded.prompt("x"), loaded.evalset("x"), loaded.manifest("x"), loaded.config) == (
        None,
    ) * 5


def test_nothing_is_read_before_it_is_asked_for() -> None:
    read: list[str] = []

    class Watched(MemoryTree):
        def read(self, path: str) -> bytes | None:
            read.append(path)
            return self.files.get(path)

    tree = a_tree(prompt=PROMPT, config="", manifest=MANIFEST, **{"prompts/other/prompt.yaml": PROMPT})
    project.load(Watched(tree.files)).prompt("support")

    assert read == ["prompts/support/prompt.yaml", "prompts/support/thresholds.yaml"]


@pytest.mark.parametrize(
    ("manifest", "cases", "rule", "place"),
    [
        (MANIFEST, '{"question": "a"}\n', "case-schema", "evalsets/loans/cases.jsonl:1:1"),
        (MANIFEST, CASES + '{"id": "a", "question": "e"}\n', "case-duplicate-id", "evalsets/loans/cases.jsonl:3:1"),
        (MANIFEST, "", "evalset-empty", "evalsets/loans/evalset.yaml:1:1"),
        (MANIFEST + "select: {tags: [y]}\n", CASES, "evalset-empty", "evalsets/loans/evalset.yaml:1:1"),
        (MANIFEST + "source: other.jsonl\n", CASES, "reference-missing", "evalsets/loans/evalset.yaml:3:9"),
        (MANIFEST + "source: ../../../x.jsonl\n", CASES, "reference-outside", "evalsets/loans/evalset.yaml:3:9"),
        (MANIFEST + "source: cases.xlsx\n", CASES, "evalset-unsupported", "evalsets/loans/evalset.yaml:3:9"),
        (MANIFEST + "slices: [y]\n", CASES, "evalset-slice-empty", "evalsets/loans/evalset.yaml:3:10"),
    ],
)
def test_what_is_wrong_with_an_evalset_is_found(manifest: str, cases: str, rule: str, place: str) -> None:
    folder = project.load(a_tree(manifest=manifest, cases=cases)).evalset("loans")

    assert folder is not None
    assert [(finding.rule, str(finding.location)) for finding in folder.findings] == [(rule, place)]
    assert folder.is_valid is (rule == "evalset-slice-empty")


def test_a_duplicate_id_names_both_lines() -> None:
    folder = project.load(a_tree(manifest=MANIFEST, cases=CASES + CASES)).evalset("loans")

    assert folder is not None
    assert [finding.message for finding in folder.findings] == [
        "the id 'a' is taken by line 1 already",
        "the id 'c' is taken by line 2 already",
    ]


def test_an_evalset_is_read_with_its_cases() -> None:
    folder = project.load(a_tree(manifest=MANIFEST + "slices: [x]\n", cases=CASES)).evalset("loans")

    assert folder is not None
    assert folder.evalset is not None
    assert [(case.id, case.tags) for case in folder.evalset.cases] == [("a", ("x",)), ("c", ())]


def test_select_keeps_the_cases_that_carry_every_tag() -> None:
    tree = a_tree(manifest=MANIFEST + "select: {tags: [x]}\nsource: ../loans/cases.jsonl\n", cases=CASES)
    folder = project.load(tree).evalset("loans")

    assert folder is not None
    assert folder.evalset is not None
    assert [case.id for case in folder.evalset.cases] == ["a"]


def test_columns_name_the_fields_of_a_foreign_file() -> None:
    manifest = MANIFEST + "columns: {id: key, question: text}\n"
    folder = project.load(a_tree(manifest=manifest, cases='{"key": "a", "text": "b", "extra": 1}\n')).evalset("loans")

    assert folder is not None
    assert folder.evalset is not None
    assert (folder.evalset.cases[0].id, folder.evalset.cases[0].question) == ("a", "b")


PAGES = MemoryTree(
    {"knowledge/a.md": b"", "knowledge/sub/b.md": b"", "knowledge/c.txt": b"", "other/a.md": b"", "knowledge.md": b""}
)


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("knowledge", ("knowledge/a.md", "knowledge/sub/b.md")),
        ("knowledge/", ("knowledge/a.md", "knowledge/sub/b.md")),
        ("knowledge/a.md", ("knowledge/a.md",)),
        ("knowledge/c.txt", ()),
        ("knowledge/*.md", ("knowledge/a.md",)),
        ("knowledge/**/*.md", ("knowledge/a.md", "knowledge/sub/b.md")),
        ("*/a.md", ("knowledge/a.md", "other/a.md")),
        ("knowledge/?.md", ("knowledge/a.md",)),
        ("**", ("knowledge.md", "knowledge/a.md", "knowledge/sub/b.md", "other/a.md")),
        ("nowhere", ()),
        ("../knowledge", ()),
        ("/knowledge", ()),
        ("knowledge/[a.md", ()),
    ],
)
def test_sources_are_files_folders_and_globs_from_the_root(source: str, paths: tuple[str, ...]) -> None:
    assert project.knowledge_paths(PAGES, (source,)) == paths


class _WithALink(MemoryTree):
    """A tree in which one page is a symbolic link."""

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        return tuple(
            replace(entry, mode="120000") if entry.path.endswith("link.md") else entry
            for entry in MemoryTree.entries(self, prefix)
        )


def test_a_link_is_no_page() -> None:
    tree = _WithALink({"pages/a.md": b"# A\n", "pages/link.md": b"/etc/passwd"})
    assert project.knowledge_paths(tree, ["pages"]) == ("pages/a.md",)
    assert project.knowledge_paths(tree, ["pages/*.md"]) == ("pages/a.md",)
