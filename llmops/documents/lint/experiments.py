"""Rules over experiments: everything that an arm names exists, before anything is asked of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable

from llmops.documents import experiments, releases, versions
from llmops.documents.lint import privacy, retrieval
from llmops.documents.lint.found import Findings, error
from llmops.documents.project import Project, missing, outside, read_document, resolve
from llmops.documents.reading.document import Document
from llmops.documents.reading.shapes import nearest
from llmops.errors import Finding

# As records spell names: an experiment whose name no record can carry could never be cited.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?")


def check(path: str, project: Project) -> Findings:
    """Everything about one experiments/<name>.yaml."""
    document = read_document(project.tree, "experiment", path)
    if document is None:
        return
    yield from document.findings
    yield from privacy.secrets_in(document)
    if not document.is_valid:
        return
    name = experiments.name_of(path)
    if not _NAME.fullmatch(name):
        what = f"an experiment cannot be called '{name}'"
        yield error("experiment-name", document.at(), what, "use small letters, digits, dots and hyphens")
    for rule in (_prompt, _versions, _models, _rag, _evalset, _metrics, _judge):
        yield from rule(document, project)


def _prompt(document: Document, project: Project) -> Findings:
    name = document.value["prompt"]
    if name not in project.prompt_names:
        yield _unknown(document, ("prompt",), "prompt", name, project.prompt_names)


def _versions(document: Document, project: Project) -> Findings:
    prompt = document.value["prompt"]
    if prompt not in project.prompt_names:
        return
    locked = _locked(project, prompt)
    for index, version in enumerate(document.value["versions"]):
        place = document.at("versions", index)
        if version == experiments.WORKING or version in locked:
            continue
        if not versions.is_valid(version):
            near = nearest(version, (experiments.WORKING, *locked))
            hint = f", did you mean '{near}'?" if near else ""
            what = f"'{version}' is neither a version nor `working`{hint}"
            yield error("version-not-semver", place, what, "write MAJOR.MINOR.PATCH, or working")
        else:
            yield _unknown(document, ("versions", index), f"release {prompt}", version, locked, rule="release-missing")


def _locked(project: Project, prompt: str) -> tuple[str, ...]:
    entries = (entry.path for entry in project.tree.entries(f"releases/{prompt}"))
    stems = ((path, path.rpartition("/")[2].removesuffix(".json")) for path in entries)
    return tuple(sorted(stem for path, stem in stems if releases.path_of(prompt, stem) == path))


def _models(document: Document, project: Project) -> Findings:
    known = tuple(project.settings.models)
    if project.config is not None and not project.config.is_valid:
        return
    for index, name in enumerate(document.value.get("models", ())):
        if name not in known:
            yield _unknown(document, ("models", index), "model", name, known)


def _rag(document: Document, project: Project) -> Findings:
    for index, reference in enumerate(document.value.get("rag", ())):
        path = resolve(document.path, reference)
        if path is None:
            yield outside(document.parsed, ("rag", index), reference)
            continue
        rag = read_document(project.tree, "rag", path)
        if rag is None:
            yield missing(document.parsed, ("rag", index), path)
        else:
            yield from rag.findings
            yield from retrieval.check_document(rag, project)


def _evalset(document: Document, project: Project) -> Findings:
    name = document.value.get("evalset", "")
    if name and project.manifest(name) is None:
        yield _unknown(document, ("evalset",), "evalset", name, project.evalset_names)


def _metrics(document: Document, project: Project) -> Findings:
    known = project.vocabulary.metrics
    if not known or (project.config is not None and not project.config.is_valid):
        return
    names = (*known, *project.settings.metrics)
    for part, listed in document.value.get("metrics", {}).items():
        for index, name in enumerate(listed):
            if name not in names:
                yield _unknown(document, ("metrics", part, index), "metric", name, names)


def _judge(document: Document, project: Project) -> Findings:
    name, known = document.value.get("judge", ""), project.settings.judge_names
    if name and name not in known and (project.config is None or project.config.is_valid):
        yield _unknown(document, ("judge",), "judge", name, known)


def _unknown(
    document: Document, pointer: tuple[str | int, ...], what: str, name: str, known: Iterable[str], *, rule: str = ""
) -> Finding:
    names = tuple(known)
    near = nearest(name, names)
    hint = f", did you mean '{near}'?" if near else ""
    fix = f"write '{near}'" if near else f"write one of: {', '.join(names) or 'there is none yet'}"
    return error(rule or f"{what}-unknown", document.at(*pointer), f"there is no {what} '{name}'{hint}", fix)
