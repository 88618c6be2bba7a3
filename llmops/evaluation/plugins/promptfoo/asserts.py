"""What an assertion file holds, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Assert:
    """One assert that applies to every case. `kind` is its type without `not-` (`is_inverse`), `place` where it stands
    in the file (`assert[2]`). `threshold` None: the type's own."""

    place: str
    kind: str
    is_inverse: bool = False
    value: Any = None
    threshold: float | None = None
    weight: float = 1.0
    note: str = ""

    @property
    def label(self) -> str:
        return f"{self.place} {'not-' if self.is_inverse else ''}{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertSet:
    """Asserts that count as one. Passed where all are, or where their score reaches `threshold`."""

    place: str
    asserts: tuple[Assert, ...]
    threshold: float | None = None
    weight: float = 1.0

    @property
    def label(self) -> str:
        return f"{self.place} assert-set"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something in the file that was not imported, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What was made of a file. `variables` are its own defaults for templates, `files` every file that was read, with
    its SHA-256."""

    asserts: tuple[Assert | AssertSet, ...]
    left: tuple[Left, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def each(self) -> Iterator[Assert]:
        """Every assert, those in sets included."""
        for item in self.asserts:
            yield from item.asserts if isinstance(item, AssertSet) else (item,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one assert says of one answer: passed or not, a score from 0 to 1, and why."""

    passed: bool
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """An assert that could not be measured on this answer. It is no failure, and no pass."""

    reason: str


Found = Verdict | Unmeasured


def verdict(passed: bool, is_inverse: bool, otherwise: str) -> Verdict:
    """Pass or fail; `otherwise` says what was found where the assert fails."""
    holds = passed is not is_inverse
    return Verdict(passed=holds, score=float(holds), reason="" if holds else otherwise)


def graded(score: float, threshold: float, is_inverse: bool, what: str) -> Verdict:
    """A figure held against a threshold; inverted, its complement is the score."""
    passed = (score >= threshold) is not is_inverse
    side = "at least" if score >= threshold else "below"
    return Verdict(
        passed=passed,
        score=1 - score if is_inverse else score,
        reason="" if passed else f"{what} {score:.4f} is {side} {threshold:g}",
    )
