"""How far people agree with one another: a judge cannot be asked to agree with them more.

Sources. Two: J. Cohen (1960), as in `agreement`. More: J. L. Fleiss, "Measuring nominal scale agreement among many
raters", Psychological Bulletin 76 (1971), over the answers that all of them judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from llmops.evaluation.calibration.agreement import kappa_of
from llmops.evaluation.calibration.labels import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two annotators on the answers that both judged. `kappa` is None where one verdict is all there is."""

    first: str
    second: str
    answers: int
    same: float
    kappa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Every pair that shares an answer; and all annotators together, where there are three or more."""

    annotators: tuple[str, ...]
    pairs: tuple[Pair, ...]
    fleiss: float | None
    fleiss_answers: int


def between(labels: Iterable[Label], metric: str) -> Between:
    """The agreement between annotators of one metric."""
    said: dict[str, dict[tuple[str, str], int]] = {}
    for label in labels:
        if label.metric == metric:
            said.setdefault(label.annotator, {})[(label.case, label.answer)] = label.label
    names = tuple(sorted(said))
    pairs = [_pair(first, second, said[first], said[second]) for first, second in combinations(names, 2)]
    shared = set.intersection(*(set(said[name]) for name in names)) if len(names) > 2 else set()
    rows = [[said[name][answer] for name in names] for answer in sorted(shared)]
    return Between(
        annotators=names,
        pairs=tuple(pair for pair in pairs if pair.answers),
        fleiss=fleiss_kappa(rows),
        fleiss_answers=len(rows),
    )


def fleiss_kappa(rows: list[list[int]]) -> float | None:
    """Fleiss' kappa of answers by annotators, or None where one verdict is all there is."""
    if not rows:
        return None
    raters = len(rows[0])
    passed = [sum(row) for row in rows]
    share = sum(passed) / len(rows) / raters
    by_chance = share * share + (1 - share) ** 2
    if by_chance >= 1:
        return None
    alike = math.fsum(
        (count * (count - 1) + (raters - count) * (raters - count - 1)) / (raters * (raters - 1)) for count in passed
    ) / len(rows)
    return (alike - by_chance) / (1 - by_chance)


def _pair(first: str, second: str, one: dict[tuple[str, str], int], other: dict[tuple[str, str], int]) -> Pair:
    cells = [0, 0, 0, 0]
    for answer in one.keys() & other.keys():
        cells[3 - 2 * one[answer] - other[answer] if one[answer] == other[answer] else 1 + one[answer]] += 1
    count = sum(cells)
    same = (cells[0] + cells[3]) / count if count else 0.0
    return Pair(first=first, second=second, answers=count, same=same, kappa=kappa_of(cells))
