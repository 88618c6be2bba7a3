"""What may be kept from one `validate` to the next: whatever a finding depends on ends it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from llmops.documents import lint
from llmops.documents.trees import MemoryTree
from llmops.usecases.author import kept, validate
from llmops.usecases.results.authoring import Validated
from tests.documents.lint.builders import CONFIG, a_prompt, a_tree

TREE = a_tree(
    a_prompt(template="'{{ contexts }}'", more="rag: ../shared.yaml\n"),
    **{
        "prompts/shared.yaml": "sources: knowledge\n",
        "knowledge/a.md": "# A\n",
        "prompts/other/prompt.yaml": a_prompt(name="other", more="surprise: 1\n"),
        "evalsets/loans/evalset.yaml": "name: loans\nversion: 1.0.0\n",
        "evalsets/loans/cases.jsonl": '{"id": "a", "question": "b"}\n',
    },
)


class FakeCache:
    def __init__(self) -> None:
        self.data, self.writes = b"", 0

    def get(self) -> bytes:
        return self.data

    def put(self, data: bytes) -> None:
        self.data, self.writes = data, self.writes + 1


class UnsettledTree(MemoryTree):
    """Every file was written a moment ago: stamps say nothing."""

    def stamps(self) -> dict[str, str]:
        return dict.fromkeys(self.files, "")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The units that were really checked, in order."""
    seen: list[str] = []
    check_unit = lint.check_unit

    def noting(tree: object, unit: str, words: object) -> object:
        seen.append(unit)
        return check_unit(tree, unit, words)  # type: ignore[arg-type]

    monkeypatch.setattr("llmops.documents.lint.check_unit", noting)
    return seen


def changed(path: str, text: str | None) -> MemoryTree:
    files = {key: data for key, data in TREE.files.items() if key != path}
    return MemoryTree(files if text is None else {**files, path: text.encode()})


def twice(first: MemoryTree, second: MemoryTree, paths: Sequence[str] = ()) -> Validated:
    """The second answer, which must be what a run without a cache says."""
    cache = FakeCache()
    validate.run(first, (), cache)
    cached = validate.run(second, paths, cache)
    assert cached == validate.run(second, paths)
    return cached


def test_an_unchanged_tree_is_not_checked_again_and_says_the_same(checked: list[str]) -> None:
    cache = FakeCache()
    first = validate.run(TREE, (), cache)
    checked.clear()

    assert validate.run(TREE, (), cache) == first
    assert checked == []
    assert cache.writes == 1
    assert first.errors > 0


@pytest.mark.parametrize(
    ("path", "text", "units"),
    [
        ("prompts/support/prompt.yaml", a_prompt(), {"prompts/support"}),
        ("prompts/other/prompt.yaml", a_prompt(name="other"), {"prompts/other"}),
        ("prompts/shared.yaml", "sources: other\n", {"prompts/support", "prompts/shared.yaml"}),
        ("prompts/support/thresholds.yaml", "release: {}\n", {"prompts/support"}),
        ("knowledge/a.md", "# B\n", {"prompts/support"}),
        ("knowledge/b.md", "# B\n", {"prompts/support"}),
        ("knowledge/a.md", None, {"prompts/support"}),
        ("releases/support/1.0.0.json", "{}", {"prompts/support"}),
        ("evalsets/loans/cases.jsonl", "", {"evalsets/loans"}),
        ("prompts/new/prompt.yaml", a_prompt(name="new"), {"prompts/new"}),
        ("README.md", "x", set()),
    ],
)
def test_a_change_is_checked_and_nothing_else(path: str, text: str | None, units: set[str], checked: list[str]) -> None:
    cache = FakeCache()
    validate.run(TREE, (), cache)
    checked.clear()
    answer = validate.run(changed(path, text), (), cache)

    assert set(checked) == units
    assert answer == validate.run(changed(path, text), ())


def test_a_change_in_the_configuration_checks_whoever_read_it(checked: list[str]) -> None:
    cache = FakeCache()
    validate.run(TREE, (), cache)
    checked.clear()
    validate.run(changed("llmops.yaml", CONFIG + "judges: {other: {kind: embedded-lexical}}\n"), (), cache)

    assert set(checked) == {"llmops.yaml", "prompts/support"}  # the other prompt broke its schema before that


def test_a_run_over_some_paths_does_not_hide_changes_elsewhere(checked: list[str]) -> None:
    cache = FakeCache()
    validate.run(TREE, (), cache)
    later = changed("prompts/other/prompt.yaml", a_prompt(name="other"))
    validate.run(later, ("evalsets/loans",), cache)
    checked.clear()
    answer = validate.run(later, (), cache)

    assert checked == ["prompts/other"]
    assert answer == validate.run(later, ())


def test_where_stamps_say_nothing_the_bytes_decide(checked: list[str]) -> None:
    cache = FakeCache()
    validate.run(UnsettledTree(TREE.files), (), cache)
    checked.clear()
    validate.run(UnsettledTree(TREE.files), (), cache)
    assert checked == []

    later = changed("prompts/support/prompt.yaml", a_prompt())
    validate.run(UnsettledTree(later.files), (), cache)
    assert checked == ["prompts/support"]


def test_a_removed_prompt_is_forgotten() -> None:
    answer = twice(TREE, changed("prompts/other/prompt.yaml", None))

    assert not any(finding.location.path.startswith("prompts/other") for finding in answer.findings)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"x"', b'{"context": "c"}', b'{"context": "c", "stamps": []}'])
def test_what_cannot_be_read_says_nothing(data: bytes) -> None:
    assert kept.load(data, "c") == kept.Kept()


def test_another_context_says_nothing() -> None:
    data = kept.dump(kept.Kept(context="c", stamps={"a": "1"}))

    assert kept.load(data, "c").stamps == {"a": "1"}
    assert kept.load(data, "d") == kept.Kept()
