"""Whether gates decide as often as `plan` promises: the difference that it says a gate tells, put before real gates.

Rules, in order:

1. What is planned from is evidence of a pilot: two versions that do alike, on cases of the same kind, each answered
   twice. Evidence rows go in, so that components, steps and pairs are estimated as they are for a user.
2. What is gated are fresh cases, drawn level by level (group, case, answer) from a model that the planning does not
   use: group and case move on the logit scale; scores are verdicts, quarters, or anything from 0 to 1.
3. Asked is about the smallest difference that `plan` says is told in 80 % of the gates (`tells`). The verdict is that
   of `statistics`; in one setting, that of the whole gate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from llmops.documents.bars import Bars, DecideOn, Threshold
from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.evidence import EvidenceRow, measured
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import GateQuestion, Verdict
from llmops.evaluation.metrics import EMBEDDED, Kind
from llmops.evaluation.planning import known, plan
from llmops.evaluation.planning.components import Design
from llmops.evaluation.planning.known import Known, Sources
from llmops.evaluation.planning.plan import Aim, PlannedRule
from llmops.evaluation.pooling import Pool, pool
from llmops.evaluation.statistics.means import mean_interval, paired_interval
from llmops.evaluation.statistics.samples import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL, POWER, PILOT, GATES = 0.95, 0.8, 1_500, 500
WITHIN = 5.0  # points
METRICS = {Kind.BINARY: "exact_match", Kind.STEPS: "faithfulness", Kind.CONTINUOUS: "groundedness"}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is gated: `rule` is `min` or `max_drop`; cases of one group of `cluster` share a level."""

    rule: str
    kind: Kind
    cases: int
    repeats: int = 1
    cluster: int = 1
    centre: float = 1.8  # logit of the middle case: a mean of about 0.8

    @property
    def name(self) -> str:
        groups = f", groups of {self.cluster}" if self.cluster > 1 else ""
        repeats = f" x {self.repeats}" if self.repeats > 1 else ""
        return f"{self.rule} {self.kind.value} n={self.cases}{repeats}{groups}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What was promised and what came: shares of the gates; `difference` is what had to be told."""

    setting: Setting
    difference: float
    promised: float
    kept: float
    gates: int

    @property
    def off(self) -> float:
        """Points between both."""
        return 100 * (self.kept - self.promised)


def settings(*, fast: bool = False) -> Iterator[Setting]:
    """The grid."""
    sizes = (30, 200) if fast else (20, 50, 200, 1_000)
    for rule in ("min", "max_drop"):
        for kind in Kind:
            for cases in sizes:
                yield Setting(rule=rule, kind=kind, cases=cases)
            yield Setting(rule=rule, kind=kind, cases=60, repeats=3)
            yield Setting(rule=rule, kind=kind, cases=100, cluster=5)


def measure(*, fast: bool = False, gates: int = GATES) -> tuple[Promise, ...]:
    """Every setting's promise and what came of it."""
    return tuple(held(setting, gates) for setting in settings(fast=fast))


def held(setting: Setting, gates: int = GATES) -> Promise:
    """The promise of one setting, and in how many of so many gates it was kept."""
    import numpy as np

    generator = np.random.default_rng([7, setting.cases, setting.repeats, setting.cluster])
    difference, promised = promise(setting, generator)
    passed = sum(_passes(setting, difference, generator) for _ in range(gates))
    return Promise(setting=setting, difference=difference, promised=promised, kept=passed / gates, gates=gates)


def promise(setting: Setting, generator: np.random.Generator) -> tuple[float, float]:
    """A difference that `plan` says is told about as often as wanted, from the evidence of a pilot, and how often."""
    found = _at_true_mean(_known(setting, generator), setting)
    tells = _planned(setting, found, 0.1).detects or 0.2
    row = _planned(setting, found, tells)
    return tells, row.chance or 0.0


def _at_true_mean(found: Known, setting: Setting) -> Known:
    """A pilot's mean is off by a little, which moves a count of passing cases by one: not what is asked here."""
    mean = _true_mean(setting)
    return replace(found, figure=mean, population=found.population.moved(mean) if found.population else None)


def _planned(setting: Setting, found: Known, difference: float) -> PlannedRule:
    threshold = Threshold(metric=METRICS[setting.kind], decide_on=DecideOn.INTERVAL)
    if setting.rule == "max_drop":
        threshold = replace(threshold, max_drop=difference)
    else:
        threshold = replace(threshold, minimum=(found.figure or 0.0) - difference)
    (row,) = plan.rules(threshold, lambda _: found, Aim(power=POWER))
    return row


def _known(setting: Setting, generator: np.random.Generator) -> Known:
    threshold = Threshold(metric=METRICS[setting.kind])
    pilot = replace(setting, cases=PILOT, repeats=2)
    before, after = draw(pilot, generator)
    cases = _cases(pilot)
    sides = [_rows(cases, values, threshold.metric) for values in (before, after)]
    sources = Sources(cases=cases, rows=sides[1].by_case(), other=sides[0].by_case())
    design = Design(cases=setting.cases, repeats=setting.repeats)
    return replace(known.of(EMBEDDED.metric(threshold.metric), threshold, sources, cases, design), design=design)


