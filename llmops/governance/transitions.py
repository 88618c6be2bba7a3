"""Transitions: what may change what serves, and what serves then.

The same rules run twice: before writing (`plan_*`, which adds the gate's word) and in `replay`, which voids a record
that breaks one. Everything that is missing is listed at once. A promotion needs, in order:

1. a signer with the role `operator`, a declared environment, a published release;
2. the pointer it was made on (`from`, `generation`), no hold (or `release_hold`), no other canary, a real change;
3. weights that are the stable release and this one, sum 100;
4. the release served everybody in each environment that this one comes `after`, and was not rolled back there since;
5. evidence: every admissible evaluation of its behaviour is named; there is one, with an admitted judge and evalset,
   with enough cases, on the index that is to serve; in none of them did a case fail that must pass and is not in the
   release's own quarantine;
6. approvals (`approvals.tally`).

A step down (a smaller share), the end of a canary and the mere release of a hold, each on the index that serves there,
serve nothing new: 4 to 6 and the gate do not apply. On another index everything applies.
A rollback needs a signer with `rollback` or `operator`, the pointer it was made on, and a target that served there;
`off` needs a stable release that declares a `fallback`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from llmops.governance import approvals
from llmops.governance.checks.moves import (
    OFF,
    admissible,
    all_of,
    no_evidence,
    nothing_serves,
    promotion_faults,
    rollback_faults,
    serves_nothing_new,
    serving_weight,
    target_of,
    weights_of,
)
from llmops.governance.ledger import Ledger, PublishedRelease, Reason, Served, State
from llmops.governance.pointers import NOTHING, Pointer, Weight
from llmops.governance.predicates import Promotion, Rollback


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """The gate's word on the release, as a use case got it. `reasons` say why it did not pass."""

    passed: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRequest:
    """What somebody wants promoted. `actor` is the person's name; `index` None: the evidence's."""

    prompt: str
    version: str
    environment: str
    actor: str
    now: datetime
    gate: GateResult
    percent: int = 100
    index: str | None = None
    release_hold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """What somebody wants undone. `to`: "" (the previous stable, or the end of a canary), a version, or `off`."""

    prompt: str
    environment: str
    actor: str
    now: datetime
    to: str = ""
    incident: str = ""
    reason: str = ""
    exceptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A decision: what to record and what serves then, or everything that stands against it."""

    predicate: Promotion | Rollback | None
    pointer: Pointer | None
    issued_at: datetime
    refusals: tuple[Reason, ...]
    marks: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.refusals


def plan_promotion(ledger: Ledger, request: PromotionRequest) -> Transition:
    """Whether this promotion may be written now, and what it says."""
    at = ledger.issue_at(request.now)
    published = ledger.published(request.prompt, request.version)
    if published is None:
        text = f"{request.prompt} {request.version} is not published: run `llmops publish {request.prompt}` first"
        return _refused(at, Reason(code="UNPUBLISHED", text=text))
    promotion = _promotion(ledger, request, published, at)
    person = ledger.policy.person(request.actor) if ledger.policy else None
    reasons = [*promotion_faults(ledger, promotion, signer=person, at=at)]
    if not request.gate.passed and not serves_nothing_new(ledger, promotion):
        texts = request.gate.reasons or ("the gate did not pass",)
        reasons += [Reason(code="GATE", text=text) for text in texts]
    if reasons:
        return _refused(at, *reasons)
    state = promoted(ledger.state(request.environment, request.prompt), promotion, record=NOTHING, at=at)
    own = approvals.tally(ledger, published, request.environment, percent=request.percent, at=at).self_approved
    marks = ("SELF-APPROVED",) if own else ()
    return Transition(predicate=promotion, pointer=state.pointer, issued_at=at, refusals=(), marks=marks)


def plan_rollback(ledger: Ledger, request: RollbackRequest) -> Transition:
    """Whether this rollback may be written now, and what it says. Today's unmet rules become its exceptions."""
    at = ledger.issue_at(request.now)
    state = ledger.state(request.environment, request.prompt)
    if state is None:
        return _refused(at, nothing_serves(request.prompt, request.environment))
    target = target_of(state, request.to)
    if isinstance(target, Reason):
        return _refused(at, target)
    rollback = _rollback(ledger, request, state, target, at)
    person = ledger.policy.person(request.actor) if ledger.policy else None
    reasons = rollback_faults(ledger, rollback, signer=person)
    if reasons:
        return _refused(at, *reasons)
    after = rolled_back(state, rollback, record=NOTHING, at=at)
    return Transition(predicate=rollback, pointer=after.pointer, issued_at=at, refusals=())


def promoted(state: State | None, promotion: Promotion, *, record: str, at: datetime) -> State:
    """What serves after an effective promotion."""
    mine = next(weight for weight in promotion.weights if weight.digest == promotion.release)
    is_whole = mine.percent == 100
    stable = mine if is_whole or state is None else state.pointer.stable
    pointer = Pointer(
        prompt=promotion.prompt,
        environment=promotion.environment,
        status="stable" if is_whole else "canary",
        version=stable.version,
        digest=stable.digest,
        weights=promotion.weights,
        generation=promotion.generation,
        record=record,
    )
    before = state or State(pointer=pointer, is_held=False, history=(), line=())
    after = replace(before, pointer=pointer, is_held=False)
    if not is_whole:
        return after
    after = replace(after, withdrawn=before.withdrawn - {mine.digest})
    if before.line and _thing(before.line[-1]) == _thing(mine):
        return after
    served = _served(mine, record, at, "promotion")
    return replace(after, history=(*before.history, served), line=(*before.line, served))


