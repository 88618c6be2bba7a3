"""Transitions: what may change what serves, and what serves then.

The same rules run twice: before writing (`plan_*`, which adds the gate's word) and in `replay`, which voids a record
that breaks one. Everything that is missing is listed at once. A promotion needs, in order:

1. a signer with the role `operator`, a declared environment, a published release;
2. the pointer it was made on (`from`, `generation`), no hold (or `release_hold`), no other canary, a real change;
3. weights that are the stable release and this one, sum 100;
4. the release served everybody in each environment that this one comes `after`, and was not rolled back there since;
5. evidence: every admissible evaluation of its behaviour is named; there is one, with an admitted judge and evalset,
   with enough cases, on the index that is to serve;
6. approvals (`approvals.tally`).

A step down (a smaller share) and the mere release of a hold serve nothing new: 4 to 6 and the gate do not apply.
A rollback needs a signer with `rollback` or `operator`, the pointer it was made on, and a target that served there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from llmops.governance import approvals
from llmops.governance.ledger import EvaluationEntry, Ledger, PublishedRelease, Reason, Served, State
from llmops.governance.pointers import NOTHING, Pointer, Weight
from llmops.governance.policy import EnvironmentRules, Person, Role
from llmops.governance.predicates import Promotion, Rollback

OFF = "off"


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
    if not request.gate.passed and not _serves_nothing_new(ledger, promotion):
        texts = request.gate.reasons or ("the gate did not pass",)
        reasons += [Reason(code="GATE", text=text) for text in texts]
    if reasons:
        return _refused(at, *reasons)
    state = promoted(ledger.state(request.environment, request.prompt), promotion, record=NOTHING, at=at)
    own = approvals.tally(ledger, published, request.environment, percent=request.percent, at=at).self_approved
    marks = ("SELF-APPROVED",) if own else ()
    return Transition(predicate=promotion, pointer=state.pointer, issued_at=at, refusals=(), marks=marks)


def plan_hold_release(ledger: Ledger, prompt: str, environment: str, actor: str, now: datetime) -> Transition:
    """Take the hold away and leave what serves as it is."""
    state = ledger.state(environment, prompt)
    if state is None:
        return _refused(ledger.issue_at(now), _nothing_serves(prompt, environment))
    request = PromotionRequest(
        prompt=prompt,
        version=state.pointer.version,
        environment=environment,
        actor=actor,
        now=now,
        gate=GateResult(passed=True),
        index=state.pointer.stable.index,
        release_hold=True,
    )
    return plan_promotion(ledger, request)


def plan_rollback(ledger: Ledger, request: RollbackRequest) -> Transition:
    """Whether this rollback may be written now, and what it says. Today's unmet rules become its exceptions."""
    at = ledger.issue_at(request.now)
    state = ledger.state(request.environment, request.prompt)
    if state is None:
        return _refused(at, _nothing_serves(request.prompt, request.environment))
    target = _target(state, request.to)
    if isinstance(target, Reason):
        return _refused(at, target)
    rollback = _rollback(ledger, request, state, target, at)
    person = ledger.policy.person(request.actor) if ledger.policy else None
    reasons = rollback_faults(ledger, rollback, signer=person)
    if reasons:
        return _refused(at, *reasons)
    after = rolled_back(state, rollback, record=NOTHING, at=at)
    return Transition(predicate=rollback, pointer=after.pointer, issued_at=at, refusals=())


def promotion_faults(
    ledger: Ledger, promotion: Promotion, *, signer: Person | None, at: datetime
) -> tuple[Reason, ...]:
    """Everything that the records and the policy have against this promotion."""
    state = ledger.state(promotion.environment, promotion.prompt)
    rules = ledger.policy.environment(promotion.environment) if ledger.policy else None
    published = ledger.releases.get(promotion.release)
    reasons = [*_role_faults(signer, Role.OPERATOR), *_base_faults(state, promotion)]
    if rules is None:
        text = f"the policy knows no environment {promotion.environment!r}"
        reasons.append(Reason(code="UNKNOWN_ENVIRONMENT", text=text))
    if published is None or _name(published) != (promotion.prompt, promotion.version):
        text = f"no release {promotion.prompt} {promotion.version} ({promotion.release[:12]}) is published"
        reasons.append(Reason(code="UNPUBLISHED", text=text))
    reasons += _change_faults(state, promotion)
    if rules and published and not _serves_nothing_new(ledger, promotion):
        reasons += _order_faults(ledger, promotion, rules)
        reasons += _evidence_faults(ledger, promotion, published, rules)
        reasons += _approval_faults(ledger, promotion, published, at)
    return tuple(reasons)


