"""What `doctor` asks of this machine and repository."""

from __future__ import annotations

import platform
import sys

from llmops.adapters.git.repository import GitRepository
from llmops.errors import CannotAsk

# A younger lock most likely belongs to a git command that is running right now.
YOUNG_LOCK_SECONDS = 60


def python() -> str:
    """The interpreter. Raises: CannotAsk PYTHON_TOO_OLD."""
    if sys.version_info < (3, 11):  # noqa: UP036 - a source checkout can be run by any interpreter
        raise CannotAsk(
            "PYTHON_TOO_OLD", f"Python {platform.python_version()}, 3.11 is needed", hint="install python3.11"
        )
    return f"Python {platform.python_version()}"


def git() -> str:
    """The git on PATH. Raises: CannotAsk NO_GIT, GIT_TOO_OLD."""
    from llmops.adapters.git.opening import git_version

    return f"git {git_version()}"


def identity(repository: GitRepository) -> str:
    """Who commits. Raises: CannotAsk NO_IDENTITY."""
    name, email = repository.config("user.name"), repository.config("user.email")
    if not (name and email):
        raise CannotAsk(
            "NO_IDENTITY",
            "git does not know who you are, so nothing can be committed",
            hint="git config --global user.name NAME && git config --global user.email ADDRESS",
        )
    return f"{name} <{email}>"


def write_door(repository: GitRepository) -> str:
    """Locks and journals that a killed run left. Raises: CannotAsk STALE_LOCKS."""
    locks = [lock for lock in repository.stale_locks() if lock.age_s > YOUNG_LOCK_SECONDS]
    if locks:
        raise CannotAsk(
            "STALE_LOCKS",
            f"git's own locks stand in the way: {', '.join(lock.path for lock in locks)}",
            hint="if no git command is running, delete them",
        )
    journals = repository.unfinished_journals()
    return (
        f"{len(journals)} unfinished write(s), finished or dropped by the next one"
        if journals
        else "no write is unfinished"
    )


def weights() -> str:
    """The embedded model's parts. Raises: CannotAsk EMBEDDED_MISSING, WEIGHTS_MISSING."""
    from llmops.adapters.models.embedded import install
    from llmops.adapters.models.embedded import weights as files

    missing = install.missing_engines()
    if missing:
        what = f"the embedded model's engines are not installed: {', '.join(missing)}"
        raise CannotAsk(
            "EMBEDDED_MISSING", what, hint="install llmops with its extra `embedded` (endpoints work without)"
        )
    statuses = files.check()
    wrong = [status for status in statuses if not status.is_ok]
    if wrong:
        raise CannotAsk("WEIGHTS_MISSING", "; ".join(status.message for status in wrong), hint="llmops setup embedded")
    return f"{len(statuses)} files, sha256 as expected"
