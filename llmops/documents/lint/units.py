"""What is checked on its own, and what its findings depend on.

A unit is `llmops.yaml`, `prompts/<name>`, `evalsets/<name>` or `experiments/<name>.yaml`. While a unit is checked,
everything it reads is noted with its SHA-256, so a cache may answer for it as long as all of that, and the context, is
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec

from llmops.documents import canonical, experiments
from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.project import CONFIG, Project, PromptFolder, Vocabulary, load
from llmops.documents.trees import Tree, TreeEntry
from llmops.errors import Finding, Location, in_order

# Counts up when a rule's meaning changes: cached findings of older rules are worth nothing.
RULES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """The findings about a unit, and every input: a path and the SHA-256 of its bytes ("" where there is no file),
    or a folder (its path ends with a slash) and the SHA-256 of the list of its files."""

    unit: str
    findings: tuple[Finding, ...]
    inputs: tuple[tuple[str, str], ...]


class TracingTree:
    """A tree that notes what is read from it."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._seen: dict[str, str] = {}

    def entries(self, prefix: str = "") -> tuple[TreeEntry, ...]:
        entries = self._tree.entries(prefix)
        self._seen[f"{prefix.rstrip('/')}/"] = listing_digest(entry.path for entry in entries)
        return entries

    def read(self, path: str) -> bytes | None:
        data = self._tree.read(path)
        self._note(path, data)
        return data

    def read_many(self, paths: Iterable[str]) -> dict[str, bytes]:
        wanted = tuple(paths)
        found = self._tree.read_many(wanted)
        for path in wanted:
            self._note(path, found.get(path))
        return found

    def _note(self, path: str, data: bytes | None) -> None:
        self._seen[path] = "" if data is None else canonical.sha256(data)

    @property
    def inputs(self) -> tuple[tuple[str, str], ...]:
        return tuple(sorted(self._seen.items()))


def listing_digest(paths: Iterable[str]) -> str:
    """Names a list of paths."""
    return canonical.digest(sorted(paths))


def context_digest(vocabulary: Vocabulary) -> str:
    """Names what findings depend on beside files."""
    words = {name: list(getattr(vocabulary, name)) for name in ("metrics", "shares", "judges", "needs_model")}
    # Whether a parquet source can be read depends on what is installed.
    return canonical.digest({"rules": RULES, "parquet": find_spec("pyarrow") is not None, **words})


def units(project: Project, paths: Iterable[str] = ()) -> tuple[str, ...]:
    """The units that `paths` touch; all of them where no path is given.

    llmops.yaml, and a file that no folder owns (a shared rag.yaml), touch every prompt.
    """
    wanted = [path.rstrip("/") for path in paths]
    if not wanted:
        return _all_units(project)
    found: set[str] = set()
    for path in wanted:
        found.update(_units_of(project, path))
    return tuple(sorted(found))


def _all_units(project: Project) -> tuple[str, ...]:
    config = tuple(entry.path for entry in project.tree.entries(CONFIG) if entry.path == CONFIG)
    prompts = (f"prompts/{name}" for name in project.prompt_names)
    evalsets = (f"evalsets/{name}" for name in project.evalset_names)
    return (*config, *prompts, *evalsets, *experiments.paths_in(project.tree), *_strays(project))


def _units_of(project: Project, path: str) -> tuple[str, ...]:
    every = _all_units(project)
    if path in (".", "", CONFIG):
        return every
    parts = path.split("/")
    if experiments.name_of(path) and path in every:
        return (path,)
    if parts[0] in ("prompts", "evalsets") and "/".join(parts[:2]) in every:
        return ("/".join(parts[:2]),)
    below = tuple(unit for unit in every if unit.startswith(f"{path}/"))
    return below or tuple(unit for unit in every if unit.startswith("prompts/"))


def _strays(project: Project) -> tuple[str, ...]:
    """YAML files that stand in prompts/ or evalsets/ without a folder of their own."""
    entries = (entry.path for parent in ("prompts", "evalsets") for entry in project.tree.entries(parent))
    return tuple(path for path in entries if path.count("/") == 1 and path.endswith((".yaml", ".yml")))


def check(project: Project, chosen: Iterable[str] | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with the chosen units (all of them by default), in order."""
    names = _all_units(project) if chosen is None else tuple(chosen)
    return in_order(finding for unit in names for finding in _findings(project, unit))


def check_unit(tree: Tree, unit: str, vocabulary: Vocabulary) -> UnitResult:
    """The findings about one unit and what they depend on."""
    tracing = TracingTree(tree)
    findings = in_order(_findings(load(tracing, vocabulary), unit))
    return UnitResult(unit=unit, findings=findings, inputs=tracing.inputs)


def _findings(project: Project, unit: str) -> Findings:
    parent, _, name = unit.partition("/")
    if unit == CONFIG:
        yield from _config_findings(project)
    elif experiments.name_of(unit):
        from llmops.documents.lint import experiments as rules

        yield from rules.check(unit, project)
    elif name.endswith((".yaml", ".yml")):
        what = f"{unit} is read by nothing: it has no folder of its own"
        fix = f"move it to {parent}/{name.rpartition('.')[0]}/{parent.removesuffix('s')}.yaml"
        yield warning("document-stray", Location(path=unit), what, fix)
    elif parent == "evalsets":
        yield from _evalset_findings(project, name)
    else:
        yield from _prompt_findings(project, name)


def _config_findings(project: Project) -> Findings:
    from llmops.documents.lint import repository

    if project.config is not None:
        yield from project.config.findings
        yield from repository.check_config(project.config, project)


def _evalset_findings(project: Project, name: str) -> Findings:
    folder = project.evalset(name)
    if folder is None:
        path = f"evalsets/{name}/evalset.yaml"
        yield error("document-missing", Location(path=path), f"there is no {path}", "write it, or remove the folder")
        return
    from llmops.documents.lint import repository

    yield from folder.findings
    yield from repository.check_evalset(folder, project)


def _prompt_findings(project: Project, name: str) -> Findings:
    folder = project.prompt(name)
    if folder is None:
        path = f"prompts/{name}/prompt.yaml"
        yield error("document-missing", Location(path=path), f"there is no {path}", "write it, or remove the folder")
        return
    from llmops.documents.lint import privacy

    yield from folder.findings
    if not folder.prompt.is_valid:
        for document in folder.documents:
            yield from privacy.secrets_in(document)
        return
    for rule in _prompt_rules():
        yield from rule(folder, project)


def _prompt_rules() -> tuple[Callable[[PromptFolder, Project], Findings], ...]:
    # Imported here: a run that finds everything unchanged pays for no rule.
    from llmops.documents.lint import (
        examples,
        leaks,
        models,
        places,
        privacy,
        retrieval,
        thresholds,
        variables,
        versions,
    )

    rules = (places, versions, variables, models, examples, leaks, privacy, retrieval, thresholds)
    return tuple(rule.check for rule in rules)
