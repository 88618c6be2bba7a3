"""How often rates that a judge gave hold the truth, as the judge says them and corrected by people's labels."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

from benchmarks.figures import Figure
from benchmarks.simulation import calibration
from benchmarks.simulation.calibration import Coverage, Setting

KAPPA = 0.46
WORLD = Setting(cases=500, labelled=200, cluster=1, rate=0.8, kappa=KAPPA)
# Of the whole grid those that differ most in size and rate.
WORLDS = (WORLD, *(replace(WORLD, cases=cases, rate=rate) for cases, rate in ((100, 0.6), (200, 0.95))))
RUNS, SLOW_RUNS = 200, 400
GOAL = 0.93
NAIVE, CARRIED, DRAWN = "naive: the judge's own rate", "carried: Rogan-Gladen", "drawn: PPI++"


def run(*, slow: bool = False) -> list[Figure]:
    """The lowest coverage of each estimator; the goal allows for three standard errors of the simulation."""
    found = measure(slow=slow)
    return [_lowest(name, [one for one in found if one.estimator == name]) for name in _names(found)]


@cache
def measure(*, slow: bool = False) -> tuple[Coverage, ...]:
    """Every estimator in each world; with `slow`, over the whole grid."""
    worlds, runs = (calibration.SETTINGS, SLOW_RUNS) if slow else (WORLDS, RUNS)
    return tuple(found for world in worlds for found in calibration.measure(world, runs))


def _names(found: tuple[Coverage, ...]) -> list[str]:
    return list(dict.fromkeys(one.estimator for one in found))


def _lowest(name: str, found: list[Coverage]) -> Figure:
    known = [(one.coverage, one) for one in found if one.coverage is not None]
    if not known:
        return Figure(name=f"lowest coverage, {name}", measured=None, note="refused everywhere")
    share, world = min(known, key=lambda pair: pair[0])
    noise = 3 * math.sqrt(GOAL * (1 - GOAL) / world.runs)
    return Figure(
        name=f"lowest coverage, {name}",
        measured=100 * share,
        unit="%",
        goal=None if name == NAIVE else round(100 * (GOAL - noise), 1),
        at_least=True,
        note=f"{world.setting}, {world.runs} intervals",
    )
