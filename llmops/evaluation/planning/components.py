"""Where the noise of a figure comes from: between groups, between cases, between answers to a case, between judgements
of an answer.

Rules, in order:

1. Nested random effects: score = mean + group + case + answer + judgement. Each component's variance is estimated from
   the sums of squares of its level, set equal to what they are expected to be: unbiased, and for any number of answers
   a case (S. R. Searle, G. Casella, C. E. McCulloch, "Variance Components" (1992), section 5.2 for the expected sums,
   3.6 for one level of nesting).
2. A level on which nobody branches (one answer a case) cannot be told from the one above it, and is not measured: its
   variance stays part of the level above, where more repeats are not promised to lower it.
3. An estimate below 0 means that the level adds nothing that could be seen. It is shown as 0, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

Answer = Sequence[float]
"""The judgements of one answer; one where it was judged once."""
Case = Sequence[Answer]
Group = Sequence[Case]

NO_GROUPS = "no group has two cases"
ONE_REPEAT = "not measured (repeats: 1)"
ONE_JUDGEMENT = "not measured (judge_repeats: 1)"
ONE_CASE = "not measured (one case)"
NO_JUDGE = "a rule: nothing varies"
LEVELS = ("group", "case", "generator", "judge")
NEGATIVE = "none seen (the estimate is below 0)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The variance of one level; 0 with a `note` where there is none to be seen, or none was measured."""

    variance: float = 0.0
    is_measured: bool = True
    note: str = ""


