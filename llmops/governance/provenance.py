"""Why does this serve there? The chain from the pointer back to the policy, link by link.

Every link names a file and its digest and says whether it holds, so that a reader can follow it with `sha256sum`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llmops.documents import canonical
from llmops.documents.releases import path_of
from llmops.documents.trees import Tree
from llmops.governance.ledger import (
    ApprovalEntry,
    CalibrationEntry,
    Entry,
    EvaluationEntry,
    ExperimentEntry,
    Ledger,
    PublishedRelease,
    State,
)
from llmops.governance.pointers import render
from llmops.governance.predicates import Evaluation, Promotion, Rollback, made_of, time_text
from llmops.governance.records import evidence_path
from llmops.governance.verification import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One step of the proof: what it is, its file and digest, who stands for it, and whether it holds."""

    what: str
    name: str
    path: str
    digest: str
    ok: bool
    detail: str
    who: str = ""


def why(report: Report, tree: Tree, prompt: str, environment: str) -> tuple[Link, ...]:
    """The links, newest first; () where nothing of `prompt` ever served in `environment`."""
    ledger = report.ledger
    state = ledger.state(environment, prompt)
    if state is None:
        return ()
    record = ledger.entry_of(state.pointer.record)
    links = [_pointer(state, tree), *([_transition(record)] if record else [])]
    for weight in state.pointer.weights:
        served = _served(ledger, tree, environment, prompt, weight.digest)
        links += [link for link in served if record is None or link.path != record.path]
    founding = ledger.entry_of(ledger.policy_record)
    links += [_policy(ledger, founding)] if founding else []
    return tuple(_with_faults(link, report) for link in links)


def _pointer(state: State, tree: Tree) -> Link:
    pointer = state.pointer
    data = tree.read(pointer.path) or b""
    shares = ", ".join(f"{weight.version} {weight.percent} %" for weight in pointer.weights)
    return Link(
        what="pointer",
        name=f"{pointer.prompt} in {pointer.environment}",
        path=pointer.path,
        digest=canonical.sha256(data),
        ok=data == render(pointer),
        detail=f"{pointer.status}, generation {pointer.generation}: {shares}",
    )


def _transition(entry: Entry) -> Link:
    said = entry.predicate
    detail = f"record {entry.sequence}, {time_text(entry.issued_at)}"
    if isinstance(said, Rollback):
        detail += f", back to {said.target}" + (f": {said.reason}" if said.reason else "")
        detail += f", {len(said.exceptions)} exceptions" if said.exceptions else ""
    return Link(
        what=entry.kind,
        name=entry.prompt,
        path=entry.path,
        digest=entry.digest,
        ok=entry.is_effective,
        detail=detail,
        who=entry.signer,
    )


def _served(ledger: Ledger, tree: Tree, environment: str, prompt: str, digest: str) -> Iterator[Link]:
    """The release, the promotion that brought it here, its evaluations, experiments and approvals."""
    published = ledger.releases.get(digest)
    if published is None:
        return
    yield _release(published, tree)
    yield Link(
        what="release record",
        name=f"{prompt}@{published.published.version}",
        path=published.entry.path,
        digest=published.entry.digest,
        ok=published.entry.is_effective,
        detail=f"contributors: {_contributors(published)}",
        who=published.entry.signer,
    )
    promotion = _promotion(ledger, environment, prompt, digest)
    if promotion is None:
        return
    entry, said = promotion
    yield _transition(entry)
    for item in ledger.evaluations:
        if item.entry.digest in said.evidence:
            bars = sorted(published.release.bars.get("thresholds", ()))
            yield _evaluation(ledger, item, tree, bars=bars)
            yield from (_calibration(one, tree) for one in _calibrations(ledger, item.evaluation, bars))
    for experiment in ledger.experiments_of(published.published.behaviour):
        yield _experiment(experiment, tree, published.published.behaviour)
    for approval in ledger.approvals:
        if approval.entry.digest in said.approvals:
            yield _approval(approval)


def _promotion(ledger: Ledger, environment: str, prompt: str, digest: str) -> tuple[Entry, Promotion] | None:
    """The last promotion that rested on evidence and approvals; a mere step down or hold release names none."""
    found = [
        (entry, entry.predicate)
        for entry in ledger.entries
        if entry.is_effective and isinstance(entry.predicate, Promotion)
    ]
    place = (environment, prompt, digest)
    mine = [(entry, said) for entry, said in found if (said.environment, said.prompt, said.release) == place]
    resting = [(entry, said) for entry, said in mine if said.evidence]
    return (resting or mine)[-1] if mine else None


def _release(published: PublishedRelease, tree: Tree) -> Link:
    path = path_of(published.published.prompt, published.published.version)
    found = canonical.sha256(tree.read(path) or b"")
    said = published.published.release
    behaviour = f"behaviour {published.published.behaviour[:12]}"
    return Link(
        what="release",
        name=f"{published.published.prompt}@{published.published.version}",
        path=path,
        digest=found,
        ok=found == said,
        detail=behaviour if found == said else f"published as {said[:12]}, the file is {found[:12]}",
    )


