"""gate: decide one release for one environment from stored evidence; spends nothing.

The evaluation room decides; this file brings it the question: effective bars (policy floors, the candidate's own, what
serves), the evidence of both sides on one yardstick, and which judges may decide there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from llmops.documents import bars as bars_of
from llmops.documents import canonical
from llmops.documents.bars import Threshold
from llmops.documents.evalsets import Evalset
from llmops.documents.releases import Release
from llmops.errors import CannotAsk
from llmops.evaluation import pooling
from llmops.evaluation.calibration.calibrations import Calibration
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import GateQuestion
from llmops.evaluation.metrics import Kind
from llmops.evaluation.panels import Panel, PanelOf, embedded_only
from llmops.governance import approvals
from llmops.governance.ledger import CalibrationEntry
from llmops.governance.policy import EnvironmentRules
from llmops.usecases.calibrate import reading
from llmops.usecases.evaluate import old_yardstick, recording
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.ports import Repository
from llmops.usecases.records.ledgers import Desk, Records
from llmops.usecases.results.evaluating import Evaluated, Gated

EVERY_JUDGE = frozenset({"calibrated", "advisory"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and when a decision is asked for: the records as they stand, the environment ("" for none), the share of
    traffic that is meant, who measures for a judge's name, and where the cases of what serves are looked for."""

    records: Records
    environment: str
    now: datetime
    percent: int = 100
    panel_of: PanelOf = embedded_only
    repository: Repository | None = None


def place_of(desk: Desk, records: Records, environment: str, *, percent: int = 100) -> Place:
    """The place that a desk's work is about."""
    return Place(
        records=records,
        environment=environment,
        now=desk.now,
        percent=percent,
        panel_of=desk.panel_of,
        repository=desk.repository,
    )


def judge_of(release: Release) -> str:
    """The name of the judge that the release's bars ask for."""
    return bars_of.parse(release.bars).judge


def decide(place: Place, release: Release, evalset: Evalset) -> Gated:
    """The decision from recorded evidence. Raises: CannotAsk ENVIRONMENT_UNKNOWN."""
    panel = place.panel_of(judge_of(release))
    found = _evidence(place, release, panel)
    decision = gate.decide(_question(place, release, evalset, found, panel))
    return Gated(
        prompt=release.name,
        version=release.version,
        environment=place.environment,
        evalset=evalset.name,
        judge=panel.judge.label,
        is_evidence=True,
        decision=decision,
        evidence=found.records if found else (),
    )


def question_of(place: Place, release: Release, evalset: Evalset) -> GateQuestion:
    """What the gate is asked about a release. Raises: CannotAsk ENVIRONMENT_UNKNOWN."""
    panel = place.panel_of(judge_of(release))
    return _question(place, release, evalset, _evidence(place, release, panel), panel)


def question_on(place: Place, release: Release, evalset: Evalset, found: recording.Found | None) -> GateQuestion:
    """The same about evidence at hand, recorded or not; None: without any."""
    return _question(place, release, evalset, found, place.panel_of(judge_of(release)))


def evidence_of(place: Place, release: Release) -> recording.Found | None:
    """The recorded evidence that the gate counts; None without any."""
    return _evidence(place, release, place.panel_of(judge_of(release)))


def _evidence(place: Place, release: Release, panel: Panel) -> recording.Found | None:
    return recording.find(
        place.records,
        behaviour=release.behaviour_digest,
        evalset_digest=release.evalset_digest,
        panel=panel,
        target=bars_of.parse(release.bars).target,
    )


def preview(place: Place, subject: Subject, evaluated: Evaluated) -> Gated:
    """What the gate would say to working files; marked as no evidence."""
    pool = pooling.pool([evaluated.rows])
    panel = place.panel_of(judge_of(subject.release))
    question = replace(_question(place, subject.release, subject.evalset, None, panel), candidate=pool)
    decision = gate.decide(question)
    return Gated(
        prompt=subject.release.name,
        version=subject.release.version,
        environment=place.environment,
        evalset=subject.evalset.name,
        judge=evaluated.judge,
        is_evidence=False,
        decision=decision,
        evidence=(),
        evaluated=evaluated,
    )


