"""What can go wrong, as values.

Two kinds, kept apart:

1. A problem in someone's *file* is a `Finding`. Findings are collected, sorted and reported together.
2. A reason why we *cannot go on* is an `LlmopsError` with a stable code. Its subclass says which answer it is:
   `Refusal` (asked and the answer is no) or `CannotAsk` (could not ask).

Anything else that is raised is our bug. Exit codes are given by `llmops.cli.app` alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """What a command found out. Exit codes follow from it, in `llmops.cli.app`."""

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"
    COULD_NOT_ASK = "could not ask"


class Severity(StrEnum):
    """How much a finding weighs: an error answers "no", a warning only under `--strict`."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Location:
    """A place in a file: repository-relative POSIX path, 1-based line and column (0: unknown)."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.path, *(str(part) for part in (self.line, self.column) if part)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem in one file: which rule, how grave, where, what, and what to do about it."""

    rule: str
    severity: Severity
    location: Location
    message: str
    fix: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings without repeats, sorted by place, then rule: output must not depend on reading order."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda finding: (finding.location, finding.rule, finding.message)))


class LlmopsError(Exception):
    """We cannot go on. `code` is stable (UPPER_SNAKE), `what` one sentence, `where` a place, `hint` what to do.

    `details` lists everything that stands against it, at once.
    """

    def __init__(self, code: str, what: str, *, where: str = "", hint: str = "", details: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.where = where
        self.hint = hint
        self.details = details


class Refusal(LlmopsError):
    """The question was asked and the answer is no."""


class CannotAsk(LlmopsError):
    """The question could not be asked: usage, file, repository, model endpoint, infrastructure."""


class InputRefused(CannotAsk):
    """This one question cannot be answered, others may be: a run goes on, and names it in the end."""


class InvalidDocuments(LlmopsError):
    """Documents that a command needs have error findings; all of them are carried, never only the first."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = in_order(findings)
        count = sum(finding.is_error for finding in self.findings)
        super().__init__(
            "INVALID_DOCUMENTS",
            f"{count} problem{'s' if count != 1 else ''} in the documents",
            hint="mend what is listed, then run the same command again",
        )


class LostRace(Exception):
    """The ref moved between reading and writing: read again, check again, plan again."""
