"""publish: after the merge, record a release, its sources and who had a hand in it."""

from __future__ import annotations

from collections.abc import Mapping

from llmops.documents import releases
from llmops.documents.releases import Release
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, Refusal
from llmops.governance.predicates import ReleasePublished, Source
from llmops.usecases.frozen import newest_version
from llmops.usecases.ports import Repository
from llmops.usecases.records.ledgers import Desk, Records, Step, digest_of
from llmops.usecases.results import Act


def run(desk: Desk, name: str, version: str) -> Act:
    """Record the release as merged to the base branch. Raises: CannotAsk RELEASE_NOT_MERGED, Refusal PUBLISHED."""
    said: list[ReleasePublished] = []

    def decide(records: Records) -> Step:
        made = step(desk.repository, records, name, version)
        said.append(made.predicate)
        return made

    written = desk.write(decide)
    published = said[-1]
    people = ", ".join(f"{person.name} <{person.email}>" for person in published.contributors) or "nobody in git"
    return Act(
        verb="publish",
        prompt=published.prompt,
        version=published.version,
        environment="",
        facts=(
            ("release", published.release),
            ("behaviour", published.behaviour),
            ("base", published.base or "none: a first release"),
            ("contributors", people),
        ),
        records=written,
    )


def step(repository: Repository, records: Records, name: str, version: str) -> Step:
    """The release record for the release as it stands on the base branch."""
    base_branch = records.policy.base_branch
    commit = _base_commit(repository, base_branch)
    tree = repository.tree_at(commit)
    version = version or newest_version(tree, name) or ""
    release = _merged(tree, name, version, base_branch)
    published = records.ledger.published(name, version)
    if published is not None:
        raise Refusal(
            "PUBLISHED",
            f"{name} {version} is published already, as {published.published.release}",
            where=published.entry.path,
        )
    sources = _sources(tree, release)
    predicate = ReleasePublished(
        prompt=name,
        version=version,
        release=release.digest,
        behaviour=release.behaviour_digest,
        base=release.base,
        sources=tuple(Source(path=path, sha256=digest_of(data)) for path, data in sorted(sources.items())),
        contributors=repository.contributors(
            (*sources, releases.path_of(name, version)), since=_since(repository, release, commit), until=commit
        ),
        changelog=_changelog(release),
    )
    return Step(predicate=predicate, summary=f"publish {name} {version}", release=release)


def _base_commit(repository: Repository, base_branch: str) -> str:
    for ref in (f"refs/heads/{base_branch}", f"refs/remotes/origin/{base_branch}"):
        commit = repository.resolve(ref)
        if commit:
            return commit
    raise CannotAsk("BASE_BRANCH_MISSING", f"there is no branch {base_branch}", hint=f"git fetch origin {base_branch}")


def _merged(tree: Tree, name: str, version: str, base_branch: str) -> Release:
    path = releases.path_of(name, version)
    data = tree.read(path)
    if data is None:
        raise CannotAsk(
            "RELEASE_NOT_MERGED",
            f"{base_branch} has no release {name} {version}".rstrip(),
            where=path if version else f"releases/{name}/",
            hint=f"`llmops lock {name}`, commit the file and merge it to {base_branch}",
        )
    return releases.parse(data, path)


def _sources(tree: Tree, release: Release) -> Mapping[str, bytes]:
    folder = f"prompts/{release.name}"
    return tree.read_many(f"{folder}/{file}" for file in ("prompt.yaml", "rag.yaml", "thresholds.yaml"))


def _since(repository: Repository, release: Release, commit: str) -> str | None:
    """Contributors count from the commit that brought the base release; all of history for a first one."""
    return repository.introduced(releases.path_of(release.name, release.base), until=commit) if release.base else None


def _changelog(release: Release) -> str:
    said = release.about.get("changelog", "")
    return said if isinstance(said, str) else "\n".join(said)
