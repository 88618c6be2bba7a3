"""lock: freeze a prompt's documents into one release file, staged.

Rules, in order:

1. No identity is needed. The index (what would be committed) is frozen, or the work tree where asked; an edit that is
   not staged is never left out in silence. `check` looks at the index alone: that is what a hook is about to commit.
2. On a records branch of its own nothing is locked: releases get there by `publish`.
3. A release keeps the base that is frozen under its version, unless another is asked for; a first lock takes the
   newest release below. The base has a release, and is below the version.
4. A version that is on the base branch never changes: locking it again with other content is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from llmops.documents import lint, project, releases, versions
from llmops.documents.releases import Release
from llmops.documents.trees import FileChange, Plan, Tree
from llmops.errors import CannotAsk, Finding, InvalidDocuments, LlmopsError, Refusal
from llmops.usecases.frozen import document_paths, freeze_from
from llmops.usecases.ports import Repository
from llmops.usecases.results.authoring import Locked
from llmops.usecases.vocabulary import vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`base` overrides the version this one is made from; `check` writes nothing and answers whether it is frozen."""

    name: str
    base: str | None = None
    from_work_tree: bool = False
    check: bool = False
    is_dry_run: bool = False


def run(repository: Repository, request: Request, *, base_branch: str, records_branch: str = "") -> Locked:
    """Freeze and stage. `records_branch` is "" where records have no branch of their own that is known.

    Raises: InvalidDocuments, Refusal ON_RECORDS_BRANCH, VERSION_TAKEN, NOT_LOCKED (with `check`), CannotAsk NOT_STAGED,
    BASE_MISSING, BASE_NOT_BELOW."""
    _require_other_branch(repository, base_branch, records_branch)
    if not (request.from_work_tree or request.check):
        _require_staged(repository, request.name)
    tree = repository.work_tree() if request.from_work_tree else repository.index_tree()
    release = freeze_from(tree, request.name, base=request.base)
    path = releases.path_of(release.name, release.version)
    frozen = _frozen_at_base(repository, path, base_branch)
    if frozen is not None and request.base is None:
        release = replace(release, about={**release.about, "base": releases.parse(frozen, path).base})
    _require_base(tree, repository, release, base_branch)
    present = tree.read(path)
    if frozen is not None and frozen != release.data:
        raise _taken(release, path, base_branch, releases.parse(frozen, path))
    change = "unchanged" if present == release.data else "replaced" if present is not None else "created"
    if request.check and change != "unchanged":
        raise _not_locked(release, path, present)
    if change != "unchanged" and not request.is_dry_run:
        repository.apply(Plan(files=(FileChange(path=path, content=release.data),), stage=True))
    return Locked(
        prompt=release.name,
        version=release.version,
        base=release.base,
        path=path,
        digest=release.digest,
        behaviour_digest=release.behaviour_digest,
        change=change,
        is_dry_run=request.is_dry_run or request.check,
        warnings=_warnings(tree, request.name),
    )


def names(repository: Repository) -> tuple[str, ...]:
    """Every prompt in the index: what `lock --check` looks at when no name is given."""
    return project.load(repository.index_tree()).prompt_names


def check_all(check: Callable[[str], Locked], names: Iterable[str]) -> tuple[Locked, ...]:
    """What `check` says of every prompt. Raises: the one problem there is, or NOT_LOCKED with each of several."""
    answers: list[Locked] = []
    problems: list[tuple[str, LlmopsError]] = []
    for name in names:
        try:
            answers.append(check(name))
        except LlmopsError as problem:
            problems.append((name, problem))
    if len(problems) == 1:
        raise problems[0][1]
    if problems:
        raise _several(problems, len(answers) + len(problems))
    return tuple(answers)


