"""Populations that gates are simulated on: scores whose true mean, and true drop against what serves, are known.

Rules, in order:

1. Every case has its own difficulty, drawn from a beta distribution; cases of one cluster share a difficulty from which
   theirs are drawn (correlation `CLUSTER`). Answers to one case differ by chance alone, given its difficulty.
2. Scores are verdicts (0 or 1), steps (quarters), or skewed: most answers perfect, the rest anywhere.
3. A candidate that is worse is worse in some cases only, all through in those: the drop is rare and whole clusters have
   it together. That is how a broken prompt looks, and it is harder on a gate than a little everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLUSTER = 0.3  # correlation of two cases of one cluster
CASE = 0.6  # correlation of two answers to one case
STEPS = 4


class Scores(StrEnum):
    """How a score is spread."""

    BINARY = "binary"
    STEPS = "steps"
    SKEWED = "skewed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What is drawn: `mean` is the candidate's true mean, `drop` by how much what serves is better."""

    scores: Scores
    mean: float
    cases: int
    cluster: int = 1
    repeats: int = 1
    drop: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Scores by gate, case and repeat."""

    candidate: NDArray[np.float64]
    baseline: NDArray[np.float64]


def draw(population: Population, gates: int, generator: np.random.Generator) -> Drawn:
    """The scores of so many gates, each over cases of its own."""
    import numpy as np

    mean = population.mean + population.drop
    is_skewed = population.scores is Scores.SKEWED
    # The share of cases that are hurt: a hurt case fails, one of skewed grades loses a half on average.
    hit = population.drop / mean * (2 if is_skewed else 1)
    # Perfect with this chance, else anywhere from 0 to 1: the mean is (1 + chance) / 2.
    chance = 2 * mean - 1 if is_skewed else mean
    count = -(-population.cases // population.cluster)
    shape = (gates, count, population.cluster)
    shared = np.full((1, 1, 1), chance)
    if population.cluster > 1:
        shared = _beta(shared, CLUSTER, generator, (gates, count, 1))
    ease = _beta(np.broadcast_to(shared, shape), CASE, generator, shape)
    hurt = np.broadcast_to(generator.random((gates, count, 1)) < hit, shape)
    flat = (gates, count * population.cluster, 1)
    ease, hurt = ease.reshape(flat)[:, : population.cases], hurt.reshape(flat)[:, : population.cases]
    baseline = _answers(population, ease, generator)
    answers = _answers(population, ease, generator)
    left = generator.random(answers.shape) if is_skewed else 0.0
    return Drawn(candidate=_written(np.where(hurt, answers * left, answers)), baseline=_written(baseline))


def _beta(
    mean: NDArray[np.float64], correlation: float, generator: np.random.Generator, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Chances with this mean, such that two draws by one chance have this correlation: 1 / (a + b + 1)."""
    import numpy as np

    size = 1 / correlation - 1
    inside = np.clip(mean, 1e-9, 1 - 1e-9)
    return generator.beta(inside * size, (1 - inside) * size, size=shape)


def _answers(population: Population, ease: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    import numpy as np

    shape = (*ease.shape[:2], population.repeats)
    if population.scores is Scores.BINARY:
        return (generator.random(shape) < ease).astype(np.float64)
    if population.scores is Scores.STEPS:
        return generator.binomial(STEPS, np.broadcast_to(ease, shape)) / STEPS
    return np.where(generator.random(shape) < ease, 1.0, generator.random(shape))


def _written(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """With the digits that are written down; it moves a mean by less than a hundred thousandth."""
    import numpy as np

    return np.round(scores, 4)
