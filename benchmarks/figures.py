"""A figure beside its goal, and how to measure one: CPU of processes, medians of alternating runs, exponents."""

from __future__ import annotations

import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
LLMOPS = (str(Path(sys.executable).parent / "llmops"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number. `measured` None: not measured, and `note` says why. Without a goal it is there to compare.

    `floor` is what the same work costs at least, or costs elsewhere, as text.
    """

    name: str
    measured: float | None
    unit: str = ""
    goal: float | None = None
    at_least: bool = False
    floor: str = ""
    note: str = ""

    @property
    def verdict(self) -> str:
        """ok, MISSED, skipped, or nothing where there is no goal."""
        if self.measured is None:
            return "skipped"
        if self.goal is None:
            return ""
        return "ok" if (self.measured >= self.goal if self.at_least else self.measured <= self.goal) else "MISSED"


def skipped(name: str, why: str) -> Figure:
    """A figure that could not be measured here."""
    return Figure(name=name, measured=None, note=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process and its children took."""

    cpu: float
    wall: float
    output: str


def cost(command: Sequence[str], *, folder: Path = CHECKOUT, extra: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end. Raises: CalledProcessError where it fails."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(extra or {})}, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu=cpu, wall=time.perf_counter() - started, output=done.stdout)


def alternate(
    commands: Mapping[str, Sequence[str]],
    *,
    folder: Path = CHECKOUT,
    times: int = 10,
    before: Callable[[str, int], None] | None = None,
) -> dict[str, Cost]:
    """The median cost of each command, run in turns, so that a busy machine weighs on all of them alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(times):
        for name, command in commands.items():
            if before:
                before(name, turn)
            costs[name].append(cost(command, folder=folder))
    return {
        name: Cost(
            cpu=statistics.median(one.cpu for one in all_of_it),
            wall=statistics.median(one.wall for one in all_of_it),
            output=all_of_it[-1].output,
        )
        for name, all_of_it in costs.items()
    }


def cpu_of(work: Callable[[], object], *, times: int = 5) -> float:
    """The median CPU seconds of a function in this process."""
    found = []
    for _ in range(times):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return statistics.median(found)


def exponent(costs: Mapping[int, float]) -> float:
    """The slope of log cost over log size (least squares): 1 is linear, 2 quadratic."""
    points = [(math.log(size), math.log(max(seconds, 1e-9))) for size, seconds in costs.items()]
    middle_x = statistics.fmean(x for x, _ in points)
    middle_y = statistics.fmean(y for _, y in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / sum((x - middle_x) ** 2 for x, _ in points)


def git(folder: Path, *arguments: str) -> str:
    """Run git with an identity of its own."""
    identity = ("-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "gc.auto=0")
    return subprocess.run(
        ("git", *identity, *arguments), cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
