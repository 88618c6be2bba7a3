"""validate: all findings of all documents at once; what did not change since the last run is not checked again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from llmops.documents import canonical, lint, project
from llmops.documents.trees import StampedTree
from llmops.errors import in_order
from llmops.usecases.author import kept
from llmops.usecases.author.kept import Checked, Kept
from llmops.usecases.results.authoring import Validated
from llmops.usecases.vocabulary import vocabulary


class Cache(Protocol):
    """A place for one value; losing it costs time only."""

    def get(self) -> bytes: ...

    def put(self, data: bytes) -> None: ...


def run(tree: StampedTree, paths: Sequence[str], cache: Cache | None = None) -> Validated:
    """The findings of the units that `paths` touch (all of them without any), sorted by place."""
    words = vocabulary()
    units = lint.units(project.load(tree, words), paths)
    context = lint.context_digest(words)
    before = kept.load(cache.get(), context) if cache else Kept()
    stamps = tree.stamps() if cache else {}
    holding = before.still_true(stamps, lambda path: _digest(tree, path))
    checked = {unit: _check(tree, unit, words) for unit in units if unit not in holding}
    after = before.updated(context, stamps, holding, checked)
    if cache and after != before:
        cache.put(kept.dump(after))
    findings = [finding for unit in units for finding in after.findings.get(unit, ())]
    return Validated(units=len(units), findings=in_order(findings))


def _check(tree: StampedTree, unit: str, words: project.Vocabulary) -> Checked:
    result = lint.check_unit(tree, unit, words)
    return Checked(findings=result.findings, inputs=result.inputs)


def _digest(tree: StampedTree, path: str) -> str:
    data = tree.read(path)
    return "" if data is None else canonical.sha256(data)
