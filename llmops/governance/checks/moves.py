"""The rules of promotion and rollback: everything that the records and the policy have against one.

`transitions` asks before writing, `replay` asks of what was written: the same rules, listed in `transitions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from llmops.documents.bars import PROMPT, answered_by
from llmops.governance import approvals
from llmops.governance.checks import judges
from llmops.governance.checks.claims import REFUTED
from llmops.governance.ledger import EvaluationEntry, Ledger, PublishedRelease, Reason, State
from llmops.governance.pointers import NOTHING, Weight
from llmops.governance.policy import EnvironmentRules, Person, Role
from llmops.governance.predicates import Promotion, Rollback

OFF = "off"


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
    if rules and published and not serves_nothing_new(ledger, promotion):
        reasons += _order_faults(ledger, promotion, rules)
        reasons += _evidence_faults(ledger, promotion, published, rules)
        reasons += _must_pass_faults(ledger, published, rules, at)
        reasons += _approval_faults(ledger, promotion, published, at)
    return tuple(reasons)


def rollback_faults(ledger: Ledger, rollback: Rollback, *, signer: Person | None) -> tuple[Reason, ...]:
    """Everything that speaks against this rollback: by design, little."""
    state = ledger.state(rollback.environment, rollback.prompt)
    if state is None:
        return (nothing_serves(rollback.prompt, rollback.environment),)
    reasons = [*_role_faults(signer, Role.ROLLBACK, Role.OPERATOR), *_base_faults(state, rollback)]
    target = target_of(state, rollback.target, rollback.index)
    if isinstance(target, Reason):
        return (*reasons, target)
    if rollback.target == OFF:
        reasons += _fallback_faults(ledger, state)
    if (rollback.release, rollback.index) != (target.digest, target.index):
        text = f"{rollback.target} served as {target.digest[:12]}, the record says {rollback.release[:12]}"
        reasons.append(Reason(code="NEVER_SERVED", text=text))
    if rollback.weights != (all_of(target),):
        reasons.append(Reason(code="WEIGHTS", text="a rollback gives its target the whole traffic"))
    return tuple(reasons)


def admissible(ledger: Ledger, published: PublishedRelease, rules: EnvironmentRules) -> tuple[EvaluationEntry, ...]:
    """The evaluations of this release's behaviour that this environment looks at: right evalset, admitted judge."""
    found = ledger.evaluations_of(published.published.behaviour)
    return tuple(item for item in found if not _why_inadmissible(ledger, item, published, rules))


def no_evidence(ledger: Ledger, published: PublishedRelease, rules: EnvironmentRules) -> Reason:
    """No evaluation counts: say why each of those that exist does not, the judge first."""
    name = published.published.prompt
    found = ledger.evaluations_of(published.published.behaviour)
    whys = [_why_inadmissible(ledger, item, published, rules) for item in found]
    if not whys:
        refuted = [entry for entry in ledger.entries if entry.code in REFUTED and entry.prompt == name]
        others = [item for item in ledger.evaluations if item.evaluation.prompt == name]
        stale = "".join(
            f" (record {item.entry.sequence} is of behaviour {item.evaluation.behaviour[:12]})" for item in others[-1:]
        )
        stale += "".join(f" (record {entry.sequence} is void: {entry.reason})" for entry in refuted[-1:])
        behaviour = f"behaviour {published.published.behaviour[:12]} of {name} {published.published.version}"
        text = f"no evaluation of {behaviour} is recorded{stale}: run `llmops eval {name} --record`"
        return Reason(code="EVIDENCE_MISSING", text=text)
    of_judges = [why for why in whys if why and why.code in judges.CODES]
    return next((why for why in (*of_judges, *whys) if why), Reason(code="EVIDENCE_MISSING", text="no evidence counts"))


