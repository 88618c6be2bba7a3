"""Rules over versions: semantic, and above what is locked where the behaviour changed.

The version to be above is given (`lock --base`), or is the newest locked release. A version right above a locked one
of the same minor line is a hotfix and may be below the newest: versions are unique, not in one row.
"""

from __future__ import annotations

from llmops.documents import releases, versions
from llmops.documents.lint.found import Findings, error
from llmops.documents.project import Project, PromptFolder
from llmops.errors import CannotAsk


def check(folder: PromptFolder, project: Project) -> Findings:
    """A version that is not semantic, or not above its base though the behaviour changed."""
    version = folder.prompt.value["version"]
    if not versions.is_valid(version):
        what = f"version is '{version}', expected a semantic version such as 1.4.0"
        yield error("version-not-semver", folder.prompt.at("version"), what, "write MAJOR.MINOR.PATCH")
        return
    locked = _locked(folder.name, project)
    if version in locked:
        yield from _same_version(folder, project, version)
    else:
        yield from _not_above(folder, version, locked)


def _locked(name: str, project: Project) -> tuple[str, ...]:
    """The versions of a prompt that stand in releases/."""
    cut = len(f"releases/{name}/")
    names = (entry.path[cut:] for entry in project.tree.entries(f"releases/{name}"))
    found = (name.removesuffix(".json") for name in names if name.endswith(".json") and "/" not in name)
    return tuple(version for version in found if versions.is_valid(version))


def _same_version(folder: PromptFolder, project: Project, version: str) -> Findings:
    path = releases.path_of(folder.name, version)
    try:
        release = releases.parse(project.tree.read(path) or b"", path)
    except CannotAsk as refusal:
        yield error("release-invalid", folder.prompt.at("version"), f"{path}: {refusal.what}", refusal.hint)
        return
    if release.behaviour_digest != behaviour_digest(folder):
        newest = str(versions.parse(version).next_patch())
        what = f"version is {version}, and {path} has another behaviour under that version"
        fix = f"write {newest} or above; while {version} is not published, `llmops lock {folder.name}` replaces it"
        yield error("version-not-above-base", folder.prompt.at("version"), what, fix)


def behaviour_digest(folder: PromptFolder) -> str:
    """What a prompt's documents freeze to, by its digest."""
    from llmops.documents import canonical, prompts
    from llmops.documents.freezing import freeze

    prompt = prompts.parse(folder.prompt.value, folder.prompt.path)
    rag = folder.rag.value if folder.rag else None
    return canonical.digest(freeze.behaviour_of(prompt, rag))


def _not_above(folder: PromptFolder, version: str, locked: tuple[str, ...]) -> Findings:
    newest = versions.newest(locked)
    if newest is None or versions.is_above(version, newest) or _is_hotfix(version, locked):
        return
    what = f"version is {version}, the newest locked release is {newest}"
    fix = f"write {versions.parse(newest).next_patch()} or above"
    yield error("version-not-above-base", folder.prompt.at("version"), what, fix)


def _is_hotfix(version: str, locked: tuple[str, ...]) -> bool:
    own = versions.parse(version)
    line = (versions.parse(other) for other in locked if versions.is_above(version, other))
    return any((other.major, other.minor) == (own.major, own.minor) for other in line)
