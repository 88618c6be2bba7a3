"""What a gate can tell: by rule, the smallest difference that it decides, and what the one that it asks for takes.

Rules, in order:

1. A rule on an interval asks for a difference: `max_drop` for its own margin (a release that is just as good has to
   pass), a bar for the distance from what was measured to it, both for `--detect` where that is given. It can tell
   it if the right verdict comes in `power` of the gates.
2. A rule on a mean always decides. What it owes is how often that is chance: asked again on the same cases (the noise
   of generator and judge), and on other cases of the same kind.
3. `require: PASS` lets a release pass that fails a share of all cases as often as none of these is among them.
4. A rate that a calibration corrects is planned as people would have it, in the interval that the gate will use; where
   labels and not cases are what is missing, it says so.
5. What nothing is known of is not planned, and says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from statistics import NormalDist

from llmops.documents.bars import DecideOn, SliceBar, Threshold
from llmops.evaluation.metrics import OPERATIONAL
from llmops.evaluation.planning import chances
from llmops.evaluation.planning.asked import Asked, Bar, Margin
from llmops.evaluation.planning.chances import Population
from llmops.evaluation.planning.components import Components, Design
from llmops.evaluation.planning.corrected import CorrectedBar, Correction
from llmops.evaluation.planning.known import Known
from llmops.evaluation.planning.power import MOST_CASES, Price, cheapest, designs
from llmops.evaluation.statistics.intervals import Interval

TRIES, MOST_COUNTED = 3, 100_000
MORE_CASES = (1, 2, 4, 8, 16, 32)
TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is asked of a gate: the chance of the right verdict, the difference (None: the rule's own), the price of an
    answer, how many cases exist."""

    power: float = 0.8
    detect: float | None = None
    price: Price = field(default_factory=Price)
    standing: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to be sure enough, with its requests and nano-USD (None: nobody knows). `once_nano_usd` of them are for
    new cases: they are not paid at every release."""

    design: Design
    calls: int
    nano_usd: int | None
    once_nano_usd: int = 0

    @classmethod
    def of(cls, design: Design, price: Price, standing: int) -> Way:
        """The way by this design, where `standing` cases are there already."""
        once = price.once(design, standing)
        return cls(design=design, calls=price.calls(design), nano_usd=price.of(design, standing), once_nano_usd=once)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRule:
    """One rule of the gate, looked at beforehand.

    `sd` is the deviation between cases (for `max_drop`: of the differences). `difference` is what the rule has to tell,
    `chance` how often it then gives the right verdict, `detects` the smallest difference that it tells in `power` of
    the gates. `needed` cases, the `cheapest` way and the way with `same` cases would reach it (None: none does).
    Of a mean, `again` and `others` are the chances to pass on the same and on other cases. `is_open`: it cannot tell
    what it asks for. `note` says why something is not known.

    Of a corrected rate, `judged` is the judge's own figure, `interval` the gate's on what was seen, `labelled` how many
    labels correct it, `floor` the difference that no number of cases goes below with them (None: no release is told),
    `labels` how many labels would reach `power` with `labels_cases` cases (None: not known, or none do).
    """

    metric: str
    rule: str
    bar: float
    decide_on: DecideOn
    design: Design
    slice: str = ""
    figure: float | None = None
    sd: float | None = None
    design_effect: float = 1.0
    difference: float | None = None
    chance: float | None = None
    detects: float | None = None
    needed: int | None = None
    cheapest: Way | None = None
    same: Way | None = None
    again: float | None = None
    others: float | None = None
    is_open: bool = False
    is_good: bool = True
    note: str = ""
    judged: float | None = None
    interval: Interval | None = None
    labelled: int = 0
    floor: float | None = None
    labels: int | None = None
    labels_cases: int = 0


def rules(threshold: Threshold, known: Callable[[str], Known], aim: Aim) -> Iterator[PlannedRule]:
    """Every rule of one metric; `known` says what is known of it in a slice ("" for all cases)."""
    whole = known("")
    for rule, bar in _bars(threshold.minimum, threshold.maximum):
        yield _absolute(_blank(threshold, rule, bar, whole), threshold, whole, aim)
    if threshold.require_pass:
        yield _required(_blank(threshold, "require", 1.0, whole), whole, aim)
    for part in threshold.slices:
        for rule, bar in _bars(part.minimum, part.maximum):
            yield _slice(threshold, part, rule, bar, known(part.name), aim)
    if threshold.max_drop is not None:
        yield _drop(_blank(threshold, "max_drop", threshold.max_drop, whole), threshold, whole, aim)


def _slice(threshold: Threshold, part: SliceBar, rule: str, bar: float, known: Known, aim: Aim) -> PlannedRule:
    row = replace(_blank(threshold, rule, bar, known), slice=part.name)
    return _absolute(row, threshold, known, aim)


def _bars(minimum: float | None, maximum: float | None) -> Iterable[tuple[str, float]]:
    return ((rule, bar) for rule, bar in (("min", minimum), ("max", maximum)) if bar is not None)


def _blank(threshold: Threshold, rule: str, bar: float, known: Known) -> PlannedRule:
    found = known.population
    return PlannedRule(
        metric=threshold.metric,
        rule=rule,
        bar=bar,
        decide_on=DecideOn.INTERVAL if rule == "max_drop" else threshold.decide_on,
        design=known.design,
        figure=known.figure,
        sd=_sd(found.components, known.design) if found else None,
        design_effect=found.components.design_effect(known.design) if found else 1.0,
        note=known.note,
    )


def _sd(components: Components, design: Design) -> float:
    return math.sqrt(components.of_case(design.repeats, design.judge_repeats))


def _absolute(row: PlannedRule, threshold: Threshold, known: Known, aim: Aim) -> PlannedRule:
    found = known.population
    if known.percentile is not None:
        return _percentile(row, known)
    if found is None:
        return replace(row, is_open=row.decide_on is DecideOn.INTERVAL)
    correction, is_least = known.correction, row.rule == "min"
    figure = correction.rate if correction else found.mean
    gap = figure - row.bar if is_least else row.bar - figure
    if correction:
        row = replace(
            row, figure=figure, judged=known.figure, interval=correction.interval, labelled=correction.labelled
        )
    if row.decide_on is DecideOn.MEAN:
        return _by_mean(replace(row, is_good=gap >= 0), found, gap * (correction.youden if correction else 1.0))
    is_good = gap >= 0 or aim.detect is not None
    difference = aim.detect if aim.detect is not None else abs(gap)
    row = replace(row, difference=difference, is_good=is_good)
    if correction is None:
        row = replace(row, note=row.note or _too_few(row, threshold, found))
    if difference <= TINY:
        return replace(row, chance=0.0, is_open=True, note="the figure stands at the bar: no number of cases decides")
    if correction:
        return _labelled(row, _corrected_bar(row, found, correction, threshold), found, aim)
    asked = Bar(found, row.bar, threshold.confidence, points_up=is_least == is_good, design=row.design)
    return _answered(row, asked, found.components, aim)


def _corrected_bar(row: PlannedRule, found: Population, correction: Correction, threshold: Threshold) -> CorrectedBar:
    points_up = (row.rule == "min") == row.is_good
    return CorrectedBar(
        found=found, correction=correction, bar=row.bar, level=threshold.confidence, points_up=points_up
    )


def _labelled(row: PlannedRule, asked: CorrectedBar, found: Population, aim: Aim) -> PlannedRule:
    """The row of a corrected rate: what cases can tell, and what labels would."""
    row = replace(_answered(row, asked, found.components, aim), floor=asked.floor())
    if not row.is_open:
        return row
    for times in MORE_CASES:
        design = replace(row.design, cases=times * row.design.cases)
        labels = asked.labels(row.difference or 0.0, design, aim.power)
        if labels is not None:
            return replace(row, labels=labels, labels_cases=design.cases)
    return row


def _too_few(row: PlannedRule, threshold: Threshold, found: Population) -> str:
    """Says where not even a perfect release passes."""
    if not found.is_bounded:
        return ""
    bar = row.bar if row.rule == "min" else 1 - row.bar
    least = chances.least_cases(bar, threshold.confidence)
    if least is None:
        return "no release passes: an interval from figures of a sample never ends at the end of the scale"
    if row.design.cases >= least:
        return ""
    return f"with {row.design.cases} cases not even a perfect release passes; {least} are the least"


def _by_mean(row: PlannedRule, found: Population, gap: float) -> PlannedRule:
    noise = found.components
    is_known = noise.generator.is_measured
    again = _above(gap, noise.of_rerun(row.design)) if is_known else None
    spread = noise.of_mean(row.design)
    return replace(row, again=again, others=_above(gap, spread) if spread > TINY else None)


def _above(gap: float, variance: float) -> float:
    return NormalDist().cdf(gap / math.sqrt(variance)) if variance > TINY * TINY else float(gap >= 0)


def _answered(row: PlannedRule, asked: Asked, noise: Components, aim: Aim) -> PlannedRule:
    """The row with what it can tell, and what it would take."""
    found = asked.chance(row.difference or 0.0, row.design)
    row = replace(row, chance=found, is_open=found < aim.power, detects=_smallest(row, asked, aim))
    needed = _fewest(row, asked, aim) if asked.counts_out else _needed(row, asked, aim)
    if needed is None:
        return row
    row = replace(row, needed=needed)
    best = _cheapest(row, asked, noise, aim)
    same = _same_cases(row, asked, noise, aim) if row.is_open else None
    return replace(row, cheapest=_way(best, aim), same=_way(same, aim) if same else None)


def _cheapest(row: PlannedRule, asked: Asked, noise: Components, aim: Aim) -> Design:
    """The cheapest design that is as sure as the needed cases. Fewer cases show less of what was not seen: some more
    make up for it, and where these do not, it is cases alone."""
    plain = replace(row.design, cases=row.needed or 0)
    found = cheapest(noise, plain, aim.price, max(aim.standing, row.design.cases))
    for _ in range(TRIES):
        if found == plain or asked.chance(row.difference or 0.0, found) >= aim.power:
            return found
        found = replace(found, cases=math.ceil(found.cases * 1.15))
    return plain


def _same_cases(row: PlannedRule, asked: Asked, noise: Components, aim: Aim) -> Design | None:
    """More answers or judgements with the cases at hand, the cheapest that do."""
    wanted = noise.of_mean(replace(row.design, cases=row.needed or 0)) * (1 + 1e-9)
    ways = [
        one
        for one in designs(noise, row.design.cases, row.design)
        if one != row.design and noise.of_mean(one) <= wanted
    ]
    for design in sorted(ways, key=aim.price.weight)[: TRIES * TRIES : TRIES]:
        if asked.chance(row.difference or 0.0, design) >= aim.power:
            return design
    return None


def _way(design: Design, aim: Aim) -> Way:
    return Way.of(design, aim.price, aim.standing)


def _smallest(row: PlannedRule, asked: Asked, aim: Aim) -> float | None:
    """The smallest difference that is told in `power` of the gates; None where none is."""
    if row.design.cases < 2:
        return None
    found = row.difference or 0.0
    for _ in range(TRIES):
        nearer = asked.reach(found, row.design, aim.power)
        is_settled = abs(nearer - found) <= 0.03 * found
        found = nearer
        if is_settled:
            break
    while asked.counts_out and asked.chance(found, row.design) < aim.power and found < 1:
        found *= 1.01
    # Where scores end before that, no release is told.
    return found if math.isfinite(found) and asked.chance(found, row.design) > 0 else None


def _fewest(row: PlannedRule, asked: Asked, aim: Aim) -> int | None:
    """How many cases tell the difference, where chances are exact; None where a hundred thousand do not."""
    difference, low, high = row.difference or 0.0, 1, 2
    while asked.chance(difference, replace(row.design, cases=high)) < aim.power:
        low, high = high, 2 * high
        if high > MOST_COUNTED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        is_enough = asked.chance(difference, replace(row.design, cases=middle)) >= aim.power
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def _needed(row: PlannedRule, asked: Asked, aim: Aim) -> int | None:
    """How many cases tell the difference; None where a million do not."""
    difference, cases = row.difference or 0.0, max(row.design.cases, 2)
    for _ in range(TRIES):
        away = asked.reach(difference, replace(row.design, cases=cases), aim.power)
        guess = cases * (away / difference) ** 2 if math.isfinite(away) else 4.0 * cases
        if not guess < MOST_CASES:
            return None
        nearer = max(2, math.ceil(min(guess, 50 * cases)))
        is_settled = abs(nearer - cases) <= max(1, cases // 20)
        cases = nearer
        if is_settled:
            break
    for _ in range(TRIES):
        if asked.chance(difference, replace(row.design, cases=cases)) >= aim.power:
            break
        cases = math.ceil(cases * 1.03)
    return cases


def _drop(row: PlannedRule, threshold: Threshold, known: Known, aim: Aim) -> PlannedRule:
    found = known.population
    if found is None or known.percentile is not None:
        note = row.note or "the drop of a percentile is not planned"
        return replace(row, figure=None, is_open=True, note=note)
    margin, level = row.bar, threshold.confidence
    difference = aim.detect if aim.detect is not None else margin
    labelled = known.correction.labelled if known.correction else 0
    row = replace(row, figure=None, sd=_sd(found.paired, row.design), difference=difference, note=known.paired_note)
    row = replace(row, labelled=labelled)
    if difference <= TINY:
        return replace(row, chance=0.0, is_open=True, note="a margin of 0 asks for proof that nothing is worse at all")
    asked = Margin(found, margin, level, margin - difference, known.correction)
    return _answered(row, asked, found.paired, aim)


def _required(row: PlannedRule, known: Known, aim: Aim) -> PlannedRule:
    cases = row.design.cases
    caught = 1 - (1 - aim.power) ** (1 / cases) if cases else None
    share = known.figure
    row = replace(row, detects=caught, others=None if share is None else share**cases, sd=None)
    if aim.detect is None or not 0 < aim.detect < 1:
        return row
    needed = math.ceil(math.log(1 - aim.power) / math.log(1 - aim.detect) - 1e-9)
    chance = 1 - (1 - aim.detect) ** cases
    return replace(row, difference=aim.detect, chance=chance, needed=needed, is_open=chance < aim.power)


def _percentile(row: PlannedRule, known: Known) -> PlannedRule:
    """A percentile is within its bar where enough cases are: their number is binomial."""
    within, cases = known.share_within(row.bar), row.design.cases
    if row.decide_on is DecideOn.INTERVAL or within is None or row.rule != "max":
        is_open, note = row.decide_on is DecideOn.INTERVAL, "an interval of a percentile is not planned"
        return replace(row, figure=None, sd=None, is_open=is_open, note=note)
    rank = max(1, math.ceil((known.percentile or 0.0) * cases))
    return replace(row, sd=None, others=chances.at_least(rank, cases, within))


def is_spend(metric: str) -> bool:
    """True for spend and speed."""
    return metric in OPERATIONAL