def rollback_faults(ledger: Ledger, rollback: Rollback, *, signer: Person | None) -> tuple[Reason, ...]:
    """Everything that speaks against this rollback: by design, little."""
    state = ledger.state(rollback.environment, rollback.prompt)
    if state is None:
        return (_nothing_serves(rollback.prompt, rollback.environment),)
    reasons = [*_role_faults(signer, Role.ROLLBACK, Role.OPERATOR), *_base_faults(state, rollback)]
    target = _target(state, rollback.target)
    if isinstance(target, Reason):
        return (*reasons, target)
    if (rollback.release, rollback.index) != (target.digest, target.index):
        text = f"{rollback.target} served as {target.digest[:12]}, the record says {rollback.release[:12]}"
        reasons.append(Reason(code="NEVER_SERVED", text=text))
    if rollback.weights != (_all_of(target),):
        reasons.append(Reason(code="WEIGHTS", text="a rollback gives its target the whole traffic"))
    return tuple(reasons)


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
    if before.line and before.line[-1].digest == mine.digest:
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
    if target.digest == state.stable_digest:
        return after
    served = _served(target, record, at, "rollback")
    return replace(after, history=(*state.history, served), line=_cut(state.line, served))


def taken_away(state: State, rollback: Rollback) -> frozenset[str]:
    """The releases that served and do not any more because of this rollback."""
    serving = {weight.digest for weight in state.pointer.weights}
    return frozenset(serving if rollback.target == OFF else serving - {rollback.release})


def admissible(ledger: Ledger, published: PublishedRelease, rules: EnvironmentRules) -> tuple[EvaluationEntry, ...]:
    """The evaluations of this release's behaviour that this environment looks at: right evalset, admitted judge."""
    found = ledger.evaluations_of(published.published.behaviour)
    return tuple(item for item in found if not _why_inadmissible(item, published, rules))


def _promotion(ledger: Ledger, request: PromotionRequest, published: PublishedRelease, at: datetime) -> Promotion:
    state = ledger.state(request.environment, request.prompt)
    rules = ledger.policy.environment(request.environment) if ledger.policy else None
    evidence = admissible(ledger, published, rules) if rules else ()
    counted = approvals.tally(ledger, published, request.environment, percent=request.percent, at=at).counted
    index = request.index
    if index is None:
        index = evidence[-1].evaluation.index if evidence else ""
    mine = Weight(version=request.version, digest=published.published.release, index=index, percent=request.percent)
    draft = Promotion(
        prompt=request.prompt,
        version=request.version,
        release=published.published.release,
        index=index,
        environment=request.environment,
        from_record=state.pointer.record if state else NOTHING,
        generation=state.pointer.generation + 1 if state else 1,
        weights=_weights(state, mine),
        evidence=tuple(item.entry.digest for item in evidence),
        approvals=tuple(dict.fromkeys(item.entry.digest for item in counted)),
        exceptions=(),
        release_hold=request.release_hold,
    )
    return replace(draft, evidence=(), approvals=()) if _serves_nothing_new(ledger, draft) else draft


