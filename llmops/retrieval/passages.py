"""A passage: the unit that retrieval returns, contexts are made of, and labels name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One retrieved chunk: id `page#section` (`~2` and so on where a section was split), text, rank score."""

    id: str
    text: str
    score: float = 0.0
