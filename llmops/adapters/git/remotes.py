"""Sending the records branch to its remote.

Never by force. `push --porcelain` tells three answers apart:
- rejected because the remote moved on: fetch, take our unpublished commit back, LostRace. The caller reads, checks,
  signs and plans again on the new tip; a record is never rebased as text.
- refused by a rule: CannotAsk PUSH_REFUSED naming ref and rule; the commit stays local.
- no answer: it may have arrived. The remote is asked; only what it holds counts.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import NoReturn

from llmops.adapters.git import refs
from llmops.adapters.git.plumbing import Git
from llmops.adapters.git.writing.door import WriteDoor
from llmops.errors import CannotAsk, LostRace

_RACES = ("fetch first", "non-fast-forward", "stale info", "incorrect old value", "cannot lock ref", "failed to update")


def fetch(git: Git, remote: str, branch: str) -> None:
    """Refresh the remote-tracking ref of a branch. Raises: CannotAsk REMOTE_UNREACHABLE."""
    spec = f"+refs/heads/{branch}:refs/remotes/{remote}/{branch}"
    answer = git.ask("fetch", "--quiet", "--no-tags", "--end-of-options", remote, spec)
    if answer.returncode != 0 and "couldn't find remote ref" not in answer.stderr.decode("utf-8", "replace"):
        raise _unreachable(remote, answer)


def push(git: Git, door: WriteDoor, ref: str, base: str) -> bool:
    """Publish the tip of `ref`, which one plan on top of `base` made. Returns False where there is no remote.

    Raises: LostRace, CannotAsk PUSH_REFUSED, REMOTE_UNREACHABLE, RECORDS_DIVERGED.
    """
    branch = ref.removeprefix("refs/heads/")
    remote = refs.remote_for(git, branch)
    commit = refs.tip(git, ref)
    if remote is None or commit is None:
        return False
    answer = git.ask("push", "--porcelain", "--end-of-options", remote, f"{commit}:{ref}")
    attempt = _Attempt(git=git, remote=remote, branch=branch, commit=commit, base=base, answer=answer)
    if not attempt.has_arrived():
        attempt.explain(door)
    git.ask("update-ref", "-m", "llmops: push", attempt.tracking_ref, attempt.newest)
    return True


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """One push and what came of it. `newest` is the commit that the remote is known to be at."""

    git: Git
    remote: str
    branch: str
    commit: str
    base: str
    answer: subprocess.CompletedProcess[bytes]
    newest: str = ""

    @property
    def tracking_ref(self) -> str:
        return f"refs/remotes/{self.remote}/{self.branch}"

    def has_arrived(self) -> bool:
        """Whether the remote holds the commit, whatever the reply was. Raises: CannotAsk REMOTE_UNREACHABLE."""
        self.newest = self.commit
        if self.answer.returncode == 0:
            return True
        listed = self.git.ask("ls-remote", "--refs", "--end-of-options", self.remote, f"refs/heads/{self.branch}")
        if listed.returncode != 0:
            raise _unreachable(self.remote, self.answer)
        self.newest = listed.stdout.decode().partition("\t")[0]
        if self.newest and self.newest != self.commit:
            fetch(self.git, self.remote, self.branch)
            self.newest = refs.tip(self.git, self.tracking_ref) or ""
        return bool(self.newest) and refs.contains(self.git, self.newest, self.commit)

    def explain(self, door: WriteDoor) -> NoReturn:
        """Raise what a push that did not arrive means."""
        ref = f"refs/heads/{self.branch}"
        refusal = _refusal(self.answer.stdout.decode("utf-8", "replace"))
        moved = bool(self.newest) and not refs.contains(self.git, self.commit, self.newest)
        if moved and (not refusal or any(word in refusal for word in _RACES)):
            if not self.base or not refs.contains(self.git, self.newest, self.base):
                raise refs.diverged(self.git, self.branch, self.remote)
            door.retract(ref, self.commit, self.base)
            raise LostRace(ref)
        if not refusal:
            raise _unreachable(self.remote, self.answer)
        raise CannotAsk(
            "PUSH_REFUSED",
            f"{self.remote} refused {ref}: {refusal}{_rule(self.answer.stderr)}",
            where=f"{self.remote} {ref}",
            hint=f"commit {self.commit[:12]} is kept locally; once allowed: git push {self.remote} {self.branch}",
        )


def _refusal(porcelain: str) -> str | None:
    """The reason in a line such as `!<TAB>from:to<TAB>[remote rejected] (pre-receive hook declined)`."""
    lines = (line.split("\t") for line in porcelain.splitlines())
    return next((line[2] for line in lines if line[0] == "!" and len(line) > 2), None)


def _rule(stderr: bytes) -> str:
    """What the other side said, for the rule's name: `remote: error: GH006: Protected branch update failed`."""
    said = re.findall(r"^remote: ?(.*?)\s*$", stderr.decode("utf-8", "replace"), re.MULTILINE)
    words = "; ".join(line for line in said if line)
    return f" ({words})" if words else ""


def _unreachable(remote: str, answer: subprocess.CompletedProcess[bytes]) -> CannotAsk:
    said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    return CannotAsk(
        "REMOTE_UNREACHABLE",
        f"the remote {remote} gives no answer: {said[0] if said else 'it said nothing'}",
        where=remote,
        hint=f"check the connection and your rights: git ls-remote {remote}; nothing was lost, local commits stay",
    )
