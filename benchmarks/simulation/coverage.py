"""How often intervals at 95 % hold the truth: every estimator, over sizes, clusters, repeats and rates.

    python -m benchmarks.simulation.coverage [--json] [--fast]

Rules, in order:

1. Passes and failures of independent cases are not drawn: the coverage is summed over the binomial distribution.
2. Everything else is drawn from seeded generators, so the same figures come out again.
3. Clusters: cases of one share a source, whose own rate is drawn from a beta distribution (intraclass correlation 0.3),
   or, for amounts, a common factor; repeats are further draws at the rate of the case.
4. Samples that have no interval (None) say nothing and are not counted.
5. In groups of unequal size three of four hold one case and the others `cluster` cases, as drawn; `n` is the number of
   groups then.
6. The oracle knows the true standard error, not the shape: 1.96 of it on both sides.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from llmops.evaluation.metrics import Kind
from llmops.evaluation.statistics import means, quantiles, ratios
from llmops.evaluation.statistics.intervals import Interval
from llmops.evaluation.statistics.samples import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
GOAL = 0.93
ALIKE = 0.3
# A bootstrap costs fifty times what the other intervals cost.
RUNS, FAST_RUNS, BOOTSTRAPS = 800, 200, 250
SHAPES = ((20, 1), (20, 5), (20, 10), (50, 1), (50, 5), (200, 1), (200, 10), (2_000, 1), (2_000, 10))
RATES = (0.5, 0.8, 0.95, 0.99)
SEED = "5eed" * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often one estimator held the truth at one place of the grid.

    `cluster` is the number of cases a cluster; `rate` the true rate, mean or spread that the place is named for;
    `width` the mean width, `oracle` that of an interval which knows the true standard error.
    """

    estimator: str
    n: int
    cluster: int
    repeats: int
    rate: float
    covered: float
    runs: int
    width: float
    oracle: float

    @property
    def share(self) -> float:
        """The share of the runs in which the interval held the truth."""
        return self.covered / self.runs

    @property
    def place(self) -> str:
        """Where on the grid this is."""
        return f"n = {self.n}, clusters of {self.cluster}, {self.repeats} repeats, {self.rate:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place of the grid: what is drawn there, and how often."""

    n: int
    cluster: int
    repeats: int
    rate: float

    @property
    def groups(self) -> int:
        return self.n // self.cluster

    @property
    def owners(self) -> NDArray[np.intp] | None:
        """The cluster of each case."""
        import numpy as np

        return None if self.cluster == 1 else np.arange(self.n) // self.cluster


Draw = Callable[["np.random.Generator", Place], "NDArray[np.float64]"]
Ask = Callable[["NDArray[np.float64]", Place], Interval | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """One interval and the population that it is tried on; a draw has a row a case. `grid`: where it is tried, `most`:
    how often at most."""

    name: str
    draw: Draw
    ask: Ask
    truth: Callable[[Place], float]
    figure: Callable[[NDArray[np.float64]], float]
    grid: Sequence[Place]
    most: int = RUNS


def measure(*, fast: bool = False, only: Sequence[str] = ()) -> tuple[Coverage, ...]:
    """The coverage of every estimator (or of those named) over its grid."""
    found: list[Coverage] = []
    if not only or "rate" in only:
        found += _exact_rates(fast=fast)
    for estimator in estimators():
        if not only or estimator.name in only:
            runs = min(FAST_RUNS if fast else RUNS, estimator.most)
            found += [_simulated(estimator, place, runs) for place in _thinned(estimator, fast)]
    return tuple(one for one in found if one.runs)


def run(*, slow: bool = False) -> list[Figure]:
    """The lowest coverage of each estimator beside its goal."""
    return figures(measure(fast=not slow))


def figures(found: Sequence[Coverage]) -> list[Figure]:
    """The lowest coverage by estimator; the goal allows for the noise of a simulation (three standard errors)."""
    return [_figure(name, [one for one in found if one.estimator == name]) for name in _names(found)]


def noise(runs: int, *, cells: int = 1) -> float:
    """How far a simulated share may fall below 93 % by chance: three standard errors, four where many are looked at."""
    return (3 if cells < 20 else 4) * math.sqrt(GOAL * (1 - GOAL) / runs)


def _figure(name: str, cells: Sequence[Coverage]) -> Figure:
    lowest = min(cells, key=lambda one: one.share)
    mean = math.fsum(one.share for one in cells) / len(cells)
    width = math.fsum(one.width / one.oracle for one in cells) / len(cells)
    slack = 0.0 if name == "rate" else noise(lowest.runs, cells=len(cells))
    allowed = f"; the goal is 93 % less the noise of {lowest.runs} runs a place" if slack else ""
    place = f"at {lowest.place}; mean {100 * mean:.1f} % over {len(cells)} places, {width:.2f} of the oracle's width"
    return Figure(
        name=f"lowest coverage, {name}",
        measured=100 * lowest.share,
        unit="%",
        goal=round(100 * (GOAL - slack), 1),
        at_least=True,
        note=place + allowed,
    )


def _names(found: Sequence[Coverage]) -> list[str]:
    return list(dict.fromkeys(one.estimator for one in found))


def _thinned(estimator: Estimator, fast: bool) -> Sequence[Place]:
    return [place for place in estimator.grid if place.n <= 200] if fast else estimator.grid


# Passes and failures of independent cases.


def _exact_rates(*, fast: bool) -> Iterator[Coverage]:
    import numpy as np

    rates = np.linspace(0.5, 0.99, 50 if fast else 491)
    for n in (20, 21, 25, 30, 50, 100, 200) if fast else (20, 21, 22, 25, 30, 40, 50, 75, 100, 150, 200, 500, 2_000):
        counts = np.arange(n + 1)
        limits = np.array([_rate_limits(n, count) for count in counts])
        logs = np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in counts])
        chances = np.exp(logs + counts * np.log(rates[:, None]) + (n - counts) * np.log1p(-rates[:, None]))
        held = (limits[:, 0] <= rates[:, None]) & (rates[:, None] <= limits[:, 1])
        for rate, chance, holds in zip(rates.tolist(), chances, held, strict=True):
            yield Coverage(
                estimator="rate",
                n=n,
                cluster=1,
                repeats=1,
                rate=rate,
                covered=float(chance @ holds),
                runs=1,
                width=float(chance @ (limits[:, 1] - limits[:, 0])),
                oracle=2 * 1.96 * math.sqrt(rate * (1 - rate) / n),
            )


