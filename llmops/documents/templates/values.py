"""What goes in and out of templates besides text: problems found before, limits held while rendering."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One reason why a template is refused: 1-based line and column within the template (column 0: unknown)."""

    line: int
    column: int
    message: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one rendering may take.

    `output` is in characters; `passes` counts the passes of all loops together; `work` is in units of about one
    character read or written, so that many small steps and few large ones are bounded alike.
    """

    output: int = 1_000_000
    passes: int = 10_000
    work: int = 5_000_000


class NumberedPassages(tuple[dict[str, object], ...]):
    """The `contexts` of a template: mappings `{id, text, number}`. Printed whole, numbered paragraphs."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n\n".join(f"[{passage['number']}] {passage['text']}" for passage in self)
