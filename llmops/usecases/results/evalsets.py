"""What `evalset check` answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops.documents.leaks import Leak


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Two cases whose questions mean nearly the same: the cosine of their embeddings."""

    case: str
    other: str
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEvalset:
    """An evalset held against what the prompts that use it are given. `leaks` are exact, by runs of words and by
    meaning, `duplicates` groups of cases that ask the same, `alike` pairs that mean nearly the same. By meaning is
    compared from the cosine `similar` on; None: nothing was."""

    evalset: str
    cases: int
    prompts: tuple[str, ...]
    similar: float | None
    leaks: tuple[Leak, ...]
    duplicates: tuple[tuple[str, ...], ...]
    alike: tuple[Alike, ...]

    @property
    def is_clean(self) -> bool:
        """Nothing was found word for word; what is alike in meaning is for a person to judge."""
        return not self.duplicates and all(leak.kind == "embedding" for leak in self.leaks)