def _rollback(ledger: Ledger, request: RollbackRequest, state: State, target: Weight, at: datetime) -> Rollback:
    return Rollback(
        prompt=request.prompt,
        target=OFF if request.to == OFF else target.version,
        release=target.digest,
        index=target.index,
        environment=request.environment,
        from_record=state.pointer.record,
        generation=state.pointer.generation + 1,
        weights=(_all_of(target),),
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
    found = [] if admissible(ledger, published, rules) else [_no_evidence(ledger, published, rules)]
    found += approvals.tally(ledger, published, request.environment, at=at).missing
    return tuple(str(reason) for reason in found)


def _target(state: State, to: str) -> Weight | Reason:
    """The release that a rollback goes to, or why there is none."""
    pointer = state.pointer
    if to == OFF:
        off = Reason(code="ALREADY_SERVES", text=f"{pointer.prompt} is off in {pointer.environment} already")
        return off if pointer.status == OFF else pointer.stable
    wanted = to or (pointer.version if state.candidate or pointer.status == OFF else "")
    if wanted == pointer.version:
        text = f"{wanted} serves everybody in {pointer.environment} already"
        return pointer.stable if state.candidate or pointer.status == OFF else Reason(code="ALREADY_SERVES", text=text)
    found = next((item for item in reversed(state.history) if item.version == wanted), None)
    if not wanted:
        found = state.previous
    if found is None:
        what = wanted or "a release before " + pointer.version
        served = ", ".join(dict.fromkeys(item.version for item in state.history)) or "none"
        text = f"{what} never served everybody in {pointer.environment} (served: {served})"
        return Reason(code="NEVER_SERVED", text=text)
    return Weight(version=found.version, digest=found.digest, index=found.index, percent=100)


def _role_faults(signer: Person | None, *roles: Role) -> Iterable[Reason]:
    if signer is None or not signer.may(*roles):
        who = signer.name if signer else "the signer"
        yield Reason(code="ROLE_MISSING", text=f"{who} holds none of the roles {', '.join(roles)}")


def _base_faults(state: State | None, said: Promotion | Rollback) -> Iterable[Reason]:
    record = state.pointer.record if state else NOTHING
    generation = state.pointer.generation + 1 if state else 1
    if said.from_record != record:
        text = f"it was made on record {said.from_record[:12]}, the pointer was set by {record[:12]}"
        yield Reason(code="STALE_POINTER", text=text)
    if said.generation != generation:
        yield Reason(code="GENERATION", text=f"generation {said.generation}, expected {generation}")


def _change_faults(state: State | None, promotion: Promotion) -> Iterable[Reason]:
    """Hold, canary, weights, and whether anything changes at all."""
    held = state is not None and state.is_held
    if held and not promotion.release_hold:
        text = f"{promotion.environment} holds {promotion.prompt} since a rollback: promote with --release-hold"
        yield Reason(code="HELD", text=text)
    if promotion.release_hold and not held:
        yield Reason(code="NOT_HELD", text=f"{promotion.environment} holds nothing of {promotion.prompt}")
    running = state.candidate if state else None
    if running and running.digest not in {promotion.release, *_stable(state)}:
        text = f"{running.version} runs as a canary with {running.percent} %: finish or roll it back first"
        yield Reason(code="CANARY_RUNNING", text=text)
    if state and not held and promotion.weights == state.pointer.weights:
        yield Reason(code="UNCHANGED", text=f"{promotion.version} has this share in {promotion.environment} already")
    yield from _weight_faults(state, promotion)


def _weight_faults(state: State | None, promotion: Promotion) -> Iterable[Reason]:
    mine = [weight for weight in promotion.weights if weight.digest == promotion.release]
    expected = _weights(state, mine[0]) if len(mine) == 1 else ()
    named = (promotion.version, promotion.index)
    if promotion.weights != expected or (mine[0].version, mine[0].index) != named:
        text = "the weights are not the stable release and this one with 100 % together"
        yield Reason(code="WEIGHTS", text=text)
    elif mine[0].percent < 100 and (state is None or state.pointer.status == OFF):
        text = f"nothing serves in {promotion.environment}: there is no stable release to share the traffic with"
        yield Reason(code="WEIGHTS", text=text)
    elif mine[0].percent < 100 and promotion.release in _stable(state):
        text = f"{promotion.version} is the stable release: it cannot share the traffic with itself"
        yield Reason(code="WEIGHTS", text=text)


def _order_faults(ledger: Ledger, promotion: Promotion, rules: EnvironmentRules) -> Iterable[Reason]:
    for name in rules.after:
        state = ledger.state(name, promotion.prompt)
        if state is None or not state.has_proven(promotion.release):
            since = " since it was rolled back there" if state and promotion.release in state.withdrawn else ""
            text = f"{promotion.version} has not served everybody in {name}{since}, which comes before {rules.name}"
            yield Reason(code="ORDER", text=text)


def _evidence_faults(
    ledger: Ledger, promotion: Promotion, published: PublishedRelease, rules: EnvironmentRules
) -> Iterable[Reason]:
    found = admissible(ledger, published, rules)
    if not found:
        yield _no_evidence(ledger, published, rules)
        return
    if promotion.evidence != tuple(item.entry.digest for item in found):
        text = f"it names {len(promotion.evidence)} evaluations, {len(found)} are to be looked at"
        yield Reason(code="EVIDENCE_DIFFERS", text=text)
    cases = sum(item.evaluation.counts.get("cases", 0) for item in found)
    if cases < rules.min_cases:
        yield Reason(code="TOO_FEW_CASES", text=f"{cases} cases, {rules.name} requires {rules.min_cases}")
    if promotion.index not in {item.evaluation.index for item in found}:
        text = f"evidence was measured on another index than {promotion.index[:12] or 'none'}"
        yield Reason(code="INDEX_DIFFERS", text=text)


def _no_evidence(ledger: Ledger, published: PublishedRelease, rules: EnvironmentRules) -> Reason:
    """No evaluation counts: say why each of those that exist does not, the judge first."""
    name = published.published.prompt
    whys = [_why_inadmissible(item, published, rules) for item in ledger.evaluations_of(published.published.behaviour)]
    if not whys:
        others = [item for item in ledger.evaluations if item.evaluation.prompt == name]
        stale = f" (record {others[-1].entry.sequence} is of behaviour {others[-1].evaluation.behaviour[:12]})"
        behaviour = f"behaviour {published.published.behaviour[:12]} of {name} {published.published.version}"
        text = f"no evaluation of {behaviour} is recorded{stale if others else ''}: run `llmops eval {name} --record`"
        return Reason(code="EVIDENCE_MISSING", text=text)
    judges = [why for why in whys if why and why.code == "ADVISORY_JUDGE"]
    return next((why for why in (*judges, *whys) if why), Reason(code="EVIDENCE_MISSING", text="no evidence counts"))


def _why_inadmissible(item: EvaluationEntry, published: PublishedRelease, rules: EnvironmentRules) -> Reason | None:
    said, release = item.evaluation, published.release
    if rules.evalsets and said.evalset not in rules.evalsets:
        text = f"evaluated on {said.evalset}, {rules.name} requires {' or '.join(rules.evalsets)}"
        return Reason(code="OTHER_EVALSET", text=text)
    if (said.evalset, said.evalset_digest) != (release.evalset, release.evalset_digest) and not rules.evalsets:
        text = f"evaluated on {said.evalset} ({said.evalset_digest[:12]}), the release names {release.evalset}"
        return Reason(code="OTHER_EVALSET", text=f"{text} ({release.evalset_digest[:12]})")
    if said.evalset == release.evalset and said.evalset_digest != release.evalset_digest:
        text = f"{said.evalset} had digest {said.evalset_digest[:12]}, the release names {release.evalset_digest[:12]}"
        return Reason(code="OTHER_EVALSET", text=text)
    if item.judge_standing not in {"none", *rules.judges}:
        text = (
            f"the judge {said.judge} is {item.judge_standing}, {rules.name} admits {', '.join(sorted(rules.judges))}: "
            f"evaluate with a calibrated judge, or let a root person add `advisory` to the judges of {rules.name}"
        )
        return Reason(code="ADVISORY_JUDGE", text=text)
    return None


def _approval_faults(
    ledger: Ledger, promotion: Promotion, published: PublishedRelease, at: datetime
) -> Iterable[Reason]:
    percent = next((weight.percent for weight in promotion.weights if weight.digest == promotion.release), 100)
    found = approvals.tally(ledger, published, promotion.environment, percent=percent, at=at)
    yield from found.missing
    if promotion.approvals != tuple(dict.fromkeys(item.entry.digest for item in found.counted)):
        text = f"it names {len(promotion.approvals)} approvals, {len(found.counted)} count"
        yield Reason(code="APPROVALS_DIFFER", text=text)


def _serves_nothing_new(ledger: Ledger, promotion: Promotion) -> bool:
    """A step down, the end of a canary, or the release of a hold on what serves."""
    state = ledger.state(promotion.environment, promotion.prompt)
    if state is None or state.pointer.status == OFF:
        return False
    served = {weight.digest: weight.percent for weight in state.pointer.weights}
    percent = next((weight.percent for weight in promotion.weights if weight.digest == promotion.release), 0)
    return promotion.release in _stable(state) or percent < served.get(promotion.release, 0)


def _weights(state: State | None, mine: Weight) -> tuple[Weight, ...]:
    if mine.percent >= 100 or state is None or mine.digest == state.stable_digest:
        return (mine,)
    return (replace(state.pointer.stable, percent=100 - mine.percent), mine)


def _stable(state: State | None) -> frozenset[str]:
    return frozenset({state.stable_digest} if state else ())


def _cut(line: tuple[Served, ...], served: Served) -> tuple[Served, ...]:
    """The way back ends at the target of the rollback; a target that is not on it is added."""
    places = [place for place, item in enumerate(line) if item.digest == served.digest]
    return line[: places[-1] + 1] if places else (*line, served)


def _all_of(target: Weight) -> Weight:
    return replace(target, percent=100)


def _served(weight: Weight, record: str, at: datetime, how: str) -> Served:
    return Served(version=weight.version, digest=weight.digest, index=weight.index, record=record, at=at, how=how)


def _name(published: PublishedRelease) -> tuple[str, str]:
    return published.published.prompt, published.published.version


def _nothing_serves(prompt: str, environment: str) -> Reason:
    return Reason(code="NOTHING_SERVES", text=f"nothing of {prompt} ever served in {environment}")


def _refused(at: datetime, *reasons: Reason) -> Transition:
    return Transition(predicate=None, pointer=None, issued_at=at, refusals=tuple(reasons))
