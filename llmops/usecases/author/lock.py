"""lock: freeze a prompt's documents into one release file, staged.

Needs no identity. Reads the index (what would be committed), or the work tree where asked. A version that is on the
base branch never changes: locking it again with other content is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmops.documents import lint, project, releases
from llmops.documents.releases import Release
from llmops.documents.trees import FileChange, Plan, Tree
from llmops.errors import CannotAsk, Finding, Refusal
from llmops.usecases.frozen import freeze_from
from llmops.usecases.ports import Repository
from llmops.usecases.results import Locked
from llmops.usecases.vocabulary import vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`base` overrides the version this one is made from; `check` writes nothing and answers whether it is frozen."""

    name: str
    base: str | None = None
    from_work_tree: bool = False
    check: bool = False
    is_dry_run: bool = False


def run(repository: Repository, request: Request, *, base_branch: str) -> Locked:
    """Freeze and stage. Raises: InvalidDocuments, Refusal VERSION_TAKEN, Refusal NOT_LOCKED (with `check`)."""
    tree = repository.work_tree() if request.from_work_tree else repository.index_tree()
    _require_staged(repository, tree, request)
    release = freeze_from(tree, request.name, base=request.base)
    path = releases.path_of(release.name, release.version)
    _require_base(tree, repository, release, base_branch)
    present = tree.read(path)
    frozen = _frozen_at_base(repository, path, base_branch)
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


def _require_staged(repository: Repository, tree: Tree, request: Request) -> None:
    """An edit that is not staged would be left out of the release in silence."""
    path = f"prompts/{request.name}/prompt.yaml"
    if tree.read(path) is None and repository.work_tree().read(path) is not None:
        raise CannotAsk(
            "NOT_STAGED",
            f"{request.name} is not in the index yet, and `lock` reads the index",
            where=path,
            hint=f"git add prompts/{request.name}, or `llmops lock {request.name} --worktree`",
        )


def _require_base(tree: Tree, repository: Repository, release: Release, base_branch: str) -> None:
    if not release.base:
        return
    path = releases.path_of(release.name, release.base)
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
