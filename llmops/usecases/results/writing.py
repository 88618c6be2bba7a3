"""What a command left in the repository."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenRecord:
    """One record that was written, or would be (`is_dry_run`). `commit` is "" until it is written."""

    path: str
    digest: str
    short_id: str
    summary: str
    files: tuple[str, ...]
    commit: str = ""
    is_pushed: bool = False
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFiles:
    """Files that were written to the work tree, or would be."""

    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    is_dry_run: bool = False