@cache
def _rate_limits(n: int, count: int) -> tuple[float, float]:
    scores = [[1.0]] * count + [[0.0]] * (n - count)
    found = means.mean_interval(scores, Kind.BINARY, LEVEL, seed=SEED)
    return (found.low, found.high) if found else (0.0, 1.0)


# Everything else.


def _simulated(estimator: Estimator, place: Place, runs: int) -> Coverage:
    import numpy as np

    generator = np.random.default_rng(zlib.crc32(f"{estimator.name} {place}".encode()))
    truth, held, widths, figures_seen, asked = estimator.truth(place), 0, 0.0, [], 0
    for _ in range(runs):
        drawn = estimator.draw(generator, place)
        figures_seen.append(estimator.figure(drawn))
        found = estimator.ask(drawn, place)
        if found is None:
            continue
        asked += 1
        held += found.low - 1e-9 <= truth <= found.high + 1e-9
        widths += found.high - found.low
    return Coverage(
        estimator=estimator.name,
        n=place.n,
        cluster=place.cluster,
        repeats=place.repeats,
        rate=place.rate,
        covered=held,
        runs=asked,
        width=widths / max(asked, 1),
        oracle=max(2 * 1.96 * float(np.std(figures_seen)), 1e-9),
    )


def _grid(
    rates: Sequence[float], *, repeats: Sequence[int] = (1,), shapes: Sequence[tuple[int, int]] = SHAPES
) -> tuple[Place, ...]:
    return tuple(
        Place(n=n, cluster=cluster, repeats=times, rate=rate)
        for n, cluster in shapes
        for times in repeats
        for rate in rates
    )


def estimators() -> tuple[Estimator, ...]:
    """Every estimator that is drawn, with its population and grid."""
    grouped = tuple(shape for shape in SHAPES if shape[1] > 1)
    alone = tuple(shape for shape in SHAPES if shape[1] == 1)
    return (
        _mean("rate in clusters", _passes, _grid(RATES, shapes=grouped)),
        _uneven("rate in uneven clusters", 0.3),
        _uneven("rate in uneven clusters alike at 0.5", 0.5),
        _mean("rate of repeats", _passes, _grid(RATES, repeats=(5,), shapes=SHAPES[:7])),
        _mean("steps", _steps, _grid(RATES)),
        _mean("skewed scores", _skewed, _grid(RATES)),
        _mean("scores with rare zeros", _rare_zeros, _grid((0.8, 0.9, 0.95), shapes=alone)),
        _mean("difference of rates", _changes, _grid((0.0, 0.05, 0.2)), is_paired=True),
        _mean("difference of steps", _step_changes, _grid((0.0, 0.05, 0.2)), is_paired=True),
        _mean("difference of scores", _shifts, _grid((0.0, 0.05, 0.2)), is_paired=True),
        _amounts("amounts", _grid((0.5,))),
        _amounts("amounts, heavy tail", _grid((1.0,))),
        _percentiles("percentile", _grid((0.5, 0.9, 0.95))),
        _spend("spend for quality", _grid((0.5,))),
        _spend_change("difference of spend for quality", _grid((0.5,))),
    )