def rolled_back(state: State, rollback: Rollback, *, record: str, at: datetime) -> State:
    """What serves after an effective rollback: its target, held."""
    target = rollback.weights[0]
    pointer = Pointer(
        prompt=rollback.prompt,
        environment=rollback.environment,
        status=OFF if rollback.target == OFF else "held",
        version=target.version,
        digest=target.digest,
        weights=rollback.weights,
        generation=rollback.generation,
        record=record,
    )
    after = replace(state, pointer=pointer, is_held=True, withdrawn=state.withdrawn | taken_away(state, rollback))
    if _thing(target) == _thing(state.pointer.stable):
        return after
    served = _served(target, record, at, "rollback")
    return replace(after, history=(*state.history, served), line=_cut(state.line, served))


def taken_away(state: State, rollback: Rollback) -> frozenset[str]:
    """The releases that served and do not any more because of this rollback."""
    serving = {weight.digest for weight in state.pointer.weights}
    return frozenset(serving if rollback.target == OFF else serving - {rollback.release})


def _promotion(ledger: Ledger, request: PromotionRequest, published: PublishedRelease, at: datetime) -> Promotion:
    state = ledger.state(request.environment, request.prompt)
    rules = ledger.policy.environment(request.environment) if ledger.policy else None
    evidence = admissible(ledger, published, rules) if rules else ()
    counted = approvals.tally(ledger, published, request.environment, percent=request.percent, at=at).counted
    measured = evidence[-1].evaluation.index if evidence else ""
    draft = Promotion(
        prompt=request.prompt,
        version=request.version,
        release=published.published.release,
        index="",
        environment=request.environment,
        from_record=state.pointer.record if state else NOTHING,
        generation=state.pointer.generation + 1 if state else 1,
        weights=(),
        evidence=(),
        approvals=(),
        exceptions=(),
        release_hold=request.release_hold,
    )
    kept = _on_the_index_that_serves(state, draft, request)
    if kept and serves_nothing_new(ledger, kept):
        return kept
    draft = _on(state, draft, measured if request.index is None else request.index, request.percent)
    return replace(
        draft,
        evidence=tuple(item.entry.digest for item in evidence),
        approvals=tuple(dict.fromkeys(item.entry.digest for item in counted)),
    )


def _on_the_index_that_serves(state: State | None, draft: Promotion, request: PromotionRequest) -> Promotion | None:
    """The draft on the index that its release serves with there; None where that is not asked for or changes nothing.

    To promote what serves already with the same share, and no hold to release, can only mean its newest index.
    """
    serving = serving_weight(state, draft.release)
    if state is None or serving is None or request.index not in (None, serving.index):
        return None
    kept = _on(state, draft, serving.index, request.percent)
    return None if kept.weights == state.pointer.weights and not state.is_held else kept


def _on(state: State | None, draft: Promotion, index: str, percent: int) -> Promotion:
    mine = Weight(version=draft.version, digest=draft.release, index=index, percent=percent)
    return replace(draft, index=index, weights=weights_of(state, mine))


def _rollback(ledger: Ledger, request: RollbackRequest, state: State, target: Weight, at: datetime) -> Rollback:
    return Rollback(
        prompt=request.prompt,
        target=OFF if request.to == OFF else target.version,
        release=target.digest,
        index=target.index,
        environment=request.environment,
        from_record=state.pointer.record,
        generation=state.pointer.generation + 1,
        weights=(all_of(target),),
        incident=request.incident,
        reason=request.reason,
        exceptions=(*request.exceptions, *_unmet(ledger, request, target, at)),
    )


def _unmet(ledger: Ledger, request: RollbackRequest, target: Weight, at: datetime) -> tuple[str, ...]:
    """Today's rules that the target of a rollback would not meet, as sentences."""
    published = ledger.releases.get(target.digest)
    rules = ledger.policy.environment(request.environment) if ledger.policy else None
    if request.to == OFF or published is None or rules is None:
        return ()
    found = [] if admissible(ledger, published, rules) else [no_evidence(ledger, published, rules)]
    found += approvals.tally(ledger, published, request.environment, at=at).missing
    return tuple(str(reason) for reason in found)


def _cut(line: tuple[Served, ...], served: Served) -> tuple[Served, ...]:
    """The way back ends at the target of the rollback; a target that is not on it is added."""
    places = [place for place, item in enumerate(line) if _thing(item) == _thing(served)]
    return line[: places[-1] + 1] if places else (*line, served)


def _thing(item: Weight | Served) -> tuple[str, str]:
    """What a rollback tells apart: the release and the index that it serves with."""
    return item.digest, item.index


def _served(weight: Weight, record: str, at: datetime, how: str) -> Served:
    return Served(version=weight.version, digest=weight.digest, index=weight.index, record=record, at=at, how=how)


def _refused(at: datetime, *reasons: Reason) -> Transition:
    return Transition(predicate=None, pointer=None, issued_at=at, refusals=tuple(reasons))
