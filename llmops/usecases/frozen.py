"""Frozen releases: finding one by name and version, freezing documents into one, and the evalset it is measured on.

A locked release comes from the index, else from the records branch (both and different: an error), so that an edit
nobody staged can never stand in for it.
"""

from __future__ import annotations

import difflib
from pathlib import PurePosixPath

from llmops.documents import lint, project, prompts, releases, versions
from llmops.documents.evalsets import Evalset
from llmops.documents.freezing import freeze
from llmops.documents.releases import Release
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, Finding, InvalidDocuments
from llmops.usecases.ports import Repository
from llmops.usecases.vocabulary import vocabulary


def find_release(staged: Tree, records_tree: Tree, name: str, version: str = "") -> Release:
    """A release by name and version. Raises: CannotAsk RELEASE_MISSING, RELEASE_AMBIGUOUS."""
    version = version or newest_version(staged, name) or newest_version(records_tree, name) or ""
    path = releases.path_of(name, version)
    here, there = staged.read(path), records_tree.read(path)
    if here is not None and there is not None and here != there:
        raise CannotAsk(
            "RELEASE_AMBIGUOUS",
            f"the index and the records branch hold different releases {name} {version}",
            where=path,
            hint="a published version never changes: restore the file, bump the version, and lock again",
        )
    data = here if here is not None else there
    if data is None:
        raise CannotAsk(
            "RELEASE_MISSING",
            f"there is no release {name} {version}".rstrip(),
            where=path if version else f"releases/{name}/",
            hint=_nearest_release(staged, records_tree, name),
        )
    return releases.parse(data, path)


def _nearest_release(staged: Tree, records_tree: Tree, name: str) -> str:
    """What there is instead: other versions of this prompt, a prompt of a similar name, or how to make the first."""
    paths = [PurePosixPath(entry.path) for tree in (staged, records_tree) for entry in tree.entries("releases")]
    known = sorted({path.stem for path in paths if path.parent.name == name})
    if known:
        return f"there is: {', '.join(known)}; `llmops lock {name}` freezes the working files"
    near = difflib.get_close_matches(name, {path.parent.name for path in paths}, n=1)
    return f"did you mean {near[0]}?" if near else f"`llmops lock {name}` freezes the working files"


def newest_version(tree: Tree, name: str) -> str | None:
    """The highest version of a prompt that has a release in `tree`."""
    return versions.newest(
        PurePosixPath(entry.path).stem for entry in tree.entries(f"releases/{name}") if entry.path.endswith(".json")
    )


def freeze_from(tree: Tree, name: str, *, base: str | None = None) -> Release:
    """The release that the documents in `tree` freeze to. Raises: InvalidDocuments with every finding, CannotAsk."""
    return freeze_with_evalset(tree, name, base=base)[0]


def freeze_with_evalset(tree: Tree, name: str, *, base: str | None = None) -> tuple[Release, Evalset]:
    """The same, with the evalset that it names: reading a large one takes seconds."""
    loaded = project.load(tree, vocabulary())
    folder = loaded.prompt(name)
    if folder is None:
        known = ", ".join(loaded.prompt_names) or "none"
        raise CannotAsk(
            "PROMPT_MISSING",
            f"there is no prompt {name}; this repository has: {known}",
            where=f"prompts/{name}/",
            hint="name one of these" if loaded.prompt_names else "`llmops init` writes a first prompt",
        )
    findings = lint.check(loaded, (f"prompts/{name}",))
    if any(finding.is_error and not _is_edit_of_locked(tree, folder, finding) for finding in findings):
        raise InvalidDocuments(findings)
    prompt = prompts.parse(folder.prompt.value, folder.prompt.path)
    evalset = evalset_named(loaded, prompt.evalset or name)
    release = freeze.freeze(
        prompt,
        rag=folder.rag.value if folder.rag else None,
        thresholds=folder.thresholds.value if folder.thresholds else {},
        evalset=evalset.name,
        evalset_digest=evalset.digest,
        base=base if base is not None else _base_of(tree, name, prompt.version),
    )
    return release, evalset


def document_paths(tree: Tree, name: str) -> tuple[str, ...]:
    """Every file that a release of this prompt is frozen from, knowledge aside: the prompt, what it refers to, and its
    evalset's manifest and cases; those that are there, and thresholds.yaml beside the prompt in any case."""
    loaded = project.load(tree)
    folder = loaded.prompt(name)
    if folder is None:
        return (f"prompts/{name}/prompt.yaml",)
    paths = {f"prompts/{name}/thresholds.yaml", *(document.path for document in folder.documents)}
    evalset = loaded.evalset(folder.prompt.value.get("evalset") or name)
    paths.update((evalset.manifest.path, evalset.source) if evalset else ())
    return tuple(sorted(paths - {""}))


def _is_edit_of_locked(tree: Tree, folder: project.PromptFolder, finding: Finding) -> bool:
    """Another behaviour under a version that is locked here: `lock` replaces the release or says VERSION_TAKEN, and an
    author may look at an edit before choosing its version."""
    version = folder.prompt.value.get("version", "")
    return (
        finding.rule == "version-not-above-base" and tree.read(releases.path_of(folder.name, str(version))) is not None
    )


def _base_of(tree: Tree, name: str, version: str) -> str:
    """The base that is frozen under this version already, else the newest release below it, "" for a first one."""
    path = releases.path_of(name, version)
    present = tree.read(path)
    if present is not None:
        return releases.parse(present, path).base
    below = [
        stem
        for entry in tree.entries(f"releases/{name}")
        if entry.path.endswith(".json") and versions.is_above(version, stem := PurePosixPath(entry.path).stem)
    ]
    return versions.newest(below) or ""


def evalset_of(tree: Tree, release: Release) -> Evalset:
    """The evalset that `release` names. Raises: CannotAsk EVALSET_CHANGED where its cases are no longer those."""
    return evalset_in(project.load(tree), release)


def evalset_in(loaded: project.Project, release: Release) -> Evalset:
    """The same, of documents that may have been read already: reading a large evalset takes seconds."""
    evalset = evalset_named(loaded, release.evalset)
    if evalset.digest != release.evalset_digest:
        raise CannotAsk(
            "EVALSET_CHANGED",
            f"{release.name} {release.version} is measured on {release.evalset} {release.evalset_digest[:12]}, "
            f"these files are {evalset.digest[:12]}",
            where=f"evalsets/{release.evalset}/",
            hint="bring those cases back, or lock a new version with the new ones",
        )
    return evalset


def evalset_for(repository: Repository, records_tree: Tree, release: Release) -> Evalset:
    """The evalset that `release` names: from the records branch where it stands there, else from the index."""
    is_there = project.load(records_tree).evalset(release.evalset) is not None
    return evalset_of(records_tree if is_there else repository.index_tree(), release)


def evalset_named(loaded: project.Project, name: str) -> Evalset:
    """The evalset of this name. Raises: CannotAsk EVALSET_MISSING, InvalidDocuments."""
    folder = loaded.evalset(name)
    if folder is None:
        known = ", ".join(loaded.evalset_names) or "none"
        raise CannotAsk(
            "EVALSET_MISSING",
            f"there is no evalset {name}; this repository has: {known}",
            where=f"evalsets/{name}/",
            hint="name an existing one as `evalset:` in prompt.yaml",
        )
    if folder.evalset is None or any(finding.is_error for finding in folder.findings):
        raise InvalidDocuments(folder.findings)
    return folder.evalset
