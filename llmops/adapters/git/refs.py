"""Refs: what a revision names, which commit is the newest of the records branch, who contains whom."""

from __future__ import annotations

import re

from llmops.adapters.git.plumbing import Git, failure
from llmops.errors import CannotAsk

_PLAIN_REF = re.compile(r"refs/heads(/[A-Za-z0-9_-]+)+")  # needs no second opinion
_RECORD_FOLDERS = ("audit", "environments")


def resolve(git: Git, revision: str) -> str | None:
    """The commit that `revision` names, or None."""
    if not revision or "\0" in revision:
        return None
    answer = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return answer.stdout.decode().strip() or None if answer.returncode == 0 else None


def tip(git: Git, ref: str) -> str | None:
    """The object a full ref name points to, or None where there is no such ref."""
    answer = git.ask("show-ref", "--verify", "--hash", "--", ref)
    return answer.stdout.decode().strip() if answer.returncode == 0 else None


def head_ref(git: Git) -> str | None:
    """The ref that HEAD points to, born or not; None where HEAD is detached."""
    answer = git.ask("symbolic-ref", "--quiet", "HEAD")
    return answer.stdout.decode().strip() if answer.returncode == 0 else None


def config(git: Git, key: str) -> str | None:
    """One value of git's configuration, or None."""
    answer = git.ask("config", "--get", "--null", key)
    if answer.returncode not in (0, 1):
        raise failure(("config",), answer.stderr, git.folder)
    return answer.stdout.decode("utf-8", "replace").rstrip("\0") if answer.returncode == 0 else None


def introduced(git: Git, path: str, until: str) -> str | None:
    """The newest commit at or before `until` that added `path`, or None."""
    answer = git.run("log", "-1", "--format=%H", "--diff-filter=A", "--no-renames", until, "--", path)
    return answer.decode().strip() or None


def history(git: Git, folder: str, until: str, most: int) -> tuple[str, ...]:
    """The newest commits at or before `until` that changed anything below `folder`, newest first."""
    # In full: git would leave out the side of a merge whose changes were taken back.
    answer = git.run("log", f"-{most}", "--format=%H", "--full-history", "--end-of-options", until, "--", folder)
    return tuple(answer.decode().split())


def contains(git: Git, commit: str, other: str) -> bool:
    """Whether `commit` is `other` or has it among its ancestors. Unknown objects are contained by nothing."""
    return commit == other or git.ask("merge-base", "--is-ancestor", other, commit).returncode == 0


def remote_for(git: Git, branch: str) -> str | None:
    """The remote that a branch goes to: the configured one, else `origin`, else the only one; None without any."""
    remotes = git.line("remote").splitlines()
    configured = config(git, f"branch.{branch}.remote") if remotes else None
    if configured in remotes:
        return configured
    if "origin" in remotes:
        return "origin"
    return remotes[0] if len(remotes) == 1 else None


def refuse_bad_name(git: Git, ref: str) -> None:
    """Raises: CannotAsk BAD_REF_NAME where `ref` is no full ref name."""
    if _PLAIN_REF.fullmatch(ref):
        return
    if not ref.startswith("refs/") or git.ask("check-ref-format", ref).returncode != 0:
        raise CannotAsk("BAD_REF_NAME", f"{ref!r} is not a name that git allows for a branch", where=ref)


def tracking_tips(git: Git, branch: str) -> dict[str, str]:
    """Ref name to commit: the local branch and its remote-tracking refs, as far as they exist."""
    refuse_bad_name(git, f"refs/heads/{branch}")
    patterns = (f"refs/heads/{branch}", f"refs/remotes/*/{branch}")
    rows = git.line("for-each-ref", "--format=%(objectname) %(refname)", "--", *patterns).splitlines()
    pairs = (row.split(" ", 1) for row in rows)  # a pattern also matches what lies below it: refs/heads/main/more
    return {ref: commit for commit, ref in pairs if ref == patterns[0] or ref.startswith("refs/remotes/")}


def records_tip(git: Git, branch: str) -> str | None:
    """The local or the remote-tracking commit, whichever contains the other; None where neither exists."""
    tips = tracking_tips(git, branch)
    local = tips.pop(f"refs/heads/{branch}", None)
    if not tips:
        return local
    remote_ref = _followed(git, branch, tips)
    remote = tips[remote_ref]
    if local is None or contains(git, remote, local):
        return remote
    if contains(git, local, remote):
        return local
    raise diverged(git, branch, remote_ref.split("/")[2])


def diverged(git: Git, branch: str, remote: str) -> CannotAsk:
    """Local and remote branch went apart; the remedy depends on whether our side holds records."""
    theirs = f"{remote}/{branch}"
    return CannotAsk(
        "RECORDS_DIVERGED",
        f"the local branch {branch} and {theirs} hold different commits",
        where=f"refs/heads/{branch}",
        hint=_remedy(git, branch, remote),
    )


def _remedy(git: Git, branch: str, remote: str) -> str:
    ours = f"refs/remotes/{remote}/{branch}..refs/heads/{branch}"
    fetch = f"git fetch {remote} {branch}"
    if git.ask("log", "--format=%h", ours, "--", *_RECORD_FOLDERS).stdout:
        # Two records of one number cannot be merged: the local ones are kept aside and made again.
        aside = f"git branch {branch}-unpushed {branch}"
        take_theirs = f"git checkout {branch} && git reset --keep {remote}/{branch}"
        why = "local commits hold records, and records are never merged"
        return f"{why}: {fetch} && {aside} && {take_theirs}, then repeat the commands"
    return f"{fetch} && git checkout {branch} && git merge {remote}/{branch}"


def _followed(git: Git, branch: str, tips: dict[str, str]) -> str:
    """The remote-tracking ref that counts where several remotes have the branch."""
    if len(tips) == 1:
        return next(iter(tips))
    preferred = f"refs/remotes/{remote_for(git, branch)}/{branch}"
    if preferred in tips:
        return preferred
    raise CannotAsk(
        "REMOTE_AMBIGUOUS",
        f"several remotes have a branch {branch}, and none of them is `origin` or configured for it",
        where=", ".join(sorted(tips)),
        hint=f"git config branch.{branch}.remote NAME",
    )


def set_config(git: Git, key: str, value: str) -> None:
    """Set one value in this repository's own configuration. Raises: CannotAsk GIT_FAILED."""
    git.run("config", "--local", key, value)