def _question(
    place: Place, release: Release, evalset: Evalset, found: recording.Found | None, panel: Panel
) -> GateQuestion:
    rules = rules_of(place.records, place.environment)
    serving = serving_release(place, release.name)
    baseline, problem = _baseline(place.records, release, serving, recording.yardstick_of(found, panel))
    floors = rules.floors if rules else ()
    bars, serving_bars = bars_of.parse(release.bars), bars_of.parse(serving.bars) if serving else None
    thresholds = (*bars.thresholds, *floors, *(serving_bars.thresholds if serving_bars else ()))
    return GateQuestion(
        bars=bars,
        evalset=evalset,
        candidate=found.pool if found else None,
        now=place.now,
        behaviour=release.behaviour_digest,
        accepted_judges=rules.judges if rules else EVERY_JUDGE,
        evalsets=rules.evalsets if rules else (),
        floors=floors,
        calibrations=_calibrations(place.records, found, thresholds, panel) if found else (),
        old=old_yardstick.find(place.repository, place.records, release, serving, panel),
        other_measures=old_yardstick.other_measures(place.records, release, serving, place.environment, found),
        min_cases=rules.min_cases if rules else 0,
        allows_early_pass=rules.allows_early_pass if rules else True,
        serving_bars=serving_bars,
        baseline=baseline,
        baseline_problem=problem,
        catalogue=panel.catalogue,
        accepted=_accepted(place, release),
        no_evidence="" if found else _no_evidence(place.records, release, panel),
    )


def _calibrations(
    records: Records, found: recording.Found, thresholds: Iterable[Threshold], panel: Panel
) -> tuple[Calibration, ...]:
    """What is known of the judge's errors where these bars need it: on the line of a rate; for a mean of grades, on any
    line."""
    entries: dict[str, CalibrationEntry] = {}
    for threshold in thresholds:
        info = panel.catalogue.metric(threshold.quality or threshold.metric)
        is_rate = threshold.pass_at is not None or info.kind is Kind.BINARY
        line = canonical.decimal(1.0 if threshold.pass_at is None else threshold.pass_at) if is_rate else None
        version = found.scorers.get(info.name, "")
        entry = records.ledger.calibration(found.key.judge, info.name, version, line) if found.key.judge else None
        if entry is not None:
            entries[entry.entry.digest] = entry
    return tuple(reading.calibration_of(records, entry, evidence=found.pooled) for entry in entries.values())


def _no_evidence(records: Records, release: Release, panel: Panel) -> str:
    """Why what was recorded is no evidence here; "" where nothing was."""
    differs = recording.differs(
        records,
        behaviour=release.behaviour_digest,
        evalset_digest=release.evalset_digest,
        panel=panel,
        target=bars_of.parse(release.bars).target,
    )
    return f"no evaluation on {release.evalset} counts here; the newest was {differs}" if differs else ""


def rules_of(records: Records, environment: str) -> EnvironmentRules | None:
    """The rules of the environment; without a policy, or without an environment asked for, there are none."""
    policy = records.ledger.policy
    if policy is None or not environment:
        return None
    rules = policy.environment(environment)
    if rules is None:
        known = ", ".join(item.name for item in policy.environments)
        raise CannotAsk(
            "ENVIRONMENT_UNKNOWN", f"the policy has no environment {environment}; it has: {known}", hint="--env NAME"
        )
    return rules


def serving_release(place: Place, prompt: str) -> Release | None:
    """The stable release that serves there, None where nothing does."""
    state = place.records.ledger.state(place.environment, prompt) if place.environment else None
    published = place.records.ledger.releases.get(state.stable_digest) if state and state.stable_digest else None
    return published.release if published else None


def _baseline(
    records: Records, release: Release, serving: Release | None, yardstick: recording.Yardstick
) -> tuple[pooling.Pool | None, str]:
    """Evidence of what serves on the candidate's yardstick, or why there is none."""
    if serving is None:
        return None, ""
    found = recording.baseline(
        records,
        behaviour=serving.behaviour_digest,
        evalset_digest=release.evalset_digest,
        yardstick=yardstick,
        target=bars_of.parse(release.bars).target,
    )
    if found is None:
        return None, (
            f"{serving.name} {serving.version} serves and has no evidence on {release.evalset}: "
            f"llmops eval {serving.name}@{serving.version} --record"
        )
    return found.pool, ""


def _accepted(place: Place, release: Release) -> frozenset[str]:
    """The looser bars and other yardsticks that counting approvals of the quality role name."""
    ledger = place.records.ledger
    published = ledger.published(release.name, release.version)
    if published is None or not place.environment:
        return frozenset()
    return approvals.accepted_bars(
        ledger, published, place.environment, percent=place.percent, at=ledger.issue_at(place.now)
    )
