"""Scores of cases as arrays: the same as lists of lists, without a Python object a case."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Clusters = Sequence[Sequence[float]]

# Rounding may push a mean of repeats past its end by as much; anything further out is a mistake.
SLACK = 1e-9
# From so many clusters on arrays are quicker than lists, the import of numpy included.
LARGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """`values` of the cases and the cluster of each (whole numbers from 0, in any order); None: each case alone."""

    values: NDArray[np.float64]
    clusters: NDArray[np.intp] | None = None

    def __post_init__(self) -> None:
        if self.clusters is None:
            return
        if len(self.clusters) != len(self.values):
            raise ValueError(f"{len(self.values)} values, but clusters of {len(self.clusters)}")
        if len(self.clusters) and int(self.clusters.min()) < 0:
            raise ValueError(f"cluster {int(self.clusters.min())}: clusters are counted from 0")

    def totals(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The sum and the number of the values in each cluster that has any."""
        import numpy as np

        if self.clusters is None:
            return self.values, np.ones(len(self.values))
        sums = np.asarray(np.bincount(self.clusters, weights=self.values), dtype=np.float64)
        sizes = np.bincount(self.clusters).astype(np.float64)
        return sums[sizes > 0], sizes[sizes > 0]


Data = Clusters | Sample


def found_in(data: Data, ends: tuple[float, float] = (-math.inf, math.inf)) -> Data:
    """The same without empty clusters. Raises: ValueError naming a value that is no number between `ends`."""
    if isinstance(data, Sample):
        _refuse_array(data.values, *ends)
        return data
    if len(data) >= LARGE:
        return found_in(_sample_of(data), ends)
    found = [cluster for cluster in data if len(cluster)]
    _refuse((value for cluster in found for value in cluster), *ends)
    return found


def count_of(data: Data) -> int:
    """How many clusters there are that hold a value."""
    return len(data.totals()[0]) if isinstance(data, Sample) else sum(1 for cluster in data if len(cluster))


def lists_of(data: Data) -> Clusters:
    """The values by cluster, as lists."""
    if not isinstance(data, Sample):
        return data
    if data.clusters is None:
        return [[value] for value in data.values.tolist()]
    found: list[list[float]] = [[] for _ in range(int(data.clusters.max(initial=-1)) + 1)]
    for cluster, value in zip(data.clusters.tolist(), data.values.tolist(), strict=True):
        found[cluster].append(value)
    return [cluster for cluster in found if cluster]


def _sample_of(clusters: Clusters) -> Sample:
    import numpy as np

    sizes = np.fromiter(map(len, clusters), dtype=np.intp, count=len(clusters))
    values = np.fromiter(itertools.chain.from_iterable(clusters), dtype=np.float64, count=int(sizes.sum()))
    owners = None if bool((sizes == 1).all()) else np.repeat(np.arange(len(sizes)), sizes)
    return Sample(values=values, clusters=owners)


def _refuse(values: Iterable[float], lowest: float, highest: float) -> None:
    for value in values:
        if not math.isfinite(value) or not lowest - SLACK <= value <= highest + SLACK:
            raise ValueError(_said(value, lowest, highest))


def _refuse_array(values: NDArray[np.float64], lowest: float, highest: float) -> None:
    import numpy as np

    wrong = ~np.isfinite(values) | (values < lowest - SLACK) | (values > highest + SLACK)
    if wrong.any():
        raise ValueError(_said(float(values[int(wrong.argmax())]), lowest, highest))


def _said(value: float, lowest: float, highest: float) -> str:
    expected = "a finite number" if math.isinf(lowest) else f"a number from {lowest:g} to {highest:g}"
    return f"value {value!r}, expected {expected}"