def _mean(name: str, draw: Draw, grid: Sequence[Place], *, is_paired: bool = False) -> Estimator:
    interval = means.paired_interval if is_paired else means.mean_interval

    def ask(drawn: NDArray[np.float64], place: Place) -> Interval | None:
        return interval(Sample(values=drawn, clusters=place.owners), Kind.STEPS, LEVEL, seed=SEED)

    return Estimator(name=name, draw=draw, ask=ask, truth=_rate_of, figure=_average, grid=grid)


def _uneven(name: str, alike: float) -> Estimator:
    """Passes in groups of sizes as they come; a draw has the group of each case in its second column."""
    import numpy as np

    def draw(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
        sizes = generator.choice((1, 1, 1, place.cluster), place.n)
        strength = 1 / alike - 1
        rates = generator.beta(place.rate * strength, (1 - place.rate) * strength, place.n)
        passes = generator.random(int(sizes.sum())) < np.repeat(rates, sizes)
        return np.stack([passes * 1.0, np.repeat(np.arange(place.n), sizes)], axis=1)

    def ask(drawn: NDArray[np.float64], _place: Place) -> Interval | None:
        sample = Sample(values=drawn[:, 0], clusters=drawn[:, 1].astype(np.intp))
        return means.mean_interval(sample, Kind.BINARY, LEVEL, seed=SEED)

    def figure(drawn: NDArray[np.float64]) -> float:
        return float(drawn[:, 0].mean())

    grid = _grid((0.5, 0.7, 0.95), shapes=((20, 10), (40, 10), (100, 10)))
    return Estimator(name=name, draw=draw, ask=ask, truth=_rate_of, figure=figure, grid=grid)


def _rate_of(place: Place) -> float:
    return place.rate


def _average(drawn: NDArray[np.float64]) -> float:
    return float(drawn.mean())


def _own_rates(generator: np.random.Generator, place: Place, rate: float) -> NDArray[np.float64]:
    """The rate of each case: that of its cluster, which scatters around `rate`."""
    import numpy as np

    if place.cluster == 1 or not 0 < rate < 1:
        return np.full(place.n, rate)
    strength = 1 / ALIKE - 1
    return np.repeat(generator.beta(rate * strength, (1 - rate) * strength, place.groups), place.cluster)


def _passes(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    rates = _own_rates(generator, place, place.rate)
    if place.repeats > 1:
        # A case is harder or easier than another: without that, repeats are nothing but more cases.
        strength = 1 / ALIKE - 1
        inner = rates.clip(1e-6, 1 - 1e-6)
        rates = generator.beta(inner * strength, (1 - inner) * strength)
    return generator.binomial(place.repeats, rates) / place.repeats


def _steps(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    """Grades in quarters: 1 where the case passes, else 0 to 0.75, at the mean that the place asks for."""
    failing = generator.random(place.n) >= _own_rates(generator, place, 1 - (1 - place.rate) / 0.625)
    return 1.0 - failing * generator.integers(1, 5, place.n) / 4


def _skewed(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    """`rate` of the cases perfect, at most, and the rest anything from 0 to 1."""
    imperfect = generator.random(place.n) >= _own_rates(generator, place, 1 - 2 * (1 - place.rate))
    return 1.0 - imperfect * generator.random(place.n)


def _rare_zeros(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    """Scores close together, and now and then an answer that scores nothing."""
    level = 0.96
    zero = generator.random(place.n) < 1 - place.rate / level
    scores: NDArray[np.float64] = (level + 0.02 * (2 * generator.random(place.n) - 1)) * ~zero
    return scores


def _changes(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    """Passes that fail now, and 0.02 of the cases the other way round."""
    import numpy as np

    back = 0.02
    worse = generator.random(place.n) < _own_rates(generator, place, (place.rate + back) / (1 - back))
    better = generator.random(place.n) < back
    return np.asarray(worse * ~better * 1.0 - better, dtype=np.float64)


def _step_changes(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    """Changes by quarters, as often up as down, and drops to nothing of as many cases as the place asks for."""
    lost = generator.random(place.n) < _own_rates(generator, place, place.rate)
    small = generator.integers(-1, 2, place.n) / 4
    return lost * 1.0 + ~lost * small


def _shifts(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    """Differences of graded scores that share their cluster's shift."""
    import numpy as np

    common = np.repeat(generator.uniform(-0.2, 0.2, place.groups), place.cluster) if place.cluster > 1 else 0.0
    return place.rate + common + generator.uniform(-0.5, 0.5, place.n)


def _lognormal(generator: np.random.Generator, place: Place, spread: float) -> NDArray[np.float64]:
    """Amounts whose mean is 1."""
    import numpy as np

    shared = ALIKE if place.cluster > 1 else 0.0
    common = np.repeat(generator.standard_normal(place.groups), place.cluster)
    noise_of = math.sqrt(shared) * common + math.sqrt(1 - shared) * generator.standard_normal(place.n)
    return np.asarray(np.exp(spread * noise_of - spread**2 / 2), dtype=np.float64)


def _amounts(name: str, grid: Sequence[Place]) -> Estimator:
    def ask(drawn: NDArray[np.float64], place: Place) -> Interval | None:
        sample = Sample(values=drawn, clusters=place.owners)
        return means.mean_interval(sample, Kind.CONTINUOUS, LEVEL, seed=SEED, bounded=False)

    def draw(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
        return _lognormal(generator, place, place.rate)

    return Estimator(name=name, draw=draw, ask=ask, truth=lambda _: 1.0, figure=_average, grid=grid, most=BOOTSTRAPS)


def _percentiles(name: str, grid: Sequence[Place]) -> Estimator:

    def draw(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
        return _lognormal(generator, place, 1.0)

    def ask(drawn: NDArray[np.float64], place: Place) -> Interval | None:
        clusters = drawn.reshape(place.groups, place.cluster).tolist()
        return quantiles.clustered_percentile_interval(clusters, place.rate, LEVEL)

    def truth(place: Place) -> float:
        from statistics import NormalDist

        return math.exp(NormalDist().inv_cdf(place.rate) - 0.5)

    return Estimator(name=name, draw=draw, ask=ask, truth=truth, figure=_average, grid=grid, most=BOOTSTRAPS)


def _bills(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
    """Spend and quality of each case; the better cost a little more. Their sums stand as 1.08 to 0.8."""
    import numpy as np

    quality = 1.0 - (generator.random(place.n) < 0.4) * generator.random(place.n)
    spend = _lognormal(generator, place, place.rate) * (0.68 + 0.5 * quality)
    return np.stack([spend, quality], axis=1)


def _clustered(drawn: NDArray[np.float64], place: Place) -> list[list[tuple[float, float]]]:
    rows = [(float(spend), float(quality)) for spend, quality in drawn]
    return [rows[start : start + place.cluster] for start in range(0, place.n, place.cluster)]


def _spend(name: str, grid: Sequence[Place]) -> Estimator:
    def ask(drawn: NDArray[np.float64], place: Place) -> Interval | None:
        return ratios.ratio_interval(_clustered(drawn, place), LEVEL, seed=SEED)

    def figure(drawn: NDArray[np.float64]) -> float:
        return float(drawn[:, 0].sum() / drawn[:, 1].sum())

    return Estimator(
        name=name, draw=_bills, ask=ask, truth=lambda _: 1.08 / 0.8, figure=figure, grid=grid, most=BOOTSTRAPS
    )


def _spend_change(name: str, grid: Sequence[Place]) -> Estimator:
    def draw(generator: np.random.Generator, place: Place) -> NDArray[np.float64]:
        import numpy as np

        before = _bills(generator, place)
        after = before * np.stack([0.9 + 0.4 * generator.random(place.n), np.ones(place.n)], axis=1)
        return np.concatenate([before, after], axis=1)

    def ask(drawn: NDArray[np.float64], place: Place) -> Interval | None:
        before, after = _clustered(drawn[:, :2], place), _clustered(drawn[:, 2:], place)
        return ratios.ratio_difference_interval(before, after, LEVEL, seed=SEED)

    def figure(drawn: NDArray[np.float64]) -> float:
        return float(drawn[:, 2].sum() / drawn[:, 3].sum() - drawn[:, 0].sum() / drawn[:, 1].sum())

    return Estimator(
        name=name, draw=draw, ask=ask, truth=lambda _: 0.1 * 1.08 / 0.8, figure=figure, grid=grid, most=BOOTSTRAPS
    )


def main() -> int:
    """Print every estimator's lowest and mean coverage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation.coverage", description=__doc__)
    parser.add_argument("--json", action="store_true", help="every place of the grid, as JSON lines")
    parser.add_argument("--fast", action="store_true", help="fewer runs, up to 200 cases")
    parser.add_argument("--only", action="append", default=[], help="one estimator; may be repeated")
    options = parser.parse_args()
    found = measure(fast=options.fast, only=options.only)
    if options.json:
        sys.stdout.writelines(json.dumps({**dataclasses.asdict(one), "share": one.share}) + "\n" for one in found)
        return 0
    for figure in figures(found):
        sys.stdout.write(f"{figure.name:<50}{figure.measured:>7.1f} %  {figure.verdict:<7} {figure.note}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
