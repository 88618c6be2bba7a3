"""Rules over llmops.yaml and over evalset folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmops.documents.config import EMBEDDED_JUDGE
from llmops.documents.evalset_files import EvalsetFolder
from llmops.documents.lint import privacy, thresholds
from llmops.documents.lint.found import Findings, error
from llmops.documents.project import Project, missing, outside, resolve
from llmops.documents.reading.document import Document
from llmops.documents.reading.shapes import nearest
from llmops.documents.versions import is_valid


def check_config(config: Document, project: Project) -> Findings:
    """Secrets in llmops.yaml; judges, metrics and floors that name what does not exist."""
    yield from privacy.secrets_in(config)
    for name, judge in config.value.get("judges", {}).items():
        yield from _judge(config, project, name, judge)
    for name, metric in config.value.get("metrics", {}).items():
        yield from _metric(config, project, name, metric)
    for name in config.value.get("governance", {}).get("environments", {}):
        yield from thresholds.metrics_in(config, ("governance", "environments", name, "floors"), project)


def _judge(config: Document, project: Project, name: str, judge: Mapping[str, Any]) -> Findings:
    place, kinds = ("judges", name), project.vocabulary.judges
    if judge["kind"] not in kinds:
        listed = ", ".join(kinds)
        what = f"judges.{name}.kind is '{judge['kind']}', not supported by this version; supported: {listed}"
        yield error("judge-unsupported", config.at(*place, "kind"), what, f"write {listed}")
    elif judge["kind"] != EMBEDDED_JUDGE and "model" not in judge:
        what = f"the judge '{name}' asks a model and names none"
        yield error("judge-model-missing", config.at(*place), what, "add `model:` with one of `models`")
    for key in ("model", "embeddings", "classifier"):
        yield from _model(config, project, (*place, key), judge.get(key), "judge-model-unknown")


def _model(config: Document, project: Project, place: tuple[str, ...], name: str | None, rule: str) -> Findings:
    known = tuple(project.settings.models)
    if name is not None and name not in known:
        near = nearest(name, known)
        hint = f", did you mean '{near}'?" if near else ""
        what = f"{'.'.join(place)} is '{name}', `models` has no such model{hint}"
        yield error(rule, config.at(*place), what, "add it to `models`, or mend the name")


def _metric(config: Document, project: Project, name: str, metric: Mapping[str, Any]) -> Findings:
    place = ("metrics", name)
    if name in project.vocabulary.metrics:
        what = f"'{name}' is a metric already, and its scores would be taken for the other's"
        yield error("metric-taken", config.at_key(*place), what, "give it another name")
    yield from _model(config, project, (*place, "model"), metric.get("model"), "metric-model-unknown")
    path = metric.get("promptfoo")
    if path is not None and resolve("", path) is None:
        yield outside(config.parsed, (*place, "promptfoo"), path)
    elif path is not None and project.tree.read(resolve("", path) or path) is None:
        yield missing(config.parsed, (*place, "promptfoo"), path)


def check_evalset(folder: EvalsetFolder, _project: Project) -> Findings:
    """An evalset whose name is not its folder's, or whose version is not semantic."""
    manifest = folder.manifest
    name, version = manifest.value.get("name", folder.name), manifest.value.get("version", "1.0.0")
    if name != folder.name:
        what = f"name is '{name}', the folder is evalsets/{folder.name}"
        yield error("evalset-name", manifest.at("name"), what, f"write '{folder.name}', or rename the folder")
    if not is_valid(version):
        what = f"version is '{version}', expected a semantic version such as 1.4.0"
        yield error("version-not-semver", manifest.at("version"), what, "write MAJOR.MINOR.PATCH")
