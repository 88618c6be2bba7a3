"""From files to a prompt.

Rules, in order:

1. `environment`: the pointer says which release is stable there. The release's bytes have the digest that the pointer
   names, or nothing is given.
2. `version`: that release. Pointers beside it that name this version name its digest too, or nothing is given.
3. `working`: the working prompt.yaml, checked by its schema. It has no digest.
4. A release is exactly what `lock` writes: one changed byte is an error, never a prompt.
5. What is not there is an error that says what is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from llmops.documents import canonical, releases, versions
from llmops.documents.releases import Release
from llmops.errors import CannotAsk
from llmops.governance import pointers
from llmops.governance.pointers import Pointer
from llmops.runtime.checkout import ROOT_VARIABLE, Checkout
from llmops.runtime.errors import (
    PromptError,
    PromptInvalid,
    PromptNotFound,
    PromptOff,
    PromptTampered,
    RecordsMissing,
)
from llmops.runtime.prompt import Prompt, prompt_of

WORKING = "working"
ENVIRONMENTS = "environments"
BRANCH_VARIABLE = "LLMOPS_RECORDS_BRANCH"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?")


def serving_in(files: Checkout, name: str, environment: str) -> Prompt:
    """The stable release of an environment. Raises: PromptError."""
    _require_names(prompt=name, environment=environment)
    pointer = _pointer(files, name, environment)
    release = _release(files, name, pointer.version)
    if release.digest != pointer.digest:
        raise _another(release, pointer)
    if pointer.status == "off":
        raise PromptOff(
            "PROMPT_OFF",
            f"{name} is switched off in {environment}",
            where=pointer.path,
            hint="serve the error's `fallback`; `llmops why` says who switched it off",
            fallback=prompt_of(release).fallback,
        )
    return prompt_of(release, environment)


def locked(files: Checkout, name: str, version: str) -> Prompt:
    """A release by its version. Raises: PromptError."""
    _require_names(prompt=name)
    if not versions.is_valid(version):
        hint = f"write major.minor.patch, or {WORKING!r} for the working files"
        raise PromptError("NAME_INVALID", f"{version[:80]!r} is no version", hint=hint)
    release = _release(files, name, version)
    for environment in files.folders(ENVIRONMENTS):
        pointer = _read_pointer(files, name, environment)
        named = {weight.digest for weight in pointer.weights if weight.version == version} if pointer else set()
        if pointer and named - {release.digest}:
            raise _another(release, pointer)
    return prompt_of(release)


def working(files: Checkout, name: str) -> Prompt:
    """What the working files say now. Raises: PromptError."""
    from llmops.documents import project, prompts
    from llmops.documents.freezing import freeze

    _require_names(prompt=name)
    folder = project.load(files).prompt(name)
    if folder is None:
        known = _known(files.folders("prompts"), "prompts")
        raise PromptNotFound("PROMPT_MISSING", f"there is no such prompt; {known}", where=f"prompts/{name}/prompt.yaml")
    used = [each for each in folder.documents if each is not folder.thresholds]
    problem = next((found for each in used for found in each.findings if found.is_error), None)
    if problem:
        raise PromptInvalid("PROMPT_INVALID", problem.message, where=str(problem.location), hint=problem.fix)
    prompt = prompts.parse(folder.prompt.value, folder.prompt.path)
    behaviour = freeze.behaviour_of(prompt, folder.rag.value if folder.rag else None)
    digest = canonical.digest(behaviour)
    return Prompt(name=name, version=prompt.version, digest="", behaviour_digest=digest, _behaviour=behaviour)


def _require_names(**names: str) -> None:
    for what, name in names.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            hint = "names are lower-case letters, digits, `-` and `.`"
            raise PromptError("NAME_INVALID", f"{str(name)[:80]!r} is no name of a {what}", hint=hint)


def _release(files: Checkout, name: str, version: str) -> Release:
    path = releases.path_of(name, version)
    data = files.read(path)
    if data is None:
        known = _known(files.files(f"releases/{name}", ".json"), f"releases of {name}")
        hint = "fetch the branch that holds it; published releases stand on the records branch too"
        raise PromptNotFound("RELEASE_MISSING", f"there is no such release; {known}", where=path, hint=hint)
    try:
        return releases.parse(data, path)
    except CannotAsk as error:
        raise PromptTampered.of(error) from error


def _another(release: Release, pointer: Pointer) -> PromptTampered:
    return PromptTampered(
        "DIGEST_MISMATCH",
        f"the file's digest is {release.digest}, {pointer.path} names {pointer.digest}",
        where=releases.path_of(release.name, release.version),
        hint="restore both files from git; `llmops audit verify` says which of the two was changed",
    )


def _pointer(files: Checkout, name: str, environment: str) -> Pointer:
    pointer = _read_pointer(files, name, environment)
    if pointer is not None:
        return pointer
    if not files.has_folder(ENVIRONMENTS):
        raise _no_records(files, name, environment)
    path, here = pointers.path_of(environment, name), files.folders(ENVIRONMENTS)
    if environment not in here:
        known = _known(here, "environments")
        raise PromptNotFound("ENVIRONMENT_MISSING", f"there is no such environment; {known}", where=path)
    known = _known(files.files(f"{ENVIRONMENTS}/{environment}", ".yaml"), f"prompts in {environment}")
    hint = f"`llmops promote {name} --to {environment}`, or fetch the newest records"
    raise PromptNotFound("POINTER_MISSING", f"no release of {name} serves there; {known}", where=path, hint=hint)


def _read_pointer(files: Checkout, name: str, environment: str) -> Pointer | None:
    path = pointers.path_of(environment, name)
    data = files.read(path)
    if data is None:
        return None
    try:
        return pointers.parse(data, path)
    except CannotAsk as error:
        raise PromptTampered.of(error) from error


def _no_records(files: Checkout, name: str, environment: str) -> RecordsMissing:
    branch = os.environ.get(BRANCH_VARIABLE, "") or _configured_branch(files)
    named = f"on the branch {branch}" if branch else "on the records branch"
    shown = branch or "RECORDS_BRANCH"
    return RecordsMissing(
        "RECORDS_MISSING",
        f"this checkout has no {ENVIRONMENTS}/: what serves stands {named}",
        where=pointers.path_of(environment, name),
        hint=f"git fetch origin {shown} && git worktree add ../records FETCH_HEAD, then root='../records' or "
        f"{ROOT_VARIABLE}=../records",
    )


def _configured_branch(files: Checkout) -> str:
    """The records branch that llmops.yaml names, "" where it cannot be told: it only makes a message clearer."""
    from llmops.documents.reading import yaml_door

    parsed = yaml_door.parse(files.read("llmops.yaml") or b"", "llmops.yaml")
    rules: Any = parsed.value.get("governance") if isinstance(parsed.value, dict) else None
    return str(rules.get("records_branch") or "") if isinstance(rules, dict) else ""


def _known(names: Sequence[str], what: str) -> str:
    return f"{what} here: {', '.join(names) or 'none'}"
