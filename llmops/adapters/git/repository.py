"""One git repository, as the port `Repository` wants it: reading by ref, and the one door for writing.

What writes is imported on first use: commands that only read, `validate` above all, should not pay for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from llmops.adapters.git import opening, refs
from llmops.adapters.git.objects import ObjectReader
from llmops.adapters.git.opening import Place
from llmops.adapters.git.plumbing import Git
from llmops.adapters.git.trees import CommitTree, IndexTree, WorkTree
from llmops.documents.trees import Contributor, Plan

if TYPE_CHECKING:
    from llmops.adapters.git.writing.door import WriteDoor
    from llmops.adapters.git.writing.journal import Journal
    from llmops.adapters.git.writing.locks import GitLock


def open_repository(start: str = ".", *, fault: Callable[[str], None] | None = None) -> GitRepository:
    """The repository around a folder. `fault` is for tests that die inside the write door.

    Raises: CannotAsk NO_GIT, GIT_TOO_OLD, NOT_A_FOLDER, NOT_A_REPOSITORY, BARE_REPOSITORY, REPOSITORY_NOT_TRUSTED.
    """
    return GitRepository(opening.find(start), fault or _no_fault)


class GitRepository:
    """A repository on disk. It keeps one `git cat-file` running from the first read until `close()` or exit."""

    def __init__(self, place: Place, fault: Callable[[str], None]) -> None:
        self._place = place
        self._git = Git(place.root)
        self._reader = ObjectReader(place.root)
        self._fault = fault

    @property
    def root(self) -> str:
        """The absolute path of the work tree."""
        return self._place.root

    @property
    def git_dir(self) -> str:
        """The git folder of this work tree."""
        return self._place.git_dir

    @property
    def common_dir(self) -> str:
        """The git folder that all work trees share."""
        return self._place.common_dir

    def branch(self) -> str | None:
        """The full ref name that HEAD points to (born or not), or None where HEAD is detached."""
        return refs.head_ref(self._git)

    def resolve(self, revision: str) -> str | None:
        """The commit that `revision` names, or None."""
        return refs.resolve(self._git, revision)

    def tree_at(self, commit: str) -> CommitTree:
        """The tree of a commit (its id, as `resolve` gives it)."""
        return CommitTree(self._git, self._reader, commit)

    def index_tree(self) -> IndexTree:
        """What is staged. Inside a hook of `git commit -a` or `git commit PATH` that is the commit being made."""
        return IndexTree(self._git, self._reader, self._index_of_a_running_commit())

    def work_tree(self) -> WorkTree:
        """What lies in the folder, without what git ignores."""
        return WorkTree(self._git, self._place.root)

    def records_tip(self, branch: str) -> str | None:
        """The newest commit of the records branch. Raises: CannotAsk RECORDS_DIVERGED, REMOTE_AMBIGUOUS."""
        return refs.records_tip(self._git, branch)

    def contributors(self, paths: Sequence[str], *, since: str | None, until: str) -> tuple[Contributor, ...]:
        """Authors and co-authors of the commits in `since..until` that touched `paths`, each once."""
        from llmops.adapters.git import authors

        return authors.contributors(self._place, paths, since, until)

    def introduced(self, path: str, *, until: str) -> str | None:
        """The newest commit at or before `until` that added `path`, or None."""
        return refs.introduced(self._git, path, until)

    def history(self, folder: str, *, until: str, most: int) -> tuple[str, ...]:
        """The newest commits at or before `until` that changed anything below `folder`, newest first."""
        return refs.history(self._git, folder, until, most)

    def config(self, key: str) -> str | None:
        """One value of git's configuration, or None."""
        return refs.config(self._git, key)

    def set_config(self, key: str, value: str) -> None:
        """Set one value in this repository's own configuration."""
        refs.set_config(self._git, key, value)

    def apply(self, plan: Plan) -> str:
        """Write `plan`: all of it or nothing. Returns the commit ("" for a plan without a ref). Raises: see `door`."""
        from llmops.adapters.git.writing import work_files

        if plan.ref is None:
            work_files.write(self._place, plan)
            return ""
        return self._door.commit(plan)

    def dirty_paths(self, paths: Sequence[str]) -> tuple[str, ...]:
        """The paths whose index entry or file is not what HEAD holds."""
        from llmops.adapters.git.writing.checkouts import Checkout, entries_at

        head = entries_at(self._reader, self.resolve("HEAD") or "", paths)
        return tuple(Checkout(self._place.root).dirty(head, head))

    def recover(self) -> None:
        """Finish or drop what a killed run left; `apply` does it by itself."""
        self._door.recover()

    def unfinished_journals(self) -> tuple[Journal, ...]:
        """What a killed run left. Raises: CannotAsk JOURNAL_BROKEN."""
        from llmops.adapters.git.writing import journal

        left = journal.read(self._place.common_dir)
        return (left,) if left else ()

    def stale_locks(self) -> tuple[GitLock, ...]:
        """The lock files that lie in git's folders now, oldest first; one that is minutes old belongs to nobody."""
        from llmops.adapters.git.writing import locks

        return locks.present(self._place)

    def remote_for(self, branch: str) -> str | None:
        """The remote that a branch goes to, or None."""
        return refs.remote_for(self._git, branch)

    def fetch(self, branch: str) -> None:
        """Refresh a branch's remote-tracking ref, where there is a remote. Raises: CannotAsk REMOTE_UNREACHABLE."""
        from llmops.adapters.git import remotes

        if remote := self.remote_for(branch):
            remotes.fetch(self._git, remote, branch)

    def push(self, ref: str, *, base: str) -> bool:
        """Publish what one plan made on top of `base`. False: no remote. Raises: as `remotes.push`."""
        from llmops.adapters.git import remotes

        return remotes.push(self._git, self._door, ref, base)

    def close(self) -> None:
        """End the reading process. The repository can still be used: the next read starts another."""
        self._reader.close()

    @cached_property
    def _door(self) -> WriteDoor:
        from llmops.adapters.git.writing.door import WriteDoor

        return WriteDoor(self._git, self._reader, self._place, self._fault)

    def _index_of_a_running_commit(self) -> str | None:
        named = os.environ.get("GIT_INDEX_FILE", "")
        path = os.path.realpath(named) if named else ""
        inside = path.startswith(os.path.realpath(self._place.git_dir) + os.sep)
        return path if inside and os.path.isfile(path) else None  # noqa: PTH113 - real paths are compared as strings


def _no_fault(_: str) -> None:
    """Nothing goes wrong on purpose."""
