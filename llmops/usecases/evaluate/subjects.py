"""What is evaluated: one frozen behaviour, the cases it is scored on, and the pages it retrieves from.

Working files are frozen in memory for previews; never evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmops.documents import project
from llmops.documents.evalsets import Evalset
from llmops.documents.releases import Release
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk
from llmops.retrieval import chunking, manifest
from llmops.retrieval.passages import Passage
from llmops.usecases.frozen import evalset_in, find_release, freeze_with_evalset
from llmops.usecases.ports import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One behaviour with everything that scoring it needs. `index` is "" where nothing is retrieved."""

    release: Release
    evalset: Evalset
    passages: tuple[Passage, ...]
    index: str
    is_frozen: bool


def locked(repository: Repository, records_tree: Tree, name: str, version: str = "") -> Subject:
    """The subject of a locked release (the newest one without `version`)."""
    staged = repository.index_tree()
    release = find_release(staged, records_tree, name, version)
    here = project.load(staged)
    loaded = here if here.evalset(release.evalset) else project.load(records_tree)
    return subject_of(loaded.tree, release, evalset_in(loaded, release), is_frozen=True)


def working(repository: Repository, name: str) -> Subject:
    """The subject that the working files would freeze to. Raises: InvalidDocuments, CannotAsk."""
    tree = repository.work_tree()
    release, evalset = freeze_with_evalset(tree, name)
    return subject_of(tree, release, evalset, is_frozen=False)


def paired(repository: Repository, records_tree: Tree, release: Release, evalset: Evalset) -> Subject:
    """A release on another one's evalset: what serves, measured by the candidate's yardstick."""
    staged = repository.index_tree()
    tree = staged if project.load(staged).evalset(evalset.name) else records_tree
    return subject_of(tree, release, evalset, is_frozen=True)


def subject_of(tree: Tree, release: Release, evalset: Evalset, *, is_frozen: bool) -> Subject:
    """The subject of `release` on `evalset`, with the pages that it retrieves from in `tree`."""
    retrieval = release.behaviour.get("retrieval")
    passages = knowledge(tree, retrieval["sources"], chunking.chunking_of(retrieval)) if retrieval else ()
    index = manifest.manifest(retrieval, passages).index if retrieval else ""
    return Subject(release=release, evalset=evalset, passages=passages, index=index, is_frozen=is_frozen)


def knowledge(tree: Tree, sources: tuple[str, ...], how: chunking.Chunking) -> tuple[Passage, ...]:
    """The passages of all Markdown pages that `sources` (files, folders, globs) name in `tree`.
    Raises: CannotAsk KNOWLEDGE_MISSING."""
    paths = project.knowledge_paths(tree, sources)
    if not paths:
        raise CannotAsk(
            "KNOWLEDGE_MISSING",
            f"no Markdown page matches {', '.join(sources)}",
            where=sources[0] if sources else "",
            hint="`sources:` in rag.yaml names files, folders or globs from the repository's root",
        )
    pages = tree.read_many(paths)
    texts = [chunking.page_of(path, data.decode("utf-8", "replace")) for path, data in pages.items()]
    return chunking.chunk(texts, how)