def _several(problems: list[tuple[str, LlmopsError]], total: int) -> LlmopsError:
    what = f"{len(problems)} of {total} prompts are not locked as they stand"
    details = tuple(line for name, problem in problems for line in _told(name, problem))
    if all(isinstance(problem, CannotAsk) for _name, problem in problems):
        return CannotAsk("NOT_LOCKED", f"{what}: {'; '.join(details)}", hint=problems[0][1].hint)
    return Refusal("NOT_LOCKED", what, hint="llmops lock NAME, for each of them", details=details)


def _told(name: str, problem: LlmopsError) -> Iterable[str]:
    if isinstance(problem, InvalidDocuments):
        errors = (finding for finding in problem.findings if finding.is_error)
        return [f"{name}: {one.location}: {one.message} [{one.rule}]" for one in errors]
    return [f"{name}: {problem.what} [{problem.code}]"]


def _require_other_branch(repository: Repository, base_branch: str, records_branch: str) -> None:
    if records_branch and records_branch != base_branch and repository.branch() == f"refs/heads/{records_branch}":
        raise Refusal(
            "ON_RECORDS_BRANCH",
            f"{records_branch} holds records, and a release gets there by `publish` alone; {base_branch} is where "
            "releases are merged",
            hint=f"git switch {base_branch}, or a branch made from it",
        )


def _require_staged(repository: Repository, name: str) -> None:
    """An edit that is not staged would be left out of the release in silence."""
    index, folder = repository.index_tree(), repository.work_tree()
    paths = sorted({*document_paths(index, name), *document_paths(folder, name)})
    staged, lying = index.read_many(paths), folder.read_many(paths)
    differing = [path for path in paths if _text(staged.get(path)) != _text(lying.get(path))]
    if differing:
        listed = " ".join(differing)
        raise CannotAsk(
            "NOT_STAGED",
            f"`lock` reads the index, and these files are not staged as they lie in the folder: {listed}",
            where=differing[0],
            hint=f"git add {listed}, or `llmops lock {name} --worktree`",
        )


def _text(data: bytes | None) -> bytes | None:
    # Git may write other line ends into the folder than it keeps.
    return data.replace(b"\r\n", b"\n") if data is not None else None


def _require_base(tree: Tree, repository: Repository, release: Release, base_branch: str) -> None:
    if not release.base:
        return
    path = releases.path_of(release.name, release.base)
    if not versions.is_above(release.version, release.base):
        raise CannotAsk(
            "BASE_NOT_BELOW",
            f"{release.name} {release.version} cannot be made from {release.base}: a base is below its version",
            where=path,
            hint=f"--base names a version below {release.version}, or write a higher version in prompt.yaml",
        )
    if tree.read(path) is None and _frozen_at_base(repository, path, base_branch) is None:
        raise CannotAsk(
            "BASE_MISSING",
            f"{release.name} {release.version} says it is made from {release.base}, which has no release",
            where=path,
            hint="--base names an existing release",
        )


def _frozen_at_base(repository: Repository, path: str, base_branch: str) -> bytes | None:
    commit = repository.resolve(f"refs/heads/{base_branch}") or repository.resolve(f"refs/remotes/origin/{base_branch}")
    return repository.tree_at(commit).read(path) if commit else None


def _taken(release: Release, path: str, base_branch: str, frozen: Release) -> Refusal:
    return Refusal(
        "VERSION_TAKEN",
        f"{release.name} {release.version} is frozen on {base_branch} with another content",
        where=path,
        hint=f"bump the version in prompts/{release.name}/prompt.yaml",
        details=(f"frozen: {frozen.digest}", f"now:    {release.digest}"),
    )


def _not_locked(release: Release, path: str, present: bytes | None) -> Refusal:
    state = "is not what the documents freeze to" if present is not None else "does not exist"
    return Refusal("NOT_LOCKED", f"the release file {state}", where=path, hint=f"llmops lock {release.name}")


def _warnings(tree: Tree, name: str) -> tuple[Finding, ...]:
    """What `validate` warns of; errors would have stopped the lock."""
    found = lint.check(project.load(tree, vocabulary()), (f"prompts/{name}",))
    return tuple(finding for finding in found if not finding.is_error)
