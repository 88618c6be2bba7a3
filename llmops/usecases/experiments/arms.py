"""The arms of an experiment as subjects: each version, with the model and the retrieval that the arm wants.

Rules, in order:

1. One yardstick: every arm is measured on the experiment's evalset, by its judge, as often as it says; what it leaves
   out, the baseline's bars say. A version's own bars still name metrics, so its evidence serves the gate as well.
2. Another model or another retrieval is another behaviour, with a digest of its own: it is never evidence of the
   release it was made from.
3. All files come from one tree: what is staged where it will be recorded, else the work tree. Locked versions come from
   the index or the records branch, as everywhere.
4. An arm that cannot be assembled is kept with its reason; the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from llmops.documents import bars, experiments, project
from llmops.documents.evalsets import Evalset
from llmops.documents.experiments import WORKING, ArmSpec, Experiment
from llmops.documents.freezing.freeze import retrieval_of
from llmops.documents.lint import retrieval
from llmops.documents.releases import Release
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, InvalidDocuments, LlmopsError
from llmops.usecases.evaluate import subjects
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.frozen import evalset_named, find_release, freeze_from
from llmops.usecases.ports import Repository
from llmops.usecases.results.experiments import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where documents and releases are read from: `tree` holds the experiment, its evalset and pages."""

    tree: Tree
    staged: Tree
    records_tree: Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One arm: ready with its subject, or with the reason why it is not."""

    spec: ArmSpec
    subject: Subject | None = None
    is_release: bool = False
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """An experiment with its arms and the yardstick that they share."""

    experiment: Experiment
    arms: tuple[Arm, ...]
    evalset: Evalset
    judge: str
    repeats: int
    show: tuple[str, ...]
    objectives: tuple[str, ...]

    @property
    def baseline(self) -> str:
        return self.arms[0].spec.label


SPENDING = ("cost_usd", "latency_ms")


def sources(repository: Repository, records_tree: Tree, *, is_staged: bool) -> Sources:
    """The trees of a run: what is staged, or the work tree."""
    staged = repository.index_tree()
    return Sources(tree=staged if is_staged else repository.work_tree(), staged=staged, records_tree=records_tree)


def assemble(found: Sources, path: str) -> Assembled:
    """The experiment at `path` with its arms.

    Raises: CannotAsk EXPERIMENT_MISSING, EVALSET_MISSING, RELEASE_MISSING for the baseline; InvalidDocuments.
    """
    experiment = experiments.read(found.tree, path)
    baseline = _base(found, experiment.prompt, experiment.versions[0])
    evalset = evalset_named(project.load(found.tree), experiment.evalset or baseline.evalset)
    asked = bars.parse(baseline.bars)
    judge, repeats = experiment.judge or asked.judge, experiment.repeats or asked.repeats
    yardstick = {
        "judge": judge,
        "repeats": repeats,
        "evalset": {"name": evalset.name, "digest": evalset.digest},
    }
    show = experiment.show or tuple(dict.fromkeys((*(threshold.metric for threshold in asked.thresholds), *SPENDING)))
    return Assembled(
        experiment=experiment,
        arms=tuple(_arm(found, experiment, spec, evalset, yardstick) for spec in experiment.arms),
        evalset=evalset,
        judge=judge,
        repeats=repeats,
        show=show,
        objectives=experiment.front or tuple(dict.fromkeys((*show, *SPENDING))),
    )


def _base(found: Sources, prompt: str, version: str) -> Release:
    if version == WORKING:
        return freeze_from(found.tree, prompt)
    return find_release(found.staged, found.records_tree, prompt, version)


def _arm(found: Sources, experiment: Experiment, spec: ArmSpec, evalset: Evalset, yardstick: Mapping[str, Any]) -> Arm:
    try:
        base = _base(found, experiment.prompt, spec.version)
        behaviour = _behaviour(found, base, spec)
        release = replace(base, behaviour=behaviour, bars={**base.bars, **yardstick})
        is_release = spec.version != WORKING and release.behaviour_digest == base.behaviour_digest
        subject = subjects.subject_of(found.tree, release, evalset, is_frozen=is_release)
        return Arm(spec=spec, subject=subject, is_release=is_release)
    except (CannotAsk, InvalidDocuments) as error:
        return Arm(spec=spec, failure=failure(error))


def _behaviour(found: Sources, base: Release, spec: ArmSpec) -> Mapping[str, Any]:
    """The version's behaviour, with the arm's model and retrieval in place of its own."""
    changes: dict[str, Any] = {"model": spec.model} if spec.model else {}
    if spec.rag:
        changes["retrieval"] = _retrieval(found.tree, spec.rag)
    return {**base.behaviour, **changes} if changes else base.behaviour


def _retrieval(tree: Tree, path: str) -> dict[str, Any]:
    document = project.read_document(tree, "rag", path)
    if document is None:
        hint = "paths in `rag` are relative to the experiment's file"
        raise CannotAsk("REFERENCE_MISSING", f"there is no {path}", where=path, hint=hint)
    findings = (*document.findings, *retrieval.check_document(document, project.load(tree)))
    if any(finding.is_error for finding in findings):
        raise InvalidDocuments(findings)
    return retrieval_of(document.value)


def failure(error: LlmopsError) -> Failure:
    """What is said about an arm that cannot be asked."""
    details = error.details
    if isinstance(error, InvalidDocuments):
        details = tuple(f"{each.location}: {each.message} [{each.rule}]" for each in error.findings if each.is_error)
    return Failure(code=error.code, what=error.what, where=error.where, hint=error.hint, details=details)
