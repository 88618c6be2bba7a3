"""plan: what a release's gate can tell, before anything is asked.

Rules, in order:

1. The bars are the effective ones of the environment, the yardstick (evalset, judge, target) is the release's own.
2. What is known comes from recorded evaluations by that judge and target, on that evalset: of the release itself, else
   of what serves, else of any version of the prompt, the newest first; where nobody was evaluated on the evalset as it
   is now, on an earlier state of it. A second version on the same cases shows how differently versions do.
3. Rates are corrected by the calibrations that the gate would find for the judge. One that it would refuse is none
   where the environment takes the judge's own figure as well.
4. Statements (`--assume`) stand in place of evidence, metric by metric.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from llmops.documents import bars as bars_of
from llmops.documents import canonical
from llmops.documents.bars import Bars, Threshold
from llmops.documents.evalsets import Case
from llmops.errors import CannotAsk
from llmops.evaluation.calibration import correcting
from llmops.evaluation.calibration.calibrations import Calibration
from llmops.evaluation.gating.decisions import ADVISORY
from llmops.evaluation.metrics import Catalogue, Kind
from llmops.evaluation.panels import Panel
from llmops.evaluation.planning import evidence, known, plan
from llmops.evaluation.planning.components import Design
from llmops.evaluation.planning.known import Assumption, Known, Sources
from llmops.evaluation.planning.plan import Aim, PlannedRule, Way
from llmops.usecases.calibrate import reading
from llmops.usecases.evaluate import gate, recording
from llmops.usecases.evaluate.gate import Place
from llmops.usecases.evaluate.recording import Found
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.results.planning import Noise, Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is wanted: other numbers than those of the bars (0: theirs), the chance of the right verdict, a difference
    to tell, metrics (none: all that the bars name), statements, the price of a new case."""

    metrics: tuple[str, ...] = ()
    power: float = 0.8
    detect: float | None = None
    cases: int = 0
    repeats: int = 0
    judge_repeats: int = 0
    case_usd: float = 0.0
    assumptions: Mapping[str, Assumption] = field(default_factory=dict)

    def check(self) -> None:
        """Raises: CannotAsk USAGE."""
        if not 0 < self.power < 1:
            raise CannotAsk("USAGE", f"--power is {self.power:g}", hint="a chance between 0 and 1, for example 0.8")
        if self.detect is not None and not 0 < self.detect < math.inf:
            what = f"--detect is {self.detect:g}: no number of cases tells what does not differ"
            raise CannotAsk("USAGE", what, hint="a difference above 0, for example 0.05")
        if not 0 <= self.case_usd < math.inf:
            what = f"--case-cost is {self.case_usd:g}: nobody pays that for a case"
            raise CannotAsk("USAGE", what, hint="dollars, 0 or more, for example 2.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One version's evidence, and in words whose it is."""

    found: Found
    words: str


def run(place: Place, subject: Subject, request: Request) -> Planned:
    """The plan. Raises: CannotAsk USAGE, ENVIRONMENT_UNKNOWN, METRIC_UNKNOWN, NO_EVIDENCE, NO_BARS."""
    request.check()
    release, panel = subject.release, place.panel_of(gate.judge_of(subject.release))
    effective = gate.decide(place, release, subject.evalset).decision.effective
    thresholds = _thresholds(effective, request, panel.catalogue)
    cases = _counting(place, subject, effective)
    seen = list(_evidence(place, subject))
    _require_something(seen, request, thresholds, release.name)
    calibrations = tuple(_calibrations(place, thresholds, panel, seen[0].found if seen else None))
    sources = Sources(
        cases=cases,
        rows=seen[0].found.pool.by_case() if seen else {},
        other=seen[1].found.pool.by_case() if len(seen) > 1 else None,
        assumptions=request.assumptions,
        calibrations=_that_correct(place, calibrations, panel.catalogue),
    )
    design = Design(
        cases=request.cases or len(cases),
        repeats=request.repeats or effective.repeats,
        judge_repeats=request.judge_repeats or effective.judge_repeats,
    )
    price = evidence.price_of(seen[0].found.pool.rows if seen else (), request.case_usd * 1e9)
    aim = Aim(power=request.power, detect=request.detect, price=price, standing=len(cases))
    looked = _Looked(subject, sources, panel.catalogue, design)
    return Planned(
        prompt=release.name,
        version=release.version,
        environment=place.environment,
        evalset=subject.evalset.name,
        judge=panel.judge.label,
        power=request.power,
        design=design,
        asked=Way.of(design, price, len(cases)),
        rules=tuple(_rules(thresholds, looked, aim)),
        noise=tuple(_noise(thresholds, looked)),
        evidence=f"{seen[0].words}{_measured(thresholds, looked)}" if seen else "",
        other=seen[1].words if len(seen) > 1 else "",
        calibrated=tuple(dict.fromkeys(bar.metric for bar, one in calibrations if correcting.problem(one) is None)),
    )


def _calibrations(
    place: Place, thresholds: tuple[Threshold, ...], panel: Panel, found: Found | None
) -> Iterator[tuple[Threshold, Calibration]]:
    """What is known of the judge's errors: on the line of a rate; for a mean of grades, on any line."""
    versions = found.scorers if found else panel.versions
    for threshold in thresholds:
        info = panel.catalogue.metric(threshold.quality or threshold.metric)
        line = canonical.decimal(1.0 if threshold.pass_at is None else threshold.pass_at)
        entry = place.records.ledger.calibration(
            panel.judge.digest,
            info.name,
            versions.get(info.name, ""),
            line if _is_rate(threshold, panel.catalogue) else None,
        )
        if entry is not None:
            evidence_of = found.pooled if found else ()
            yield threshold, reading.calibration_of(place.records, entry, evidence=evidence_of)


def _is_rate(threshold: Threshold, catalogue: Catalogue) -> bool:
    return threshold.pass_at is not None or catalogue.metric(threshold.metric).kind is Kind.BINARY


def _that_correct(
    place: Place, calibrations: Iterable[tuple[Threshold, Calibration]], catalogue: Catalogue
) -> Mapping[str, Calibration]:
    """Those of rates, by key, without those that the gate would pass over."""
    rules = gate.rules_of(place.records, place.environment)
    is_lenient = ADVISORY in (rules.judges if rules else gate.EVERY_JUDGE)
    return {
        threshold.key: one
        for threshold, one in calibrations
        if _is_rate(threshold, catalogue) and not (is_lenient and correcting.problem(one))
    }


def _measured(thresholds: tuple[Threshold, ...], looked: _Looked) -> str:
    """Of which metrics fewer cases than there are have a score."""
    found = {threshold.metric: looked.known(threshold).measured for threshold in thresholds}
    most = len(looked.sources.rows)
    fewer = [f"{metric} on {count}" for metric, count in found.items() if 0 < count < most]
    return f" ({', '.join(fewer)})" if fewer else ""


@dataclass(frozen=True, slots=True)
class _Looked:
    """What is known of each metric, looked up once a metric and slice."""

    subject: Subject
    sources: Sources
    catalogue: Catalogue
    design: Design
    found: dict[tuple[str, str], Known] = field(default_factory=dict)

    def known(self, threshold: Threshold, inside: str = "") -> Known:
        key = (threshold.key, inside)
        if key not in self.found:
            evalset = self.subject.evalset
            cases = [case for case in self.sources.cases if not inside or inside in evalset.slices_of(case)]
            info = self.catalogue.metric(threshold.metric)
            self.found[key] = known.of(info, threshold, self.sources, cases, self.design)
        return self.found[key]


def _thresholds(effective: Bars, request: Request, catalogue: Catalogue) -> tuple[Threshold, ...]:
    wanted = [catalogue.metric(name).name for name in request.metrics]
    named = {threshold.metric for threshold in effective.thresholds}
    for name in (*wanted, *request.assumptions):
        if catalogue.metric(name).name not in named:
            what, hint = f"no bar is on {name}", f"bars are on: {', '.join(sorted(named)) or 'nothing'}"
            raise CannotAsk("METRIC_UNKNOWN", what, hint=hint)
    found = tuple(threshold for threshold in effective.thresholds if not wanted or threshold.metric in wanted)
    if not found:
        hint = "write thresholds in thresholds.yaml"
        raise CannotAsk("NO_BARS", "neither the release nor the policy sets a bar: there is nothing to plan", hint=hint)
    return found


def _counting(place: Place, subject: Subject, effective: Bars) -> tuple[Case, ...]:
    today = place.now.date().isoformat()
    resting = {item.case for item in effective.quarantine if today < item.until[:10]}
    return tuple(case for case in subject.evalset.cases if case.id not in resting)


def _evidence(place: Place, subject: Subject) -> Iterator[_Seen]:
    """What was recorded, the nearest first, each version once."""
    release = subject.release
    newest = [subject.evalset.digest, *_earlier(place, subject)]
    for digest in newest:
        found = list(_on(place, subject, digest))
        if found:
            state = "" if digest == release.evalset_digest else ", on an earlier state of the evalset"
            yield from (_Seen(found=one, words=f"{_words(place, subject, one)}{state}") for one in found)
            return


def _on(place: Place, subject: Subject, digest: str) -> Iterator[Found]:
    panel = place.panel_of(gate.judge_of(subject.release))
    target = bars_of.parse(subject.release.bars).target
    for behaviour in _behaviours(place, subject):
        found = recording.find(place.records, behaviour=behaviour, evalset_digest=digest, panel=panel, target=target)
        if found is not None and found.pool.rows:
            yield found


def _behaviours(place: Place, subject: Subject) -> tuple[str, ...]:
    """The release, what serves, then every version of the prompt that was evaluated, the newest first."""
    serving = gate.serving_release(place, subject.release.name)
    first = [subject.release.behaviour_digest, *([serving.behaviour_digest] if serving else [])]
    entries = [entry for found in place.records.ledger.index.evaluations.values() for entry in found]
    of_prompt = [entry for entry in entries if entry.evaluation.prompt == subject.release.name]
    newest = sorted(of_prompt, key=lambda entry: entry.entry.sequence, reverse=True)
    return tuple(dict.fromkeys((*first, *(entry.evaluation.behaviour for entry in newest))))


def _earlier(place: Place, subject: Subject) -> tuple[str, ...]:
    """The digests of the evalset's earlier states that somebody was evaluated on, the newest first."""
    entries = [entry for found in place.records.ledger.index.evaluations.values() for entry in found]
    same = [entry for entry in entries if entry.evaluation.evalset == subject.evalset.name]
    newest = sorted(same, key=lambda entry: entry.entry.sequence, reverse=True)
    return tuple(dict.fromkeys(entry.evaluation.evalset_digest for entry in newest))


def _words(place: Place, subject: Subject, found: Found) -> str:
    """Whose evidence it is."""
    releases = place.records.ledger.releases.values()
    behaviour = found.key.behaviour
    versions = {item.release.version for item in releases if item.release.behaviour_digest == behaviour}
    if behaviour == subject.release.behaviour_digest:
        # Evidence is of a behaviour, and several versions may have the same: which of them was asked is not recorded.
        versions |= {subject.release.version}
    name = f"behaviour {behaviour[:12]}"
    if versions:
        one = "version" if len(versions) == 1 else "versions (of one behaviour)"
        name = f"{one} {', '.join(sorted(versions))}"
    rows = found.pool.rows
    cases, repeats = len({row.case for row in rows}), 1 + max(row.repeat for row in rows)
    return f"{name}, {cases} cases{f' x {repeats} repeats' if repeats > 1 else ''}"


def _require_something(seen: list[_Seen], request: Request, thresholds: tuple[Threshold, ...], prompt: str) -> None:
    if seen or any(threshold.metric in request.assumptions for threshold in thresholds):
        return
    raise CannotAsk(
        "NO_EVIDENCE",
        f"no version of {prompt} was evaluated on this evalset by this judge, so nothing is known of the noise",
        hint=f"llmops eval {prompt} --record, or state it: {known.example(thresholds[0].metric)}",
    )


def _rules(thresholds: tuple[Threshold, ...], looked: _Looked, aim: Aim) -> Iterator[PlannedRule]:
    for threshold in thresholds:
        yield from plan.rules(threshold, lambda inside, one=threshold: looked.known(one, inside), aim)  # type: ignore[misc]


def _noise(thresholds: tuple[Threshold, ...], looked: _Looked) -> Iterator[Noise]:
    for threshold in thresholds:
        found = looked.known(threshold)
        if found.population is None:
            continue
        own = found.population.components
        shares = own.shares(found.design)
        yield Noise(
            metric=threshold.key,
            components=own,
            shares=shares,
            advice=_advice(shares),
            is_assumed=found.is_assumed,
        )


def _advice(shares: Mapping[str, float]) -> str:
    """What lowers the noise most, as a word or two."""
    if not shares:
        return "no noise seen"
    most = max(shares, key=lambda name: shares[name])
    if most == "generator":
        return "more repeats, or more cases"
    if most == "judge":
        return "judge_repeats, or more cases"
    if most == "group":
        return "more groups"
    return "more cases"