UNMEASURED_ANSWERS = Part(is_measured=False, note=ONE_REPEAT)
UNMEASURED_JUDGING = Part(is_measured=False, note=ONE_JUDGEMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How much is asked: cases, answers a case, judgements an answer."""

    cases: int
    repeats: int = 1
    judge_repeats: int = 1

    @property
    def answers(self) -> int:
        return self.cases * self.repeats

    @property
    def judgements(self) -> int:
        return self.answers * self.judge_repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Variances by level. `crowding` is how many cases a case meets in its group, itself included, on average; 1 where
    each stands alone. `group_size` is the mean size of a group."""

    case: Part
    group: Part = Part(is_measured=False, note=NO_GROUPS)
    generator: Part = UNMEASURED_ANSWERS
    judge: Part = UNMEASURED_JUDGING
    crowding: float = 1.0
    group_size: float = 1.0

    def of_noise(self, repeats: int, judge_repeats: int) -> float:
        """The variance of one case's figure if it is asked again."""
        return self.generator.variance / repeats + self.judge.variance / (repeats * judge_repeats)

    def of_case(self, repeats: int = 1, judge_repeats: int = 1) -> float:
        """The variance of the figures of different cases."""
        return self.group.variance + self.case.variance + self.of_noise(repeats, judge_repeats)

    def of_mean(self, design: Design) -> float:
        """The variance of the mean over cases that are drawn anew (Cochran, "Sampling Techniques" (1977), 10.3)."""
        own = self.case.variance + self.of_noise(design.repeats, design.judge_repeats)
        return (self.crowding * self.group.variance + own) / design.cases

    def of_rerun(self, design: Design) -> float:
        """The variance of the mean over the same cases, asked again."""
        return self.of_noise(design.repeats, design.judge_repeats) / design.cases

    def design_effect(self, design: Design) -> float:
        """How many times the variance of as many cases without groups (L. Kish, "Survey Sampling" (1965), 5.4)."""
        alone = self.of_case(design.repeats, design.judge_repeats)
        return self.of_mean(design) * design.cases / alone if alone > 0 else 1.0

    def scaled(self, by: float) -> Components:
        """Every variance times `by`."""
        parts = {name: getattr(self, name) for name in LEVELS}
        return replace(self, **{name: replace(part, variance=part.variance * by) for name, part in parts.items()})

    def shares(self, design: Design) -> Mapping[str, float]:
        """What part of the variance of the mean each level makes; empty where there is no variance."""
        parts = {
            "group": self.crowding * self.group.variance,
            "case": self.case.variance,
            "generator": self.generator.variance / design.repeats,
            "judge": self.judge.variance / (design.repeats * design.judge_repeats),
        }
        total = math.fsum(parts.values())
        return {name: value / total for name, value in parts.items()} if total > 0 else {}


def estimate(groups: Sequence[Group], *, is_judged: bool = True) -> Components:
    """The components behind scores: judgements by answer, by case, by group. Raises: ValueError where there is none."""
    levels = _levels(groups)
    if not levels[0].sizes:
        raise ValueError("no scores, no components")
    kept = [at for at in range(1, len(levels)) if len(levels[at].sizes) > len(levels[at - 1].sizes)]
    found = _solved(levels, kept)
    sizes = [float(len(group)) for group in groups]
    cases = math.fsum(sizes)
    has_groups = 1 in found and 2 in found
    return Components(
        group=_part(found.get(1), NO_GROUPS) if has_groups else Part(is_measured=False, note=NO_GROUPS),
        # Where no group has two cases, groups and cases are one level.
        case=_part(found.get(2) if has_groups else found.get(2, found.get(1)), ONE_CASE),
        generator=_part(found.get(3), ONE_REPEAT),
        judge=_part(found.get(4), ONE_JUDGEMENT if is_judged else NO_JUDGE, is_known=not is_judged),
        crowding=math.fsum(size * size for size in sizes) / cases if has_groups else 1.0,
        group_size=cases / len(sizes) if has_groups else 1.0,
    )


def _part(variance: float | None, absent: str, *, is_known: bool = False) -> Part:
    if variance is None:
        return Part(is_measured=is_known, note=absent)
    return Part(variance=max(variance, 0.0), note=NEGATIVE if variance < 0 else "")


@dataclass(frozen=True, slots=True)
class _Level:
    """The nodes of one level in order: how many scores lie below each, their sums, and which nodes of the levels
    above hold it."""

    sizes: list[float]
    sums: list[float]
    above: list[tuple[int, ...]]

    @property
    def squares(self) -> float:
        return math.fsum(total * total / size for total, size in zip(self.sums, self.sizes, strict=True))


def _levels(groups: Sequence[Group]) -> list[_Level]:
    """The whole, groups, cases, answers, judgements."""
    paths = [
        ((g, c, a, j), value)
        for g, group in enumerate(groups)
        for c, case in enumerate(group)
        for a, answer in enumerate(case)
        for j, value in enumerate(answer)
    ]
    # Centred, so that sums of squares of large figures keep their digits.
    middle = math.fsum(value for _, value in paths) / len(paths) if paths else 0.0
    values = [value - middle for _, value in paths]
    return [_level([path[:depth] for path, _ in paths], values) for depth in range(5)]


def _level(names: Sequence[tuple[int, ...]], values: Sequence[float]) -> _Level:
    found: dict[tuple[int, ...], list[float]] = {}
    for name, value in zip(names, values, strict=True):
        node = found.setdefault(name, [0.0, 0.0])
        node[0] += 1
        node[1] += value
    return _Level([node[0] for node in found.values()], [node[1] for node in found.values()], list(found))


def _solved(levels: Sequence[_Level], kept: Sequence[int]) -> dict[int, float]:
    """The estimate of each level in `kept`, from the deepest up: each sum of squares holds its own level's component
    and those below it."""
    found: dict[int, float] = {}
    chain = [0, *kept]
    for upper, own in reversed(list(pairwise(chain))):
        squares = levels[own].squares - levels[upper].squares
        below = math.fsum(
            variance * (_weight(levels, own, level) - _weight(levels, upper, level))
            for level, variance in found.items()
        )
        weight = _weight(levels, own, own) - _weight(levels, upper, own)
        found[own] = (squares - below) / weight
    return found


def _weight(levels: Sequence[_Level], upper: int, level: int) -> float:
    """How often the component of `level` stands in the expected sum of squares of `upper`."""
    if level <= upper:
        return math.fsum(levels[level].sizes)
    wholes = dict(zip(levels[upper].above, levels[upper].sizes, strict=True))
    pairs = zip(levels[level].above, levels[level].sizes, strict=True)
    return math.fsum(size * size / wholes[name[: len(levels[upper].above[0])]] for name, size in pairs)
