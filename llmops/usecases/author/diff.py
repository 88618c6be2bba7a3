"""diff: what changed in meaning between two sides: refs, releases, an environment, or the working files.

A side is written `main`, `HEAD~2`, `prompt@1.2.0`, `env:staging`, or left out (the last commit; the working files).
Where the evalset differs, its cases are compared one by one: a digest tells nobody that a case was made easier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmops.documents import evalset_changes, project, releases
from llmops.documents.evalsets import Evalset
from llmops.documents.freezing import changes
from llmops.documents.freezing.changes import Change
from llmops.documents.releases import Release
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, InvalidDocuments
from llmops.usecases.evaluate import old_yardstick
from llmops.usecases.frozen import evalset_named, find_release, freeze_from
from llmops.usecases.ports import Repository
from llmops.usecases.records.ledgers import Records
from llmops.usecases.results.authoring import Difference

WORKING = "working files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side: how the user calls it, and where it stands."""

    label: str
    tree: Tree | None = None
    version: str = ""
    environment: str = ""


def sides(repository: Repository, spec: str) -> tuple[Side, Side]:
    """`BASE..HEAD`, `BASE`, or "" as two sides. Raises: CannotAsk REVISION_UNKNOWN."""
    before, separator, after = spec.partition("..")
    first = _side(repository, before or "HEAD")
    return first, _side(repository, after) if separator and after else Side(label=WORKING, tree=repository.work_tree())


def _side(repository: Repository, spec: str) -> Side:
    if spec.startswith("env:"):
        return Side(label=f"serving in {spec[4:]}", environment=spec[4:])
    if "@" in spec and not spec.startswith("@"):
        return Side(label=spec, version=spec.partition("@")[2])
    commit = repository.resolve(spec)
    if commit is None:
        raise CannotAsk(
            "REVISION_UNKNOWN",
            f"{spec} names no commit here",
            hint="a side is a git revision, prompt@VERSION, env:NAME, or left out for the working files",
        )
    return Side(label=spec, tree=repository.tree_at(commit))


def run(repository: Repository, records: Records, spec: str, name: str = "") -> tuple[Difference, ...]:
    """The differences by prompt, prompts without any left out. Raises: CannotAsk, InvalidDocuments."""
    name = name or _named(spec)
    before, after = sides(repository, spec)
    found = []
    for prompt in (name,) if name else _prompts(before, after):
        old, new = (_release(repository, records, side, prompt) for side in (before, after))
        if old is None and new is None:
            raise CannotAsk(
                "PROMPT_MISSING",
                f"there is no prompt {prompt} at {before.label} or in {after.label}",
                where=f"prompts/{prompt}/",
                hint="`git ls-files prompts` lists those that exist",
            )
        difference = changes.compare(old, new)
        if difference or name:
            sides_of = ((before, old), (after, new))
            found.append(_difference(repository, records, prompt, sides_of, difference))
    return tuple(found)


def _difference(
    repository: Repository,
    records: Records,
    prompt: str,
    both: tuple[tuple[Side, Release | None], tuple[Side, Release | None]],
    changed: tuple[Change, ...],
) -> Difference:
    (before, old), (after, new) = both
    plain = Difference(prompt=prompt, before=before.label, after=after.label, changes=changed)
    if old is None or new is None:
        return plain
    yardstick = _yardstick(changed)
    is_together = bool(yardstick) and any(change.part == "behaviour" for change in changed)
    plain = replace(plain, yardstick=yardstick, is_together=is_together)
    if old.evalset_digest == new.evalset_digest:
        return plain
    was, now = (_evalset(repository, records, side, release) for side, release in ((before, old), (after, new)))
    if was is None or now is None:
        return replace(plain, evalset_problem=_not_found(old if was is None else new))
    return replace(plain, evalset=evalset_changes.compare(was, now))


def _yardstick(changed: tuple[Change, ...]) -> tuple[str, ...]:
    """The parts of the bars that changed, each once: `evalset`, `judge`, `thresholds`, …"""
    parts = (change.path.split(".", 2)[1] for change in changed if change.part == "bars" and "." in change.path)
    return tuple(dict.fromkeys(part.partition("[")[0] for part in parts))


def _evalset(repository: Repository, records: Records, side: Side, release: Release) -> Evalset | None:
    """The cases that a side is measured on: those in its own files, or those of its digest wherever they are."""
    if side.tree is not None:
        return evalset_named(project.load(side.tree), release.evalset)
    return old_yardstick.cases_of(repository, records, release)


def _not_found(release: Release) -> str:
    where = f"{release.evalset} {release.evalset_digest[:12]}"
    return f"the cases of {where}, which {release.name} {release.version} is measured on, are not to be found here"


def _named(spec: str) -> str:
    first = next((side for side in spec.split("..") if "@" in side and not side.startswith(("@", "env:"))), "")
    return first.partition("@")[0]


def _prompts(*both: Side) -> tuple[str, ...]:
    names = {name for side in both if side.tree for name in project.load(side.tree).prompt_names}
    if any(side.environment or side.version for side in both) and not names:
        raise CannotAsk("NAME_MISSING", "which prompt?", hint="llmops diff env:staging NAME")
    return tuple(sorted(names))


def _release(repository: Repository, records: Records, side: Side, name: str) -> Release | None:
    if side.version:
        return find_release(repository.index_tree(), records.tree, name, side.version)
    if side.environment:
        state = records.ledger.state(side.environment, name)
        if state is None or not state.pointer.version:
            raise CannotAsk("NOTHING_SERVES", f"{name} does not serve in {side.environment}")
        path = releases.path_of(name, state.pointer.version)
        return releases.parse(records.tree.read(path) or b"", path)
    if side.tree is None or name not in project.load(side.tree).prompt_names:
        return None
    try:
        return freeze_from(side.tree, name, base="")
    except InvalidDocuments as error:
        if side.label == WORKING:
            raise
        raise CannotAsk(
            "SIDE_INVALID", f"{name} at {side.label} does not validate: {error.findings[0].message}", where=side.label
        ) from error