def _cases(setting: Setting) -> tuple[Case, ...]:
    return tuple(
        Case(
            id=f"c{at:05}",
            question="?",
            ground_truth="!",
            group=f"g{at // setting.cluster}" if setting.cluster > 1 else "",
        )
        for at in range(setting.cases)
    )


def _rows(cases: tuple[Case, ...], values: NDArray[np.float64], metric: str) -> Pool:
    rows = [
        EvidenceRow(
            case=case.id,
            input_digest="i",
            request_digest=f"{case.id}-{repeat}",
            answer="",
            repeat=repeat,
            scores={metric: measured(round(value, 6))},
        )
        for case, answers in zip(cases, values.tolist(), strict=True)
        for repeat, value in enumerate(answers)
    ]
    return pool([rows])


def draw(setting: Setting, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of two versions that do alike, by case and repeat."""
    import numpy as np

    groups = -(-setting.cases // setting.cluster)
    shared = np.repeat(generator.normal(0, 0.7 if setting.cluster > 1 else 0.0, groups), setting.cluster)[
        : setting.cases
    ]
    middle = setting.centre + shared + generator.normal(0, 1.0, setting.cases)
    sides = []
    for _ in range(2):
        ease = 1 / (1 + np.exp(-(middle + generator.normal(0, 0.5, setting.cases))))[:, None]
        sides.append(_answers(setting, np.broadcast_to(ease, (setting.cases, setting.repeats)), generator))
    return sides[0], sides[1]


def _answers(setting: Setting, ease: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    import numpy as np

    if setting.kind is Kind.BINARY:
        return (generator.random(ease.shape) < ease).astype(np.float64)
    if setting.kind is Kind.STEPS:
        return np.asarray(generator.binomial(4, ease) / 4)
    return np.asarray(generator.beta(8 * ease, 8 * (1 - ease)))


def _passes(setting: Setting, difference: float, generator: np.random.Generator) -> bool:
    """Whether the gate passes a release that stands so far on the good side."""
    before, after = draw(setting, generator)
    clusters = None if setting.cluster == 1 else _places(setting)
    if setting.rule == "max_drop":
        drop = Sample(values=before.mean(axis=1) - after.mean(axis=1), clusters=clusters)
        interval = paired_interval(drop, setting.kind, LEVEL, seed="0")
        return interval is not None and interval.high <= difference
    interval = mean_interval(Sample(values=after.mean(axis=1), clusters=clusters), setting.kind, LEVEL, seed="0")
    return interval is not None and interval.low >= _true_mean(setting) - difference


def _places(setting: Setting) -> NDArray[np.intp]:
    import numpy as np

    return np.arange(setting.cases) // setting.cluster


_MEANS: dict[tuple[float, bool], float] = {}


def _true_mean(setting: Setting) -> float:
    """The mean of the population, by a million cases."""
    import numpy as np

    key = (setting.centre, setting.cluster > 1)
    if key not in _MEANS:
        generator = np.random.default_rng(1)
        spread = math.sqrt(1.0 + 0.25 + (0.49 if setting.cluster > 1 else 0.0))
        _MEANS[key] = float(np.mean(1 / (1 + np.exp(-generator.normal(setting.centre, spread, 1_000_000)))))
    return _MEANS[key]


def whole_gate(cases: int = 60, gates: int = 150) -> Promise:
    """The same through `gate.decide`, rows, bars and all: a release that is just as good, against its margin."""
    import numpy as np

    setting = Setting(rule="max_drop", kind=Kind.CONTINUOUS, cases=cases)
    generator = np.random.default_rng(11)
    margin, promised = promise(setting, generator)
    metric = METRICS[setting.kind]
    evalset = Evalset(name="simulated", version="1.0.0", cases=_cases(setting), slices=())
    bars = Bars(
        thresholds=(Threshold(metric=metric, max_drop=margin),),
        judge="embedded-lexical",
        evalset=evalset.name,
        evalset_digest=evalset.digest,
    )
    passed = 0
    for _ in range(gates):
        before, after = (_rows(evalset.cases, values, metric) for values in draw(setting, generator))
        question = GateQuestion(
            bars=bars,
            evalset=evalset,
            candidate=after,
            baseline=before,
            serving_bars=bars,
            now=NOW,
            accepted_judges=frozenset({"calibrated"}),
        )
        passed += gate.decide(question).verdict is Verdict.PASS
    return Promise(setting=setting, difference=margin, promised=promised, kept=passed / gates, gates=gates)


def run(*, slow: bool = False) -> list[Figure]:
    """How far promises are off, by rule; with `slow`, over the whole grid."""
    found = measure(fast=not slow, gates=2 * GATES)
    figures = []
    for rule in ("min", "max_drop"):
        of_rule = [promise for promise in found if promise.setting.rule == rule]
        worst = max(of_rule, key=lambda promise: abs(promise.off))
        note = f"{worst.setting.name}: {worst.kept:.3f} for {worst.promised:.3f}; {len(of_rule)} settings"
        name = f"power of {rule} rules, furthest from plan"
        figures.append(Figure(name=name, measured=abs(worst.off), unit="points", goal=WITHIN, note=note))
    whole = whole_gate()
    figures.append(
        Figure(
            name="power of a whole gate, off the plan",
            measured=abs(whole.off),
            unit="points",
            goal=2 * WITHIN,
            note=f"{whole.kept:.3f} of {whole.gates} gates: noise of 3 points",
        )
    )
    return figures
