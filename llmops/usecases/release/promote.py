"""promote: what was evaluated, gated and approved begins to serve. Everything that is missing is listed at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from llmops.errors import CannotAsk, Refusal
from llmops.evaluation.gating.decisions import Reason
from llmops.governance import transitions
from llmops.governance.ledger import Fault, PublishedRelease
from llmops.governance.policy import Role
from llmops.governance.predicates import Promotion
from llmops.governance.transitions import GateResult, PromotionRequest, Transition
from llmops.usecases.evaluate import gate
from llmops.usecases.frozen import evalset_for
from llmops.usecases.records.ledgers import Desk, Records, Step, read
from llmops.usecases.release import publish
from llmops.usecases.results.releasing import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`percent` below 100 starts or moves a canary; `release_hold` ends the hold that a rollback left."""

    name: str
    version: str
    environment: str
    percent: int = 100
    release_hold: bool = False


def run(desk: Desk, request: Request) -> Act:
    """Promote. Raises: Refusal PROMOTION_REFUSED or STALE with every reason, CannotAsk."""
    _require_fresh(desk, request)
    made: list[Transition] = []

    def decide(records: Records) -> Step:
        transition = _transition(desk, records, request)
        made.append(transition)
        return Step(
            predicate=transition.predicate,
            summary=_summary(request),
            issued_at=transition.issued_at,
            pointer=transition.pointer,
        )

    written = desk.write(*_publishing(desk, request), decide)
    transition = made[-1]
    return Act(
        verb="promote",
        prompt=request.name,
        version=request.version,
        environment=request.environment,
        facts=tuple(_facts(transition)),
        records=written,
        marks=transition.marks,
        pointer=replace(transition.pointer, record=written[-1].digest) if transition.pointer else None,
    )


def _publishing(desk: Desk, request: Request) -> tuple[Callable[[Records], Step], ...]:
    """In a solo repository the promotion publishes what is not published yet, in the same commit."""
    records = desk.read()
    rules = gate.rules_of(records, request.environment)
    is_solo = rules is not None and rules.allows_self_approval
    person = records.person(desk.signing)
    if records.ledger.published(request.name, request.version) or not is_solo or Role.PUBLISHER not in person.roles:
        return ()
    return (lambda now: publish.step(desk.repository, now, request.name, request.version),)


def _transition(desk: Desk, records: Records, request: Request) -> Transition:
    person = records.person(desk.signing)
    published = _published(records, request)
    evalset = evalset_for(desk.repository, records.tree, published.release)
    gated = gate.decide(
        gate.place_of(desk, records, request.environment, percent=request.percent),
        published.release,
        evalset,
    )
    transition = transitions.plan_promotion(
        records.ledger,
        PromotionRequest(
            prompt=request.name,
            version=request.version,
            environment=request.environment,
            actor=person.name,
            now=desk.now,
            gate=GateResult(
                passed=gated.decision.passed,
                reasons=_sentences(gated.decision.reasons),
            ),
            percent=request.percent,
            release_hold=request.release_hold,
        ),
    )
    if transition.refusals:
        raise Refusal(
            "PROMOTION_REFUSED",
            f"{request.name} {request.version} may not serve in {request.environment} yet",
            details=tuple(f"{reason.text}  [{reason.code}]" for reason in transition.refusals),
            hint=f"`llmops gate {request.name}@{request.version} --env {request.environment}` shows the gate in full; "
            f"others sign with `llmops approve {request.name}@{request.version} --env {request.environment}`",
        )
    return transition


def _sentences(reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    """The gate's reasons; the command that mends missing evidence is said by the transition's own rule."""
    said = tuple(_sentence(reason) for reason in reasons if reason.code != "NO_EVIDENCE")
    return said or tuple(reason.message for reason in reasons)


def _sentence(reason: Reason) -> str:
    said = f"{reason.message}  [{reason.code}]"
    return f"{said} - {reason.hint}" if reason.hint else said


def _published(records: Records, request: Request) -> PublishedRelease:
    published = records.ledger.published(request.name, request.version)
    if published is None:
        raise CannotAsk(
            "NOT_PUBLISHED",
            f"{request.name} {request.version} is not published",
            hint=f"merge the release, then `llmops publish {request.name}@{request.version}`",
        )
    return published


def _require_fresh(desk: Desk, request: Request) -> None:
    """A release whose bytes changed makes its evidence and approvals stale; say which, before anything else."""
    records = read(desk.repository, desk.branch)
    changed = [fault for fault in records.report.faults if fault.path.startswith(f"releases/{request.name}/")]
    if not changed:
        return
    raise Refusal(
        "STALE",
        f"{changed[0].path} is no longer what was published: what names its digest does not hold for these bytes",
        where=changed[0].path,
        hint="restore the file from the commit that published it, or lock a new version",
        details=tuple(line for fault in changed for line in _stale(records, fault)),
    )


def _stale(records: Records, fault: Fault) -> list[str]:
    """Every record that speaks of the release as it was."""
    lines = [f"{fault.path}: recorded {fault.expected}, found {fault.found}"]
    was = records.ledger.releases.get(fault.expected)
    behaviour = was.published.behaviour if was else ""
    lines += [f"stale evidence: {entry.entry.path}" for entry in records.ledger.evaluations_of(behaviour) if behaviour]
    lines += [
        f"stale approval: {entry.entry.path} ({entry.approval.role} for {entry.approval.environment})"
        for entry in records.ledger.approvals
        if entry.approval.release == fault.expected
    ]
    return lines


def _summary(request: Request) -> str:
    share = "" if request.percent == 100 else f" at {request.percent} %"
    return f"promote {request.name} {request.version} to {request.environment}{share}"


def _facts(transition: Transition) -> list[tuple[str, str]]:
    pointer, predicate = transition.pointer, transition.predicate
    if pointer is None or not isinstance(predicate, Promotion):
        return []
    weights = ", ".join(f"{weight.version} {weight.percent} %" for weight in pointer.weights)
    return [
        ("serves", weights or "nothing"),
        ("status", pointer.status),
        ("generation", str(pointer.generation)),
        ("evidence", f"{len(predicate.evidence)} record(s)"),
        ("approvals", f"{len(predicate.approvals)} record(s)"),
    ]
