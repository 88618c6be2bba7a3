from __future__ import annotations

from llmops.documents.trees import MemoryTree

TREE = MemoryTree(
    {"prompts/b/prompt.yaml": b"b", "prompts/a/prompt.yaml": b"aa", "prompts-old": b"", "llmops.yaml": b"c"}
)


def test_entries_are_sorted_and_tell_sizes() -> None:
    assert [(entry.path, entry.size) for entry in TREE.entries("prompts")] == [
        ("prompts/a/prompt.yaml", 2),
        ("prompts/b/prompt.yaml", 1),
    ]


def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name() -> None:
    assert [entry.path for entry in TREE.entries("prompt")] == []
    assert [entry.path for entry in TREE.entries("prompts/")] == ["prompts/a/prompt.yaml", "prompts/b/prompt.yaml"]
    assert [entry.path for entry in TREE.entries("llmops.yaml")] == ["llmops.yaml"]


def test_what_is_not_there_is_none_and_left_out() -> None:
    assert TREE.read("nowhere") is None
    assert TREE.read_many(["llmops.yaml", "nowhere"]) == {"llmops.yaml": b"c"}
