"""The one door through which a repository is written.

A plan with a ref, in order:
1. take the writers' lock, finish or drop what a killed run left (`recover`);
2. the ref must still be at the plan's `old` commit; one that lags behind a fetched `old` is fast-forwarded first;
3. where the branch is checked out, refuse if OUR paths hold somebody's work, and only then;
4. store blobs, trees of touched folders, the commit;  5. write the journal;
6. `git update-ref ref new old`, the only commit point: a lost race changes nothing;
7. index and files of our paths follow, in every work tree that has the branch checked out;  8. drop the journal.

A plan that changes nothing makes no commit: the answer is its `old` commit. `commit.gpgSign` is not honoured: what a
record proves is proved by its own signature. `fault` is called by name at each step, so that tests can die there.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmops.adapters.git import refs
from llmops.adapters.git.objects import ObjectReader
from llmops.adapters.git.opening import Place
from llmops.adapters.git.plumbing import Git, failure
from llmops.adapters.git.writing import journal, new_commits
from llmops.adapters.git.writing.checkouts import Checkout, Entry, Fault, checkouts_of, entries_at
from llmops.adapters.git.writing.journal import Journal
from llmops.adapters.git.writing.paths import refuse_unsafe
from llmops.documents.trees import REGULAR_FILE, Plan
from llmops.errors import CannotAsk, LlmopsError, LostRace

_REF_PATIENCE = ("-c", "core.filesRefLockTimeout=2000", "-c", "core.packedRefsTimeout=2000")


class WriteDoor:
    """Writing to the refs of one repository."""

    def __init__(self, git: Git, reader: ObjectReader, place: Place, fault: Fault) -> None:
        self._git = git
        self._reader = reader
        self._place = place
        self._fault = fault

    def commit(self, plan: Plan) -> str:
        """Write a plan with a ref. Returns the commit. Raises: LostRace, CannotAsk (see the module)."""
        ref = plan.ref or ""
        paths = [change.path for change in plan.files]
        refs.refuse_bad_name(self._git, ref)
        refuse_unsafe(paths)
        if len(set(paths)) != len(paths):
            raise ValueError(f"a plan names a path twice: {paths}")
        with journal.writers_lock(self._place.common_dir):
            self._fault("locked")
            self._recover()
            self._fault("recovered")
            checkouts = self._checkouts(ref)
            self._meet(ref, plan.old, checkouts)
            return self._commit(plan, ref, checkouts)

    def retract(self, ref: str, commit: str, base: str) -> None:
        """Take back a commit that was never published. Raises: LostRace where the ref moved, CannotAsk DIRTY_PATHS."""
        with journal.writers_lock(self._place.common_dir):
            self._recover()
            if self._tip(ref) != commit:
                raise LostRace(ref)
            raw = self._git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", base, commit)
            paths = raw.decode("utf-8", "surrogateescape").split("\0")[:-1]
            checkouts = self._checkouts(ref)
            old, new = entries_at(self._reader, commit, paths), entries_at(self._reader, base, paths)
            _refuse_dirty(checkouts, old, new)
            self._move(Journal(ref=ref, old=commit, new=base, paths=tuple(paths)), checkouts, "llmops: take back")

    def recover(self) -> None:
        """Finish or drop what a killed run left. Raises: CannotAsk JOURNAL_BROKEN, WRITE_LOCKED."""
        if journal.read(self._place.common_dir) is not None:
            with journal.writers_lock(self._place.common_dir):
                self._recover()

    def _commit(self, plan: Plan, ref: str, checkouts: list[Checkout]) -> str:
        scratch = journal.folder(self._place.common_dir)
        kept = [change for change in plan.files if change.content is not None]
        blobs = new_commits.store_blobs(self._git, [change.content or b"" for change in kept], scratch)
        ids: dict[str, str | None] = {change.path: None for change in plan.files}
        ids |= {change.path: blob for change, blob in zip(kept, blobs, strict=True)}
        self._fault("blobs")
        self._refuse_dirty(plan.old, ids, checkouts)
        tree = new_commits.write_tree(self._git, self._reader, plan.old, ids)
        self._fault("trees")
        before = self._reader.get(f"{plan.old}^{{tree}}") if plan.old else None
        if before is not None and tree == before.oid:
            return plan.old
        commit = new_commits.commit(self._git, tree, plan.old, plan.message)
        self._fault("commit")
        entry = Journal(ref=ref, old=plan.old, new=commit, paths=tuple(ids))
        self._move(entry, checkouts, f"llmops: {plan.message.partition(chr(10))[0]}")
        return commit

    def _refuse_dirty(self, old: str, ids: Mapping[str, str | None], checkouts: list[Checkout]) -> None:
        if checkouts:
            new: dict[str, Entry] = {path: (REGULAR_FILE, oid) if oid else None for path, oid in ids.items()}
            _refuse_dirty(checkouts, entries_at(self._reader, old, ids), new)

    def _move(self, entry: Journal, checkouts: list[Checkout], reason: str) -> None:
        for checkout in checkouts:
            checkout.wait_for_index()
        journal.write(self._place.common_dir, entry)
        self._fault("journal")
        try:
            self._update_ref(entry.ref, entry.old, entry.new, reason)
        except (LostRace, CannotAsk):
            journal.drop(self._place.common_dir)
            raise
        self._fault("ref")
        self._finish(entry, entry.new, checkouts)

    def _update_ref(self, ref: str, old: str, new: str, reason: str) -> None:
        expected = old or "0" * len(new)
        arguments = (*_REF_PATIENCE, *new_commits.DURABLE, "update-ref", "-m", reason, ref, new, expected)
        answer = self._git.ask(*arguments)
        if answer.returncode == 0:
            return
        if (self._tip(ref) or "") != old:
            raise LostRace(ref)
        problem = failure(arguments, answer.stderr, self._place.root)
        if problem.code != "GIT_FAILED":
            raise problem
        raise CannotAsk("REF_REFUSED", f"git would not move {ref}: {problem.what}", where=ref)

    def _finish(self, entry: Journal, tip: str, checkouts: list[Checkout]) -> None:
        """Index and files follow. The commit counts already, so what goes wrong here is told, and kept for later."""
        states = [entries_at(self._reader, commit, entry.paths) for commit in (entry.old, entry.new)]
        after = entries_at(self._reader, tip, entry.paths)
        try:
            for checkout in checkouts:
                checkout.follow(self._reader, states, after, self._fault)
        except LlmopsError as behind:
            _warn(entry, behind)
            return
        journal.drop(self._place.common_dir)
        self._fault("dropped")

    def _recover(self) -> None:
        journal.sweep(self._place.common_dir)
        entry = journal.read(self._place.common_dir)
        if entry is None:
            return
        tip = self._tip(entry.ref)
        if tip is None or tip == entry.old or not refs.contains(self._git, tip, entry.new):
            journal.drop(self._place.common_dir)
        else:
            checkouts = self._checkouts(entry.ref)
            for checkout in checkouts:
                checkout.sweep(entry.paths)
            self._finish(entry, tip, checkouts)

    def _tip(self, ref: str) -> str | None:
        found = self._reader.get(ref)
        return found.oid if found else None

    def _checkouts(self, ref: str) -> list[Checkout]:
        return checkouts_of(self._git, self._place, ref)

    def _meet(self, ref: str, old: str, checkouts: list[Checkout]) -> None:
        """The ref is at `old`, or lags behind it and `old` was fetched: then it is fast-forwarded. Else: LostRace."""
        current = self._tip(ref)
        if (current or "") == old:
            return
        fetched = refs.tracking_tips(self._git, ref.removeprefix("refs/heads/")) if old else {}
        fetched.pop(ref, None)
        if old not in fetched.values() or (current and not refs.contains(self._git, old, current)):
            raise LostRace(ref)
        start = current or self._git.line("mktree")  # the empty tree
        for checkout in checkouts:
            _fast_forward(checkout, start, old)
        self._update_ref(ref, current or "", old, "llmops: fast-forward")


def _fast_forward(checkout: Checkout, start: str, target: str) -> None:
    checkout.wait_for_index()
    answer = checkout.git.ask("read-tree", "-m", "-u", start, target)
    if answer.returncode != 0:
        raise CannotAsk(
            "DIRTY_PATHS",
            f"the branch lags behind its remote, and your changes stand in the way: {answer.stderr.decode().strip()}",
            where=checkout.root,
            hint="commit or stash them, then `git merge --ff-only`",
        )


def _refuse_dirty(checkouts: list[Checkout], old: Mapping[str, Entry], new: Mapping[str, Entry]) -> None:
    for checkout in checkouts:
        if dirty := checkout.dirty(old, new):
            raise CannotAsk(
                "DIRTY_PATHS",
                f"uncommitted changes stand where llmops writes: {', '.join(dirty[:10])}",
                where=f"{checkout.root}/{dirty[0]}",
                hint="commit, stash or remove them, then run the same command again",
            )


def _warn(entry: Journal, behind: LlmopsError) -> None:
    import logging

    logging.getLogger("llmops.git").warning(
        "%s is at %s, but the work tree did not follow: %s (%s). The next writing command finishes it; "
        "until then do not commit there.",
        entry.ref,
        entry.new[:12],
        behind.what,
        behind.hint,
    )
