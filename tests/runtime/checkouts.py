"""A checkout on disk with releases and what serves: built as `lock` and `promote` write them."""

from __future__ import annotations

from pathlib import Path

from llmops.documents.releases import Release, path_of
from llmops.governance import pointers
from llmops.governance.pointers import Pointer, Weight
from tests.documents.prompt_builders import a_release

NAME = "support"
TEMPLATE = "You help {{ who }}.\n{% for context in contexts %}[{{ context.number }}] {{ context.text }}\n{% endfor %}"
PROMPT_YAML = "prompt_name: support\nversion: 2.0.0\nmodel: gpt-4o\ntemplate: Be brief.\n"


def a_locked(version: str = "1.0.0", **fields: object) -> Release:
    return a_release(**{"version": version, "template": TEMPLATE, "variables": ["who"], **fields})


def put(root: Path, path: str, data: bytes) -> Path:
    full = root / path
    full.parent.mkdir(parents=True, exist_ok=True)
    full.write_bytes(data)
    return full


def lock(root: Path, release: Release) -> Path:
    return put(root, path_of(release.name, release.version), release.data)


def serve(root: Path, release: Release, *, environment: str = "production", **fields: object) -> Path:
    """Point the environment at `release`; `candidate` takes 10 % beside it."""
    candidate = fields.pop("candidate", None)
    weights = [Weight(version=release.version, digest=release.digest, index="", percent=90 if candidate else 100)]
    if isinstance(candidate, Release):
        weights.append(Weight(version=candidate.version, digest=candidate.digest, index="", percent=10))
    said = {
        "prompt": release.name,
        "environment": environment,
        "status": "canary" if candidate else "stable",
        "version": release.version,
        "digest": release.digest,
        "weights": tuple(weights),
        "generation": 1,
        "record": "1" * 64,
    }
    pointer = Pointer(**{**said, **fields})
    return put(root, pointer.path, pointers.render(pointer))