def _evaluation(ledger: Ledger, item: EvaluationEntry, tree: Tree, *, bars: Sequence[str]) -> Link:
    """The evaluation with the figures that the release's bars judge; all others stand in the record."""
    said = item.evaluation
    whole = _is_whole(tree, said.results)
    means = ", ".join(f"{metric} {_rounded(said.means[metric])}" for metric in bars if metric in said.means)
    parts = made_of(said.judge_parts)
    standing = ledger.judge_standing(said, bars)
    standing = "by rule" if standing == "none" else standing
    judge = f"{said.judge}{f': {parts}' if parts else ''} ({standing})" if said.judge else "no judge"
    absent = "" if whole else f", evidence {'kept elsewhere' if said.detached else 'missing or changed'}"
    return Link(
        what="evaluation",
        name=f"{said.prompt} on {said.evalset}",
        path=item.entry.path,
        digest=item.entry.digest,
        ok=whole,
        detail=f"{said.counts.get('cases', 0)} cases, {judge}{f': {means}' if means else ''}{absent}",
        who=item.entry.signer,
    )


def _calibrations(ledger: Ledger, said: Evaluation, bars: Sequence[str]) -> tuple[CalibrationEntry, ...]:
    """What says that the judge of this evaluation may be believed, a record for each metric that it scored."""
    found = (ledger.calibration_of(said, metric) for metric in said.judged(bars))
    return tuple(one for one in found if one is not None)


def _calibration(item: CalibrationEntry, tree: Tree) -> Link:
    """How often the judge agreed with people. The newest one is told, which may be newer than the promotion."""
    said, whole = item.calibration, _is_whole(tree, item.calibration.results)
    counts = said.counts
    return Link(
        what="calibration",
        name=f"{said.judge} on {said.metric}",
        path=item.entry.path,
        digest=item.entry.digest,
        ok=whole,
        detail=f"{counts['tp'] + counts['fn'] + counts['fp'] + counts['tn']} labelled answers, pass at {said.pass_at}: "
        f"sensitivity {counts['tp'] / (counts['tp'] + counts['fn']):.2f}, "
        f"specificity {counts['tn'] / (counts['fp'] + counts['tn']):.2f}, judge {said.judge_digest[:12]}"
        + ("" if whole else ", labelled rows missing or changed"),
        who=item.entry.signer,
    )


def _is_whole(tree: Tree, results: Iterable[str]) -> bool:
    """Whether the evidence of these digests is there, as its names say."""
    paths = {evidence_path(digest): digest for digest in results}
    data = tree.read_many(paths)
    return all(path in data and canonical.sha256(data[path]) == digest for path, digest in paths.items())


def _experiment(item: ExperimentEntry, tree: Tree, behaviour: str) -> Link:
    """The experiment, and where the behaviour stood in it. It is told, not relied on: the gate reads evaluations."""
    said = item.experiment
    mine = [arm.label for arm in said.arms if arm.behaviour == behaviour]
    ahead = [label for label in mine if label in said.front]
    place = f"{ahead[0]} on the front" if ahead else f"{mine[0]} not on the front"
    whole = _is_whole(tree, {digest for arm in said.arms for digest in arm.results})
    return Link(
        what="experiment",
        name=f"{said.name} on {said.evalset}",
        path=item.entry.path,
        digest=item.entry.digest,
        ok=whole,
        detail=f"{len(said.arms)} arms by {', '.join(said.objectives)}: {place}"
        + (f" ({', '.join(said.front)})" if said.front else "")
        + ("" if whole else ", evidence missing or changed"),
        who=item.entry.signer,
    )


def _rounded(mean: str) -> str:
    return f"{float(mean):.3f}".rstrip("0").rstrip(".")


def _approval(item: ApprovalEntry) -> Link:
    said = item.approval
    ended = f", {item.ended.lower().replace('_', ' ')}" if item.ended else ""
    return Link(
        what="approval",
        name=f"{said.prompt}@{said.version} for {said.environment}",
        path=item.entry.path,
        digest=item.entry.digest,
        ok=item.entry.is_effective,
        detail=f"as {said.role}, by {said.method}, finish by {time_text(said.finish_by)}{ended}",
        who=said.approver,
    )


def _policy(ledger: Ledger, entry: Entry) -> Link:
    policy = ledger.policy
    return Link(
        what="policy",
        name="governance",
        path=entry.path,
        digest=entry.digest,
        ok=entry.is_effective,
        detail=f"record {entry.sequence}, mapping {policy.digest[:12] if policy else ''}",
        who=entry.signer,
    )


def _contributors(published: PublishedRelease) -> str:
    return ", ".join(item.name for item in published.published.contributors) or "none named"


def _with_faults(link: Link, report: Report) -> Link:
    """A link whose file has a fault does not hold, whatever else is true of it."""
    fault = next((fault for fault in report.faults if fault.path == link.path), None)
    if fault is None:
        return link
    return Link(
        what=link.what,
        name=link.name,
        path=link.path,
        digest=link.digest,
        ok=False,
        detail=f"{link.detail}; {fault}",
        who=link.who,
    )
