"""rollback: back to what served before, in one commit, with no evaluation, no window and no network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmops.errors import Refusal
from llmops.governance import transitions
from llmops.governance.transitions import RollbackRequest, Transition
from llmops.usecases.records.ledgers import Desk, Records, Step
from llmops.usecases.results.releasing import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`to` is a version that served here, `off`, or "" for the previous stable one."""

    name: str
    environment: str
    to: str = ""
    incident: str = ""
    reason: str = ""


def run(desk: Desk, request: Request) -> Act:
    """Roll back and hold. Raises: Refusal ROLLBACK_REFUSED with every reason."""
    made: list[Transition] = []

    def decide(records: Records) -> Step:
        transition = _transition(desk, records, request)
        made.append(transition)
        return Step(
            predicate=transition.predicate,
            summary=f"roll {request.name} back in {request.environment}",
            issued_at=transition.issued_at,
            pointer=transition.pointer,
        )

    written = desk.write(decide)
    pointer = made[-1].pointer
    version = pointer.version if pointer and pointer.status != "off" else ""
    return Act(
        verb="rollback",
        prompt=request.name,
        version=version,
        environment=request.environment,
        facts=(
            ("serves", f"{version} 100 %" if version else "the declared fallback"),
            ("status", f"{pointer.status if pointer else ''}: nothing is promoted until --release-hold"),
            ("generation", str(pointer.generation if pointer else 0)),
            ("reason", request.reason or "none given"),
        ),
        records=written,
        marks=made[-1].marks,
        pointer=replace(pointer, record=written[-1].digest) if pointer else None,
    )


def _transition(desk: Desk, records: Records, request: Request) -> Transition:
    person = records.person(desk.signing)
    transition = transitions.plan_rollback(
        records.ledger,
        RollbackRequest(
            prompt=request.name,
            environment=request.environment,
            actor=person.name,
            now=desk.now,
            to=request.to,
            incident=request.incident,
            reason=request.reason,
        ),
    )
    if transition.refusals:
        raise Refusal(
            "ROLLBACK_REFUSED",
            f"{request.name} cannot be rolled back in {request.environment}",
            hint=f"`llmops audit log {request.name}` shows what served; `--to off` serves a declared fallback",
            details=tuple(f"{reason.text}  [{reason.code}]" for reason in transition.refusals),
        )
    return transition
