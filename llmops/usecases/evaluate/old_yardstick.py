"""The yardstick of what serves, where the candidate brings another: finding its cases, and evidence on them.

An evalset is named by a digest, so it does not matter where its cases are found: in the index, on the records branch,
or anywhere in the history of the base branch. Looked at are the commit that brought the release that serves, then the
commits that changed the evalset, newest first, and of these no more than `MOST_COMMITS`.

Who measured is part of the yardstick: a judge or a scorer that is another one under the same name is told by comparing
with the evidence that the promotion of what serves names. Later evidence of what serves does not move that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from llmops.documents import bars, project
from llmops.documents.bars import Loosening
from llmops.documents.evalsets import Evalset
from llmops.documents.releases import Release, path_of
from llmops.documents.trees import Tree
from llmops.evaluation.gating import yardsticks
from llmops.evaluation.gating.yardsticks import Measures, OldYardstick
from llmops.evaluation.panels import Panel
from llmops.governance.predicates import Evaluation, Promotion
from llmops.usecases.evaluate import recording
from llmops.usecases.ports import Repository
from llmops.usecases.records.ledgers import Records

MOST_COMMITS = 64


def find(
    repository: Repository | None, records: Records, release: Release, serving: Release | None, panel: Panel
) -> OldYardstick | None:
    """What the gate needs to hold `release` against the cases of what serves too; None where they are its own, or
    where nothing serves."""
    if serving is None or serving.evalset_digest == release.evalset_digest:
        return None
    evalset = cases_for(repository, records, release, serving) if repository else None
    if evalset is None:
        return OldYardstick(evalset=None, problem=_not_found(serving))
    target = bars.parse(release.bars).target
    found = recording.find(
        records, behaviour=release.behaviour_digest, evalset_digest=evalset.digest, panel=panel, target=target
    )
    baseline = recording.baseline(
        records,
        behaviour=serving.behaviour_digest,
        evalset_digest=evalset.digest,
        yardstick=recording.yardstick_of(found, panel),
        target=target,
    )
    return OldYardstick(
        evalset=evalset,
        candidate=found.pool if found else None,
        baseline=baseline.pool if baseline else None,
        baseline_problem="" if baseline else f"{serving.name} {serving.version} has no such evidence on its own cases",
    )


def cases_for(repository: Repository, records: Records, release: Release, serving: Release) -> Evalset | None:
    """The evalset that `serving` was locked with, by its digest; None where it is that of `release`, or nowhere."""
    return None if serving.evalset_digest == release.evalset_digest else cases_of(repository, records, serving)


def cases_of(repository: Repository, records: Records, release: Release) -> Evalset | None:
    """The evalset that `release` was locked with, by its digest; None where it is nowhere to be found."""
    seen: set[tuple[bytes | None, ...]] = set()
    for tree in _trees(repository, records, release):
        found = _evalset(tree, release.evalset, seen)
        if found is not None and found.digest == release.evalset_digest:
            return found
    return None


def other_measures(
    records: Records, release: Release, serving: Release | None, environment: str, found: recording.Found | None
) -> tuple[Loosening, ...]:
    """In which respects the evidence on `release` was measured otherwise than that with which `serving` was promoted to
    `environment`; () where either is missing."""
    promoted = _promoted_with(records, serving, environment) if serving else None
    newest = next((item for item in reversed(_evaluations(records, release)) if found and _is_of(item, found)), None)
    if serving is None or promoted is None or newest is None:
        return ()
    named = (*bars.parse(release.bars).thresholds, *bars.parse(serving.bars).thresholds)
    return yardsticks.other_measures(_measures(newest), _measures(promoted), {item.metric for item in named})


def _promoted_with(records: Records, serving: Release, environment: str) -> Evaluation | None:
    """The newest evaluation on its own evalset that the newest promotion of `serving` names."""
    promotions = (entry.predicate for entry in reversed(records.ledger.entries) if entry.is_effective)
    named = next((said.evidence for said in promotions if _is_to(said, serving, environment)), ())
    entries = [
        entry for entry in records.ledger.evaluations_of(serving.behaviour_digest) if entry.entry.digest in named
    ]
    own = [item.evaluation for item in entries if item.evaluation.evalset_digest == serving.evalset_digest]
    return own[-1] if own else None


def _is_to(said: object, serving: Release, environment: str) -> TypeGuard[Promotion]:
    return isinstance(said, Promotion) and (said.release, said.environment) == (serving.digest, environment)


def _evaluations(records: Records, release: Release) -> list[Evaluation]:
    return [item.evaluation for item in records.ledger.evaluations_of(release.behaviour_digest)]


def _is_of(said: Evaluation, found: recording.Found) -> bool:
    return recording.key_of(said) == found.key


def _measures(said: Evaluation) -> Measures:
    return Measures(judge=said.judge, judge_digest=said.judge_digest, scorers=said.metrics)


def _evalset(tree: Tree, name: str, seen: set[tuple[bytes | None, ...]]) -> Evalset | None:
    """The evalset of this name, None where it is missing, broken, or the same as one that was seen."""
    loaded = project.load(tree)
    manifest = loaded.manifest(name)
    if manifest is None or not manifest.is_valid:
        return None
    source = project.resolve(manifest.path, str(manifest.value.get("source", "cases.jsonl"))) or ""
    content = (tree.read(manifest.path), tree.read(source))
    if content in seen:
        return None
    seen.add(content)
    folder = loaded.evalset(name)
    if folder is None or any(finding.is_error for finding in folder.findings):
        return None
    return folder.evalset


def _trees(repository: Repository, records: Records, release: Release) -> Iterator[Tree]:
    """Where the cases may stand, the cheapest places first."""
    yield repository.index_tree()
    yield records.tree
    policy = records.ledger.policy
    base = policy.base_branch if policy else ""
    tip = (
        repository.resolve(f"refs/heads/{base}") or repository.resolve(f"refs/remotes/origin/{base}") if base else None
    )
    if tip is None:
        return
    introduced = repository.introduced(path_of(release.name, release.version), until=tip)
    commits = repository.history(f"evalsets/{release.evalset}", until=tip, most=MOST_COMMITS)
    for commit in dict.fromkeys((*((introduced,) if introduced else ()), *commits)):
        yield repository.tree_at(commit)


def _not_found(serving: Release) -> str:
    return (
        f"{serving.name} {serving.version} was locked with {serving.evalset} {serving.evalset_digest[:12]}, which is "
        f"neither in the index, nor on the records branch, nor in the last {MOST_COMMITS} commits of the base branch "
        "that changed it"
    )
