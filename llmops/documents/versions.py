"""Semantic versions, as https://semver.org/spec/v2.0.0.html defines them: strict parsing, precedence (section 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from llmops.errors import CannotAsk

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRERELEASE_PART = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD_PART = r"[0-9A-Za-z-]+"
_VERSION: Final = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
    rf"(?:-({_PRERELEASE_PART}(?:\.{_PRERELEASE_PART})*))?"
    rf"(?:\+({_BUILD_PART}(?:\.{_BUILD_PART})*))?"
)
LONGEST: Final = 64

# A number, or a text: (0, number, "") sorts before (1, 0, text), as section 11.4.3 wants.
_Part = tuple[int, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version. Equality is by spelling; order is by `precedence`, which leaves the build part out."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = ()

    def __str__(self) -> str:
        numbers = f"{self.major}.{self.minor}.{self.patch}"
        prerelease = f"-{'.'.join(self.prerelease)}" if self.prerelease else ""
        return numbers + prerelease + (f"+{'.'.join(self.build)}" if self.build else "")

    @property
    def precedence(self) -> tuple[int, int, int, bool, tuple[_Part, ...]]:
        """What versions are compared by: a prerelease comes before its release."""
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.prerelease)
        return self.major, self.minor, self.patch, not self.prerelease, parts

    def next_patch(self) -> Version:
        """The next bug fix; of a prerelease, the release it leads to."""
        return Version(major=self.major, minor=self.minor, patch=self.patch + (not self.prerelease))


def is_valid(text: str) -> bool:
    """True where `text` is a semantic version of at most 64 characters: it names a file."""
    return len(text) <= LONGEST and _VERSION.fullmatch(text) is not None


def parse(text: str) -> Version:
    """The version that `text` spells. Raises: CannotAsk VERSION_INVALID."""
    found = _VERSION.fullmatch(text)
    if found is None or len(text) > LONGEST:
        hint = "write major.minor.patch, for example 1.4.0"
        raise CannotAsk("VERSION_INVALID", f"{text[:LONGEST]!r} is no semantic version", hint=hint)
    major, minor, patch, prerelease, build = found.groups()
    return Version(
        major=int(major),
        minor=int(minor),
        patch=int(patch),
        prerelease=tuple(prerelease.split(".")) if prerelease else (),
        build=tuple(build.split(".")) if build else (),
    )


def is_above(version: str, base: str) -> bool:
    """True where `version` has a higher precedence than `base`. Raises: CannotAsk VERSION_INVALID."""
    return parse(version).precedence > parse(base).precedence


def newest(texts: Iterable[str]) -> str | None:
    """The version of the highest precedence (the last of equals by spelling), or None where there is none."""
    return max(texts, key=lambda text: (parse(text).precedence, text), default=None)
