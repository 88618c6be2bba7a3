"""init: from an empty or existing repository to one that can release: policy, example prompt, evalset.

Nothing that exists is touched: a file that is there already stops the command before anything is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from llmops.documents.trees import FileChange, Plan
from llmops.errors import CannotAsk, Refusal
from llmops.usecases.ports import Repository, Signer
from llmops.usecases.results.writing import WrittenFiles

_ROLES = "root, author, publisher, reviewer, quality, compliance, evaluator, operator, rollback"
_IGNORED = b"# llmops: caches, indexes and run journals\n/.llmops/\n"
_ATTRIBUTES = b"""# Records and releases are bytes that digests name: git must never change their line ends.
/audit/** -text
/environments/** -text
/releases/** -text
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`profile` solo: the user alone, environments dev and demo."""

    profile: str
    is_dry_run: bool = False


def run(repository: Repository, request: Request, *, find_signer: Callable[[], Signer | None]) -> WrittenFiles:
    """Write the scaffold to the work tree; commits nothing. Raises: Refusal FILES_EXIST, CannotAsk NO_IDENTITY."""
    person, email = _identity(repository)
    branch = (repository.branch() or "refs/heads/main").removeprefix("refs/heads/")
    files = {
        "llmops.yaml": b"",
        ".gitattributes": _ATTRIBUTES,
        **dict(_scaffold()),
    }
    present = sorted(path for path in files if repository.work_tree().read(path) is not None)
    if present:
        raise Refusal(
            "FILES_EXIST",
            f"{len(present)} of the files that init writes {'are' if len(present) > 1 else 'is'} there already",
            hint="nothing was written; move them away first, or write the rest by hand (`llmops schema` helps)",
            details=tuple(present),
        )
    # Only now: a key is made where there is none, and nothing is made by a command that is refused.
    signer = find_signer()
    key = signer.public_key if signer else "ssh-ed25519 (made when this is not a dry run)"
    files["llmops.yaml"] = _configuration(person, email, key, branch).encode()
    ignored = repository.work_tree().read(".gitignore") or b""
    if b"/.llmops/" not in ignored:
        files[".gitignore"] = ignored + (b"\n" if ignored and not ignored.endswith(b"\n") else b"") + _IGNORED
    if not request.is_dry_run:
        repository.apply(Plan(files=tuple(FileChange(path=path, content=data) for path, data in sorted(files.items()))))
    return WrittenFiles(files=tuple(sorted(files)), notes=_NEXT, is_dry_run=request.is_dry_run)


_NEXT = (
    "next:",
    "  git add . && llmops lock kettle-help && git commit -m 'first prompt'",
    "  llmops policy apply",
    "  llmops gate kettle-help --env dev --eval",
    "  llmops promote kettle-help@0.1.0 --to dev",
)


def _identity(repository: Repository) -> tuple[str, str]:
    name, email = repository.config("user.name"), repository.config("user.email")
    if not (name and email):
        raise CannotAsk(
            "NO_IDENTITY",
            "git does not know who you are, and the policy names you",
            hint="git config --global user.name NAME && git config --global user.email ADDRESS",
        )
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "me", email


def _configuration(person: str, email: str, key: str, branch: str) -> str:
    quoted = email.replace('"', "")
    return f"""\
# Configuration of llmops. `governance:` is the policy: who may do what, and what a release must have before it may
# serve. It takes effect with `llmops policy apply`. This is the solo profile: you alone, so every approval is your own
# and is shown as SELF-APPROVED. Judges marked advisory may decide here; a team would not let them open production.
governance:
  base_branch: {branch}
  records_branch: {branch}
  root_threshold: 1
  principals:
    {person}:
      keys: ["{key}"]
      emails: ["{quoted}"]
      roles: [{_ROLES}]
  environments:
    dev:
      judges: [advisory, calibrated]
      approvals: []
      self_approval: allowed
      until_decided: allowed # a pass may be decided on a part of the cases (eval --until-decided)
    demo:
      after: [dev]
      judges: [advisory, calibrated]
      approvals: [{{role: reviewer, count: 1, accept: [key]}}]
      self_approval: allowed
  classes:
    system: {{approvals: [{{role: compliance, count: 1}}], environments: [demo]}}

models:
  smollm2-135m:
    provider: embedded # SmolLM2-135M-Instruct, on this machine; `llmops setup embedded` puts its weights in place
  # gpt-4o: {{provider: openai, model: gpt-4o, key_env: OPENAI_API_KEY, prices: {{input: 2.5, output: 10}}}}
"""


def _scaffold() -> Iterator[tuple[str, bytes]]:
    root = resources.files("llmops.usecases.author").joinpath("scaffold")
    yield from _files(root, "")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _files(item, f"{prefix}{item.name}/")
        else:
            yield f"{prefix}{item.name}", item.read_bytes()
