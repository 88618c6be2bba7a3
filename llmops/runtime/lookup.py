"""`llmops.get_prompt`: the prompt of a name, from a checkout.

Rules, in order:

1. Exactly one of `environment` and `version` says which: there is no default that could serve by accident.
2. Under evaluation, the release that is being evaluated stands in for what an environment serves (`evaluation`).
3. What was read is kept. At most every `LOOK_AGAIN_SECONDS` its files are looked at (time of change, size, file
   number), so a promotion or a rollback that reaches the checkout is served at most that much later. Working files are
   looked at each time.
4. What cannot be read any more is an error, never the prompt of before: nobody would notice.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from llmops.runtime import reading
from llmops.runtime.checkout import Checkout, Stamp, find_root, stamp_of
from llmops.runtime.errors import PromptError
from llmops.runtime.evaluation import under_evaluation
from llmops.runtime.prompt import Prompt

LOOK_AGAIN_SECONDS = 1.0

_Key = tuple[str, str | None, str | None, str | os.PathLike[str] | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    prompt: Prompt
    root: Path
    stamps: dict[str, Stamp | None]

    def is_unchanged(self) -> bool:
        return all(stamp_of(self.root / path) == stamp for path, stamp in self.stamps.items())


# Until when a prompt is given without a look at its files; replaced whole, so threads need no lock.
_fresh: dict[_Key, tuple[float, Prompt]] = {}
_kept: dict[_Key, _Kept] = {}


def get_prompt(
    name: str,
    *,
    environment: str | None = None,
    version: str | None = None,
    root: str | os.PathLike[str] | None = None,
) -> Prompt:
    """The prompt that serves in `environment`, or the release of `version` ("working": the working files).

    During a canary it is the stable release, whatever the candidate's weight: this function splits no traffic. `root`
    is the checkout's folder; without it LLMOPS_ROOT_DIR, else the repository around the working folder.

    Raises: PromptNotFound, RecordsMissing, PromptTampered (a file is not what was locked or promoted), PromptOff
    (switched off: serve its `fallback`), PromptInvalid, all of them PromptError.
    """
    key = (name, environment, version, root)
    found = _fresh.get(key)
    if found is not None and monotonic() < found[0] and under_evaluation.get() is None:
        return found[1]
    return _look_up(key)


def forget() -> None:
    """Read every prompt anew: for tests, and for services that were told of a change."""
    _fresh.clear()
    _kept.clear()


def _look_up(key: _Key) -> Prompt:
    name, environment, version, given = key
    if (environment is None) == (version is None):
        hint = "environment='production' for what serves there, version='1.4.0' for a release, version='working'"
        raise PromptError("WHICH_PROMPT", f"which {name}? give environment= or version=", where=str(name), hint=hint)
    if version is None and (candidate := (under_evaluation.get() or {}).get(name)):
        return candidate
    root = find_root(given)
    kept = _kept.get(key)
    if kept is None or kept.root != root or not kept.is_unchanged():
        _fresh.pop(key, None)
        kept = _kept[key] = _read(root, name, environment, version)
    if version != reading.WORKING:
        _fresh[key] = (monotonic() + LOOK_AGAIN_SECONDS, kept.prompt)
    return kept.prompt


def _read(root: Path, name: str, environment: str | None, version: str | None) -> _Kept:
    files = Checkout(root)
    if environment is not None:
        prompt = reading.serving_in(files, name, environment)
    elif version == reading.WORKING:
        prompt = reading.working(files, name)
    else:
        prompt = reading.locked(files, name, str(version))
    return _Kept(prompt, root, files.stamps)
