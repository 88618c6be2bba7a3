"""What the evidence says about one bar: the observed figure, or the one that stands for it, and how sure it is.

Rules, in order:

1. A rate that a calibration corrects is the corrected one; what the judge saw is kept beside it (`observed`).
2. The figure of a ratio is all spend over all quality (Cochran, "Sampling Techniques", section 6.2), over the cases on
   which both are known: a mean of ratios would let one cheap failure weigh like a good answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops.evaluation.calibration.correcting import Corrected, Uncorrected
from llmops.evaluation.measurements import Measurement, clustered
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.ratios import ratio, ratio_interval

Pairs = Sequence[Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`seen` is what was measured; for a ratio the spend, and `per` the quality that it bought. `corrected` says what
    people would say of a rate, or why nobody can tell; None where that is no question."""

    seen: Measurement
    per: Measurement | None = None
    corrected: Corrected | Uncorrected | None = None

    @property
    def values(self) -> Mapping[str, float]:
        """What was measured, by case; of a ratio the spend on the cases on which both are known."""
        if self.per is None:
            return self.seen.values
        return {case: value for case, value in self.seen.values.items() if case in self.per.values}

    @property
    def bought(self) -> Mapping[str, tuple[float, float]]:
        """(spend, quality) by case; empty where this is no ratio. What was spent on an answer of unknown quality bought
        none: leaving it out would make dear failures free."""
        quality = {**dict.fromkeys(self.per.missing, 0.0), **self.per.values} if self.per else {}
        return {case: (value, quality[case]) for case, value in self.seen.values.items() if case in quality}

    @property
    def missing(self) -> Mapping[str, str]:
        """Why cases have no figure. A case that only spend or only quality speaks about is not expected of a ratio."""
        if self.per is None:
            return self.seen.missing
        mine, theirs = self.seen, self.per
        quality = {case: f"{theirs.info.name}: {why}" for case, why in theirs.missing.items()}
        both = {case for case in mine.groups if case in theirs.groups}
        return {case: why for case, why in {**quality, **mine.missing}.items() if case in both}

    @property
    def judges(self) -> tuple[str, ...]:
        """The labels of who judged."""
        return tuple(sorted({*self.seen.judges, *(self.per.judges if self.per else ())}))

    @property
    def expected(self) -> int:
        """How many cases should have a figure."""
        return self.seen.expected if self.per is None else len(self.values) + len(self.missing)

    @property
    def coverage(self) -> float:
        """The share of them that have one."""
        if self.per is None:
            return self.seen.coverage
        return len(self.values) / self.expected if self.expected else 0.0

    def common(self, other: Reading) -> tuple[Pairs, Pairs]:
        """(spend, quality) of this ratio and of another one, by group, on the cases of both, in one order."""
        mine, theirs = self.bought, other.bought
        shared = [case for case in mine if case in theirs]
        return (
            _clustered({case: mine[case] for case in shared}, self.seen.groups),
            _clustered({case: theirs[case] for case in shared}, self.seen.groups),
        )

    @property
    def correction(self) -> Corrected | None:
        """The correction that counts."""
        return self.corrected if isinstance(self.corrected, Corrected) else None

    @property
    def figure(self) -> float | None:
        """The figure that is held against the bar; None where nothing was measured, or no quality was bought."""
        if self.per is not None:
            return ratio_of(_clustered(self.bought, self.seen.groups))
        return self.correction.rate if self.correction else self.seen.figure

    def interval(self, level: float, seed: str) -> Interval | None:
        """How sure the figure is, or None where that cannot be told."""
        if self.figure is None:
            return None
        if self.per is not None:
            return ratio_interval(_clustered(self.bought, self.seen.groups), level, seed=seed)
        return self.correction.interval if self.correction else self.seen.interval(level, seed)


def ratio_of(pairs: Pairs) -> float | None:
    """Spend over quality; None where no quality was bought: nothing can be said of its price."""
    return ratio(pairs) if sum(quality for cluster in pairs for _, quality in cluster) > 0 else None


def _clustered(bought: Mapping[str, tuple[float, float]], groups: Mapping[str, str]) -> Pairs:
    spend = clustered({case: pair[0] for case, pair in bought.items()}, groups)
    quality = clustered({case: pair[1] for case, pair in bought.items()}, groups)
    return tuple(tuple(zip(one, other, strict=True)) for one, other in zip(spend, quality, strict=True))