def target_of(state: State, to: str, index: str | None = None) -> Weight | Reason:
    """The release that a rollback goes to, or why there is none; `index` None: the one it served with last."""
    pointer = state.pointer
    if to == OFF:
        off = Reason(code="ALREADY_SERVES", text=f"{pointer.prompt} is off in {pointer.environment} already")
        return off if pointer.status == OFF else pointer.stable
    wanted = to or (pointer.version if state.candidate or pointer.status == OFF else "")
    if wanted == pointer.version and index in (None, pointer.stable.index):
        text = f"{wanted} serves everybody in {pointer.environment} already"
        return pointer.stable if state.candidate or pointer.status == OFF else Reason(code="ALREADY_SERVES", text=text)
    matching = (item for item in reversed(state.history) if item.version == wanted and index in (None, item.index))
    found = next(matching, None)
    if not wanted:
        found = state.previous
    if found is None:
        what = wanted or "a release before " + pointer.version
        served = ", ".join(dict.fromkeys(item.version for item in state.history)) or "none"
        text = f"{what} never served everybody in {pointer.environment} (served: {served})"
        return Reason(code="NEVER_SERVED", text=text)
    return Weight(version=found.version, digest=found.digest, index=found.index, percent=100)


def weights_of(state: State | None, mine: Weight) -> tuple[Weight, ...]:
    """The stable release and this one, 100 % together."""
    if mine.percent >= 100 or state is None or mine.digest == state.stable_digest:
        return (mine,)
    return (replace(state.pointer.stable, percent=100 - mine.percent), mine)


def serves_nothing_new(ledger: Ledger, promotion: Promotion) -> bool:
    """A step down, the end of a canary, or the release of a hold: of what serves, on the index it serves with."""
    state = ledger.state(promotion.environment, promotion.prompt)
    serving = serving_weight(state, promotion.release)
    mine = next((weight for weight in promotion.weights if weight.digest == promotion.release), None)
    if state is None or serving is None or mine is None or not serving.index == mine.index == promotion.index:
        return False
    return promotion.release in _stable(state) or mine.percent < serving.percent


def serving_weight(state: State | None, release: str) -> Weight | None:
    """The share and the index that this release serves with there; None where it does not serve."""
    if state is None or state.pointer.status == OFF:
        return None
    return next((weight for weight in state.pointer.weights if weight.digest == release), None)


def nothing_serves(prompt: str, environment: str) -> Reason:
    """The refusal where there is no pointer."""
    return Reason(code="NOTHING_SERVES", text=f"nothing of {prompt} ever served in {environment}")


def all_of(target: Weight) -> Weight:
    """The whole traffic for this release."""
    return replace(target, percent=100)


def _fallback_faults(ledger: Ledger, state: State) -> Iterable[Reason]:
    published = ledger.releases.get(state.stable_digest)
    if published is not None and published.release.behaviour.get("fallback") is None:
        name = f"{state.pointer.prompt} {state.pointer.version}"
        text = f"{name} declares no `fallback`, so nothing would answer: roll back to a version that served"
        yield Reason(code="NO_FALLBACK", text=text)


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
    if running and promotion.release not in {running.digest, *_stable(state)}:
        text = f"{running.version} runs as a canary with {running.percent} %: finish or roll it back first"
        yield Reason(code="CANARY_RUNNING", text=text)
    if state and not held and promotion.weights == state.pointer.weights:
        yield Reason(code="UNCHANGED", text=f"{promotion.version} has this share in {promotion.environment} already")
    yield from _weight_faults(state, promotion)


