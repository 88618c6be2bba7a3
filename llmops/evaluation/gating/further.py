"""What would decide an open bar: how many further cases, or repeats of the same, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmops.documents.bars import Threshold
from llmops.evaluation.gating.decisions import MetricDecision
from llmops.evaluation.gating.ground import Ground
from llmops.evaluation.gating.readings import Reading
from llmops.evaluation.gating.rows import undecided
from llmops.evaluation.gating.wording import between, place, seen_as, spelled
from llmops.evaluation.planning.components import Components, Design, estimate
from llmops.evaluation.planning.evidence import price_of, tree_of
from llmops.evaluation.planning.power import Price, cases_to_decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What was done so far: cases and repeats, where the noise comes from (None: not told apart), and what it costs."""

    asked: Design
    components: Components | None
    price: Price | None


def effort(threshold: Threshold, read: Reading, ground: Ground) -> Effort:
    """What the evidence behind a reading took."""
    rows = {case: found for case, found in ground.candidate.by_case().items() if case in read.values}
    cases = [case for case in ground.cases if case.id in rows]
    info = read.seen.info
    return Effort(
        asked=Design(cases=len(read.values), repeats=ground.repeats, judge_repeats=ground.judge_repeats),
        # Noise of one ratio is that of two figures: not told apart here.
        components=None
        if read.per
        else estimate(tree_of(info, cases, rows, threshold.pass_at), is_judged=bool(read.judges)),
        price=price_of([row for found in rows.values() for row in found]),
    )


def straddles(row: MetricDecision, half: float, done: Effort) -> MetricDecision:
    """The row as undecided because its bar lies inside the interval, `half` away from the limit that is in the way."""
    figure = row.figure if row.figure is not None else row.bar
    stands = f"{place(row)} is {spelled(figure)}{between(row.interval)}"
    message = f"{stands}; the bar {spelled(row.bar)} lies inside{seen_as(row)}"
    needed = cases_to_decide(
        gap=abs(figure - row.bar), half=half, asked=done.asked, components=done.components, price=done.price
    )
    return replace(undecided(row, "INTERVAL_STRADDLES", message, needed.sentence), to_decide=needed)
