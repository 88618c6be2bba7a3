"""Rules over llmops.yaml and over evalset folders."""

from __future__ import annotations

from llmops.documents.evalset_files import EvalsetFolder
from llmops.documents.lint import privacy, thresholds
from llmops.documents.lint.found import Findings, error
from llmops.documents.project import Project
from llmops.documents.reading.document import Document
from llmops.documents.versions import is_valid


def check_config(config: Document, project: Project) -> Findings:
    """Secrets in llmops.yaml, judges this version does not know, floors over metrics that do not exist."""
    yield from privacy.secrets_in(config)
    for name, judge in config.value.get("judges", {}).items():
        if judge["kind"] not in project.vocabulary.judges:
            listed = ", ".join(project.vocabulary.judges)
            what = f"judges.{name}.kind is '{judge['kind']}', not supported by this version; supported: {listed}"
            yield error("judge-unsupported", config.at("judges", name, "kind"), what, f"write {listed}")
    for name in config.value.get("governance", {}).get("environments", {}):
        yield from thresholds.metrics_in(config, ("governance", "environments", name, "floors"), project)


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
