"""A repository's documents, found in a tree and parsed on first use.

Rules, in order:

1. Names come from paths: `prompts/<name>/prompt.yaml`, `evalsets/<name>/evalset.yaml`, `llmops.yaml`.
2. Every file goes through the strict door and its schema; findings stay beside the document they are about.
3. References are paths relative to the file that makes them (sources of knowledge: to the root) and stay inside the
   tree. What is missing is a finding at the reference.
4. Nothing is read before it is asked for, so checking one prompt of ten thousand costs one prompt.

Whether the documents make sense together is for `lint`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from llmops.documents import config as configuration
from llmops.documents.evalset_files import EvalsetFolder, read_evalset
from llmops.documents.reading import schemas, yaml_door
from llmops.documents.reading.document import Document
from llmops.documents.reading.parsed import Parsed, Pointer
from llmops.documents.trees import Tree
from llmops.errors import Finding, Severity, in_order

SYMLINK = "120000"
CONFIG = "llmops.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What rooms above know and documents may name. Empty `metrics`: names of metrics are not checked.

    `shares` are the metrics whose scores lie from 0 to 1, `judges` the kinds of judges that this build has,
    `needs_model` the metrics that only a judge with a model scores, `ratios` those that buy points of another one,
    `lower` those of which less is better, `percentiles` those whose figure is no mean.
    """

    metrics: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    judges: tuple[str, ...] = (configuration.EMBEDDED_JUDGE,)
    needs_model: tuple[str, ...] = ()
    ratios: tuple[str, ...] = ()
    lower: tuple[str, ...] = ()
    percentiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFolder:
    """A prompt and the documents it refers to; `findings` are those of all of them."""

    name: str
    prompt: Document
    rag: Document | None
    thresholds: Document | None
    findings: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        return not any(finding.is_error for finding in self.findings)

    @property
    def documents(self) -> tuple[Document, ...]:
        return tuple(one for one in (self.prompt, self.rag, self.thresholds) if one is not None)


def read_document(tree: Tree, kind: str, path: str) -> Document | None:
    """The YAML file at `path` as a document of `kind`, None where there is no file."""
    data = tree.read(path)
    return None if data is None else _document(kind, path, data)


# Most units of a repository share llmops.yaml, and often a rag.yaml: equal bytes are parsed once.
@lru_cache(maxsize=32)
def _document(kind: str, path: str, data: bytes) -> Document:
    parsed = yaml_door.parse(data, path)
    checked = schemas.check(kind, parsed)
    findings = (*parsed.findings, *checked.findings)
    value = checked.value if checked.is_valid and isinstance(checked.value, dict) else {}
    return Document(kind=kind, path=path, parsed=parsed, value=value, findings=findings)


def resolve(path: str, reference: str) -> str | None:
    """The path that `reference`, written in the file `path`, names; None where it leaves the tree."""
    if not reference or "\\" in reference or "\0" in reference or posixpath.isabs(reference):
        return None
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), reference))
    return None if joined.startswith("..") or joined == "." else joined


