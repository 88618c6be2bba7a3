"""validate: the cache answers only what is still true."""

from __future__ import annotations

import pytest

from llmops.documents import lint
from llmops.documents.trees import MemoryTree
from llmops.usecases.author import validate
from tests.worlds import PROMPT, a_team, documents

FILE = f"prompts/{PROMPT}/prompt.yaml"


class Kept:
    """A cache in memory."""

    data = b""

    def get(self) -> bytes:
        return self.data

    def put(self, data: bytes) -> None:
        self.data = data


@pytest.fixture
def files() -> dict[str, bytes]:
    return documents(a_team())


def run(files: dict[str, bytes], cache: Kept | None = None, *paths: str) -> object:
    return validate.run(MemoryTree(files), paths, cache)


def test_good_documents_have_no_findings(files: dict[str, bytes]) -> None:
    assert run(files).findings == ()


def test_findings_from_the_cache_are_the_findings(files: dict[str, bytes]) -> None:
    files[FILE] = b"prompt_name: other\nversion: x\n"
    cache = Kept()
    first = run(files, cache)
    assert first.errors
    assert run(files, cache) == first


def test_unchanged_folders_are_not_checked_again(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Kept()
    run(files, cache)
    checked: list[str] = []
    really = lint.check_unit
    monkeypatch.setattr(lint, "check_unit", lambda tree, unit, words: checked.append(unit) or really(tree, unit, words))
    run(files, cache)
    assert checked == []
    files[FILE] += b"nonsense: 1\n"
    assert run(files, cache).errors
    assert f"prompts/{PROMPT}" in checked


def test_a_change_in_a_file_that_a_prompt_refers_to_is_seen(files: dict[str, bytes]) -> None:
    cache = Kept()
    assert not run(files, cache).errors
    del files["evalsets/lamp/cases.jsonl"]
    assert run(files, cache).errors


@pytest.mark.parametrize("rubbish", [b"", b"[]", b"{}", b'{"inputs": [], "findings": [{}]}', b"\xff"])
def test_rubbish_in_the_cache_is_checked_again(files: dict[str, bytes], rubbish: bytes) -> None:
    cache = Kept()
    files[FILE] += b"nonsense: 1\n"
    first = run(files, cache)
    cache.put(rubbish)
    assert run(files, cache) == first


def test_paths_narrow_what_is_checked(files: dict[str, bytes]) -> None:
    files[FILE] += b"nonsense: 1\n"
    assert run(files, None, "evalsets/lamp").errors == 0
    assert run(files, None, FILE).errors == 1
