"""Which paths may be written."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.adapters.git.writing.paths import refuse_links, refuse_unsafe
from llmops.errors import CannotAsk


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "..",
        "../up",
        "a/../../b",
        "a/./b",
        "a//b",
        "a/",
        "a\\b",
        "C:/x",
        "a:stream",
        ".git",
        ".GIT/config",
        "sub/.git/hooks/post-commit",
        "git~1/config",
        ".git /config",
        ".g\u200cit/config",
        "-rf",
        "a/--help",
        "a/ b",
        "a./b",
        "con",
        "a/NUL.json",
        "lpt1",
        "a\nb",
        "a\0b",
        "a\x1b[31m",
        "a\u202egpj.exe",
        "what?",
        "x" * 256,
    ],
)
def test_a_path_that_leaves_the_tree_or_means_something_else_is_refused(path: str) -> None:
    with pytest.raises(CannotAsk) as refused:
        refuse_unsafe([path])
    assert (refused.value.code, refused.value.where) == ("UNSAFE_PATH", path)


@pytest.mark.parametrize(
    "path",
    [
        "audit/records/0000/000001-approval-mortgage-assistant.json",
        ".github/workflows/llmops.yaml",
        ".gitattributes",
        ".llmops/x",
        "prompts/größe/prompt.yaml",
        "a b/c",
        "console/nullable.txt",
    ],
)
def test_an_ordinary_path_is_allowed(path: str) -> None:
    refuse_unsafe([path])


@given(st.text(alphabet="ab./\\:-~ \0\ngitGIT", max_size=12))
def test_what_is_allowed_stays_below_the_root(path: str) -> None:
    try:
        refuse_unsafe([path])
    except CannotAsk:
        return
    parts = PurePosixPath(path).parts
    assert "/".join(parts) == path
    assert ".." not in parts
    assert not any(part.casefold() == ".git" for part in parts)


@pytest.mark.parametrize("link", ["a", "a/b", "a/b/c.txt"])
def test_a_symlink_anywhere_on_the_way_is_refused(tmp_path: Path, link: str) -> None:
    place = tmp_path / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(tmp_path)
    with pytest.raises(CannotAsk) as refused:
        refuse_links(str(tmp_path), ["a/b/c.txt"])
    assert refused.value.code == "UNSAFE_PATH"


def test_folders_that_do_not_exist_yet_are_no_symlinks(tmp_path: Path) -> None:
    refuse_links(str(tmp_path), ["a/b/c.txt"])