def _weight_faults(state: State | None, promotion: Promotion) -> Iterable[Reason]:
    mine = [weight for weight in promotion.weights if weight.digest == promotion.release]
    expected = weights_of(state, mine[0]) if len(mine) == 1 else ()
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
        yield no_evidence(ledger, published, rules)
        return
    counting = tuple(item.entry.digest for item in found)
    if counting not in (promotion.evidence, _standing(ledger, promotion)):
        text = f"it names {len(promotion.evidence)} evaluations, {len(found)} are to be looked at"
        yield Reason(code="EVIDENCE_DIFFERS", text=text)
    # The same cases evaluated twice are no more cases.
    cases = max(item.evaluation.counts.get("cases", 0) for item in found)
    if cases < rules.min_cases:
        yield Reason(code="TOO_FEW_CASES", text=f"{cases} cases, {rules.name} requires {rules.min_cases}")
    if promotion.index not in {item.evaluation.index for item in found}:
        text = f"evidence was measured on another index than {promotion.index[:12] or 'none'}"
        yield Reason(code="INDEX_DIFFERS", text=text)


def _must_pass_faults(
    ledger: Ledger, published: PublishedRelease, rules: EnvironmentRules, at: datetime
) -> Iterable[Reason]:
    """Cases that must pass and failed in any admissible evaluation; those in the release's own quarantine rest."""
    resting = frozenset(_resting(published.release.bars.get("quarantine"), at.date().isoformat()))
    for item in admissible(ledger, published, rules):
        failed = sorted(set(item.evaluation.must_pass_failed) - resting)
        if failed:
            text = f"record {item.entry.sequence} says that {', '.join(failed)} must pass and failed"
            yield Reason(code="MUST_PASS_FAILED", text=text)


def _resting(quarantine: object, today: str) -> Iterable[str]:
    """The cases in quarantine today. What is no entry of one lets nothing rest, and must not stop a verifier."""
    for item in quarantine if isinstance(quarantine, list) else ():
        case, until = (item.get("case"), item.get("until")) if isinstance(item, dict) else (None, None)
        if isinstance(case, str) and isinstance(until, str) and today < until[:10]:
            yield case


def _standing(ledger: Ledger, promotion: Promotion) -> tuple[str, ...]:
    """The evidence that it names, without evaluations that their evidence refutes: those count for nothing."""
    refuted = {entry.digest for entry in ledger.entries if entry.code in REFUTED}
    return tuple(digest for digest in promotion.evidence if digest not in refuted)


def _why_inadmissible(
    ledger: Ledger, item: EvaluationEntry, published: PublishedRelease, rules: EnvironmentRules
) -> Reason | None:
    said, release = item.evaluation, published.release
    wanted = rules.evalsets or (release.evalset,)
    if said.evalset not in wanted:
        text = f"evaluated on {said.evalset}, {rules.name} requires {' or '.join(wanted)}"
        return Reason(code="OTHER_EVALSET", text=text)
    if said.evalset == release.evalset and said.evalset_digest != release.evalset_digest:
        text = f"{said.evalset} had digest {said.evalset_digest[:12]}, the release names {release.evalset_digest[:12]}"
        return Reason(code="OTHER_EVALSET", text=text)
    asked, answered = release.bars.get("target", PROMPT), answered_by(said.generator)
    if answered != asked:
        return Reason(code="OTHER_TARGET", text=f"{answered} answered, the release's bars ask for {asked}")
    return judges.why_not_admitted(ledger, item, published, rules)


def _approval_faults(
    ledger: Ledger, promotion: Promotion, published: PublishedRelease, at: datetime
) -> Iterable[Reason]:
    percent = next((weight.percent for weight in promotion.weights if weight.digest == promotion.release), 100)
    found = approvals.tally(ledger, published, promotion.environment, percent=percent, at=at)
    yield from found.missing
    if promotion.approvals != tuple(dict.fromkeys(item.entry.digest for item in found.counted)):
        text = f"it names {len(promotion.approvals)} approvals, {len(found.counted)} count"
        yield Reason(code="APPROVALS_DIFFER", text=text)


def _stable(state: State | None) -> frozenset[str]:
    return frozenset({state.stable_digest} if state else ())


def _name(published: PublishedRelease) -> tuple[str, str]:
    return published.published.prompt, published.published.version
