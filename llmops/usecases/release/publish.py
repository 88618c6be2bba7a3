"""publish: after the merge, record a release, its sources and who had a hand in it.

A hand in it had whoever changed its sources since the last PUBLISHED release that it is made from (all of history
where there is none): an unpublished release in between is part of this one. Sources are what it is frozen from: the
prompt, the documents it refers to wherever they stand, and the yardstick, its evalset's manifest and cases. Pages of
knowledge are data.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmops.documents import project, releases
from llmops.documents.releases import Release
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, Refusal
from llmops.governance.predicates import ReleasePublished, Source
from llmops.usecases.frozen import document_paths, newest_version
from llmops.usecases.ports import Repository
from llmops.usecases.records.ledgers import Desk, Records, Step, digest_of
from llmops.usecases.results.releasing import Act


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
    sources = _sources(tree, name)
    predicate = ReleasePublished(
        prompt=name,
        version=version,
        release=release.digest,
        behaviour=release.behaviour_digest,
        base=release.base,
        sources=tuple(Source(path=path, sha256=digest_of(data)) for path, data in sorted(sources.items())),
        contributors=repository.contributors(
            _touched(tree, release, sources), since=_since(repository, records, tree, release, commit), until=commit
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


def _sources(tree: Tree, name: str) -> Mapping[str, bytes]:
    return tree.read_many(document_paths(tree, name))


def _touched(tree: Tree, release: Release, sources: Mapping[str, bytes]) -> tuple[str, ...]:
    """Where a hand in the release shows: its sources, the places where they usually stand, the release itself."""
    usual = (f"prompts/{release.name}/{file}" for file in ("prompt.yaml", "rag.yaml", "thresholds.yaml"))
    yardstick = project.load(tree).evalset(release.evalset)
    cases = (yardstick.manifest.path, yardstick.source) if yardstick else ()
    own = releases.path_of(release.name, release.version)
    return tuple(sorted({*sources, *usual, *filter(None, cases), own}))


def _since(repository: Repository, records: Records, tree: Tree, release: Release, commit: str) -> str | None:
    """The commit that brought the last published release this one is made from; None: all of history counts."""
    version, seen = release.base, set[str]()
    while version and version not in seen:
        path = releases.path_of(release.name, version)
        if records.ledger.published(release.name, version) is not None:
            return repository.introduced(path, until=commit)
        seen.add(version)
        data = tree.read(path)
        version = releases.parse(data, path).base if data is not None else ""
    return None


def _changelog(release: Release) -> str:
    said = release.about.get("changelog", "")
    return said if isinstance(said, str) else "\n".join(said)
