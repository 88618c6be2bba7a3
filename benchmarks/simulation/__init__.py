"""Simulations: do intervals hold the truth, do verdicts hold their promise, does a plan keep its word?

Each module measures one subject and answers to `run()`, with the figures beside their goals.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect

from benchmarks.figures import Figure, skipped

SUBJECTS = ("coverage", "gates", "power", "sequential", "judges")


def run(*, slow: bool = False) -> list[Figure]:
    """The figures of every subject."""
    return [figure for name in SUBJECTS for figure in figures_of(name, slow=slow)]


def figures_of(subject: str, *, slow: bool = False) -> list[Figure]:
    """The figures of one subject."""
    if importlib.util.find_spec(f"benchmarks.simulation.{subject}") is None:
        return [skipped(subject, "there is no such simulation yet")]
    module = importlib.import_module(f"benchmarks.simulation.{subject}")
    takes_slow = "slow" in inspect.signature(module.run).parameters
    found: list[Figure] = module.run(slow=slow) if takes_slow else module.run()
    return found