class Project:
    """The documents of one tree. Parsed documents are kept, so asking twice costs once."""

    def __init__(self, tree: Tree, vocabulary: Vocabulary) -> None:
        self.tree = tree
        self.vocabulary = vocabulary
        self._prompts: dict[str, PromptFolder | None] = {}
        self._manifests: dict[str, Document | None] = {}
        self._evalsets: dict[str, EvalsetFolder | None] = {}

    @cached_property
    def prompt_names(self) -> tuple[str, ...]:
        """The folders of prompts/."""
        return _folders(self.tree, "prompts")

    @cached_property
    def evalset_names(self) -> tuple[str, ...]:
        """The folders of evalsets/."""
        return _folders(self.tree, "evalsets")

    @cached_property
    def config(self) -> Document | None:
        """llmops.yaml, None where there is none."""
        return read_document(self.tree, "llmops", CONFIG)

    @cached_property
    def settings(self) -> configuration.Settings:
        """The ordinary configuration; defaults where llmops.yaml is missing or not valid."""
        return configuration.parse(self.config.value) if self.config else configuration.Settings()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Door, schema and reference findings of every file. `lint.check` adds what does not fit together."""
        found = list(self.config.findings if self.config else ())
        for name in self.prompt_names:
            folder = self.prompt(name)
            found.extend(folder.findings if folder else ())
        for name in self.evalset_names:
            evalset = self.evalset(name)
            found.extend(evalset.findings if evalset else ())
        return in_order(found)

    def prompt(self, name: str) -> PromptFolder | None:
        """The prompt of this name, None where it has no prompt.yaml."""
        if name not in self._prompts:
            self._prompts[name] = _read_prompt(self.tree, name)
        return self._prompts[name]

    def manifest(self, name: str) -> Document | None:
        """The evalset.yaml of this evalset, without reading its cases."""
        if name not in self._manifests:
            self._manifests[name] = read_document(self.tree, "evalset", f"evalsets/{name}/evalset.yaml")
        return self._manifests[name]

    def evalset(self, name: str) -> EvalsetFolder | None:
        """The evalset of this name, None where it has no evalset.yaml."""
        if name not in self._evalsets:
            manifest = self.manifest(name)
            self._evalsets[name] = read_evalset(self.tree, name, manifest) if manifest else None
        return self._evalsets[name]


def load(tree: Tree, vocabulary: Vocabulary | None = None) -> Project:
    """The project in `tree`. Reads nothing yet."""
    return Project(tree, vocabulary or Vocabulary())


def _folders(tree: Tree, parent: str) -> tuple[str, ...]:
    cut = len(parent) + 1
    names = (entry.path[cut:].split("/", 1) for entry in tree.entries(parent))
    return tuple(sorted({parts[0] for parts in names if len(parts) == 2}))


def _read_prompt(tree: Tree, name: str) -> PromptFolder | None:
    prompt = read_document(tree, "prompt", f"prompts/{name}/prompt.yaml")
    if prompt is None:
        return None
    problems: list[Finding] = []
    rag = _refer(tree, prompt, "rag", problems)
    thresholds = _refer(tree, prompt, "thresholds", problems)
    if "thresholds" not in prompt.value:
        thresholds = read_document(tree, "thresholds", f"prompts/{name}/thresholds.yaml")
    beside = (document.findings for document in (rag, thresholds) if document)
    findings = in_order([*prompt.findings, *problems, *(finding for group in beside for finding in group)])
    return PromptFolder(name=name, prompt=prompt, rag=rag, thresholds=thresholds, findings=findings)


def _refer(tree: Tree, prompt: Document, key: str, problems: list[Finding]) -> Document | None:
    """The document that `key` of a prompt names. What cannot be found is added to `problems`."""
    reference = prompt.value.get(key)
    if reference is None:
        return None
    path = resolve(prompt.path, reference)
    if path is None:
        problems.append(outside(prompt.parsed, (key,), reference))
        return None
    document = read_document(tree, key, path)
    if document is None:
        problems.append(missing(prompt.parsed, (key,), path))
    return document


def outside(parsed: Parsed, pointer: Pointer, reference: str) -> Finding:
    """The finding that a reference leaves the repository."""
    return Finding(
        rule="reference-outside",
        severity=Severity.ERROR,
        location=parsed.at(pointer),
        message=f"'{reference}' is no path inside the repository",
        fix="write a relative path with forward slashes",
    )


def missing(parsed: Parsed, pointer: Pointer, path: str) -> Finding:
    """The finding that a reference names no file."""
    return Finding(
        rule="reference-missing",
        severity=Severity.ERROR,
        location=parsed.at(pointer),
        message=f"there is no {path}",
        fix="write the file, or mend the path",
    )


def knowledge_paths(tree: Tree, sources: Iterable[str]) -> tuple[str, ...]:
    """The Markdown files that `sources` name, sorted: a file, every file below a folder, or those a glob matches.

    In a glob `*` and `?` stay within one segment and `**` crosses segments.
    """
    found = {path for source in sources for path in _paths_of(tree, source)}
    return tuple(sorted(path for path in found if path.endswith(".md")))


def _paths_of(tree: Tree, source: str) -> Iterable[str]:
    place = resolve("", source)
    if place is None:
        return ()
    fixed = re.split(r"[*?\[]", place, maxsplit=1)[0]
    if fixed == place:
        return _files(tree, place)
    pattern = re.compile(_glob(place))
    return [path for path in _files(tree, posixpath.dirname(fixed)) if pattern.fullmatch(path)]


def _files(tree: Tree, folder: str) -> list[str]:
    """The files below a folder. A link is no page: following it could leave the repository."""
    return [entry.path for entry in tree.entries(folder) if entry.mode != SYMLINK]


def _glob(pattern: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)
