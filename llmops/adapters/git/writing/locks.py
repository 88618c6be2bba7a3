"""Locks that lie in git's folders. A killed git leaves them behind, and then every later write is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from llmops.adapters.git.opening import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLock:
    """One lock file and its age. A lock of a living command is seconds old."""

    path: str
    age_s: float


def present(place: Place) -> tuple[GitLock, ...]:
    """Every lock of the repository and of this work tree, oldest first."""
    now = time.time()
    found = {path: _age_s(path, now) for path in _candidates(place)}
    locks = (GitLock(path=str(path), age_s=age) for path, age in found.items() if age is not None)
    return tuple(sorted(locks, key=lambda lock: (-lock.age_s, lock.path)))


def _candidates(place: Place) -> Iterator[Path]:
    for folder in {Path(place.git_dir).resolve(), Path(place.common_dir).resolve()}:
        yield from folder.glob("*.lock")
        yield from (folder / "refs").rglob("*.lock")
        yield from (folder / "objects" / "info").glob("*.lock")


def _age_s(path: Path, now: float) -> float | None:
    try:
        return max(0.0, now - path.stat().st_mtime)
    except FileNotFoundError:
        return None
