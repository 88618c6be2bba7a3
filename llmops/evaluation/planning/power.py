"""How much has to be asked until the gate decides: cases, answers a case, judgements an answer, and their money.

Rules, in order:

1. The variance of a figure over cases drawn anew is that of a nested sample, between / n + answers / (n k) +
   judgements / (n k j): W. G. Cochran, "Sampling Techniques", 3rd ed. (1977), 10.3 and 10.6. Of all k and j that reach
   the same variance the cheapest is taken; where a case costs nothing but its answers, that is one answer a case
   (T. A. B. Snijders, R. J. Bosker, "Standard errors and sample sizes for two-level research", Journal of Educational
   Statistics 18 (1993)).
2. More answers or judgements are proposed only where their noise was measured.
3. The width of an interval shrinks with the root of the variance of the figure: so much further a figure that holds
   is decided. A figure that stands at its bar is never decided.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from llmops.evaluation.planning.components import Components, Design

MOST_CASES = 1_000_000
MOST_REPEATS, MOST_JUDGEMENTS = 20, 10
TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-USD of an answer, of one judgement of it by every judged metric, and of a new case; how many requests a
    judgement makes. None: nobody knows."""

    answer_nano_usd: float | None = None
    judgement_nano_usd: float = 0.0
    case_nano_usd: float = 0.0
    judgement_calls: float = 0.0

    def of(self, design: Design, standing: int = 0) -> int | None:
        """What the design costs; `standing` cases need not be written."""
        if self.answer_nano_usd is None:
            return None
        asked = design.answers * self.answer_nano_usd + design.judgements * self.judgement_nano_usd
        return round(asked) + self.once(design, standing)

    def once(self, design: Design, standing: int = 0) -> int:
        """What of it is paid once and not at every release: writing and labelling the new cases."""
        return round(max(0, design.cases - standing) * self.case_nano_usd)

    def calls(self, design: Design) -> int:
        """How many requests the design makes."""
        return round(design.answers + design.judgements * self.judgement_calls)

    def weight(self, design: Design, standing: int = 0) -> tuple[float, float]:
        """What designs are compared by: money, then requests; a judgement counts as one where none was ever paid."""
        asked = design.answers + design.judgements * max(self.judgement_calls, 1.0)
        return (self.of(design, standing) or 0, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDecide:
    """What would decide, if the figure holds: so many cases in all, or so many answers a case or judgements an answer
    with the cases at hand (None: no number does, or their noise was not measured). `extra_nano_usd`,
    `repeats_nano_usd`: what they cost beyond what was asked (None: nobody knows)."""

    asked: Design
    cases: Design | None
    repeats: Design | None
    extra_nano_usd: int | None = None
    repeats_nano_usd: int | None = None

    @property
    def sentence(self) -> str:
        """The hint on one line."""
        parts = []
        if self.cases:
            more = self.cases.cases - self.asked.cases
            parts.append(f"about {_rounded(more)} further cases like these{_money(self.extra_nano_usd)}")
        if self.repeats:
            parts.append(f"{_again(self.asked, self.repeats)}{_money(self.repeats_nano_usd)}")
        if not parts:
            return "the figure stands at the bar: no number of cases decides that soon"
        return f"{', or '.join(parts)} would decide, if the figure holds"


def _rounded(count: int) -> int:
    """Two figures: more would claim to know the spread better than it is known."""
    size: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // size) * size


def _again(asked: Design, wanted: Design) -> str:
    if wanted.judge_repeats > asked.judge_repeats:
        return f"judge_repeats: {wanted.judge_repeats}"
    return f"repeats: {wanted.repeats}"


def _money(nano_usd: int | None) -> str:
    if not nano_usd:
        return ""
    return f" (${nano_usd / 1e9:.2f})" if nano_usd >= 10**7 else f" (${nano_usd / 1e9:.4f})"


def cases_to_decide(
    *, gap: float, half: float, asked: Design, components: Components | None = None, price: Price | None = None
) -> ToDecide:
    """What would decide a figure that stands `gap` from its bar, where the interval's limit on the bar's side is `half`
    away from the figure. Both are distances, above 0; for differences give the components of the differences."""
    if gap <= TINY or half <= TINY:
        return ToDecide(asked=asked, cases=None, repeats=None)
    needed = asked.cases * (half / gap) ** 2
    paid = (price or Price()).of(asked)
    more = replace(asked, cases=max(math.ceil(needed), asked.cases + 1)) if needed <= MOST_CASES else None
    again = _with_same_cases(asked, (gap / half) ** 2, components, price) if components else None
    return ToDecide(
        asked=asked,
        cases=more,
        repeats=again,
        extra_nano_usd=_beyond(price, more, paid, asked.cases),
        repeats_nano_usd=_beyond(price, again, paid, asked.cases),
    )


def _beyond(price: Price | None, design: Design | None, paid: int | None, standing: int) -> int | None:
    cost = price.of(design, standing) if price and design else None
    return None if cost is None or paid is None else max(0, cost - paid)


def _with_same_cases(asked: Design, shrink: float, components: Components, price: Price | None) -> Design | None:
    wanted = components.of_mean(asked) * shrink
    found = [
        design
        for design in designs(components, asked.cases, asked)
        if design != asked and components.of_mean(design) <= wanted * (1 + 1e-9)
    ]
    return min(found, key=(price or Price()).weight, default=None)


def designs(components: Components, cases: int, least: Design) -> Iterable[Design]:
    """Every number of answers and judgements that is worth a look, from `least` on, with so many cases."""
    repeats = range(least.repeats, MOST_REPEATS + 1) if components.generator.variance else (least.repeats,)
    judgements = (
        range(least.judge_repeats, MOST_JUDGEMENTS + 1) if components.judge.variance else (least.judge_repeats,)
    )
    for k in repeats:
        for j in judgements:
            yield Design(cases=cases, repeats=k, judge_repeats=j)


def cheapest(components: Components, needed: Design, price: Price, standing: int) -> Design:
    """The cheapest design that is as sure as `needed`; `standing` cases exist already."""
    wanted = components.of_mean(needed)
    if wanted <= TINY:
        return needed
    found = [needed]
    for one in designs(components, 1, Design(cases=1)):
        cases = math.ceil(components.of_mean(one) / wanted - 1e-9)
        if 2 <= cases <= MOST_CASES:
            found.append(replace(one, cases=cases))
    return min(found, key=lambda one: (*price.weight(one, standing), one.repeats, one.judge_repeats))
