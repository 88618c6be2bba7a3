"""A folder as a tree that remembers what its files looked like."""

from __future__ import annotations

from llmops.documents.trees import TreeEntry
from llmops.runtime.checkout import Checkout, stamp_of
from tests.runtime.checkouts import put


def test_what_is_not_there_is_nothing_and_is_remembered(root):
    files = Checkout(root)
    assert files.read("prompts/none/prompt.yaml") is None
    assert files.read("llmops.yaml/below-a-file") is None
    assert files.read_many(["prompts/none/prompt.yaml"]) == {}
    assert set(files.stamps.values()) == {None}
    assert files.folders("environments") == files.files("releases/none", ".json") == ()
    assert files.entries("prompts") == ()
    assert not files.has_folder("environments")


def test_a_folder_is_no_file(root):
    put(root, "prompts/a/prompt.yaml", b"x")
    assert Checkout(root).read("prompts/a") is None


def test_it_is_a_tree(root):
    put(root, "prompts/b/prompt.yaml", b"bb")
    put(root, "prompts/a/prompt.yaml", b"a")
    files = Checkout(root)
    assert files.entries("prompts") == (
        TreeEntry(path="prompts/a/prompt.yaml", mode="100644", size=1),
        TreeEntry(path="prompts/b/prompt.yaml", mode="100644", size=2),
    )
    assert files.read_many(["prompts/b/prompt.yaml", "none"]) == {"prompts/b/prompt.yaml": b"bb"}
    assert files.folders("prompts") == ("a", "b")
    assert files.files("prompts/a", ".yaml") == ("prompt",)


def test_a_file_that_changes_looks_different(root):
    file = put(root, "a.yaml", b"1")
    files = Checkout(root)
    files.read("a.yaml")
    assert files.stamps["a.yaml"] == stamp_of(file)
    file.write_bytes(b"12")
    assert files.stamps["a.yaml"] != stamp_of(file)
    file.unlink()
    assert stamp_of(file) is None
