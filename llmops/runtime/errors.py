"""Why a service does not get its prompt. `code` is stable; the message alone says where, what, and what to do.

A service logs `str(error)` and nothing else, so that is where everything stands.
"""

from __future__ import annotations

from typing import Any

from llmops.errors import LlmopsError


class PromptError(LlmopsError):
    """No prompt, or no messages from it. Its subclasses say which kind of reason; this one alone: a wrong call
    (WHICH_PROMPT, NAME_INVALID, ROOT_MISSING)."""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.what} [{self.code}]{hint}"

    @classmethod
    def of(cls, error: LlmopsError) -> PromptError:
        """The same reason, as an error of this kind."""
        return cls(error.code, error.what, where=error.where, hint=error.hint)


class PromptNotFound(PromptError):
    """There is no such release, pointer, environment or prompt here."""


class RecordsMissing(PromptError):
    """What serves is recorded on another branch than the one that is checked out."""


class PromptTampered(PromptError):
    """A file is not what was locked or promoted: its digest differs, or nobody's tool wrote these bytes."""


class PromptInvalid(PromptError):
    """Working files that cannot be read as a prompt."""


class RenderRefused(PromptError):
    """The messages cannot be made from these values."""


class PromptOff(PromptError):
    """The prompt is switched off in this environment: serve `fallback`, which the stable release declares (None where
    it declares none), and ask no model."""

    def __init__(self, code: str, what: str, *, where: str = "", hint: str = "", fallback: Any = None) -> None:
        super().__init__(code, what, where=where, hint=hint)
        self.fallback = fallback
