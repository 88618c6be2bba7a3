"""A release: one frozen file in three parts, and the digests that name it.

- `behaviour`: what shapes answers. Its digest (RFC 8785, SHA-256) is what evidence names, so renumbering a version
  or mending a changelog costs no new evaluation.
- `bars`: what it must reach. - `about`: who, why, from what.

The release digest is the SHA-256 of the file's bytes, so `sha256sum` shows the same. Approvals and pointers name it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops.documents import canonical
from llmops.errors import CannotAsk

FORMAT = 1
LARGEST_RELEASE = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release. The three parts are JSON values as frozen; `data` is the file."""

    behaviour: Mapping[str, Any]
    bars: Mapping[str, Any]
    about: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.about["name"])

    @property
    def version(self) -> str:
        return str(self.about["version"])

    @property
    def base(self) -> str:
        """The version this one was made from, "" for a first one."""
        return str(self.about.get("base", ""))

    @property
    def data(self) -> bytes:
        return canonical.pretty({"behaviour": self.behaviour, "bars": self.bars, "about": self.about})

    @property
    def digest(self) -> str:
        return canonical.sha256(self.data)

    @property
    def behaviour_digest(self) -> str:
        return canonical.digest(self.behaviour)

    @property
    def model(self) -> str:
        return str(self.behaviour["model"])

    @property
    def is_system(self) -> bool:
        """Class `system`: the behaviour contains a system message. Computed, never taken from a label."""
        return any(message["role"] == "system" for message in self.behaviour["messages"])

    @property
    def evalset(self) -> str:
        return str(self.bars["evalset"]["name"])

    @property
    def evalset_digest(self) -> str:
        return str(self.bars["evalset"]["digest"])


def path_of(name: str, version: str) -> str:
    """Where the release of this name and version stands in a tree."""
    return f"releases/{name}/{version}.json"


def parse(data: bytes, path: str) -> Release:
    """The release in `data`. Raises: CannotAsk RELEASE_INVALID where the bytes are no release as `lock` writes it."""
    try:
        if len(data) > LARGEST_RELEASE:
            raise ValueError(f"{len(data)} bytes, at most {LARGEST_RELEASE} allowed")
        value = json.loads(data.decode("utf-8"), parse_int=_read_integer)
        release = Release(behaviour=value["behaviour"], bars=value["bars"], about=value["about"])
        if set(value) != {"behaviour", "bars", "about"} or release.data != data:
            raise ValueError("its bytes differ from the frozen form of its content")
        if path != path_of(release.name, release.version):
            raise ValueError(f"it says it is {release.name} {release.version}")
        _require_parts(release)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotAsk(
            "RELEASE_INVALID",
            f"not a release as `llmops lock` writes it: {error}",
            where=path,
            hint="releases are never edited by hand: restore the file from git, or lock a new version",
        ) from error
    return release


def _require_parts(release: Release) -> None:
    """Raises where something is absent that records need of every release, so that no verifier falls over it later."""
    evalset = release.bars["evalset"]
    texts = (release.behaviour["model"], evalset["name"], evalset["digest"])
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("model, name and digest of the evalset are texts")
    roles = [message["role"] for message in release.behaviour["messages"]]
    if not all(isinstance(role, str) for role in roles):
        raise ValueError("the role of a message is a text")


def _read_integer(text: str) -> float:
    """RFC 8785 spells doubles below 1e21 without a point: digits beyond 2^53 were a double, and are one again."""
    value = int(text)
    return value if abs(value) <= canonical.LARGEST_INTEGER else float(text)
