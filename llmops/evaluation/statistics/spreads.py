"""What an interval needs to know of a sample: distinct values and their counts, by case and by cluster."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmops.evaluation.statistics.clusters import mean
from llmops.evaluation.statistics.samples import Clusters, Data, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# More distinct values are gathered in bins, each at its own mean: that loses the spread within them, one part in
# BINS squared of a uniform one.
BINS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Distinct values and how often each was seen."""

    values: Sequence[float]
    counts: Sequence[float]

    def mirrored(self) -> Counts:
        """The values with the other sign."""
        return Counts(values=[-value for value in self.values], counts=self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a sample is spread around its `mean`.

    `size` is the mean number of cases a cluster, `weighted` the mean size of the cluster that a case is in; `clumped`
    the squared deviations of cluster totals from what their size lets expect, `alone` the squared deviations of the
    cases: equal in the mean where clusters do not matter.
    """

    mean: float
    cases: Counts
    clusters: Counts
    size: float
    weighted: float
    clumped: float
    alone: float

    def mirrored(self) -> Spread:
        """The sample with the other sign."""
        return Spread(
            mean=-self.mean,
            cases=self.cases.mirrored(),
            clusters=self.clusters.mirrored(),
            size=self.size,
            weighted=self.weighted,
            clumped=self.clumped,
            alone=self.alone,
        )


def spread_of(data: Data) -> Spread:
    """The spread of a sample that holds a value in every cluster."""
    return _of_arrays(data) if isinstance(data, Sample) else _of_lists(data)


def _of_lists(clusters: Clusters) -> Spread:
    middle = mean(clusters)
    values = [value for cluster in clusters for value in cluster]
    cases = counted(values)
    alone = math.fsum((value - middle) ** 2 for value in values)
    if len(values) == len(clusters):
        return Spread(mean=middle, cases=cases, clusters=cases, size=1.0, weighted=1.0, clumped=alone, alone=alone)
    sizes = [len(cluster) for cluster in clusters]
    deviations = [math.fsum(value - middle for value in cluster) for cluster in clusters]
    size = len(values) / len(clusters)
    return Spread(
        mean=middle,
        cases=cases,
        clusters=counted(_apart(middle, deviations, sizes)),
        size=size,
        weighted=sum(each * each for each in sizes) / len(values),
        clumped=math.fsum(each * each for each in deviations),
        alone=alone,
    )


def _apart(middle: float, deviations: Sequence[float], sizes: Sequence[int]) -> list[float]:
    """One value a cluster, `middle` their mean: how far the mean moves without it, as if all were of one size."""
    number, total = len(sizes), sum(sizes)
    size = total / number
    moved = [
        each / size * ((1 - 1 / number) / (1 - mine / total)) for each, mine in zip(deviations, sizes, strict=True)
    ]
    off = math.fsum(moved) / number
    return [middle + each - off for each in moved]


def _of_arrays(sample: Sample) -> Spread:
    import numpy as np

    middle = mean(sample)
    cases = counted_array(sample.values)
    alone = float(np.square(sample.values - middle).sum())
    sums, sizes = sample.totals()
    if len(sums) == len(sample.values):
        return Spread(mean=middle, cases=cases, clusters=cases, size=1.0, weighted=1.0, clumped=alone, alone=alone)
    deviations = sums - middle * sizes
    size = len(sample.values) / len(sums)
    return Spread(
        mean=middle,
        cases=cases,
        clusters=counted_array(_apart_array(middle, deviations, sizes)),
        size=size,
        weighted=float(np.square(sizes).sum()) / len(sample.values),
        clumped=float(np.square(deviations).sum()),
        alone=alone,
    )


def _apart_array(middle: float, deviations: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of arrays."""
    total = sizes.sum()
    moved = deviations / sizes.mean() * ((1 - 1 / len(sizes)) / (1 - sizes / total))
    apart: NDArray[np.float64] = middle + moved - moved.mean()
    return apart


def counted(values: Sequence[float]) -> Counts:
    """The distinct values, at most `BINS` of them, and their counts."""
    seen = Counter(values)
    if len(seen) <= BINS:
        ordered = sorted(seen)
        return Counts(values=ordered, counts=[float(seen[value]) for value in ordered])
    lowest = min(seen)
    scale = BINS / (max(seen) - lowest)
    return _gathered((min(int((value - lowest) * scale), BINS - 1), value, times) for value, times in seen.items())


def _gathered(items: Iterable[tuple[int, float, int]]) -> Counts:
    sums, counts = [0.0] * BINS, [0.0] * BINS
    for place, value, times in items:
        sums[place] += value * times
        counts[place] += times
    held = [place for place in range(BINS) if counts[place]]
    return Counts(values=[sums[place] / counts[place] for place in held], counts=[counts[place] for place in held])


def counted_array(array: NDArray[np.float64]) -> Counts:
    """The same of an array."""
    import numpy as np

    # A sort of all values costs more than everything else here: a small part tells whether there are few distinct.
    few = len(array) <= 10_000 or len(np.unique(array[:: len(array) // 1_000])) <= BINS
    if few:
        distinct, times = np.unique(array, return_counts=True)
        if len(distinct) <= BINS:
            return Counts(values=distinct.tolist(), counts=times.astype(np.float64).tolist())
    lowest = array.min()
    places = np.minimum(((array - lowest) * (BINS / (array.max() - lowest))).astype(np.intp), BINS - 1)
    counts = np.bincount(places, minlength=BINS).astype(np.float64)
    sums = np.bincount(places, weights=array, minlength=BINS)
    held = counts > 0
    return Counts(values=(sums[held] / counts[held]).tolist(), counts=counts[held].tolist())
