"""What the real gate says of simulated evidence.

Rules, in order:

1. The verdict is that of `gate.decide` on evidence, bars and an evalset as a release has them. One evaluation carries
   `TOGETHER` metrics, each of which is a gate of its own: drawn on its own and held against its own bar.
2. Draws are seeded by the setting's name: the same figures everywhere.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.simulation.populations import Population, Scores, draw
from llmops.documents.bars import Bars, DecideOn, SliceBar, Threshold
from llmops.documents.evalsets import Case, Evalset
from llmops.evaluation.evidence import EvidenceRow, Score, measured
from llmops.evaluation.gating import gate
from llmops.evaluation.gating.decisions import GateDecision, GateQuestion, Verdict, overall
from llmops.evaluation.metrics import Catalogue, Kind, MetricInfo
from llmops.evaluation.pooling import Pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOGETHER = 25
GATES = 2_000
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = tuple(f"simulated_{at:02}" for at in range(TOGETHER))
KINDS = {Scores.BINARY: Kind.BINARY, Scores.STEPS: Kind.STEPS, Scores.SKEWED: Kind.CONTINUOUS}


class Rule(StrEnum):
    """Which bars the gate has: an absolute one on the interval, a largest drop, both, or one in each of `SLICES`."""

    INTERVAL = "interval"
    DROP = "max_drop"
    BOTH = "both"
    SLICES = "slices"


SLICES = ("s0", "s1", "s2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A gate and what it is held against. `bar` is the least mean, `margin` the largest drop allowed."""

    rule: Rule
    population: Population
    bar: float | None = None
    margin: float | None = None

    @property
    def name(self) -> str:
        of = self.population
        parts = [f"{self.rule}, {of.scores}", f"n {of.cases}", f"mean {of.mean:g}"]
        parts += [f"drop {of.drop:g}"] if self.margin is not None else []
        parts += [f"clusters of {of.cluster}"] if of.cluster > 1 else []
        return ", ".join([*parts, f"{of.repeats} repeats"] if of.repeats > 1 else parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many of the simulated gates said what."""

    setting: Setting
    gates: int
    passed: int
    failed: int

    @property
    def pass_rate(self) -> float:
        return self.passed / self.gates

    @property
    def fail_rate(self) -> float:
        return self.failed / self.gates

    @property
    def undecided_rate(self) -> float:
        return 1 - self.pass_rate - self.fail_rate


def simulate(setting: Setting, gates: int = GATES) -> Outcome:
    """What `gates` gates of this setting say."""
    import numpy as np

    generator = np.random.default_rng(zlib.crc32(setting.name.encode()))
    counts: Counter[Verdict] = Counter()
    for start in range(0, gates, TOGETHER):
        counts.update(_verdicts(setting, min(TOGETHER, gates - start), generator))
    return Outcome(setting=setting, gates=gates, passed=counts[Verdict.PASS], failed=counts[Verdict.FAIL])


def _verdicts(setting: Setting, gates: int, generator: np.random.Generator) -> Iterator[Verdict]:
    drawn = draw(setting.population, gates, generator)
    baseline = drawn.baseline if setting.margin is not None else None
    decision = decide(setting, drawn.candidate, baseline)
    for name in NAMES[:gates]:
        yield overall(tuple(row.verdict for row in decision.rows if row.metric == name))


def decide(
    setting: Setting, candidate: NDArray[np.float64], baseline: NDArray[np.float64] | None = None
) -> GateDecision:
    """What the gate says of these scores, by gate, case and repeat; each gate is one metric of the evidence."""
    names = NAMES[: len(candidate)]
    evalset = _evalset(setting.population.cases, setting.population.cluster)
    threshold = Threshold(
        metric="",
        minimum=None if setting.rule is Rule.SLICES else setting.bar,
        max_drop=setting.margin,
        decide_on=DecideOn.INTERVAL,
        slices=tuple(SliceBar(name=name, minimum=setting.bar) for name in SLICES if setting.rule is Rule.SLICES),
    )
    bars = Bars(
        thresholds=tuple(replace(threshold, metric=name) for name in names),
        judge="embedded-lexical",
        evalset=evalset.name,
        evalset_digest=evalset.digest,
        repeats=setting.population.repeats,
    )
    question = GateQuestion(
        bars=bars,
        evalset=evalset,
        candidate=_pool(evalset, candidate),
        now=NOW,
        accepted_judges=frozenset(),
        serving_bars=None if baseline is None else bars,
        baseline=None if baseline is None else _pool(evalset, baseline),
        catalogue=_catalogue(KINDS[setting.population.scores]),
    )
    return gate.decide(question)


@cache
def _catalogue(kind: Kind) -> Catalogue:
    return Catalogue.of([MetricInfo(name=name, method="drawn", kind=kind) for name in NAMES])


@cache
def _evalset(cases: int, cluster: int) -> Evalset:
    """The slices share the cases in turns, cluster by cluster."""
    found = tuple(
        Case(
            id=f"c{at:04}",
            question="q",
            group=f"g{at // cluster}" if cluster > 1 else "",
            tags=(SLICES[at // cluster % len(SLICES)],),
        )
        for at in range(cases)
    )
    return Evalset(name="simulated", version="1.0.0", cases=found, slices=SLICES)


@cache
def _score(value: float) -> Score:
    return measured(value)


def _pool(evalset: Evalset, scores: NDArray[np.float64]) -> Pool:
    names = NAMES[: len(scores)]
    by_row = scores.transpose(1, 2, 0).tolist()
    rows = (
        _row(case, repeat, names, values)
        for case, runs in zip(evalset.cases, by_row, strict=True)
        for repeat, values in enumerate(runs)
    )
    return Pool(rows=tuple(rows))


def _row(case: Case, repeat: int, names: Sequence[str], values: Sequence[float]) -> EvidenceRow:
    return EvidenceRow(
        case=case.id,
        input_digest="i",
        request_digest="r",
        answer="",
        scores=dict(zip(names, map(_score, values), strict=True)),
        repeat=repeat,
    )
