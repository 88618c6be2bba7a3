"""Who had a hand in commits: authors and `Co-authored-by` trailers, read by GitPython."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from llmops.adapters.git.opening import Place
from llmops.adapters.git.plumbing import environment
from llmops.documents.trees import Contributor
from llmops.errors import CannotAsk

if TYPE_CHECKING:
    from git import Commit

# People type trailers by hand: case and blanks vary, and forges take them all; GitPython's property wants one spelling.
_CO_AUTHOR = re.compile(r"^co-authored-by:[ \t]*([^<>\n]*)<([^<>\n]*)>[ \t]*$", re.IGNORECASE | re.MULTILINE)


def contributors(place: Place, paths: Sequence[str], since: str | None, until: str) -> tuple[Contributor, ...]:
    """Authors and co-authors of the commits in `since..until` that touched `paths`, each once, newest commit first.

    History is walked in full: a change that a later merge undid was still made by somebody.
    Raises: CannotAsk GIT_FAILED where a commit is unknown.
    """
    if not paths:
        return ()
    from git import GitCommandError, Repo

    with Repo(place.root) as repository:
        repository.git.update_environment(**environment(), GIT_DIR=place.git_dir)
        revision = f"{since}..{until}" if since else until
        try:
            commits = list(repository.iter_commits(revision, paths=list(paths), full_history=True))
            found = [person for commit in commits for person in _people(commit)]
        except (GitCommandError, ValueError) as failed:
            raise CannotAsk(
                "GIT_FAILED", f"the commits {revision} cannot be read", where=place.root, hint="fetch the history"
            ) from failed
    return tuple(dict.fromkeys(found))


def _people(commit: Commit) -> Iterator[Contributor]:
    yield Contributor(name=str(commit.author.name or ""), email=str(commit.author.email or ""))
    message = commit.message if isinstance(commit.message, str) else commit.message.decode("utf-8", "replace")
    for name, email in _CO_AUTHOR.findall(message):
        yield Contributor(name=name.strip(), email=email.strip())
