"""An experiment: versions × models × retrieval configurations of one prompt, on one evalset.

`experiments/<name>.yaml`; the name comes from the path. An arm is one combination, in the order of the file: versions
first, then models, then retrieval configurations. The first arm is the baseline.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from llmops.documents import canonical
from llmops.documents.project import read_document, resolve
from llmops.documents.reading.document import Document
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, InvalidDocuments

FOLDER = "experiments"
WORKING = "working"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSpec:
    """One combination. `model` and `rag` (a path from the root) are "" where the version's own is meant."""

    label: str
    version: str
    model: str = ""
    rag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiments/<name>.yaml. `digest` is the SHA-256 of its bytes; what was left out is "", () or 0."""

    name: str
    path: str
    digest: str
    prompt: str
    versions: tuple[str, ...]
    models: tuple[str, ...] = ()
    rag: tuple[str, ...] = ()
    evalset: str = ""
    show: tuple[str, ...] = ()
    front: tuple[str, ...] = ()
    repeats: int = 0
    judge: str = ""

    @property
    def arms(self) -> tuple[ArmSpec, ...]:
        """Every combination; a label names what the file varies, and the version in any case."""
        names = _short_names(self.rag)
        return tuple(
            ArmSpec(
                label=" / ".join(part for part in (version, model, names.get(rag, "")) if part),
                version=version,
                model=model,
                rag=rag,
            )
            for version, model, rag in product(self.versions, self.models or ("",), self.rag or ("",))
        )


def _short_names(paths: tuple[str, ...]) -> dict[str, str]:
    """The file's name without its ending, or the whole path where two files are called alike."""
    stems = {path: posixpath.splitext(posixpath.basename(path))[0] for path in paths}
    often = Counter(stems.values())
    return {path: stem if often[stem] == 1 else path for path, stem in stems.items()}


def name_of(path: str) -> str:
    """The name of the experiment at `path`, "" where the path is no experiment's."""
    folder, _, file = path.partition("/")
    is_one = folder == FOLDER and file.endswith(".yaml") and "/" not in file
    return file.removesuffix(".yaml") if is_one else ""


def paths_in(tree: Tree) -> Iterator[str]:
    """Every experiment of a tree. Deeper files (retrieval variants, say) are none."""
    return (entry.path for entry in tree.entries(FOLDER) if name_of(entry.path))


def read(tree: Tree, path: str) -> Experiment:
    """The experiment at `path`. Raises: CannotAsk EXPERIMENT_MISSING, InvalidDocuments."""
    name = name_of(path)
    document = read_document(tree, "experiment", path) if name else None
    if document is None:
        known = ", ".join(paths_in(tree)) or "none yet"
        what = f"there is no experiment {path}" if name else f"{path} is no experiments/<name>.yaml"
        raise CannotAsk("EXPERIMENT_MISSING", what, where=path, hint=f"there is: {known}")
    if not document.is_valid:
        raise InvalidDocuments(document.findings)
    return parse(document, digest=canonical.sha256(tree.read(path) or b""))


def parse(document: Document, *, digest: str = "") -> Experiment:
    """The experiment in a checked document."""
    value = document.value
    metrics = value.get("metrics", {})
    return Experiment(
        name=name_of(document.path),
        path=document.path,
        digest=digest,
        prompt=value["prompt"],
        versions=tuple(value["versions"]),
        models=tuple(value.get("models", ())),
        rag=tuple(resolve(document.path, path) or path for path in value.get("rag", ())),
        evalset=value.get("evalset", ""),
        show=tuple(metrics.get("show", ())),
        front=tuple(metrics.get("front", ())),
        repeats=value.get("repeats", 0),
        judge=value.get("judge", ""),
    )
